//! Cuts a text into the pieces that are encoded each for itself: words with the character before them, up to three digits, punctuation,
//! white space.
//!
//! The pattern is that of `o200k_base` (`openai_public.py` in <https://github.com/openai/tiktoken>), read here by hand: compiled, its Unicode
//! classes and the caches of the engine would take some megabytes, and the look-ahead `\s+(?!\S)` is none that the `regex` crate knows.

use super::format::{LETTER, LOWER, NUMBER, SPACE, UPPER};
use super::table::classes;

/// The pieces of a text, which they make up without a gap.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at_checked(first_piece(rest)?)?;
        rest = after;
        Some(piece)
    })
}

/// Where the first piece of a text ends: the first alternative of the pattern that fits.
fn first_piece(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    let end = word_with_prefix(text, first)
        .or_else(|| numbers(text))
        .or_else(|| punctuation(text))
        .unwrap_or_else(|| white_space(text));
    // Some alternative fits every character; should none, the next piece must still begin further on.
    Some(end.max(first.len_utf8()))
}

/// Length of the longest beginning that is made of fitting characters.
fn run(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|character| !fits(character)).unwrap_or(text.len())
}

fn is(character: char, any_of: u8) -> bool {
    classes(character) & any_of != 0
}

fn is_line_break(character: char) -> bool {
    matches!(character, '\r' | '\n')
}

/// A word, of which there are two kinds.
#[derive(Clone, Copy)]
enum Word {
    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`, and where it ends.
    Lower(usize),
    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`, which is tried after the other.
    Upper(usize),
}

/// `[^\r\n\p{L}\p{N}]?`, a word of the one kind or else of the other, and `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`.
fn word_with_prefix(text: &str, first: char) -> Option<usize> {
    let prefix = if is_line_break(first) || is(first, LETTER | NUMBER) {
        0
    } else {
        first.len_utf8()
    };
    let end = match word(text.get(prefix..)?) {
        Some(Word::Lower(end)) => prefix + end,
        // A mark can be a prefix, but also a word of the kind that goes before.
        upper => match (upper, word(text)) {
            (_, Some(Word::Lower(end))) => end,
            (Some(Word::Upper(end)), _) => prefix + end,
            _ => return None,
        },
    };
    Some(end + contraction(text.get(end..)?))
}

fn word(text: &str) -> Option<Word> {
    let upper = run(text, |character| is(character, UPPER));
    let (first_half, rest) = text.split_at_checked(upper)?;
    let lower = run(rest, |character| is(character, LOWER));
    if lower > 0 {
        return Some(Word::Lower(upper + lower));
    }
    // The second half takes back what it can from the first: its last character without case.
    match first_half.rfind(|character| is(character, LOWER)) {
        Some(last) => Some(Word::Lower(last + first_half.get(last..)?.chars().next()?.len_utf8())),
        None if upper > 0 => Some(Word::Upper(upper)),
        None => None,
    }
}

/// Length of `(?i:'s|'t|'re|'ve|'m|'ll|'d)?`. Without regard to case, `s` is also the long `ſ`.
fn contraction(text: &str) -> usize {
    let mut characters = text.chars();
    if characters.next() != Some('\'') {
        return 0;
    }
    match (characters.next(), characters.next()) {
        (Some('s' | 'S' | 't' | 'T' | 'm' | 'M' | 'd' | 'D'), _) => 2,
        (Some('ſ'), _) | (Some('r' | 'R' | 'v' | 'V'), Some('e' | 'E')) | (Some('l' | 'L'), Some('l' | 'L')) => 3,
        _ => 0,
    }
}

/// `\p{N}{1,3}`.
fn numbers(text: &str) -> Option<usize> {
    let numbers = text.chars().take(3).take_while(|character| is(*character, NUMBER));
    Some(numbers.map(char::len_utf8).sum()).filter(|length| *length > 0)
}

/// ` ?[^\s\p{L}\p{N}]+[\r\n/]*`.
fn punctuation(text: &str) -> Option<usize> {
    let space = usize::from(text.starts_with(' '));
    let marks = run(text.get(space..)?, |character| !is(character, SPACE | LETTER | NUMBER));
    let end = space + marks;
    let tail = run(text.get(end..)?, |character| {
        is_line_break(character) || character == '/'
    });
    (marks > 0).then_some(end + tail)
}

/// `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line break; else all that ends the text; else all but the last, which goes to the piece after it.
fn white_space(text: &str) -> usize {
    let end = run(text, |character| is(character, SPACE));
    let space = text.get(..end).unwrap_or_default();
    if let Some(last_break) = space.rfind(is_line_break) {
        return last_break + 1;
    }
    match space.char_indices().next_back() {
        Some((last, _)) if end < text.len() && last > 0 => last,
        _ => end,
    }
}

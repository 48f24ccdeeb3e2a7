//! Sentences, and the words in them.

use super::source::CUT;

/// A sentence as it was written, white space folded, with the mark that ends it.
pub(super) struct Sentence {
    /// The text, with its end mark.
    pub(super) text: String,
    /// Whether a question mark ends it.
    pub(super) question: bool,
}

/// A word or a punctuation mark.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// As written; contractions of a pronoun are taken apart and common misspellings of them mended.
    pub(super) text: String,
    /// In lower case, apostrophes straight.
    pub(super) lower: String,
    /// Whether white space stands before it.
    pub(super) spaced: bool,
}

impl Word {
    /// Whether it is a word, not a punctuation mark.
    pub(super) fn is_word(&self) -> bool {
        self.text
            .starts_with(|c: char| c.is_alphanumeric() || c == '\'' || c == '$' || c == '€' || c == '£' || c == '#')
    }

    /// Whether it is written with a capital, as names are.
    pub(super) fn is_capitalised(&self) -> bool {
        self.text.starts_with(char::is_uppercase)
    }

    fn new(text: &str, spaced: bool) -> Self {
        Self {
            text: text.to_owned(),
            lower: text.to_lowercase(),
            spaced,
        }
    }
}

/// Abbreviations whose period ends no sentence.
const ABBREVIATIONS: [&str; 26] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "etc", "no", "jr", "sr", "a.m", "p.m", "u.s", "u.k",
    "ph.d", "approx", "inc", "ltd", "co", "sept", "oct", "nov", "dec",
];

/// The sentences of `text`; a line break ends a sentence too.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        let mut chars = without_bullet(line).chars().peekable();
        while let Some(c) = chars.next() {
            if is_emoji(c) {
                current.push(' ');
                continue;
            }
            current.push(c);
            let wide = matches!(c, '。' | '！' | '？' | '；');
            let last = !wide && !matches!(c, '.' | '!' | '?' | '\u{2026}' | ';');
            let closes = wide
                || chars
                    .peek()
                    .is_none_or(|next| next.is_whitespace() || is_emoji(*next) || (c != '.' && next.is_alphabetic()));
            if !last && closes && !(c == '.' && is_abbreviated(&current)) {
                push(&mut found, &current);
                current.clear();
            }
        }
        push(&mut found, &current);
    }
    found
}

fn push(found: &mut Vec<Sentence>, text: &str) {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().any(char::is_alphanumeric) {
        let question = text
            .trim_end_matches(['!', ')', '"', '.', '\u{201D}'])
            .ends_with(['?', '？']);
        found.push(Sentence { text, question });
    }
}

fn is_emoji(c: char) -> bool {
    matches!(u32::from(c), 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0xFE0F | 0x200D)
}

/// Whether the period at the end of `text` belongs to an abbreviation or an initial.
fn is_abbreviated(text: &str) -> bool {
    let word = text.trim_end_matches('.').rsplit([' ', '(']).next().unwrap_or_default();
    let lower = word.to_lowercase();
    ABBREVIATIONS.contains(&lower.as_str())
        || (word.chars().count() == 1 && word.starts_with(char::is_uppercase) && word != "I")
}

/// `line` without a list marker, a heading mark or brackets around all of it.
fn without_bullet(line: &str) -> &str {
    let line = line.trim().trim_start_matches(['#', '*', '\u{2022}', '+']).trim_start();
    let line = line
        .strip_prefix("- ")
        .or_else(|| line.strip_prefix("\u{2013} "))
        .unwrap_or(line);
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line.get(digits..).unwrap_or_default();
    match rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")) {
        Some(rest) if (1..=2).contains(&digits) => rest.trim_start(),
        _ => line,
    }
}

/// The words and punctuation marks of a sentence.
pub(super) fn words(sentence: &str) -> Vec<Word> {
    let mut found = Vec::new();
    for chunk in sentence.split_whitespace() {
        push_chunk(&mut found, &chunk.replace(['\u{2019}', '\u{2018}', '\u{B4}'], "'"));
    }
    found
}

fn push_chunk(found: &mut Vec<Word>, chunk: &str) {
    let core_start = chunk
        .find(|c: char| c.is_alphanumeric() || matches!(c, '$' | '€' | '£' | '#' | '['))
        .unwrap_or(chunk.len());
    let (lead, tail) = chunk.split_at(core_start);
    let core_end = tail
        .rfind(|c: char| c.is_alphanumeric() || matches!(c, '%' | '$' | '€' | '+' | ']' | '#' | '°'))
        .map_or(0, |at| {
            at + tail
                .get(at..)
                .and_then(|rest| rest.chars().next())
                .map_or(0, char::len_utf8)
        });
    let (core, marks) = tail.split_at(core_end);
    let mut spaced = true;
    for mark in lead.chars() {
        found.push(Word::new(mark.encode_utf8(&mut [0; 4]), spaced));
        spaced = false;
    }
    // A dash or a cut without spaces around it still separates words ("home—we", "a⌧b").
    let mut rest = core;
    while let Some(at) = rest.find(['\u{2014}', CUT, ',', ';']).filter(|at| separates(rest, *at)) {
        let (before, after) = rest.split_at(at);
        let mut after = after.chars();
        let mark = after.next().unwrap_or(CUT);
        push_word(found, before, spaced);
        found.push(Word::new(mark.encode_utf8(&mut [0; 4]), before.is_empty() && spaced));
        rest = after.as_str();
        spaced = true;
    }
    push_word(found, rest, spaced);
    let mut spaced = spaced && rest.is_empty();
    for mark in marks.chars() {
        found.push(Word::new(mark.encode_utf8(&mut [0; 4]), spaced));
        spaced = false;
    }
}

/// Whether the mark at `at` separates words rather than digits ("1,000").
fn separates(text: &str, at: usize) -> bool {
    let mut after = text.get(at..).unwrap_or_default().chars();
    let mark = after.next();
    mark != Some(',') || after.next().is_none_or(|next| !next.is_ascii_digit())
}

fn push_word(found: &mut Vec<Word>, text: &str, spaced: bool) {
    if text.is_empty() {
        return;
    }
    let lower = text.to_lowercase();
    let (first, second) = match lower.as_str() {
        "i" => ("I", ""),
        "im" | "i'm" => ("I", "'m"),
        "ive" | "i've" => ("I", "'ve"),
        "i'd" => ("I", "'d"),
        "i'll" => ("I", "'ll"),
        "we're" => ("we", "'re"),
        "we've" => ("we", "'ve"),
        "we'd" => ("we", "'d"),
        "we'll" => ("we", "'ll"),
        "you're" | "youre" => ("you", "'re"),
        "you've" | "youve" => ("you", "'ve"),
        "you'd" => ("you", "'d"),
        "you'll" => ("you", "'ll"),
        "name's" => ("name", "'s"),
        "dont" => ("don't", ""),
        "doesnt" => ("doesn't", ""),
        "didnt" => ("didn't", ""),
        "cant" => ("can't", ""),
        "isnt" => ("isn't", ""),
        "wasnt" => ("wasn't", ""),
        "havent" => ("haven't", ""),
        "u" => ("you", ""),
        _ => (text, ""),
    };
    found.push(Word::new(first, spaced));
    if !second.is_empty() {
        found.push(Word::new(second, false));
    }
}

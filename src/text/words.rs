//! Words of a text, and which of them tell something.

use std::borrow::Cow;
use std::collections::HashSet;

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use super::lexicon;
use super::stop::is_stop_word;

/// Letters below which a word is not looked for as the beginning of others.
const MIN_BEGINNING: usize = 4;
/// Letters from which on a word that stands nowhere is looked for by its first two thirds: it may be a compound, as in German.
const MIN_COMPOUND: usize = 9;

/// A telling word of a query, as the index can be asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    text: String,
    kind: TermKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum TermKind {
    Word,
    /// Things of the kind that the word names.
    OfKind,
    /// Two characters of a run of CJK. Half of such pairs straddle two words and are none.
    Bigram,
    /// One character of CJK, as the beginning of bigrams.
    Character,
}

impl Term {
    /// The term in FTS5's query language: always quoted, so that no text of a user is ever syntax.
    #[must_use]
    pub fn match_expression(&self) -> String {
        match self.kind {
            TermKind::Word => any_of(lexicon::irregular_forms(&self.text)).unwrap_or_else(|| quoted(&self.text)),
            TermKind::OfKind => any_of(lexicon::of_kind(&self.text)).unwrap_or_else(|| quoted(&self.text)),
            TermKind::Bigram => quoted(&self.text),
            TermKind::Character => format!("{}*", quoted(&self.text)),
        }
    }

    /// Words that begin like the term, in FTS5's query language, likelier ones first: what to look for where nothing holds the term itself.
    #[must_use]
    pub fn beginnings(&self) -> Vec<String> {
        let letters = self.text.chars().count();
        let mut beginnings = Vec::new();
        if self.kind == TermKind::Word && letters >= MIN_BEGINNING {
            beginnings.push(format!("{}*", quoted(&self.text)));
            if letters >= MIN_COMPOUND {
                let part: String = self.text.chars().take(letters * 2 / 3).collect();
                beginnings.push(format!("{}*", quoted(&part)));
            }
        }
        beginnings
    }

    /// Things of the kind that the term names, as a term of its own.
    #[must_use]
    pub fn of_kind(&self) -> Option<Self> {
        (self.kind == TermKind::Word && !lexicon::of_kind(&self.text).is_empty()).then(|| Self {
            text: self.text.clone(),
            kind: TermKind::OfKind,
        })
    }

    /// Whether the term stands for things of a kind and was not said itself.
    #[must_use]
    pub fn is_kind(&self) -> bool {
        self.kind == TermKind::OfKind
    }

    /// How often a text that holds the term says it, as far as can be told without the stemmer of the index.
    #[must_use]
    pub fn occurrences(&self, text: &str) -> usize {
        let count = match self.kind {
            TermKind::Word => words_that_begin_like(&self.text, text)
                .filter(|word| are_akin(word, &self.text))
                .count(),
            TermKind::OfKind => 1,
            TermKind::Bigram | TermKind::Character => text.matches(self.text.as_str()).count(),
        };
        count.max(1)
    }

    /// Whether the term may be no word at all.
    #[must_use]
    pub fn may_be_no_word(&self) -> bool {
        self.kind == TermKind::Bigram
    }

    /// The word itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn quoted(word: &str) -> String {
    // A word holds letters, digits and marks only, so there is no quotation mark to double.
    format!("\"{word}\"")
}

/// Any of these words, in FTS5's query language.
fn any_of(words: &[&str]) -> Option<String> {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    (!words.is_empty()).then(|| format!("({})", words.join(" OR ")))
}

/// What stands between ASCII marks in a text and has the first byte of a word, in either case. Most of a text is passed over without a look at it.
fn words_that_begin_like<'t>(word: &str, text: &'t str) -> impl Iterator<Item = &'t str> {
    let first = word.as_bytes().first().copied().unwrap_or_default();
    let bytes = text.as_bytes();
    let is_mark = |byte: u8| byte.is_ascii() && !byte.is_ascii_alphanumeric();
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), bytes).filter_map(move |start| {
        let begins = start
            .checked_sub(1)
            .is_none_or(|before| bytes.get(before).is_some_and(|byte| is_mark(*byte)));
        let rest = text.get(start..).filter(|_| begins)?;
        let length = rest.bytes().position(is_mark).unwrap_or(rest.len());
        rest.get(..length)
    })
}

/// Whether two words look like forms of one: alike but for three letters at the end.
fn are_akin(word: &str, other: &str) -> bool {
    let same = word
        .chars()
        .flat_map(char::to_lowercase)
        .zip(other.chars())
        .take_while(|(a, b)| a == b)
        .count();
    if same < 3 {
        return false;
    }
    let (letters, of_other) = (word.chars().count(), other.chars().count());
    same + 3 >= letters.min(of_other) && letters.abs_diff(of_other) <= 4
}

/// The telling words of a text, each once, in their order.
#[must_use]
pub fn terms(text: &str) -> Vec<Term> {
    terms_without(text, is_stop_word)
}

/// All words of a text, each once, in their order.
#[must_use]
pub fn all_terms(text: &str) -> Vec<Term> {
    terms_without(text, |_| false)
}

fn terms_without(text: &str, leave_out: impl Fn(&str) -> bool) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut seen = HashSet::new();
    let mut add = |term: Term| {
        if seen.insert(term.clone()) {
            terms.push(term);
        }
    };
    for run in runs(&unified(text)) {
        match run {
            Run::Word(word) => {
                // The index folds what it is asked for as it folds what it holds, so the word goes to it as it is.
                let text = word.to_lowercase();
                if !leave_out(&fold(word)) && text.chars().any(char::is_alphanumeric) {
                    add(Term {
                        text,
                        kind: TermKind::Word,
                    });
                }
            }
            // A run of one character finds the bigrams that begin with it.
            Run::Ideographs(run) if run.chars().nth(1).is_none() => add(Term {
                text: run.to_owned(),
                kind: TermKind::Character,
            }),
            Run::Ideographs(run) => bigrams(run).for_each(|bigram| {
                add(Term {
                    text: bigram.to_owned(),
                    kind: TermKind::Bigram,
                });
            }),
        }
    }
    terms
}

/// All words of a text, lower case and without diacritics; runs of CJK as bigrams.
pub fn words(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    runs(text).flat_map(|run| {
        let (word, ideographs) = match run {
            Run::Word(word) => (Some(fold(word)), ""),
            Run::Ideographs(run) if run.chars().nth(1).is_none() => (Some(Cow::Borrowed(run)), ""),
            Run::Ideographs(run) => (None, run),
        };
        word.into_iter().chain(bigrams(ideographs).map(Cow::Borrowed))
    })
}

/// How many words a text has: its length, for ranking.
#[must_use]
pub fn word_count(text: &str) -> u32 {
    let count = runs(text).map(|run| match run {
        Run::Word(_) => 1,
        Run::Ideographs(run) => run.chars().count(),
    });
    u32::try_from(count.sum::<usize>()).unwrap_or(u32::MAX)
}

/// The text as the full-text index should see it, where that is not the text itself.
///
/// `extra` is indexed with the content, and is not part of what is shown. FTS5's `unicode61` takes a run of Chinese, Japanese or Korean for one word, so such runs are cut into overlapping bigrams, and their last
/// character stands once more by itself, so that a prefix search for one character finds it everywhere.
#[must_use]
pub fn index_text(content: &str, extra: &str) -> Option<String> {
    let text = unified(content);
    if !text.chars().chain(extra.chars()).any(is_ideograph) {
        return match (text, extra) {
            (Cow::Borrowed(_), "") => None,
            (text, "") => Some(text.into_owned()),
            (text, extra) => Some(format!("{text} {extra}")),
        };
    }
    let mut indexed: Vec<&str> = Vec::new();
    for run in runs(&text).chain(runs(extra)) {
        match run {
            Run::Word(word) => indexed.push(word),
            Run::Ideographs(run) => {
                indexed.extend(bigrams(run));
                indexed.extend(run.char_indices().next_back().and_then(|(last, _)| run.get(last..)));
            }
        }
    }
    Some(indexed.join(" "))
}

/// The text with one form for each letter: digits of full width, ligatures and the like are what they stand for (Unicode's NFKC).
fn unified(text: &str) -> Cow<'_, str> {
    if is_nfkc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfkc().collect())
    }
}

enum Run<'a> {
    Word(&'a str),
    Ideographs(&'a str),
}

fn runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    text.split(|c: char| !is_of_word(c))
        .filter(|run| !run.is_empty())
        .flat_map(|run| {
            let mut rest = run;
            std::iter::from_fn(move || {
                let ideographs = is_ideograph(rest.chars().next()?);
                let end = rest.find(|c| is_ideograph(c) != ideographs).unwrap_or(rest.len());
                let (head, tail) = rest.split_at_checked(end)?;
                rest = tail;
                Some(if ideographs {
                    Run::Ideographs(head)
                } else {
                    Run::Word(head)
                })
            })
        })
}

/// Whether the index, too, takes a character for a part of a word: letters, digits and marks. Letters in circles and squares are letters to Unicode's
/// property of the name, and symbols to the index. Were they to differ, a term would be two words to the index, which keeps no order of words.
fn is_of_word(c: char) -> bool {
    let enclosed = matches!(c, '\u{24B6}'..='\u{24E9}' | '\u{1F130}'..='\u{1F189}');
    (c.is_alphanumeric() && !enclosed) || is_combining_mark(c)
}

fn bigrams(run: &str) -> impl Iterator<Item = &str> {
    let starts = run.char_indices().map(|(start, _)| start);
    let ends = run.char_indices().skip(1).map(|(start, c)| start + c.len_utf8());
    starts.zip(ends).filter_map(|(start, end)| run.get(start..end))
}

fn fold(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
            word.to_ascii_lowercase().into()
        } else {
            word.into()
        };
    }
    let mut latin = false;
    word.nfkd()
        .filter(|c| {
            let mark = is_diacritic(*c);
            latin = if mark { latin } else { is_latin(*c) };
            !(mark && latin)
        })
        .flat_map(char::to_lowercase)
        .nfc()
        .collect()
}

/// Letters that the index reads without their marks. Elsewhere a mark makes another letter, as in the Russian `й`.
fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '\u{00C0}'..='\u{024F}' | '\u{1E00}'..='\u{1EFF}')
}

/// Combining diacritical marks; the vowel signs of Indic scripts are marks too, and part of the word.
fn is_diacritic(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}')
}

/// Whether words are written without spaces in this character's script: Han, kana, hangul.
fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11FF}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30FF}' | '\u{3130}'..='\u{318F}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{A960}'..='\u{A97F}'
        | '\u{AC00}'..='\u{D7FF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9F}' | '\u{20000}'..='\u{3FFFF}')
}

//! Words of a text, and which of them tell something.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// English words that tell nothing of what a sentence is about, sorted. Their shortened halves (`don't` is `don` and `t`) are among them.
const STOP_WORDS: &[&str] = &[
    "a",
    "about",
    "above",
    "after",
    "again",
    "against",
    "ain",
    "all",
    "also",
    "am",
    "an",
    "and",
    "any",
    "are",
    "aren",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "being",
    "below",
    "between",
    "both",
    "but",
    "by",
    "can",
    "could",
    "couldn",
    "d",
    "did",
    "didn",
    "do",
    "does",
    "doesn",
    "doing",
    "don",
    "down",
    "during",
    "each",
    "either",
    "else",
    "ever",
    "few",
    "for",
    "from",
    "further",
    "get",
    "gets",
    "getting",
    "give",
    "go",
    "goes",
    "going",
    "got",
    "had",
    "hadn",
    "has",
    "hasn",
    "have",
    "haven",
    "having",
    "he",
    "hello",
    "her",
    "here",
    "hers",
    "herself",
    "hey",
    "hi",
    "him",
    "himself",
    "his",
    "how",
    "i",
    "if",
    "in",
    "into",
    "is",
    "isn",
    "it",
    "its",
    "itself",
    "just",
    "let",
    "ll",
    "m",
    "made",
    "make",
    "makes",
    "many",
    "may",
    "me",
    "might",
    "more",
    "most",
    "much",
    "must",
    "my",
    "myself",
    "need",
    "no",
    "nor",
    "not",
    "now",
    "of",
    "off",
    "ok",
    "okay",
    "on",
    "once",
    "one",
    "only",
    "or",
    "other",
    "our",
    "ours",
    "ourselves",
    "out",
    "over",
    "own",
    "please",
    "re",
    "s",
    "same",
    "say",
    "shall",
    "she",
    "should",
    "shouldn",
    "so",
    "some",
    "such",
    "t",
    "tell",
    "than",
    "thank",
    "thanks",
    "that",
    "the",
    "their",
    "theirs",
    "them",
    "themselves",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "through",
    "to",
    "too",
    "under",
    "until",
    "up",
    "upon",
    "us",
    "use",
    "used",
    "user",
    "using",
    "ve",
    "very",
    "want",
    "was",
    "wasn",
    "we",
    "were",
    "weren",
    "what",
    "when",
    "where",
    "whether",
    "which",
    "while",
    "who",
    "whom",
    "whose",
    "why",
    "will",
    "with",
    "won",
    "would",
    "wouldn",
    "yeah",
    "yes",
    "you",
    "your",
    "yours",
    "yourself",
    "yourselves",
];

/// A telling word of a query, as the index can be asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    text: String,
    kind: TermKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum TermKind {
    Word,
    /// Two characters of a run of CJK. Half of such pairs straddle two words and are none.
    Bigram,
    /// One character of CJK, as the beginning of bigrams.
    Character,
}

impl Term {
    /// The term in FTS5's query language: always quoted, so that no text of a user is ever syntax.
    #[must_use]
    pub fn match_expression(&self) -> String {
        // A word holds letters, digits and marks only, so there is no quotation mark to double.
        format!(
            "\"{}\"{}",
            self.text,
            if self.kind == TermKind::Character { "*" } else { "" }
        )
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

/// Whether a word (lower case, without diacritics) tells nothing of what a sentence is about.
#[must_use]
pub fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.binary_search(&word).is_ok()
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
    for run in runs(text) {
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
pub fn words(text: &str) -> impl Iterator<Item = String> {
    runs(text).flat_map(|run| match run {
        Run::Word(word) => vec![fold(word)],
        Run::Ideographs(run) if run.chars().nth(1).is_none() => vec![run.to_owned()],
        Run::Ideographs(run) => bigrams(run).map(str::to_owned).collect(),
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
    if !content.chars().chain(extra.chars()).any(is_ideograph) {
        return (!extra.is_empty()).then(|| format!("{content} {extra}"));
    }
    let mut indexed: Vec<&str> = Vec::new();
    for run in runs(content).chain(runs(extra)) {
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

enum Run<'a> {
    Word(&'a str),
    Ideographs(&'a str),
}

fn runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c))
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

fn bigrams(run: &str) -> impl Iterator<Item = &str> {
    let starts = run.char_indices().map(|(start, _)| start);
    let ends = run.char_indices().skip(1).map(|(start, c)| start + c.len_utf8());
    starts.zip(ends).filter_map(|(start, end)| run.get(start..end))
}

fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
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

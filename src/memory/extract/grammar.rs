//! From the first person to the third: "I'm allergic to my cat" → "User is allergic to their cat".

use super::{
    clause::{Clause, Shape, Subject, is_adverb},
    sentence::Word,
    verbs::{BASES, NOUN_BASES, is_past, third_person},
};

/// The clause as a sentence about "User", without end mark.
pub(super) fn third_person_sentence(clause: &Clause<'_>) -> String {
    let mut out = Line::default();
    let before = clause.words.get(..clause.start).unwrap_or_default();
    push_swapped(&mut out, before, false);
    let after = push_subject(&mut out, clause);
    let singular = matches!(clause.subject, Subject::I | Subject::We);
    let finite = clause.verb.finite;
    push_swapped(&mut out, clause.words.get(after..finite).unwrap_or_default(), false);
    if let Some(verb) = clause.words.get(finite) {
        let text = finite_form(clause, verb, singular);
        out.push(
            &text,
            !(text.starts_with('\'') && matches!(clause.subject, Subject::Mine)),
        );
    }
    // "I've got two cats" is "I have two cats".
    let got = clause.verb.shape == Shape::Have && clause.word(finite + 1) == "got";
    push_swapped(
        &mut out,
        clause.from(finite + 1 + usize::from(got)),
        singular && coordinates(clause.verb.shape),
    );
    out.finish()
}

/// Words with "I", "my", "me" replaced, for a clause whose subject is somebody or something else.
pub(super) fn about_user(words: &[Word]) -> String {
    let mut out = Line::default();
    let mut named = false;
    for word in words {
        match (word.lower.as_str(), named) {
            ("my" | "our", false) => {
                out.push("User's", word.spaced);
                named = true;
            }
            ("me" | "us", false) => {
                out.push("User", word.spaced);
                named = true;
            }
            _ => push_swapped(&mut out, std::slice::from_ref(word), false),
        }
    }
    out.finish()
}

/// Words with the speaker replaced by "they", in lower case at the start and without end mark.
pub(super) fn they(words: &[Word]) -> String {
    let mut out = Line::default();
    push_swapped(&mut out, words, false);
    let text = out.finish();
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// Writes the subject and returns the place of the word after it.
fn push_subject(out: &mut Line, clause: &Clause<'_>) -> usize {
    match clause.subject {
        Subject::I | Subject::We => {
            out.push("User", true);
            clause.start + 1
        }
        Subject::Mine => {
            out.push("User's", true);
            clause.start + 1
        }
        Subject::Together(end) => {
            out.push("User", true);
            out.push("and", true);
            let others = clause.words.get(clause.start..=end).unwrap_or_default();
            let others: Vec<Word> = others
                .iter()
                .filter(|word| !matches!(word.lower.as_str(), "i" | "me" | "and"))
                .cloned()
                .collect();
            push_swapped(out, &others, false);
            end + 1
        }
    }
}

/// The verb that carries the person, agreeing with the new subject.
fn finite_form(clause: &Clause<'_>, verb: &Word, singular: bool) -> String {
    let lower = verb.lower.as_str();
    match (lower, clause.verb.shape) {
        ("'d", Shape::Perfect | Shape::PerfectBe) => "had".into(),
        ("'d", _) => "would".into(),
        ("'ll", _) => "will".into(),
        ("'m", _) => if singular { "is" } else { "are" }.into(),
        ("'re", _) if singular => "is".into(),
        ("'s", _) => "is".into(),
        ("'ve", _) => if singular { "has" } else { "have" }.into(),
        ("gotta", _) => "has to".into(),
        _ if !singular => verb.text.clone(),
        (
            "will" | "won't" | "would" | "wouldn't" | "can" | "can't" | "cannot" | "could" | "couldn't" | "must"
            | "may" | "might" | "should",
            _,
        ) => verb.text.clone(),
        _ if is_past(lower) && lower != "were" => verb.text.clone(),
        (_, Shape::Past | Shape::UsedTo) if !matches!(lower, "were" | "weren't") => verb.text.clone(),
        _ => third_person(lower),
    }
}

/// Whether a verb joined by "and" shares the subject's person, rather than hanging on a modal or a negation.
fn coordinates(shape: Shape) -> bool {
    matches!(
        shape,
        Shape::Present | Shape::Be | Shape::Have | Shape::Past | Shape::Being | Shape::Perfect | Shape::Was
    )
}

/// Writes words with the speaker replaced by "they"; with `coordinated`, joined verbs are made to agree with "User".
fn push_swapped(out: &mut Line, words: &[Word], coordinated: bool) {
    let mut infinitive = false;
    let mut they = false;
    for (at, word) in words.iter().enumerate() {
        let lower = word.lower.as_str();
        let previous = if at == 0 {
            ""
        } else {
            words.get(at - 1).map_or("", |word| word.lower.as_str())
        };
        infinitive |= lower == "to"
            && words
                .get(at + 1)
                .is_some_and(|next| BASES.has(&next.lower) || next.lower == "be" || next.lower == "do");
        // What somebody is seen or helped doing, and what a relative clause says, has a subject of its own.
        infinitive |= matches!(
            lower,
            "seeing" | "watching" | "hearing" | "helping" | "letting" | "making" | "that" | "which" | "who"
        );
        let numeral = lower == "i" && !words.get(at + 1).is_some_and(Word::is_word);
        let swapped = match lower {
            "i" | "we" if !numeral => "they",
            "me" | "us" => "them",
            "my" | "our" => "their",
            "mine" | "ours" => "theirs",
            "myself" | "ourselves" => "themselves",
            "'m" => "'re",
            "am" if they => "are",
            "was" if previous == "i" => "were",
            "'s" => "'s",
            _ => {
                let joined = coordinated && !infinitive && !they && joins(words, at);
                if joined && is_joined_verb(words, at) {
                    out.push(&third_person(lower), word.spaced);
                } else {
                    out.push(&word.text, word.spaced);
                }
                continue;
            }
        };
        they |= swapped == "they";
        out.push(swapped, word.spaced);
    }
}

/// Whether a conjunction stands before the word, adverbs between.
fn joins(words: &[Word], at: usize) -> bool {
    let mut before = words
        .get(..at)
        .unwrap_or_default()
        .iter()
        .rev()
        .skip_while(|word| is_adverb(&word.lower));
    matches!(
        before.next().map(|word| word.lower.as_str()),
        Some("and" | "but" | "then")
    )
}

/// Whether the word after a conjunction is a verb in the present.
fn is_joined_verb(words: &[Word], at: usize) -> bool {
    let Some(word) = words.get(at) else { return false };
    let lower = word.lower.as_str();
    if matches!(lower, "am" | "have" | "don't" | "haven't" | "do") {
        return true;
    }
    let next = words.get(at + 1).map_or("", |word| word.lower.as_str());
    let object = !matches!(next, "" | "," | "." | "!" | "and" | "or" | "but" | "is" | "are");
    let clear = matches!(
        next,
        "a" | "an"
            | "the"
            | "my"
            | "at"
            | "as"
            | "for"
            | "in"
            | "on"
            | "to"
            | "with"
            | "about"
            | "from"
            | "every"
            | "some"
            | "two"
            | "three"
            | "it"
            | "them"
            | "her"
            | "him"
            | "that"
            | "there"
            | "part-time"
            | "remotely"
    );
    let liking = matches!(lower, "love" | "hate" | "like") && object;
    let verb = if NOUN_BASES.has(lower) { clear } else { object || clear };
    BASES.has(lower) && !word.is_capitalised() && (liking || verb)
}

/// A line of words under construction.
#[derive(Default)]
struct Line(String);

impl Line {
    fn push(&mut self, word: &str, spaced: bool) {
        if spaced && !self.0.is_empty() && !self.0.ends_with(['(', '[', '$', '\u{201C}']) {
            self.0.push(' ');
        }
        self.0.push_str(word);
    }

    /// The line with a capital at its start and no mark at its end.
    fn finish(self) -> String {
        let mut text = self
            .0
            .trim_end_matches(|c: char| c.is_whitespace() || ".,;:!?-\u{2013}\u{2014}\u{2026}*~(".contains(c));
        if !text.contains('(') {
            text = text.trim_end_matches([')', '.', '!', '?']);
        }
        for quote in ['"', '\u{201D}'] {
            if text.matches(quote).count() % 2 == 1 && quote == '"' {
                text = text.trim_end_matches(quote);
            }
        }
        let mut chars = text.chars();
        chars
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    }
}

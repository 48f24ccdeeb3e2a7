//! Clauses: who is spoken of, and the verb that says something of them.

use super::{
    sentence::Word,
    verbs::{BASES, NOUN_BASES, is_gerund, is_participle, is_past, is_third_person},
    words::{ADVERBS, NOT_ADVERBS, OPENERS, OPENING_PHRASES},
};

/// How far a verb may stand from "my", in words.
const LONGEST_SUBJECT: usize = 12;

/// Whom a clause is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// "I".
    I,
    /// "we".
    We,
    /// "my wife and I", "me and my dog": up to and including the word at this place.
    Together(usize),
    /// "my …", "our …": the noun phrase ends before the verb.
    Mine,
}

/// What the verb group says: tense and mood, as far as the policy cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// "work", "don't work".
    Present,
    /// "worked", "didn't work", "was working".
    Past,
    /// "am", and what follows is no verb.
    Be,
    /// "was", and what follows is no verb.
    Was,
    /// "am working".
    Being,
    /// "am going to move".
    GoingTo,
    /// "have worked".
    Perfect,
    /// "have been" and no verb.
    PerfectBe,
    /// "have been working".
    PerfectBeing,
    /// "have", "have got", and a thing.
    Have,
    /// "had" and a thing.
    Had,
    /// "have to", "need to", "must".
    Must,
    /// "will".
    Will,
    /// "would".
    Would,
    /// "can".
    Can,
    /// "used to".
    UsedTo,
    /// Any other modal: nothing is vouched for.
    Doubt,
}

/// The verb group of a clause.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verb {
    /// Place of the word that carries person and tense.
    pub(super) finite: usize,
    /// Place of the word that carries the meaning: the verb, or the predicate after "be" or "have".
    pub(super) main: usize,
    /// Tense and mood.
    pub(super) shape: Shape,
    /// Whether it is negated.
    pub(super) negated: bool,
}

/// A clause that is about the speaker.
#[derive(Debug)]
pub(super) struct Clause<'a> {
    /// Its words, from the first to before the conjunction that joins the next clause.
    pub(super) words: &'a [Word],
    /// Place of the subject's first word; what stands before is a phrase of time or place.
    pub(super) start: usize,
    /// Whom it is about.
    pub(super) subject: Subject,
    /// What is said of them.
    pub(super) verb: Verb,
}

impl<'a> Clause<'a> {
    /// Reads the clause that `words` form, if it is about the speaker and has a verb.
    pub(super) fn read(words: &'a [Word]) -> Option<Self> {
        let start = subject_place(words)?;
        let (subject, after) = match word(words, start) {
            "i" => (Subject::I, start + 1),
            "we" => (Subject::We, start + 1),
            "me" if word(words, start + 1) == "and" && word(words, start + 2) == "my" => {
                let end = noun_phrase_end(words, start + 3)?;
                (Subject::Together(end - 1), end)
            }
            "me" => return None,
            _ => match words.iter().skip(start).take(6).position(|word| word.lower == "i") {
                Some(i) if word(words, start + i - 1) == "and" => (Subject::Together(start + i), start + i + 1),
                _ => (Subject::Mine, noun_phrase_end(words, start + 1)?),
            },
        };
        let verb = verb_group(words, after, subject)?;
        Some(Self {
            words,
            start,
            subject,
            verb,
        })
    }

    /// The lower-case word at a place, empty beyond the end.
    pub(super) fn word(&self, at: usize) -> &'a str {
        word(self.words, at)
    }

    /// The words from a place on.
    pub(super) fn from(&self, at: usize) -> &'a [Word] {
        self.words.get(at..).unwrap_or_default()
    }

    /// The words between the possessive and the verb: what is the speaker's.
    pub(super) fn possession(&self) -> &'a [Word] {
        self.words.get(self.start + 1..self.verb.finite).unwrap_or_default()
    }
}

/// Place of the subject's first word. After "when I was five, …" it is that of the main clause.
fn subject_place(words: &[Word]) -> Option<usize> {
    let speaker = |at: usize| matches!(word(words, at), "i" | "we" | "my" | "our" | "me");
    let first = (0..words.len()).find(|at| speaker(*at))?;
    if !is_subordinator(word(words, 0))
        || is_auxiliary(word(words, first))
        || !matches!(word(words, first), "i" | "we") && first > 1
    {
        return Some(first);
    }
    let comma = (first..words.len()).find(|at| word(words, *at) == ",").map(|at| at + 1);
    comma
        .filter(|at| speaker(*at))
        .or_else(|| (first + 1..words.len()).find(|at| matches!(word(words, *at), "i" | "we")))
}

fn is_subordinator(word: &str) -> bool {
    matches!(
        word,
        "since"
            | "when"
            | "while"
            | "after"
            | "before"
            | "until"
            | "till"
            | "because"
            | "although"
            | "though"
            | "once"
            | "whenever"
            | "as"
    )
}

fn word(words: &[Word], at: usize) -> &str {
    words.get(at).map_or("", |word| word.lower.as_str())
}

/// Whether `word` is an adverb that may stand before a verb.
pub(super) fn is_adverb(word: &str) -> bool {
    ADVERBS.has(word) || (word.ends_with("ly") && !NOT_ADVERBS.has(word))
}

fn skip_adverbs(words: &[Word], mut at: usize) -> usize {
    while is_adverb(word(words, at)) {
        at += 1;
    }
    at
}

/// Whether `word` can only be a finite verb or an auxiliary.
fn is_auxiliary(word: &str) -> bool {
    matches!(
        word,
        "is" | "are"
            | "was"
            | "were"
            | "has"
            | "have"
            | "had"
            | "does"
            | "do"
            | "did"
            | "will"
            | "would"
            | "can"
            | "could"
            | "isn't"
            | "aren't"
            | "wasn't"
            | "weren't"
            | "hasn't"
            | "haven't"
            | "hadn't"
            | "doesn't"
            | "don't"
            | "didn't"
            | "won't"
            | "wouldn't"
            | "can't"
            | "cannot"
            | "couldn't"
            | "must"
            | "should"
            | "may"
            | "might"
            | "'s"
            | "'re"
            | "'ve"
            | "used"
    )
}

/// Place of the finite verb that ends the noun phrase begun before `from`.
fn noun_phrase_end(words: &[Word], from: usize) -> Option<usize> {
    let mut plural = false;
    for at in from..(from + LONGEST_SUBJECT).min(words.len()) {
        let this = word(words, at);
        let before = word(words, at.saturating_sub(1));
        if at > from && is_auxiliary(this) {
            return Some(at);
        }
        if at > from
            && !is_adverb(before)
            && !matches!(before, "and" | "or" | "of" | "the" | "a" | "to" | "," | "in" | "for")
        {
            let next = word(words, at + 1);
            let certain =
                !NOUN_BASES.has(this.strip_suffix('s').unwrap_or(this)) || !next.is_empty() && !is_auxiliary(next);
            if is_third_person(this) && certain && !plural || is_past(this) && (BASES.has(this) || !before.is_empty()) {
                return Some(at);
            }
            if plural && BASES.has(this) && certain {
                return Some(at);
            }
        }
        if is_adverb(this) && at > from {
            continue;
        }
        plural = matches!(
            this,
            "kids" | "children" | "people" | "parents" | "folks" | "mice" | "wives"
        ) || (this.ends_with('s') && !this.ends_with("ss") && !this.ends_with("'s"));
    }
    None
}

/// Reads the verb group that begins at `at`.
fn verb_group(words: &[Word], at: usize, subject: Subject) -> Option<Verb> {
    let finite = skip_adverbs(words, at);
    let first = words.get(finite).filter(|word| word.is_word())?.lower.as_str();
    let mut negated = first.ends_with("n't")
        || first == "cannot"
        || words
            .iter()
            .skip(at)
            .take(finite - at)
            .any(|word| matches!(word.lower.as_str(), "never" | "hardly" | "rarely"));
    let next = skip_adverbs(words, finite + 1);
    negated |= words
        .iter()
        .skip(finite)
        .take(next - finite)
        .any(|word| matches!(word.lower.as_str(), "not" | "never" | "n't"));
    let after = word(words, next);
    let (shape, main) = match first {
        "'m" | "am" | "are" | "'re" | "is" | "isn't" | "aren't" | "ain't" | "'s" => {
            being(words, next, Shape::Be, Shape::Being)
        }
        "was" | "were" | "wasn't" | "weren't" => being(words, next, Shape::Was, Shape::Past),
        "'ve" | "have" | "has" | "haven't" | "hasn't" => having(words, finite, next, Shape::Have),
        "had" | "hadn't" if after == "better" => (Shape::Doubt, next),
        "had" | "hadn't" => having(words, finite, next, Shape::Had),
        "'d" if is_participle(after) && after != "had" || after == "been" => (Shape::Perfect, next),
        "'d" | "would" | "wouldn't" => (Shape::Would, next),
        "'ll" | "will" | "won't" => (Shape::Will, next),
        "can" | "can't" | "cannot" => (Shape::Can, next),
        "must" | "mustn't" => (Shape::Must, next),
        "could" | "couldn't" | "may" | "might" | "should" | "shouldn't" | "shall" | "ought" | "dare" => {
            (Shape::Doubt, next)
        }
        "need" | "needs" | "gotta" if first == "gotta" || after == "to" => {
            (Shape::Must, if after == "to" { next + 1 } else { next })
        }
        "do" | "don't" | "does" | "doesn't" if BASES.has(after) || first.ends_with("n't") => (Shape::Present, next),
        "did" | "didn't" if BASES.has(after) || first.ends_with("n't") => (Shape::Past, next),
        "used" if after == "to" => (Shape::UsedTo, skip_adverbs(words, next + 1)),
        _ if is_past(first) || first == "did" => (Shape::Past, finite),
        _ if matches!(subject, Subject::Mine) || first.starts_with(char::is_alphabetic) => (Shape::Present, finite),
        _ => return None,
    };
    Some(Verb {
        finite,
        main,
        shape,
        negated,
    })
}

fn being(words: &[Word], next: usize, plain: Shape, progressive: Shape) -> (Shape, usize) {
    let after = word(words, next);
    if matches!(after, "gonna") {
        return (
            if plain == Shape::Be {
                Shape::GoingTo
            } else {
                Shape::Doubt
            },
            next + 1,
        );
    }
    if after == "going" && word(words, next + 1) == "to" && BASES.has(word(words, next + 2)) {
        return (
            if plain == Shape::Be {
                Shape::GoingTo
            } else {
                Shape::Doubt
            },
            next + 2,
        );
    }
    if is_gerund(after) {
        (progressive, next)
    } else {
        (plain, next)
    }
}

fn having(words: &[Word], finite: usize, next: usize, thing: Shape) -> (Shape, usize) {
    let after = word(words, next);
    match after {
        "been" => {
            let next = skip_adverbs(words, next + 1);
            (
                if is_gerund(word(words, next)) {
                    Shape::PerfectBeing
                } else {
                    Shape::PerfectBe
                },
                next,
            )
        }
        "to" => (if thing == Shape::Have { Shape::Must } else { Shape::Past }, next + 1),
        "got" if word(words, next + 1) == "to" => (Shape::Must, next + 2),
        "got" if thing == Shape::Have => (Shape::Have, next + 1),
        _ if is_participle(after) => (Shape::Perfect, next),
        _ if word(words, finite).starts_with('\'') => (Shape::Doubt, next),
        _ => (thing, next),
    }
}

/// `words` without what opens a sentence and says nothing ("Hey Ana, well, by the way …"), and without closing marks.
pub(super) fn without_openers(mut words: &[Word]) -> &[Word] {
    loop {
        let Some(first) = words.first() else { return words };
        let phrase = (2..=4).rev().find(|n| {
            words.get(..*n).is_some_and(|start| {
                OPENING_PHRASES.has(
                    &start
                        .iter()
                        .map(|word| word.lower.as_str())
                        .collect::<Vec<_>>()
                        .join("_"),
                )
            })
        });
        let skip = if !first.is_word() {
            1
        } else if let Some(n) = phrase {
            n
        } else if is_vocative(words)
            || word(words, 1) == ","
                && first.lower.ends_with("ly")
                && is_adverb(&first.lower)
                && !matches!(
                    first.lower.as_str(),
                    "currently"
                        | "recently"
                        | "usually"
                        | "normally"
                        | "typically"
                        | "generally"
                        | "previously"
                        | "formerly"
                        | "originally"
                        | "occasionally"
                )
        {
            2
        } else if OPENERS.has(&first.lower)
            && !(matches!(
                first.lower.as_str(),
                "same" | "great" | "cool" | "nice" | "sure" | "right"
            ) && word(words, 1) != ","
                && word(words, 1) != "!")
        {
            1
        } else {
            return words;
        };
        words = words.get(skip..).unwrap_or_default();
    }
}

/// Whether the words begin with a name or a nickname that is being addressed: "Ana, I …", "Hey Ana! I …".
fn is_vocative(words: &[Word]) -> bool {
    let speaker = |at| matches!(word(words, at), "i" | "my" | "we" | "our");
    words.first().is_some_and(|first| {
        first.is_capitalised()
            && !speaker(0)
            && !super::words::ADVERBIALS.has(&first.lower)
            && !is_adverb(&first.lower)
            && !is_gerund(&first.lower)
    }) && matches!(word(words, 1), "," | "!" | "-" | ":")
        && (speaker(2) || OPENERS.has(word(words, 2)))
}

/// Cuts a sentence into the clauses that could stand alone: each but the first begins with the speaker.
pub(super) fn clauses(words: &[Word]) -> Vec<&[Word]> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut has_verb = false;
    let mut at = if is_subordinator(word(words, 0)) {
        words
            .iter()
            .position(|word| word.lower == ",")
            .map_or(0, |comma| comma + 1)
    } else {
        0
    };
    while let Some(this) = words.get(at) {
        let joint = match this.lower.as_str() {
            "-" | "\u{2013}" | "\u{2014}" | ";" | ":" if this.spaced || this.lower != "-" => Some(at + 1),
            "," | "and" | "but" | "so" | "plus" | "yet" | "or" => Some(joined(words, at)),
            _ => None,
        };
        if let Some(next) = joint {
            let mark = !this.is_word() && this.lower != ",";
            if mark && this.lower != ":" || has_verb && begins_clause(words, next) {
                found.push(words.get(start..at).unwrap_or_default());
                start = next;
                has_verb = false;
            }
            at = next.max(at + 1);
            continue;
        }
        has_verb |=
            is_auxiliary(&this.lower) || this.lower.starts_with('\'') || (at > start && follows_subject(words, at));
        at += 1;
    }
    found.push(words.get(start..).unwrap_or_default());
    found.retain(|clause| clause.len() > 1);
    found
}

/// Whether the word at `at` comes after a pronoun or is a verb that can end a noun phrase.
fn follows_subject(words: &[Word], at: usize) -> bool {
    let this = word(words, at);
    let before = word(words, at - 1);
    (matches!(before, "i" | "we") || is_adverb(before)) && !is_adverb(this)
        || is_past(this)
        || is_third_person(this)
        || BASES.has(this)
}

/// Place after a comma and the conjunction that follows it.
fn joined(words: &[Word], at: usize) -> usize {
    let mut next = at + 1;
    while matches!(
        word(words, next),
        "and" | "but" | "so" | "plus" | "yet" | "also" | "then" | ","
    ) {
        next += 1;
    }
    next
}

/// Whether a clause about the speaker, with a verb of its own, begins at `at`.
fn begins_clause(words: &[Word], at: usize) -> bool {
    let before = word(words, at.saturating_sub(1));
    match word(words, at) {
        "i" | "we" => {
            // "saved so I can travel", "so that I could" give a reason, not a fact of their own.
            !(before == "so"
                && matches!(
                    word(words, at + 1),
                    "can" | "could" | "would" | "'d" | "don't" | "won't" | "will" | "'ll"
                ))
        }
        _ if before == "so"
            && words.get(at).is_some_and(Word::is_word)
            && !matches!(word(words, at), "far" | "much" | "many") =>
        {
            true
        }
        "my" | "our" => noun_phrase_end(words, at + 1).is_some_and(|end| {
            !words.get(at..end).unwrap_or_default().iter().any(|word| {
                matches!(
                    word.lower.as_str(),
                    "," | "that" | "which" | "who" | "i" | "and" | "or" | "but"
                )
            })
        }),
        "the" | "a" | "an" | "his" | "her" | "their" => (at + 2..at + 6).any(|place| {
            is_auxiliary(word(words, place))
                || place > at + 2
                    && is_third_person(word(words, place - 1))
                    && !NOUN_BASES.has(word(words, place - 1).strip_suffix('s').unwrap_or_default())
        }),
        "you" | "your" | "it" | "it's" | "that" | "that's" | "they" | "he" | "she" | "there" | "this" | "what"
        | "how" => true,
        _ => false,
    }
}

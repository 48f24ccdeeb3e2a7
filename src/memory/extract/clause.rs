//! Clauses: who is spoken of, and the verb that says something of them.

use super::{
    sentence::Word,
    verb_group::verb_group,
    verbs::{BASES, NOUN_BASES, is_past, is_third_person},
    words::{ADVERBS, NOT_ADVERBS, POINTERS, STOP_WORDS, Words, words},
};

words! {
    /// Words that fix a time.
    TIME_WORDS = "
        today tomorrow tonight yesterday monday tuesday wednesday thursday friday saturday sunday january february march april june july august
        september october november december weekend week weeks month months year years spring summer autumn fall winter christmas easter
        thanksgiving halloween birthday morning evening night ago soon semester season since last next recently";

    /// Units in which things recur.
    CALENDAR = "day week month year morning evening night summer winter weekend";

    /// Words that say that something recurs.
    RECURRING = "
        every daily weekly monthly twice always never weekends weekdays mondays tuesdays wednesdays thursdays fridays saturdays sundays
        mornings evenings";
}

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
                let end = plural_phrase_end(words, start + 3)?;
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

    /// How many words with content stand from a place on.
    pub(super) fn content(&self, from: usize) -> usize {
        self.from(from).iter().filter(|word| has_content(word)).count()
    }

    /// Whether the word at a place points out of the sentence ("it", "that", but not "this Friday" or "one brother").
    pub(super) fn points_out(&self, at: usize) -> bool {
        let next = self.word(at + 1);
        let counts = matches!(self.word(at), "one" | "both" | "such" | "so")
            && !matches!(next, "" | "of" | "too" | "and" | "or")
            && !STOP_WORDS.has(next);
        let dates = matches!(self.word(at), "this" | "that" | "these" | "those" | "one") && TIME_WORDS.has(next);
        POINTERS.has(self.word(at)) && !dates && !counts
    }

    /// Whether the last word points out of the sentence.
    pub(super) fn ends_pointing(&self) -> bool {
        let last = self.words.iter().rev().find(|word| word.is_word());
        last.is_some_and(|word| matches!(word.lower.as_str(), "it" | "this" | "that" | "them"))
    }

    /// Whether the clause says when.
    pub(super) fn is_timed(&self) -> bool {
        self.words
            .iter()
            .any(|word| TIME_WORDS.has(&word.lower) || word.text == "May" || is_year(word))
    }

    /// Whether the clause fixes a time that is still to come ("next month", "on Saturday", "in June").
    pub(super) fn is_ahead(&self) -> bool {
        self.words.windows(2).any(|pair| {
            let [first, second] = pair else { return false };
            let day = TIME_WORDS.has(&second.lower) || second.text == "May";
            matches!(first.lower.as_str(), "next" | "this" | "on" | "in")
                && day
                && second.lower != "year"
                && second.lower != "years"
                || first.lower == "next" && second.lower == "year"
        }) || self
            .words
            .iter()
            .any(|word| matches!(word.lower.as_str(), "tomorrow" | "soon"))
    }

    /// Whether the clause names somebody or something after its verb.
    pub(super) fn is_named(&self) -> bool {
        self.from(self.verb.main + 1)
            .iter()
            .any(|word| word.is_capitalised() && word.lower != "i")
    }

    /// Whether the clause says that something recurs by the calendar ("every year", "twice a week").
    pub(super) fn is_by_calendar(&self) -> bool {
        self.words.windows(2).any(|pair| {
            matches!(pair, [every, unit] if matches!(every.lower.as_str(), "every" | "each" | "a") && CALENDAR.has(&unit.lower))
        })
    }

    /// Whether the clause says that something recurs.
    pub(super) fn recurs(&self) -> bool {
        self.words.iter().any(|word| RECURRING.has(&word.lower))
    }

    /// Whether a noun of `list` is in the clause, the verb aside.
    pub(super) fn has_noun(&self, list: &Words) -> bool {
        let verb = self.verb.main;
        self.words
            .iter()
            .enumerate()
            .any(|(at, word)| list.has_noun(&word.lower) && !(at == verb && is_verb(&self.verb)))
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
        || words.iter().take(first).any(|word| word.lower == ",")
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

/// Whether `word` begins a clause that cannot stand alone.
pub(super) fn is_subordinator(word: &str) -> bool {
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

/// Whether the main word of the group is a verb rather than a predicate.
fn is_verb(verb: &Verb) -> bool {
    !matches!(
        verb.shape,
        Shape::Be | Shape::Was | Shape::Have | Shape::Had | Shape::PerfectBe
    )
}

fn has_content(word: &Word) -> bool {
    let name = word.is_capitalised() && word.lower != "i";
    word.is_word() && (name || !STOP_WORDS.has(&word.lower) && !is_adverb(&word.lower))
}

/// Whether the word is a year of our time.
pub(super) fn is_year(word: &Word) -> bool {
    word.text.len() == 4
        && (word.text.starts_with("19") || word.text.starts_with("20"))
        && word.text.bytes().all(|b| b.is_ascii_digit())
}

/// The lower-case word at a place, empty beyond the end.
pub(super) fn word(words: &[Word], at: usize) -> &str {
    words.get(at).map_or("", |word| word.lower.as_str())
}

/// Whether `word` is an adverb that may stand before a verb.
pub(super) fn is_adverb(word: &str) -> bool {
    ADVERBS.has(word) || (word.ends_with("ly") && !NOT_ADVERBS.has(word))
}

/// The first place from `at` on where no adverb stands.
pub(super) fn skip_adverbs(words: &[Word], mut at: usize) -> usize {
    loop {
        at += match (word(words, at), word(words, at + 1)) {
            ("no", "longer") => 2,
            (adverb, _) if is_adverb(adverb) => 1,
            _ => return at,
        };
    }
}

/// Whether `word` can only be a finite verb or an auxiliary.
pub(super) fn is_auxiliary(word: &str) -> bool {
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

/// The same for a phrase that names several ("me and my sister"): a verb without an ending follows it.
fn plural_phrase_end(words: &[Word], from: usize) -> Option<usize> {
    (from + 1..(from + LONGEST_SUBJECT).min(words.len()))
        .find(|at| BASES.has(word(words, *at)))
        .filter(|at| words.get(from..*at).is_some_and(|named| named.len() <= 3))
        .or_else(|| noun_phrase_end(words, from))
}

/// Place of the finite verb that ends the noun phrase begun before `from`.
pub(super) fn noun_phrase_end(words: &[Word], from: usize) -> Option<usize> {
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

//! What a careful person would have written down of an exchange, and nothing else.
//!
//! A wrong memory costs more than a missed one: it comes back with every later request, and somebody has to weed it.
//! So the policy is to refuse unless there is a reason to keep. The user is believed about themselves: their people,
//! things, places, work, preferences, constraints, plans, and the instructions they want to last. They are not believed
//! where they ask, hedge, imagine, play a part, report the mood of the moment or describe the task at hand, and nothing
//! they merely quote or paste is theirs. The assistant is believed only where it says that it is taking a note, because
//! everything else it says is advice, or the user's own words coming back.
//!
//! An exchange passes through these steps, each a pure function in linear time:
//! `secrets` (redact) → `source`, `paste` (drop what is not the speaker's own text) → `sentence`, `split` (sentences,
//! clauses, words) → `elided`, `reference` (who is meant) → `clause`, `verb_group` (subject, verb, tense) → `policy` with `action`, `predicate`, `belonging`, `effect`
//! (is it worth keeping, and by which rule) → `grammar`, `verbs` (third person) → `dates` (absolute beside relative).
//! `user` and `assistant` run them for their side; `instruction` knows what the user wants to last, `forget` what they want
//! gone, and `facts` which memories a new one confirms or supersedes.

mod action;
mod assistant;
mod belonging;
mod clause;
mod dates;
mod effect;
mod elided;
mod facts;
mod forget;
mod grammar;
mod instruction;
mod language;
mod paste;
mod pattern;
mod policy;
mod predicate;
mod reference;
mod secrets;
mod sentence;
mod source;
mod split;
mod user;
mod verb_group;
mod verbs;
mod words;

use std::borrow::Cow;
use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::model::{Fact, MemoryType, Rule};
use crate::text::fingerprint;

pub use facts::fact;

/// How much of each side is read, in bytes; what lies beyond is paste, not conversation.
const MAX_SIDE_BYTES: usize = 64 * 1024;
/// Memories kept of one exchange. Nobody says more about themselves in one breath.
const MAX_MEMORIES: usize = 20;
/// The longest memory, in characters: a longer "sentence" is a list or a paste without punctuation.
const MAX_CONTENT_CHARS: usize = 400;

/// Who said a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The person, in the newest user message.
    User,
    /// The model, in the answer to it.
    Assistant,
}

impl Speaker {
    /// The role's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// The newest exchange of a conversation, as the client sent it and the backend answered it.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The newest user message, before anything was injected.
    pub user: Option<&'a str>,
    /// The backend's answer to it.
    pub assistant: Option<&'a str>,
    /// When it took place; relative dates are counted from here.
    pub at: DateTime<Utc>,
}

/// One memory found in an exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Extracted {
    /// A whole sentence in the third person, without a period: "User prefers dark mode". For something to forget, what names it.
    pub content: String,
    /// The stable kebab-case name of the rule that found it.
    pub rule: Cow<'static, str>,
    /// Who said it.
    pub speaker: Speaker,
    /// The sentence it was read from, secrets redacted.
    pub sentence: String,
    /// What kind of knowledge it is.
    pub kind: MemoryType,
    /// How sure the rule is, 0 to 1.
    pub confidence: f64,
    /// What it says, as far as another memory can say otherwise.
    pub fact: Option<Fact>,
    /// Whether it is to be forgotten, rather than kept.
    pub forget: bool,
}

impl Extracted {
    fn new(
        content: String,
        (rule, confidence): (&'static str, f64),
        speaker: Speaker,
        sentence: &sentence::Sentence,
    ) -> Self {
        Self {
            fact: None,
            content,
            rule: rule.into(),
            speaker,
            sentence: sentence.text.clone(),
            kind: MemoryType::Semantic,
            confidence,
            forget: false,
        }
    }
}

/// Finds memories, by the rules of this module and by those that somebody added.
#[derive(Debug, Default)]
pub struct Extractor {
    rules: Vec<Rule>,
}

impl Extractor {
    /// An extractor with rules of one's own, which go before the built-in ones.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// The memories in an exchange: each fact once, the user's own words before the assistant's.
    #[must_use]
    pub fn extract(&self, exchange: &Exchange<'_>) -> Vec<Extracted> {
        let said: Vec<Extracted> = exchange
            .user
            .into_iter()
            .flat_map(|text| user::extract(capped(text, MAX_SIDE_BYTES), &self.rules))
            .filter_map(|found| finished(found, exchange.at))
            .collect();
        let noted = exchange
            .assistant
            .into_iter()
            .filter(|_| !said.iter().any(|found| found.forget))
            .flat_map(|text| assistant::extract(capped(text, MAX_SIDE_BYTES)))
            .filter_map(|found| finished(found, exchange.at))
            .filter(|found| !contradicts(found, &said))
            .collect::<Vec<_>>();
        let mut seen = HashSet::new();
        said.into_iter()
            .chain(noted)
            .filter(|found| found.forget || seen.insert(fingerprint(&found.content)))
            .take(MAX_MEMORIES)
            .collect()
    }
}

/// Whether the assistant notes something else than what the user has just said.
fn contradicts(noted: &Extracted, said: &[Extracted]) -> bool {
    let slot = |found: &Extracted| {
        found
            .fact
            .as_ref()
            .and_then(|fact| fact.slot.as_ref())
            .map(|slot| slot.name.clone())
    };
    slot(noted).is_some_and(|noted| said.iter().any(|said| slot(said).as_ref() == Some(&noted)))
}

/// The sentences of a message that are its sender's own, without code, quotations, pasted text and what was injected, secrets redacted. Sentences that try
/// to rewrite the rules are left out: they would be obeyed when they come back.
#[must_use]
pub fn told(text: &str, speaker: Speaker) -> Vec<String> {
    let redacted = secrets::redact(capped(text, MAX_SIDE_BYTES));
    let own = source::own_words(&redacted, speaker);
    sentence::sentences(&own)
        .into_iter()
        .map(|sentence| sentence.text.replace(source::CUT, "…"))
        .filter(|sentence| !instruction::is_injection(sentence) && !secrets::nothing_left(sentence))
        .collect()
}

/// Whether a message of the user asks that something be forgotten, or that it be not remembered itself: its words must not be kept then.
#[must_use]
pub fn wants_silence(text: &str) -> bool {
    user::wants_silence(capped(text, MAX_SIDE_BYTES))
}

/// Puts the dates in, and refuses what must not become a memory whichever rule found it.
fn finished(mut found: Extracted, at: DateTime<Utc>) -> Option<Extracted> {
    if found.content.chars().count() > MAX_CONTENT_CHARS
        || secrets::nothing_left(&found.content)
        || found.content.contains("Relevant Context")
        || is_placeholder(&found.content)
        || instruction::is_injection(&found.sentence)
    {
        return None;
    }
    found.content = secrets::without_tail(&found.content).to_owned();
    found.fact = found.fact.or_else(|| fact(&found.content));
    if !found.forget {
        found.content = dates::annotated(&found.content, at);
    }
    Some(found)
}

/// Whether a memory holds a blank to be filled in ("[your name]") instead of a fact.
fn is_placeholder(content: &str) -> bool {
    content.split('[').skip(1).any(|rest| {
        rest.split_once(']')
            .is_some_and(|(blank, _)| blank != "redacted" && blank.contains(char::is_alphabetic))
    })
}

/// `text` with every secret in it replaced by `[redacted]`.
#[must_use]
pub fn redacted(text: &str) -> Cow<'_, str> {
    secrets::redact(text)
}

/// The beginning of `text`, of at most `bytes`, cut between characters.
fn capped(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    text.get(..end).unwrap_or(text)
}

//! Finds what is known and relevant, and fits it into a budget.
//!
//! First what is pinned; then the memories that match the message, best first; then, where the message is about or for the user, facts about the user,
//! most confident and newest first. What is pinned and the facts have a small share of the budget.
//!
//! Nothing here looks at an absolute score, which says next to nothing: a match is judged by how much of the message it covers, and against the best one.

use std::collections::HashSet;
use std::hash::BuildHasher as _;

use rustc_hash::FxBuildHasher;

use super::block::Block;
use super::explain::Explanation;
use super::query::{AboutUser, Query};
use crate::model::{Memory, Namespace, NamespaceNumber, Turn};
use crate::store::{Cut, Found, Injected, MemoryFilter, ReadError, Reader, SearchHit, Window};
use crate::text;

/// Most matches in a block.
const WINDOW: Window = Window {
    limit: 32,
    offset: 0,
    depth: Window::DEPTH,
    reads: Window::READS,
    explain: false,
};
/// A memory that holds less than this part of what the best one holds is left out: the budget is a ceiling, not a target.
const BESIDE_BEST: f64 = 0.45;
/// Part of what a message is about that the best memory must hold, in a namespace of [`MANY`] memories or more; otherwise all matches are there by chance.
/// Chosen on three conversations of `LoCoMo` and 100 prompts about anything else.
const MIN_COVERAGE: f64 = 0.4;
/// The same for a message that names somebody who speaks in memory: that is hardly there by chance.
const MIN_COVERAGE_NAMED: f64 = 0.2;
/// Memories from which on chance matches are as likely as they get. In fewer, less of a message must be covered.
const MANY: f64 = 500.0;
/// Least part of [`MIN_COVERAGE`] that is asked for, however few memories there are.
const FEW: f64 = 0.35;
/// Part of that which every other memory must hold.
const BESIDE_LEAST: f64 = 0.7;
/// Coverage from which on a match is beyond doubt.
const STRONG: f64 = 0.8;
/// Tokens that matches in doubt may bring.
const LITTLE: u32 = 50;
/// Memories whose relevance differs by less than this factor are worth the same, and the shorter ones go first.
const SAME_WORTH: f64 = 0.95;
/// Facts about the user that are looked at.
const MAX_FACTS: u32 = 100;
/// Tokens below which no fact fits any more.
const LEAST_FACT: u32 = 4;

/// How many tokens a context may have.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// In all.
    pub total: u32,
    /// Of these, for what is pinned and for facts about the user that share no word with the message.
    pub profile: u32,
    /// Of these, for pieces of conversations.
    pub turns: u32,
}

/// Why a memory is in a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is pinned.
    Pinned,
    /// It matches the message.
    Match,
    /// It is a fact about the user, and the message is about or for the user.
    Profile,
}

impl Reason {
    /// As the API says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Match => "match",
            Self::Profile => "profile",
        }
    }
}

/// A memory in a context.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// The memory.
    pub memory: Memory,
    /// Its relevance, comparable within one answer; 0 where it does not match.
    pub score: f64,
    /// Why it is there.
    pub reason: Reason,
}

impl Recalled {
    /// What is noted of it.
    #[must_use]
    pub fn noted(&self) -> Injected {
        Injected {
            id: self.memory.id,
            position: self.reason.as_str().to_owned(),
            score: self.score,
            token_count: self.memory.token_count,
        }
    }
}

/// What was found for a message, as the block that says it.
#[derive(Clone, Debug)]
pub struct Recall {
    /// In the order of the block.
    pub memories: Vec<Recalled>,
    /// The block.
    pub block: Block,
    /// Whether something relevant did not fit.
    pub truncated: bool,
    /// Why each match is in or out, where that was asked for.
    pub explanation: Option<Explanation>,
}

impl Recall {
    /// Recalls what a namespace knows that is relevant to what the user said, newest message first. Pieces of `conversation` are left out: the request
    /// holds it itself.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn of<T: AsRef<str>>(
        reader: &Reader<'_>,
        namespace: &Namespace,
        user_texts: impl IntoIterator<Item = T>,
        conversation: Option<&str>,
        budget: Budget,
    ) -> Result<Self, ReadError> {
        let query = Query::plan(user_texts);
        Self::run(reader, namespace, &query, conversation, budget, None)
    }

    /// The same, and says why each match is in or out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn explained(
        reader: &Reader<'_>,
        namespace: &Namespace,
        text: &str,
        budget: Budget,
    ) -> Result<Self, ReadError> {
        let explanation = Some(Explanation::default());
        Self::run(reader, namespace, &Query::plan([text]), None, budget, explanation)
    }

    /// What is recalled where there is no namespace.
    #[must_use]
    pub fn nothing(budget: Budget) -> Self {
        Self {
            memories: Vec::new(),
            block: Block::new(budget.total),
            truncated: false,
            explanation: None,
        }
    }

    /// The same without what scores less.
    #[must_use]
    pub fn scoring(mut self, least: f64, budget: Budget) -> Self {
        self.block = Block::new(budget.total);
        self.memories.retain(|recalled| recalled.score >= least);
        for recalled in &self.memories {
            self.block
                .add(&recalled.memory.statement(), recalled.memory.token_count);
        }
        self
    }

    fn run(
        reader: &Reader<'_>,
        namespace: &Namespace,
        query: &Query,
        conversation: Option<&str>,
        budget: Budget,
        explanation: Option<Explanation>,
    ) -> Result<Self, ReadError> {
        let mut recall = Self {
            explanation,
            ..Self::nothing(budget)
        };
        if namespace.stats.memory_count == 0 {
            return Ok(recall);
        }
        let number = namespace.number;
        let mut share = budget.profile;
        if share > 0 {
            reader.pinned(number, |memory| {
                recall.add_shared(memory, Reason::Pinned, &mut share);
                share >= LEAST_FACT
            })?;
        }
        let cut = cut(query.about_user, namespace.stats.memory_count);
        let window = Window {
            explain: recall.explanation.is_some(),
            ..WINDOW
        };
        let mut found = reader.search(number, &query.search, &MemoryFilter::default(), cut, window)?;
        if let Some(conversation) = conversation {
            let of_it = |turn: &Turn| turn.conversation_id == conversation;
            found.hits.retain(|hit| !hit.memory.turn.as_ref().is_some_and(of_it));
        }
        let matched = !found.hits.is_empty();
        recall.add_matches(found, query.about_user, budget);
        let for_user = query.about_user == AboutUser::Yes || query.about_user == AboutUser::IfRelated && matched;
        if for_user && share > 0 {
            recall.add_facts(reader, number, share)?;
        }
        Ok(recall)
    }

    fn add_matches(&mut self, found: Found, about_user: AboutUser, budget: Budget) {
        let best = found.hits.iter().map(|hit| hit.coverage).fold(0.0, f64::max);
        let in_doubt = about_user == AboutUser::No && !found.named && best < STRONG;
        if let Some(explanation) = &mut self.explanation {
            explanation.judged(found.least_coverage, in_doubt);
            found.by_chance.iter().for_each(|hit| explanation.by_chance(hit));
        }
        if in_doubt {
            let most = self.block.tokens_before_next().saturating_add(LITTLE);
            self.block.set_budget(most.min(budget.total));
        }
        let (mut said, mut share) = (Vec::new(), budget.turns);
        // Facts before excerpts of conversations: they say more in fewer words.
        let (facts, excerpts): (Vec<_>, Vec<_>) = by_worth(found.hits)
            .into_iter()
            .partition(|hit| hit.memory.turn.is_none());
        for hit in facts.into_iter().chain(excerpts) {
            let outcome = self.add_match(&hit, &mut said, &mut share);
            if let Some(explanation) = &mut self.explanation {
                explanation.considered(&hit, outcome);
            }
        }
        self.block.set_budget(budget.total);
    }

    /// Adds a match where it says something new and fits, a piece of a conversation into the share of these too.
    fn add_match(&mut self, hit: &SearchHit, said: &mut Vec<Said>, turns_share: &mut u32) -> Outcome {
        let mut known = self.memories.iter_mut();
        if let Some(pinned) = known.find(|recalled| recalled.memory.row_id == hit.memory.row_id) {
            pinned.score = hit.score;
            return Outcome::In;
        }
        let says = Said::by(&hit.memory);
        if said.iter().any(|before| before.covers(&says)) {
            return Outcome::SaidAlready;
        }
        let cost = hit.memory.token_count;
        let is_turn = hit.memory.turn.is_some();
        if is_turn && cost > *turns_share || !self.block.add(&hit.memory.statement(), cost) {
            self.truncated = true;
            return Outcome::NoRoom;
        }
        if is_turn {
            *turns_share -= cost;
        }
        said.push(says);
        self.memories.push(Recalled {
            memory: hit.memory.clone(),
            score: hit.score,
            reason: Reason::Match,
        });
        Outcome::In
    }

    fn add_facts(&mut self, reader: &Reader<'_>, namespace: NamespaceNumber, mut share: u32) -> Result<(), ReadError> {
        let known: HashSet<i64> = self.memories.iter().map(|recalled| recalled.memory.row_id).collect();
        let mut looked_at = 0;
        reader.facts(namespace, |memory| {
            looked_at += 1;
            // What is known stands among the matches or the pinned ones.
            if !known.contains(&memory.row_id) {
                self.add_shared(memory, Reason::Profile, &mut share);
            }
            share >= LEAST_FACT && looked_at < MAX_FACTS
        })
    }

    /// Adds a memory where it fits into the block and into what is left of a share of it.
    fn add_shared(&mut self, memory: Memory, reason: Reason, share: &mut u32) {
        if memory.token_count <= *share && self.block.add(&memory.statement(), memory.token_count) {
            *share -= memory.token_count;
            self.memories.push(Recalled {
                memory,
                score: 0.0,
                reason,
            });
        } else {
            self.truncated = true;
        }
    }
}

/// What became of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the block.
    In,
    /// It covers too little of the message, or too little beside the best match.
    ByChance,
    /// Another memory in the block says the same.
    SaidAlready,
    /// The budget has no room for it.
    NoRoom,
}

impl Outcome {
    /// As the API says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::ByChance => "by_chance",
            Self::SaidAlready => "said_already",
            Self::NoRoom => "no_room",
        }
    }
}

/// What words a memory says, and by whom and when where it is a piece of a conversation: what is said twice on different days happened twice.
struct Said {
    /// Hashes of its words, sorted.
    words: Vec<u64>,
    negates: bool,
    place: Option<(Option<String>, chrono::NaiveDate)>,
}

impl Said {
    fn by(memory: &Memory) -> Self {
        let mut negates = false;
        let mut words = Vec::new();
        for word in text::words(&memory.content) {
            negates |= text::is_negation(&word);
            if text::is_negation(&word) || !text::is_stop_word(&word) {
                words.push(FxBuildHasher.hash_one(&*word));
            }
        }
        words.sort_unstable();
        words.dedup();
        let place = |turn: &Turn| (turn.speaker.clone(), memory.created_at.date_naive());
        Self {
            place: memory.turn.as_ref().map(place),
            words,
            negates,
        }
    }

    /// Whether the other says nothing that this does not say. A negation in either makes them differ.
    fn covers(&self, other: &Self) -> bool {
        self.place == other.place
            && self.negates == other.negates
            && !other.words.is_empty()
            && other.words.iter().all(|word| self.words.binary_search(word).is_ok())
    }
}

/// The matches in the order of their worth, which counts those that are about as relevant as one another as equal, and the shorter of equals first.
fn by_worth(mut hits: Vec<SearchHit>) -> Vec<SearchHit> {
    let mut from = 0;
    while let Some(best) = hits.get(from).map(|hit| hit.score) {
        let rest = hits.get_mut(from..).unwrap_or_default();
        let equals = rest.partition_point(|hit| hit.score >= best * SAME_WORTH).max(1);
        if let Some(equal) = rest.get_mut(..equals) {
            equal.sort_by_key(|hit| hit.memory.token_count);
        }
        from += equals;
    }
    hits
}

/// What of a message the matches must cover.
fn cut(about_user: AboutUser, memories: i64) -> Cut {
    let (best, best_named) = match about_user {
        AboutUser::No => {
            #[expect(clippy::cast_precision_loss, reason = "a count of memories is far below 2^52")]
            let memories = memories.max(1) as f64;
            let part = (memories.ln() / MANY.ln()).clamp(FEW, 1.0);
            (MIN_COVERAGE * part, MIN_COVERAGE_NAMED * part)
        }
        // The message is for memory to answer, whichever words it uses.
        AboutUser::IfRelated | AboutUser::Yes => (0.0, 0.0),
    };
    Cut {
        best,
        best_named,
        each: BESIDE_LEAST,
        beside_best: BESIDE_BEST,
    }
}

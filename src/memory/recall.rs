//! Finds what is known and relevant, and fits it into a budget.
//!
//! First the memories that match the message, best first; then, where the message is about or for the user, facts about the user, most confident and
//! newest first, within their own small share of the budget.

use std::collections::HashSet;

use super::block::Block;
use super::query::{AboutUser, Query};
use crate::model::{Memory, Namespace, NamespaceNumber};
use crate::store::{Cut, MemoryFilter, ReadError, Reader, SearchHit, Window};

/// Most matches in a block, and how far the terms that many memories hold are read for them.
const WINDOW: Window = Window {
    limit: 32,
    offset: 0,
    depth: 128,
};
/// A memory that holds less than this part of what the best one holds is left out: the budget is a ceiling, not a target.
const BESIDE_BEST: f64 = 0.45;
/// Part of what a message is about that the best memory must hold, in a namespace of [`MANY`] memories or more; otherwise all matches are there by chance.
/// Chosen on three conversations of `LoCoMo`: 3 of 100 prompts about anything else pass, and within 512 tokens 0.75 of the evidence is found.
const MIN_COVERAGE: f64 = 0.4;
/// Memories from which on chance matches are as likely as they get. In fewer, less of a message must be covered.
const MANY: f64 = 500.0;
/// Least part of [`MIN_COVERAGE`] that is asked for, however few memories there are.
const FEW: f64 = 0.35;
/// Part of that which every other memory must hold.
const BESIDE_LEAST: f64 = 0.7;
/// Facts about the user that are looked at.
const MAX_FACTS: u32 = 100;
/// Tokens below which no fact fits any more.
const LEAST_FACT: u32 = 4;

/// How many tokens a context may have.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// In all.
    pub total: u32,
    /// Of these, for facts about the user that share no word with the message.
    pub profile: u32,
}

/// A memory in a context.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// The memory.
    pub memory: Memory,
    /// Its relevance, comparable within one answer; 0 for a fact about the user that shares no word with the message.
    pub score: f64,
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
}

impl Recall {
    /// Recalls what a namespace knows that is relevant to what the user said, newest message first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn of<T: AsRef<str>>(
        reader: &Reader<'_>,
        namespace: &Namespace,
        user_texts: impl IntoIterator<Item = T>,
        budget: Budget,
    ) -> Result<Self, ReadError> {
        let mut recall = Self {
            memories: Vec::new(),
            block: Block::new(budget.total),
            truncated: false,
        };
        if namespace.stats.memory_count == 0 {
            return Ok(recall);
        }
        let query = Query::plan(user_texts);
        let cut = match query.about_user {
            AboutUser::No => {
                let best = least_coverage(namespace.stats.memory_count);
                Cut {
                    best,
                    each: best * BESIDE_LEAST,
                    beside_best: BESIDE_BEST,
                }
            }
            // The message is for memory to answer, whichever words it uses.
            AboutUser::IfRelated | AboutUser::Yes => Cut {
                best: 0.0,
                each: 0.0,
                beside_best: BESIDE_BEST,
            },
        };
        let found = reader.search(namespace.number, &query.search, &MemoryFilter::default(), cut, WINDOW)?;
        recall.add_matches(found.hits);
        let for_user = query.about_user == AboutUser::Yes
            || query.about_user == AboutUser::IfRelated && !recall.memories.is_empty();
        if for_user && budget.profile > 0 {
            recall.add_facts(reader, namespace.number, budget.profile)?;
        }
        Ok(recall)
    }

    fn add_matches(&mut self, hits: Vec<SearchHit>) {
        for SearchHit { memory, score, .. } in hits {
            if self.block.add(&memory.statement(), memory.token_count) {
                self.memories.push(Recalled { memory, score });
            } else {
                self.truncated = true;
            }
        }
    }

    fn add_facts(&mut self, reader: &Reader<'_>, namespace: NamespaceNumber, share: u32) -> Result<(), ReadError> {
        let known: HashSet<i64> = self.memories.iter().map(|recalled| recalled.memory.row_id).collect();
        let (mut left, mut looked_at) = (share, 0);
        reader.facts(namespace, |memory| {
            looked_at += 1;
            if known.contains(&memory.row_id) {
                // It stands among the matches.
            } else if memory.token_count <= left && self.block.add(&memory.statement(), memory.token_count) {
                left -= memory.token_count;
                self.memories.push(Recalled { memory, score: 0.0 });
            } else {
                self.truncated = true;
            }
            left >= LEAST_FACT && looked_at < MAX_FACTS
        })
    }
}

/// The coverage below which the best match of a message is there by chance.
fn least_coverage(memories: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of memories is far below 2^52")]
    let memories = memories.max(1) as f64;
    MIN_COVERAGE * (memories.ln() / MANY.ln()).clamp(FEW, 1.0)
}

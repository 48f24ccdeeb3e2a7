//! How much a memory is worth for a query: BM25 over the statistics of its namespace, and for pieces of conversations their neighbours.
//!
//! What is said in a conversation leans on what was said right before: "What did you buy?" — "A blue bicycle." So a turn counts, for each term, the
//! nearest turn of its conversation that holds it, with a weight that falls with the distance and is larger for turns before it than for those after.
//! The weights were chosen on three conversations of `LoCoMo` (Maharana et al., ACL 2024), where `benches/eval_recall.py` finds 0.83 of the evidence
//! among the first ten.

use crate::text::{self, Term};

/// How much a term's weight falls with the length of a memory (0: not at all, 1: in full): `b` in BM25.
const LENGTH_WEIGHT: f64 = 0.3;
/// Saturation of a term within a memory: `k1` in BM25 (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework").
const SATURATION: f64 = 0.5;
/// Weight of a term that a neighbour holds, by where it stands: so many turns before (negative) or after. Largest first.
pub(super) const NEIGHBOURS: [(i64, f64); 6] = [(-1, 0.8), (-2, 0.56), (1, 0.4), (-3, 0.336), (2, 0.28), (3, 0.168)];
/// Largest of these distances.
pub(super) const REACH: i32 = 3;
/// Memories below which a namespace's own statistics say little about which words are rare.
const LEAST_TELLING: f64 = 1_000.0;
/// How much a word that stands in requests about anything tells, against any other.
const COMMON: f64 = 0.4;
/// How much a pair of CJK characters that no memory holds tells, against a word.
const NO_WORD: f64 = 0.3;
/// Worth of a turn that only asks: its answer is what is wanted.
const QUESTION: f64 = 0.75;
/// Worth of a turn by somebody whom the query names: who is asked about most often says it, and others only address them.
const NAMED: f64 = 1.75;
/// Worth of a memory that says when, for a question that asks for it.
const SAYS_WHEN: f64 = 1.2;

/// Sizes of a namespace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Collection {
    pub(super) memories: f64,
    pub(super) words: f64,
    /// Memories that are pieces of conversations.
    pub(super) turns: i64,
}

impl Collection {
    /// Weight of a term that `holding` memories hold: the inverse document frequency of BM25 in the form that is never negative (Lucene's `BM25Similarity`).
    pub(super) fn term_weight(self, holding: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a count of memories is far below 2^52")]
        let holding = holding as f64;
        (1.0 + (self.memories - holding + 0.5).max(0.5) / (holding + 0.5)).ln()
    }

    /// How much a term tells of what a query is about, whether any memory holds it or not. A small namespace says little about which words are rare, so it
    /// counts as one of [`LEAST_TELLING`] memories.
    pub(super) fn telling(self, term: &Term, holding: usize) -> f64 {
        let memories = self.memories.max(LEAST_TELLING);
        let factor = match (
            text::is_common_word(term.as_str()),
            term.may_be_no_word() && holding == 0,
        ) {
            (true, _) => COMMON,
            (_, true) => NO_WORD,
            _ => 1.0,
        };
        factor * Self { memories, ..self }.term_weight(holding)
    }

    /// Part of a term's weight that is left in a memory of so many words.
    pub(super) fn length_factor(self, words: f64) -> f64 {
        let mean = self.words / self.memories;
        let relative = if mean > 0.0 { words / mean } else { 1.0 };
        (SATURATION + 1.0) / (1.0 + SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative))
    }
}

/// What a memory's own form adds to its worth or takes from it.
pub(super) fn form_factor(content: &str, is_turn: bool, says_when: impl FnOnce() -> bool) -> f64 {
    let question = if is_turn && content.trim_end().ends_with(['?', '？']) {
        QUESTION
    } else {
        1.0
    };
    if says_when() { question * SAYS_WHEN } else { question }
}

/// Part of a term's weight that a memory gets for saying it so many times.
pub(super) fn repeated(times: usize) -> f64 {
    let times = f64::from(u32::try_from(times).unwrap_or(u32::MAX));
    times * (SATURATION + 1.0) / (times + SATURATION)
}

/// What the relevance of a memory is made of.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    /// Weights of the terms that it holds.
    pub own: f64,
    /// Weights of the terms that its neighbours hold.
    pub near: f64,
    /// Part of its own that is left for its length.
    pub length: f64,
    /// What its form adds or takes: a question, words about time.
    pub form: f64,
    /// What is added where the query names who says it.
    pub speaker: f64,
}

impl Score {
    pub(super) fn speaker(named: bool) -> f64 {
        if named { NAMED } else { 1.0 }
    }

    /// The relevance.
    #[must_use]
    pub fn total(&self) -> f64 {
        (self.own * self.length + self.near) * self.form * self.speaker
    }
}

//! Why each match of a message is in its context or out.

use super::recall::Outcome;
use crate::store::{Score, SearchHit, TermMatch};

/// Why each match is in or out.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// Every match that was looked at: those that might have come in, best first, then those that are there by chance.
    pub matches: Vec<Explained>,
    /// Coverage below which a match counts as there by chance.
    pub least_coverage: f64,
    /// Whether even the best match is in doubt, so that all of them may bring a few tokens only.
    pub in_doubt: bool,
}

/// A match and what became of it.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The match itself.
    pub memory: crate::model::Memory,
    /// Its relevance.
    pub score: f64,
    /// What that is made of.
    pub parts: Score,
    /// The terms that match.
    pub terms: Vec<TermMatch>,
    /// How much of the message it covers.
    pub coverage: f64,
    /// What became of it.
    pub outcome: Outcome,
}

impl Explanation {
    pub(super) fn judged(&mut self, least_coverage: f64, in_doubt: bool) {
        self.least_coverage = least_coverage;
        self.in_doubt = in_doubt;
    }

    /// Notes a match; those that may come in stand before those that may not.
    pub(super) fn considered(&mut self, hit: &SearchHit, outcome: Outcome) {
        let kept = self.matches.partition_point(|known| known.outcome != Outcome::ByChance);
        self.matches.insert(kept, Explained::new(hit, outcome));
    }

    pub(super) fn by_chance(&mut self, hit: &SearchHit) {
        self.matches.push(Explained::new(hit, Outcome::ByChance));
    }
}

impl Explained {
    fn new(hit: &SearchHit, outcome: Outcome) -> Self {
        Self {
            memory: hit.memory.clone(),
            score: hit.score,
            parts: hit.parts,
            terms: hit.matches.clone(),
            coverage: hit.coverage,
            outcome,
        }
    }
}

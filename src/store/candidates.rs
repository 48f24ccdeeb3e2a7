//! Which memories may be the best for a query, before any of them is read.
//!
//! The lists of the terms are gone through side by side, a window of the namespace at a time, and what each term is worth is added up in an array for that
//! window. There is no table to look rows up in and no list to sort, as in Lucene's `BooleanScorer`.

use super::postings::Posting;
use super::ranking::{NEIGHBOURS, REACH};

/// Memories in a window.
const WINDOW: u32 = 2_048;

/// A memory before it is read: the most that it can be worth and cover.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Candidate {
    pub(super) worth: f64,
    pub(super) told: f64,
}

/// What a term counts for.
pub(super) struct Weighed<'a> {
    pub(super) posting: &'a Posting,
    pub(super) weight: f64,
    pub(super) telling: f64,
    /// Whether it counts for the neighbours of a memory too.
    pub(super) spreads: bool,
}

/// Every memory for which a term counts, in no particular order.
pub(super) fn add_up(terms: &[Weighed<'_>]) -> Vec<(u32, Candidate)> {
    let mut reaches: Vec<Reach<'_>> = terms.iter().map(Reach::of).collect();
    let mut window = vec![Candidate::default(); WINDOW as usize];
    let mut candidates = Vec::new();
    while let Some(start) = reaches.iter().filter_map(Reach::next).min() {
        let end = start.saturating_add(WINDOW);
        for (reach, term) in reaches.iter_mut().zip(terms) {
            reach.take_before(end, |sequence, part| {
                if let Some(candidate) = window.get_mut((sequence - start) as usize) {
                    candidate.worth += part * term.weight;
                    candidate.told += part * term.telling;
                }
            });
        }
        for (sequence, candidate) in (start..).zip(&mut window) {
            // A term is worth something, however common it is.
            if candidate.worth > 0.0 {
                candidates.push((sequence, std::mem::take(candidate)));
            }
        }
    }
    candidates
}

/// The memories for which a term counts, oldest first, and which part of it.
enum Reach<'a> {
    /// Those that hold it, in full.
    Holding(&'a [u32]),
    /// Their neighbours too.
    Near(Vec<(u32, f64)>, usize),
}

impl<'a> Reach<'a> {
    fn of(term: &Weighed<'a>) -> Self {
        if term.spreads {
            Self::Near(with_neighbours(&term.posting.sequences), 0)
        } else {
            Self::Holding(&term.posting.sequences)
        }
    }

    fn next(&self) -> Option<u32> {
        match self {
            Self::Holding(rest) => rest.first().copied(),
            Self::Near(near, taken) => near.get(*taken).map(|(sequence, _)| *sequence),
        }
    }

    fn take_before(&mut self, end: u32, mut add: impl FnMut(u32, f64)) {
        match self {
            Self::Holding(rest) => {
                let (now, later) = rest.split_at(rest.partition_point(|sequence| *sequence < end));
                for sequence in now {
                    add(*sequence, 1.0);
                }
                *rest = later;
            }
            Self::Near(near, taken) => {
                while let Some((sequence, part)) = near.get(*taken).filter(|(sequence, _)| *sequence < end) {
                    add(*sequence, *part);
                    *taken += 1;
                }
            }
        }
    }
}

/// The memories that hold a term and their neighbours, oldest first, each with the largest part that it gets.
fn with_neighbours(sequences: &[u32]) -> Vec<(u32, f64)> {
    let mut reached: Vec<(u32, f64)> = Vec::with_capacity(sequences.len() * (NEIGHBOURS.len() + 1));
    for sequence in sequences {
        for offset in -REACH..=REACH {
            let Some(at) = sequence.checked_add_signed(offset) else {
                continue;
            };
            // A memory that far away sees this one at the opposite distance.
            let seen = NEIGHBOURS.iter().find(|(distance, _)| *distance == i64::from(-offset));
            let part = seen.map_or(1.0, |(_, part)| *part);
            // Around each memory no place is left out, so a place that was reached before is that far from the end.
            let known = reached.last().and_then(|(last, _)| last.checked_sub(at));
            match known.and_then(|back| reached.len().checked_sub(back as usize + 1)) {
                Some(place) => {
                    if let Some((_, best)) = reached.get_mut(place) {
                        *best = best.max(part);
                    }
                }
                None => reached.push((at, part)),
            }
        }
    }
    reached
}

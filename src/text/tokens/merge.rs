//! Byte-pair encoding of one piece.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::table::rank;

/// Counts the tokens of pieces. Keeps its lists from one piece to the next.
#[derive(Default)]
pub(super) struct Merger {
    /// Where the part that begins at a byte ends; 0 where no part begins any more.
    ends: Vec<usize>,
    /// Where the part begins that stands before the one that begins at a byte.
    before: Vec<usize>,
    /// Neighbours that are a token together: its rank, where the first begins and where the second ends.
    pairs: BinaryHeap<Reverse<(u32, usize, usize)>>,
}

impl Merger {
    /// Tokens of a piece. Each byte is a token; then, as long as there are any, the two neighbours are merged whose token has the lowest rank,
    /// the first such pair before others. A piece of n bytes takes n log n steps, so that a long one without any space does no harm.
    #[expect(clippy::indexing_slicing, reason = "a part begins and ends within the piece")]
    pub(super) fn count(&mut self, piece: &[u8]) -> usize {
        // Most words are a token.
        if rank(piece).is_some() {
            return 1;
        }
        self.ends.clear();
        self.ends.extend(1..=piece.len());
        self.before.clear();
        self.before
            .extend((0..piece.len()).map(|start| start.saturating_sub(1)));
        for end in 2..=piece.len() {
            self.add_pair(piece, end - 2, end);
        }
        let mut tokens = piece.len();
        while let Some(Reverse((_, start, end))) = self.pairs.pop() {
            let middle = self.ends[start];
            // One of the two was merged with another since.
            if middle == 0 || middle >= end || self.ends[middle] != end {
                continue;
            }
            self.ends[start] = end;
            self.ends[middle] = 0;
            tokens -= 1;
            if start > 0 {
                self.add_pair(piece, self.before[start], end);
            }
            if end < piece.len() {
                self.before[end] = start;
                self.add_pair(piece, start, self.ends[end]);
            }
        }
        tokens
    }

    fn add_pair(&mut self, piece: &[u8], start: usize, end: usize) {
        if let Some(rank) = piece.get(start..end).and_then(rank) {
            self.pairs.push(Reverse((rank, start, end)));
        }
    }
}

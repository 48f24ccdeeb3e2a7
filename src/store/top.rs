//! The best scores so far of a search that goes on, at most so many.

pub(super) struct Top {
    /// Best first.
    scores: Vec<f64>,
    most: usize,
}

impl Top {
    pub(super) fn of(most: usize) -> Self {
        Self {
            scores: Vec::new(),
            most,
        }
    }

    /// Whether a match of this score would be one of them.
    pub(super) fn may_take(&self, score: f64) -> bool {
        self.scores.len() < self.most || self.scores.last().is_some_and(|least| *least < score)
    }

    pub(super) fn add(&mut self, score: f64) {
        if self.may_take(score) {
            let place = self.scores.partition_point(|better| *better >= score);
            self.scores.insert(place, score);
            self.scores.truncate(self.most);
        }
    }
}

//! Keeps what requests were given and what was learned from them until it is written, without a write a request.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use crate::model::NamespaceNumber;
use crate::store::{Activity, Outcome, Store, StoreError};
use crate::sync::lock;

/// Most requests that wait to be written.
const MOST_WAITING: usize = 4_096;
/// Searches whose times are known, the newest of all namespaces.
const MOST_TIMES: usize = 4_096;

/// What the database does not know of yet. A crash loses the last moments.
#[derive(Debug)]
pub struct ActivityLog {
    /// Whether requests are kept one by one; they are counted all the same.
    keep: bool,
    pending: Mutex<(Vec<Activity>, Vec<Outcome>)>,
}

impl ActivityLog {
    /// An empty one.
    #[must_use]
    pub fn new(keep: bool) -> Self {
        Self {
            keep,
            pending: Mutex::default(),
        }
    }

    /// Notes a request.
    pub fn note(&self, request: Activity) {
        let mut pending = lock(&self.pending);
        if pending.0.len() < MOST_WAITING {
            pending.0.push(request);
        }
    }

    /// Notes what was learned from requests that were noted before.
    pub fn learned(&self, outcomes: Vec<Outcome>) {
        lock(&self.pending).1.extend(outcomes);
    }

    /// Writes what was noted since the last call.
    ///
    /// # Errors
    /// The store is in trouble; what was noted is forgotten.
    pub async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        let (requests, outcomes) = std::mem::take(&mut *lock(&self.pending));
        if requests.is_empty() && outcomes.is_empty() {
            return Ok(());
        }
        store.note_activity(requests, outcomes, self.keep).await
    }
}

/// How long the newest searches took.
#[derive(Debug, Default)]
pub struct SearchTimes(Mutex<VecDeque<(NamespaceNumber, Duration)>>);

/// Times of searches: of half, of nine in ten and of 99 in 100 no search took longer.
#[derive(Clone, Copy, Debug)]
pub struct Percentiles {
    /// Searches that are known.
    pub count: usize,
    /// The median.
    pub p50: Duration,
    /// Of nine in ten.
    pub p90: Duration,
    /// Of 99 in 100.
    pub p99: Duration,
}

impl SearchTimes {
    /// Notes a search.
    pub fn took(&self, namespace: NamespaceNumber, time: Duration) {
        let mut times = lock(&self.0);
        if times.len() == MOST_TIMES {
            times.pop_front();
        }
        times.push_back((namespace, time));
    }

    /// The times in the namespaces that are meant; `None` where nothing was searched yet.
    pub fn percentiles(&self, meant: impl Fn(NamespaceNumber) -> bool) -> Option<Percentiles> {
        let mut times: Vec<Duration> = lock(&self.0)
            .iter()
            .filter(|(searched, _)| meant(*searched))
            .map(|(_, time)| *time)
            .collect();
        times.sort_unstable();
        // The nearest rank.
        let within = |percent: usize| {
            times
                .get((times.len() * percent).div_ceil(100).saturating_sub(1))
                .copied()
        };
        Some(Percentiles {
            count: times.len(),
            p50: within(50)?,
            p90: within(90)?,
            p99: within(99)?,
        })
    }
}

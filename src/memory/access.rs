//! Counts how often memories are injected, without a write a request.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::model;
use crate::store::{Store, StoreError};
use crate::sync::lock;

/// Uses that the database does not know of yet, by row id. A crash loses those of the last moments: they steer nothing that must not be lost.
#[derive(Debug, Default)]
pub struct AccessLog {
    pending: Mutex<HashMap<i64, i64>>,
}

impl AccessLog {
    /// Notes that these memories were injected.
    pub fn note(&self, row_ids: impl IntoIterator<Item = i64>) {
        let mut pending = lock(&self.pending);
        for row_id in row_ids {
            *pending.entry(row_id).or_default() += 1;
        }
    }

    /// Writes what was noted since the last call.
    ///
    /// # Errors
    /// The store is in trouble; what was noted is forgotten.
    pub async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        let pending = std::mem::take(&mut *lock(&self.pending));
        if pending.is_empty() {
            return Ok(());
        }
        store.note_access(pending.into_iter().collect(), model::now()).await
    }
}

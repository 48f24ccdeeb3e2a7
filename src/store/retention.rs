//! Keeps namespaces within their own `retention_days` and `max_memories`.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, params};

use super::{Store, StoreError};
use crate::model::{NamespaceConfig, NamespaceNumber};

/// Memories deleted in one transaction, so that other writes get their turn.
const BATCH: u32 = 500;

/// How many memories were deleted, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Older than the namespace keeps them.
    pub expired: usize,
    /// More than the namespace may hold.
    pub surplus: usize,
}

impl Store {
    /// Deletes what is too old or too much. Of what is too much, superseded memories go first, then extracted ones before those that somebody wrote, and then the oldest, least used
    /// and least confident first.
    ///
    /// # Errors
    /// The store is in trouble; what was deleted so far stays so.
    pub async fn enforce_limits(&self, now: DateTime<Utc>) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        for (namespace, config) in self.read(limited_namespaces).await? {
            if let Some(days) = config.retention_days {
                let before = now - TimeDelta::days(days.into());
                removed.expired += self
                    .in_batches(move |connection| delete_expired(connection, namespace, before))
                    .await?;
            }
            if let Some(most) = config.max_memories {
                removed.surplus += self
                    .in_batches(move |connection| delete_surplus(connection, namespace, most))
                    .await?;
            }
        }
        Ok(removed)
    }

    /// Repeats a deletion, a transaction each time, until it finds less than a batch.
    async fn in_batches<F>(&self, delete: F) -> Result<usize, StoreError>
    where
        F: Fn(&Connection) -> rusqlite::Result<usize> + Clone + Send + 'static,
    {
        let mut deleted = 0;
        loop {
            let batch = self.write(delete.clone()).await?;
            deleted += batch;
            if batch < BATCH as usize {
                return Ok(deleted);
            }
        }
    }
}

fn limited_namespaces(connection: &Connection) -> rusqlite::Result<Vec<(NamespaceNumber, NamespaceConfig)>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, config FROM namespaces
         WHERE json_extract(config, '$.retention_days') IS NOT NULL OR json_extract(config, '$.max_memories') IS NOT NULL",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((NamespaceNumber(row.get(0)?), super::namespaces::config(row, 1)?))
    })?;
    rows.collect()
}

fn delete_expired(
    connection: &Connection,
    namespace: NamespaceNumber,
    before: DateTime<Utc>,
) -> rusqlite::Result<usize> {
    let (first, last) = namespace.row_ids();
    connection
        .prepare_cached(
            "DELETE FROM memories WHERE row_id IN (
                 SELECT row_id FROM memories WHERE row_id BETWEEN ?1 AND ?2 AND created_at < ?3 LIMIT ?4)",
        )?
        .execute(params![first, last, before.timestamp_millis(), BATCH])
}

fn delete_surplus(connection: &Connection, namespace: NamespaceNumber, most: u32) -> rusqlite::Result<usize> {
    let (first, last) = namespace.row_ids();
    connection
        .prepare_cached(
            "DELETE FROM memories WHERE row_id IN (
                 SELECT row_id FROM memories WHERE row_id BETWEEN ?1 AND ?2
                 ORDER BY superseded_at IS NULL, source = 'user', created_at, access_count, confidence, row_id
                 LIMIT (SELECT min(?4, max(0, memory_count + superseded_count - ?3)) FROM namespaces WHERE number = ?5))",
        )?
        .execute(params![first, last, most, BATCH, namespace.0])
}

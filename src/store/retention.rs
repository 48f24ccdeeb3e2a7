//! Keeps namespaces within their own `retention_days` and `max_memories`.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Store, StoreError};
use crate::model::{NamespaceConfig, NamespaceNumber};

/// Memories deleted in one transaction, so that other writes get their turn.
const BATCH: usize = 500;

impl Store {
    /// Deletes what is older than its namespace keeps; how many memories.
    ///
    /// # Errors
    /// The store is in trouble; what was deleted so far stays so.
    pub async fn remove_expired(&self, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let mut removed = 0;
        for (namespace, config) in self.read(limited_namespaces).await? {
            if let Some(days) = config.retention_days {
                let before = (now - TimeDelta::days(days.into())).timestamp_millis();
                let expired = self
                    .read(move |connection| find_expired(connection, namespace, before))
                    .await?;
                removed += self.remove(namespace, expired, 0).await?;
            }
        }
        Ok(removed)
    }

    /// Deletes what is more than a namespace may hold; how many memories. What somebody wrote goes last, whatever else is said of it;
    /// before that, what is superseded goes first and what is pinned last, and among equals the oldest, then the least used, then the least confident.
    ///
    /// # Errors
    /// The store is in trouble; what was deleted so far stays so.
    pub async fn remove_surplus(&self) -> Result<usize, StoreError> {
        let mut removed = 0;
        for (namespace, config) in self.read(limited_namespaces).await? {
            if let Some(most) = config.max_memories {
                let surplus = self
                    .read(move |connection| find_surplus(connection, namespace, most))
                    .await?;
                removed += self.remove(namespace, surplus, most).await?;
            }
        }
        Ok(removed)
    }

    /// Deletes memories of a namespace in small transactions, as long as it holds more than `keep`. They were found without holding up the writers,
    /// and somebody may have deleted others since.
    async fn remove(&self, namespace: NamespaceNumber, row_ids: Vec<i64>, keep: u32) -> Result<usize, StoreError> {
        let mut removed = 0;
        for batch in row_ids.chunks(BATCH) {
            let batch = batch.to_vec();
            removed += self
                .write(move |connection| {
                    let surplus = usize::try_from(surplus(connection, namespace, keep)?).unwrap_or_default();
                    let mut delete = connection.prepare_cached("DELETE FROM memories WHERE row_id = ?1")?;
                    batch
                        .iter()
                        .take(surplus)
                        .try_fold(0, |deleted, row_id| Ok(deleted + delete.execute([row_id])?))
                })
                .await?;
        }
        Ok(removed)
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

/// How many memories a namespace holds above `most`, superseded ones counted.
fn surplus(connection: &Connection, namespace: NamespaceNumber, most: u32) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT max(0, memory_count + superseded_count - ?2) FROM namespaces WHERE number = ?1")?
        .query_row(params![namespace.0, most], |row| row.get(0))
        .optional()
        .map(Option::unwrap_or_default)
}

fn find_expired(connection: &Connection, namespace: NamespaceNumber, before: i64) -> rusqlite::Result<Vec<i64>> {
    let (first, last) = namespace.row_ids();
    connection
        .prepare_cached("SELECT row_id FROM memories WHERE row_id BETWEEN ?1 AND ?2 AND created_at < ?3")?
        .query_map(params![first, last, before], |row| row.get(0))?
        .collect()
}

fn find_surplus(connection: &Connection, namespace: NamespaceNumber, most: u32) -> rusqlite::Result<Vec<i64>> {
    let surplus = surplus(connection, namespace, most)?;
    if surplus == 0 {
        return Ok(Vec::new());
    }
    let (first, last) = namespace.row_ids();
    connection
        .prepare_cached(
            "SELECT row_id FROM memories WHERE row_id BETWEEN ?1 AND ?2
             ORDER BY source = 'user', superseded_at IS NULL, pinned, created_at, access_count, confidence, row_id LIMIT ?3",
        )?
        .query_map(params![first, last, surplus], |row| row.get(0))?
        .collect()
}

//! What is in a namespace, or in all of them, in figures. The whole file, with what looking after it needs, is for [`super::stats`].

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use rusqlite::named_params;

use super::activity::{Usage, usage};
use super::keys::VISIBLE;
use super::namespaces::to_json;
use super::{Store, StoreError};
use crate::model::{MemoryType, NamespaceNumber, NamespacePatterns, Source};

/// The figures.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Namespaces that are counted.
    pub namespaces: HashSet<NamespaceNumber>,
    /// Memories that are valid.
    pub memories: i64,
    /// Memories whose place something newer has taken.
    pub superseded: i64,
    /// Tokens of the valid ones, as context lines.
    pub tokens: i64,
    /// Bytes of their words.
    pub content_bytes: i64,
    /// The valid ones by kind.
    pub kinds: BTreeMap<&'static str, i64>,
    /// The valid ones by source.
    pub sources: BTreeMap<&'static str, i64>,
    /// When one of them was last made or changed.
    pub last_write: Option<DateTime<Utc>>,
    /// What they were used for.
    pub usage: Usage,
    /// Bytes of the database.
    pub file_bytes: i64,
}

impl Store {
    /// Counts what is in a namespace, or in all, or in those that patterns name. It looks at each memory.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn tally(
        &self,
        namespace: Option<NamespaceNumber>,
        visible: Option<NamespacePatterns>,
    ) -> Result<Tally, StoreError> {
        self.read(move |connection| {
            let (first, last) = namespace.map_or((i64::MIN, i64::MAX), NamespaceNumber::row_ids);
            let visible = visible.as_ref().map(to_json).transpose()?;
            let counted: Vec<(i64, i64)> = connection
                .prepare_cached(&format!(
                    "SELECT number, superseded_count FROM namespaces WHERE (:number IS NULL OR number = :number) AND {VISIBLE}"
                ))?
                .query_map(
                    named_params! { ":number": namespace.map(|namespace| namespace.0), ":visible": visible },
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )?
                .collect::<rusqlite::Result<_>>()?;
            let mut tally = Tally {
                namespaces: counted.iter().map(|(number, _)| NamespaceNumber(*number)).collect(),
                memories: 0,
                superseded: counted.iter().map(|(_, superseded)| superseded).sum(),
                tokens: 0,
                content_bytes: 0,
                kinds: MemoryType::ALL.iter().map(|kind| (kind.as_str(), 0)).collect(),
                sources: Source::ALL.iter().map(|source| (source.as_str(), 0)).collect(),
                last_write: None,
                usage: usage(connection, namespace, visible.as_deref())?,
                file_bytes: connection.query_row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", [], |row| row.get(0))?,
            };
            let mut statement = connection.prepare_cached(&format!(
                "SELECT type, source, count(*), sum(token_count), sum(octet_length(content)), max(coalesce(updated_at, created_at))
                 FROM memories
                 WHERE row_id BETWEEN :first AND :last AND superseded_at IS NULL
                     AND (:visible IS NULL OR namespace IN (SELECT number FROM namespaces WHERE {VISIBLE}))
                 GROUP BY type, source",
            ))?;
            let mut rows = statement.query(named_params! { ":first": first, ":last": last, ":visible": visible })?;
            while let Some(row) = rows.next()? {
                let (kind, source): (String, String) = (row.get(0)?, row.get(1)?);
                let count: i64 = row.get(2)?;
                if let Some(kind) = tally.kinds.get_mut(kind.as_str()) {
                    *kind += count;
                }
                if let Some(source) = tally.sources.get_mut(source.as_str()) {
                    *source += count;
                }
                tally.memories += count;
                tally.tokens += row.get::<_, i64>(3)?;
                tally.content_bytes += row.get::<_, i64>(4)?;
                tally.last_write = tally.last_write.max(DateTime::from_timestamp_millis(row.get(5)?));
            }
            Ok(tally)
        })
        .await
    }
}

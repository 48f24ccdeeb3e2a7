//! Memories: making, reading, changing, deleting, and noting their use.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::facts::{Restore, remove};
use super::filter::MemoryFilter;
use super::namespaces::unreadable;
use super::rows::{Derived, NewRow, metadata_column, source_code, tags_column, type_code};
use super::{Store, StoreError};
use crate::model::{
    self, Fact, Memory, MemoryId, MemoryType, Metadata, NamespaceNumber, NewMemory, Source, Tags, Turn,
};

pub(super) const COLUMNS: &str = "row_id, id, content, type, source, tags, metadata, confidence, token_count, \
     created_at, coalesce(updated_at, created_at), accessed_at, access_count, conversation_id, role, speaker, confirmed_at, confirmation_count, superseded_at, \
     (SELECT successor.id FROM memories AS successor WHERE successor.row_id = memories.superseded_by), pinned";

/// A page of memories, newest first.
#[derive(Debug)]
pub struct MemoryPage {
    /// Those on the page.
    pub memories: Vec<Memory>,
    /// How many there are in all.
    pub total: i64,
}

/// Fields to change; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct MemoryUpdate {
    /// New words.
    pub content: Option<String>,
    /// New kind.
    pub kind: Option<MemoryType>,
    /// New source.
    pub source: Option<Source>,
    /// New labels.
    pub tags: Option<Tags>,
    /// New free fields.
    pub metadata: Option<Metadata>,
    /// New confidence.
    pub confidence: Option<f64>,
    /// What the new words say of the user.
    pub fact: Option<Fact>,
    /// Whether it is in every context from now on.
    pub pinned: Option<bool>,
}

impl Store {
    /// Stores a memory; `None` where the namespace is gone.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn create_memory(
        &self,
        namespace: NamespaceNumber,
        memory: NewMemory,
    ) -> Result<Option<Memory>, StoreError> {
        let now = model::now();
        // Worked out here, for there is only one thread that writes.
        let derived = Derived::of_new(&memory, now);
        self.write(move |connection| insert_derived(connection, namespace, &memory, &derived, now))
            .await
    }

    /// One memory of a namespace.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn memory(&self, namespace: NamespaceNumber, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        self.read(move |connection| find(connection, namespace, id)).await
    }

    /// A page of a namespace's memories, newest first.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn memories(
        &self,
        namespace: NamespaceNumber,
        filter: MemoryFilter,
        limit: u32,
        offset: u64,
    ) -> Result<MemoryPage, StoreError> {
        self.read(move |connection| {
            let (condition, mut values) = filter.condition(namespace);
            let total = if filter == MemoryFilter::default() {
                connection
                    .prepare_cached("SELECT memory_count FROM namespaces WHERE number = ?1")?
                    .query_row([namespace.0], |row| row.get(0))
                    .optional()?
                    .unwrap_or(0)
            } else {
                connection
                    .prepare_cached(&format!("SELECT count(*) FROM memories WHERE {condition}"))?
                    .query_row(params_from_iter(&values), |row| row.get(0))?
            };
            values.push(i64::from(limit).into());
            values.push(i64::try_from(offset).unwrap_or(i64::MAX).into());
            let memories = connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM memories WHERE {condition} ORDER BY row_id DESC LIMIT ? OFFSET ?"
                ))?
                .query_map(params_from_iter(&values), from_row)?
                .collect::<rusqlite::Result<_>>()?;
            Ok(MemoryPage { memories, total })
        })
        .await
    }

    /// Changes a memory; `None` where there is none of that id in the namespace.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn update_memory(
        &self,
        namespace: NamespaceNumber,
        id: MemoryId,
        update: MemoryUpdate,
    ) -> Result<Option<Memory>, StoreError> {
        self.write(move |connection| {
            let Some(mut memory) = find(connection, namespace, id)? else {
                return Ok(None);
            };
            memory.kind = update.kind.unwrap_or(memory.kind);
            memory.source = update.source.unwrap_or(memory.source);
            memory.tags = update.tags.unwrap_or(memory.tags);
            memory.metadata = update.metadata.unwrap_or(memory.metadata);
            memory.confidence = update.confidence.unwrap_or(memory.confidence);
            memory.pinned = update.pinned.unwrap_or(memory.pinned);
            memory.updated_at = model::now();
            if let Some(content) = update.content.filter(|content| *content != memory.content) {
                memory.content = content;
                memory.token_count = write_content(connection, &memory, update.fact.as_ref())?;
            }
            connection
                .prepare_cached(
                    "UPDATE memories SET type_code = ?2, source_code = ?3, tags = ?4, metadata = ?5, confidence = ?6, updated_at = ?7,
                         pinned = ?8
                     WHERE row_id = ?1",
                )?
                .execute(params![
                    memory.row_id,
                    type_code(memory.kind),
                    source_code(memory.source),
                    tags_column(&memory.tags)?,
                    metadata_column(&memory.metadata)?,
                    memory.confidence,
                    memory.updated_at.timestamp_millis(),
                    memory.pinned,
                ])?;
            Ok(Some(memory))
        })
        .await
    }

    /// Deletes a memory; returns what became valid again, or `None` where there was no such memory.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn delete_memory(
        &self,
        namespace: NamespaceNumber,
        id: MemoryId,
        restore: Restore,
    ) -> Result<Option<Vec<MemoryId>>, StoreError> {
        self.write(move |connection| match find(connection, namespace, id)? {
            Some(memory) => remove(connection, memory.row_id, restore).map(Some),
            None => Ok(None),
        })
        .await
    }

    /// Notes that memories, given by row id, were injected, so often each, last at this time. Those that are gone are passed over.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn note_access(&self, uses: Vec<(i64, i64)>, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(move |connection| {
            let mut update = connection.prepare_cached(
                "UPDATE memories SET access_count = access_count + ?2, accessed_at = max(coalesce(accessed_at, 0), ?3)
                 WHERE row_id = ?1",
            )?;
            for (row_id, count) in uses {
                update.execute(params![row_id, count, at.timestamp_millis()])?;
            }
            Ok(())
        })
        .await
    }
}

fn find(connection: &Connection, namespace: NamespaceNumber, id: MemoryId) -> rusqlite::Result<Option<Memory>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM memories WHERE id = ?1 AND namespace = ?2"
        ))?
        .query_row(params![id, namespace.0], from_row)
        .optional()
}

/// Stores a memory; `None` where the namespace is gone.
pub(super) fn insert(
    connection: &Connection,
    namespace: NamespaceNumber,
    memory: &NewMemory,
) -> rusqlite::Result<Option<Memory>> {
    let now = model::now();
    insert_derived(connection, namespace, memory, &Derived::of_new(memory, now), now)
}

fn insert_derived(
    connection: &Connection,
    namespace: NamespaceNumber,
    memory: &NewMemory,
    derived: &Derived,
    now: DateTime<Utc>,
) -> rusqlite::Result<Option<Memory>> {
    let sequence: Option<i64> = connection
        .prepare_cached(
            "UPDATE namespaces SET next_sequence = next_sequence + 1 WHERE number = ?1 RETURNING next_sequence - 1",
        )?
        .query_row([namespace.0], |row| row.get(0))
        .optional()?;
    let Some(sequence) = sequence else {
        return Ok(None);
    };
    let row = NewRow {
        row_id: namespace.row_ids().0 | sequence,
        namespace,
        id: Uuid::now_v7(),
        memory,
        derived,
        created_at: memory.created_at.unwrap_or(now),
        updated_at: now,
        accessed_at: None,
        access_count: 0,
        confirmed_at: None,
        confirmation_count: 0,
    };
    if !row.insert(connection)? {
        return Err(rusqlite::Error::StatementChangedRows(0));
    }
    Ok(Some(row.stored()))
}

/// Writes new words and all that follows from them; returns their tokens.
fn write_content(connection: &Connection, memory: &Memory, fact: Option<&Fact>) -> rusqlite::Result<u32> {
    let derived = Derived::of(&memory.content, memory.turn.as_ref(), memory.created_at);
    let slot = fact.and_then(|fact| fact.slot.as_ref());
    connection
        .prepare_cached(
            "UPDATE memories SET content = ?2, index_text = ?3, fingerprint = ?4, word_count = ?5, token_count = ?6,
                 slot = ?7, slot_value = ?8, statement = ?9, ended = ?10
             WHERE row_id = ?1",
        )?
        .execute(params![
            memory.row_id,
            memory.content,
            derived.index_text,
            derived.fingerprint,
            derived.word_count,
            derived.token_count,
            slot.map(|slot| &slot.name),
            slot.map(|slot| &slot.value),
            fact.map(|fact| &fact.statement),
            fact.is_some_and(|fact| fact.ended),
        ])?;
    Ok(derived.token_count)
}

pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Memory> {
    let name = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    Ok(Memory {
        row_id: row.get(0)?,
        id: row.get(1)?,
        content: row.get(2)?,
        kind: MemoryType::parse(name(3)?).map_err(|error| unreadable(3, error.to_string()))?,
        source: Source::parse(name(4)?).map_err(|error| unreadable(4, error.to_string()))?,
        tags: json_or_default(row, 5)?,
        metadata: json_or_default(row, 6)?,
        confidence: row.get(7)?,
        token_count: row.get(8)?,
        created_at: time(row, 9)?,
        updated_at: time(row, 10)?,
        accessed_at: optional_time(row, 11)?,
        access_count: row.get(12)?,
        turn: match row.get(13)? {
            Some(conversation_id) => Some(Turn {
                conversation_id,
                role: row.get(14)?,
                speaker: row.get(15)?,
            }),
            None => None,
        },
        last_confirmed_at: match optional_time(row, 16)? {
            Some(confirmed) => confirmed,
            None => time(row, 9)?,
        },
        confirmation_count: row.get(17)?,
        superseded_at: optional_time(row, 18)?,
        superseded_by: row.get(19)?,
        pinned: row.get(20)?,
    })
}

/// A column of JSON; null: nothing in it.
fn json_or_default<T: DeserializeOwned + Default>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    match row.get_ref(column)?.as_str_or_null()? {
        Some(json) => serde_json::from_str(json).map_err(|error| unreadable(column, error.to_string())),
        None => Ok(T::default()),
    }
}

fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<DateTime<Utc>>> {
    Ok(row
        .get::<_, Option<i64>>(column)?
        .and_then(DateTime::from_timestamp_millis))
}

/// A time column: milliseconds since 1970 UTC.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<DateTime<Utc>> {
    let milliseconds: i64 = row.get(column)?;
    DateTime::from_timestamp_millis(milliseconds)
        .ok_or_else(|| unreadable(column, format!("{milliseconds} is no time")))
}

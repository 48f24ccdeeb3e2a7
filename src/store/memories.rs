//! Memories: making, reading, changing, deleting, and noting their use.

use std::borrow::Borrow;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::facts::{Restore, remove};
use super::namespaces::{self, unreadable};
use super::once::{self, Made, Once};
use super::rows::{Derived, NewRow, WITH_ID, metadata_column, source_code, tags_column, type_code};
use super::{Store, StoreError};
use crate::model::{
    self, Fact, Memory, MemoryId, MemoryType, Metadata, Namespace, NamespaceNumber, NewMemory, Source, Tags, Turn,
};

pub(super) const COLUMNS: &str = "row_id, id, content, type, source, tags, metadata, confidence, token_count, \
     created_at, coalesce(updated_at, created_at), accessed_at, access_count, conversation_id, role, speaker, confirmed_at, confirmation_count, superseded_at, \
     (SELECT successor.id FROM memories AS successor WHERE successor.row_id = memories.superseded_by), pinned";

/// Bytes of new memories whose words are counted on the thread that serves the request: tens of microseconds.
const COUNTED_AT_ONCE: usize = 1_024;

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
    /// Stores memories in their order, all or none; `None` where the namespace is gone.
    ///
    /// # Errors
    /// The store is in trouble; nothing was changed.
    pub async fn create_memories(
        &self,
        namespace: NamespaceNumber,
        memories: Vec<NewMemory>,
        once: Option<Once>,
    ) -> Result<Option<Made<Vec<Memory>>>, StoreError> {
        // Words are counted before: they would keep the other writes waiting. Few are counted sooner than a thread is woken for them.
        let size: usize = memories.iter().map(|memory| memory.content.len()).sum();
        let prepare = move || memories.into_iter().map(Prepared::new).collect::<Vec<_>>();
        let memories = if size <= COUNTED_AT_ONCE {
            prepare()
        } else {
            tokio::task::spawn_blocking(prepare)
                .await
                .map_err(|_| StoreError::Closed)?
        };
        self.write(move |connection| {
            let find_all = |ids: &[Uuid]| ids.iter().map(|id| find(connection, namespace, *id)).collect();
            let make = || {
                let made = memories
                    .iter()
                    .map(|memory| insert_prepared(connection, namespace, memory));
                let made: Option<Vec<Memory>> = made.collect::<rusqlite::Result<_>>()?;
                Ok(made.map(|made| {
                    let ids = made.iter().map(|memory| memory.id).collect();
                    (made, ids)
                }))
            };
            once::once(connection, namespace.0, once.as_ref(), find_all, make)
        })
        .await
    }

    /// The namespace that a memory is in.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn namespace_of(&self, id: MemoryId) -> Result<Option<Namespace>, StoreError> {
        self.read(move |connection| {
            let number: Option<i64> = connection
                .prepare_cached(&format!("SELECT namespace FROM memories WHERE {WITH_ID}"))?
                .query_row([id], |row| row.get(0))
                .optional()?;
            number.map_or(Ok(None), |number| {
                namespaces::numbered(connection, NamespaceNumber(number))
            })
        })
        .await
    }

    /// One memory of a namespace.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn memory(&self, namespace: NamespaceNumber, id: MemoryId) -> Result<Option<Memory>, StoreError> {
        self.read(move |connection| find(connection, namespace, id)).await
    }

    /// Changes a memory as `change` says, which sees it as it is; `None` where there is none of that id in the namespace.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn update_memory<E, F>(
        &self,
        namespace: NamespaceNumber,
        id: MemoryId,
        change: F,
    ) -> Result<Option<Result<Memory, E>>, StoreError>
    where
        E: Send + 'static,
        F: FnOnce(&Memory) -> Result<MemoryUpdate, E> + Send + 'static,
    {
        self.write(move |connection| {
            let Some(mut memory) = find(connection, namespace, id)? else {
                return Ok(None);
            };
            let update = match change(&memory) {
                Ok(update) => update,
                Err(refused) => return Ok(Some(Err(refused))),
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
            Ok(Some(Ok(memory)))
        })
        .await
    }

    /// Deletes a memory unless `check`, which sees it as it is, refuses; returns what became valid again, or `None` where there was no such memory.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn delete_memory<E, F>(
        &self,
        namespace: NamespaceNumber,
        id: MemoryId,
        restore: Restore,
        check: F,
    ) -> Result<Option<Result<Vec<MemoryId>, E>>, StoreError>
    where
        E: Send + 'static,
        F: FnOnce(&Memory) -> Result<(), E> + Send + 'static,
    {
        self.write(move |connection| {
            let Some(memory) = find(connection, namespace, id)? else {
                return Ok(None);
            };
            match check(&memory) {
                Ok(()) => Ok(Some(Ok(remove(connection, memory.row_id, restore)?))),
                Err(refused) => Ok(Some(Err(refused))),
            }
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
            "SELECT {COLUMNS} FROM memories WHERE {WITH_ID} AND namespace = ?2"
        ))?
        .query_row(params![id, namespace.0], from_row)
        .optional()
}

/// A memory that is new now, and what follows from its words.
struct Prepared<M> {
    memory: M,
    now: DateTime<Utc>,
    derived: Derived,
}

impl<M: Borrow<NewMemory>> Prepared<M> {
    fn new(memory: M) -> Self {
        let now = model::now();
        Self {
            derived: Derived::of_new(memory.borrow(), now),
            now,
            memory,
        }
    }
}

/// Stores a memory; `None` where the namespace is gone.
pub(super) fn insert(
    connection: &Connection,
    namespace: NamespaceNumber,
    memory: &NewMemory,
) -> rusqlite::Result<Option<Memory>> {
    insert_prepared(connection, namespace, &Prepared::new(memory))
}

fn insert_prepared<M: Borrow<NewMemory>>(
    connection: &Connection,
    namespace: NamespaceNumber,
    prepared: &Prepared<M>,
) -> rusqlite::Result<Option<Memory>> {
    let Some(row_id) = next_row_id(connection, namespace)? else {
        return Ok(None);
    };
    let memory: &NewMemory = prepared.memory.borrow();
    let row = NewRow {
        row_id,
        namespace,
        id: Uuid::now_v7(),
        memory,
        derived: &prepared.derived,
        created_at: memory.created_at.unwrap_or(prepared.now),
        updated_at: prepared.now,
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

/// The row id of a new memory; `None` where the namespace is gone.
pub(super) fn next_row_id(connection: &Connection, namespace: NamespaceNumber) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "UPDATE namespaces SET next_sequence = next_sequence + 1 WHERE number = ?1 RETURNING next_sequence - 1",
        )?
        .query_row([namespace.0], |row| Ok(namespace.row_ids().0 | row.get::<_, i64>(0)?))
        .optional()
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

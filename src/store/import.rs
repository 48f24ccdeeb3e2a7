//! Brings in memories and namespaces as they were somewhere else, with their ids, times and counts.
//!
//! A server may use the database meanwhile. So rows go in transactions that are short where it is shared, with a pause in between in which others get
//! their turn: who waits for the lock looks every tenth of a second. An import that ends in the middle is taken up by doing it again, for what
//! is there is left as it is.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, named_params, params};
use rustc_hash::FxHashMap;
use uuid::Uuid;

use super::care::{CareError, Stop, is_in_use};
use super::namespaces::{self, to_json};
use super::rows::{Derived, NewRow, WITH_ID};
use super::{connection, indexing, migrations};
use crate::model::{self, MemoryId, NamespaceConfig, NamespaceName, NamespaceNumber, NewMemory};

/// Longest transaction where nobody else uses the database.
const ALONE: Duration = Duration::from_secs(2);
/// Longest transaction where somebody does.
const SHARED: Duration = Duration::from_millis(100);
/// Pause between two of those: a little longer than `SQLite` sleeps between two looks at a lock.
const PAUSE: Duration = Duration::from_millis(120);
/// Rows between two looks at the clock.
const ROWS: usize = 64;
/// Cache for the pages of the indexes, in KiB.
const CACHE_KIB: i64 = 64 << 10;

/// What is to be brought in.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A namespace.
    Namespace(NamespaceEntry),
    /// A memory.
    Memory(Box<MemoryEntry>),
}

/// A namespace as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceEntry {
    /// Its name.
    pub name: NamespaceName,
    /// Its id; `None`: a new one.
    pub id: Option<Uuid>,
    /// Its settings.
    pub config: NamespaceConfig,
    /// When it was made; `None`: now.
    pub created_at: Option<DateTime<Utc>>,
    /// When its settings last changed; `None`: now.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A memory as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryEntry {
    /// The name of its namespace.
    pub namespace: NamespaceName,
    /// Its id; `None`: a new one, unless the namespace holds the same words already.
    pub id: Option<MemoryId>,
    /// All that a new memory has.
    pub memory: NewMemory,
    /// When it last changed; `None`: now.
    pub updated_at: Option<DateTime<Utc>>,
    /// When it was last injected.
    pub accessed_at: Option<DateTime<Utc>>,
    /// How often it was injected.
    pub access_count: i64,
    /// When it was last said.
    pub last_confirmed_at: Option<DateTime<Utc>>,
    /// How often it was said again.
    pub confirmation_count: i64,
    /// When something newer took its place.
    pub superseded_at: Option<DateTime<Utc>>,
    /// What took its place.
    pub superseded_by: Option<MemoryId>,
}

/// An entry with all that follows from its words, so that the writing thread need not work that out.
pub struct Prepared(Work);

enum Work {
    Namespace(NamespaceEntry),
    Memory(Box<MemoryEntry>, DateTime<Utc>, Derived),
}

impl Entry {
    /// Works out what follows from the words.
    #[must_use]
    pub fn prepare(self) -> Prepared {
        Prepared(match self {
            Self::Namespace(entry) => Work::Namespace(entry),
            Self::Memory(entry) => {
                let memory = &entry.memory;
                let created_at = memory.created_at.unwrap_or_else(model::now);
                let derived = Derived::of(&memory.content, memory.turn.as_ref(), created_at);
                Work::Memory(entry, created_at, derived)
            }
        })
    }
}

/// What came of an import so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Memories that are new.
    pub memories: i64,
    /// Memories that were there already.
    pub known: i64,
    /// Namespaces that are new.
    pub namespaces: i64,
}

/// Writes entries into a database.
pub struct Importer {
    path: PathBuf,
    connection: Connection,
    /// Whether somebody else has the database open.
    shared: bool,
    /// When the open transaction began.
    begun: Option<Instant>,
    /// Namespaces that the open transaction has met, with the sequence of their next memory.
    open: FxHashMap<NamespaceName, (NamespaceNumber, i64)>,
    /// Superseded memories, by row id, whose successor has not come yet.
    waiting: FxHashMap<MemoryId, Vec<i64>>,
    /// What came of the transactions that are done.
    counts: ImportCounts,
    /// The same with the open one.
    running: ImportCounts,
}

impl Importer {
    /// Opens the database, making and migrating it as needed.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(database: &Path) -> Result<Self, CareError> {
        connection::inspect(database)?;
        let shared = is_in_use(database)?;
        connection::create_private(database)?;
        let fail = CareError::sqlite(database);
        let mut connection = connection::open_writer(database).map_err(&fail)?;
        migrations::run(&mut connection, database)?;
        indexing::prepare(&connection).map_err(&fail)?;
        connection
            .pragma_update(None, "cache_size", -CACHE_KIB)
            .map_err(&fail)?;
        drop(fail);
        Ok(Self {
            path: database.to_owned(),
            connection,
            shared,
            begun: None,
            open: FxHashMap::default(),
            waiting: FxHashMap::default(),
            counts: ImportCounts::default(),
            running: ImportCounts::default(),
        })
    }

    /// What is written and will stay.
    #[must_use]
    pub fn counts(&self) -> ImportCounts {
        self.counts
    }

    /// Writes entries, in their order. They are sure to stay after [`Self::finish`].
    ///
    /// # Errors
    /// The database is in trouble, or the work was asked to stop; what [`Self::counts`] says is written.
    pub fn write(&mut self, entries: Vec<Prepared>, stop: &Stop) -> Result<(), CareError> {
        for (row, entry) in entries.into_iter().enumerate() {
            if row % ROWS == 0 {
                if stop.is_requested() {
                    self.finish()?;
                    return Err(CareError::Stopped);
                }
                self.take_turns()?;
            }
            self.write_one(entry).map_err(CareError::sqlite(&self.path))?;
        }
        Ok(())
    }

    /// Commits what is open.
    ///
    /// # Errors
    /// The database is in trouble; what [`Self::counts`] says is written.
    pub fn finish(&mut self) -> Result<(), CareError> {
        if self.begun.take().is_none() {
            return Ok(());
        }
        self.commit().map_err(CareError::sqlite(&self.path))?;
        self.counts = self.running;
        Ok(())
    }

    /// Ends a transaction that has lasted long enough and begins one where there is none.
    fn take_turns(&mut self) -> Result<(), CareError> {
        let longest = if self.shared { SHARED } else { ALONE };
        if self.begun.is_some_and(|begun| begun.elapsed() >= longest) {
            self.finish()?;
            if self.shared {
                thread::sleep(PAUSE);
            }
        }
        if self.begun.is_none() {
            self.connection
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(CareError::sqlite(&self.path))?;
            self.begun = Some(Instant::now());
        }
        Ok(())
    }

    fn commit(&mut self) -> rusqlite::Result<()> {
        let mut note = self
            .connection
            .prepare_cached("UPDATE namespaces SET next_sequence = ?2 WHERE number = ?1")?;
        // Others may add to them between two transactions.
        for (_, (number, next)) in self.open.drain() {
            note.execute(params![number.0, next])?;
        }
        drop(note);
        indexing::enter(&self.connection)?;
        self.connection.execute_batch("COMMIT")
    }

    fn write_one(&mut self, Prepared(work): Prepared) -> rusqlite::Result<()> {
        match work {
            Work::Namespace(entry) => self.running.namespaces += i64::from(write_namespace(&self.connection, &entry)?),
            Work::Memory(entry, created_at, derived) => {
                if self.write_memory(&entry, created_at, &derived)? {
                    self.running.memories += 1;
                } else {
                    self.running.known += 1;
                }
            }
        }
        Ok(())
    }

    /// Writes a memory; whether it is new.
    fn write_memory(
        &mut self,
        entry: &MemoryEntry,
        created_at: DateTime<Utc>,
        derived: &Derived,
    ) -> rusqlite::Result<bool> {
        if !self.open.contains_key(&entry.namespace) {
            let (slot, is_new) = slot(&self.connection, &entry.namespace)?;
            self.running.namespaces += i64::from(is_new);
            self.open.insert(entry.namespace.clone(), slot);
        }
        let Some((number, next)) = self.open.get_mut(&entry.namespace) else {
            return Ok(false);
        };
        if entry.id.is_none() && is_known(&self.connection, *number, entry, derived)? {
            return Ok(false);
        }
        // Until its first use the API shows the time of its making, and the database nothing. The same until it is first said again.
        let accessed_at = entry
            .accessed_at
            .filter(|at| entry.access_count > 0 || *at != created_at);
        let confirmed_at = entry
            .last_confirmed_at
            .filter(|at| entry.confirmation_count > 0 || *at != created_at);
        let row_id = number.row_ids().0 | *next;
        let row = NewRow {
            row_id,
            namespace: *number,
            id: entry.id.unwrap_or_else(Uuid::now_v7),
            memory: &entry.memory,
            derived,
            created_at,
            updated_at: entry.updated_at.unwrap_or_else(model::now),
            accessed_at,
            access_count: entry.access_count,
            confirmed_at,
            confirmation_count: entry.confirmation_count,
        };
        let is_new = row.insert(&self.connection)?;
        if is_new {
            *next += 1;
            if let Some(at) = entry.superseded_at {
                // By a change of its own, for that is what takes it out of the index and the counts.
                self.connection
                    .prepare_cached("UPDATE memories SET superseded_at = ?2 WHERE row_id = ?1")?
                    .execute(params![row_id, at.timestamp_millis()])?;
            }
        }
        self.link(entry)?;
        Ok(is_new)
    }

    /// Ties a memory to what took its place and to what it took the place of, in whichever order they come. One that was there already is tied too:
    /// an import may have ended between the two.
    fn link(&mut self, entry: &MemoryEntry) -> rusqlite::Result<()> {
        let Some(id) = entry.id else {
            return Ok(());
        };
        if let (Some(successor), Some(at)) = (entry.superseded_by, entry.superseded_at) {
            let loose: Option<i64> = self
                .connection
                .prepare_cached(&format!(
                    "SELECT row_id FROM memories WHERE {WITH_ID} AND superseded_at = ?2 AND superseded_by IS NULL"
                ))?
                .query_row(params![id, at.timestamp_millis()], |row| row.get(0))
                .optional()?;
            if let Some(row_id) = loose
                && !tie(&self.connection, row_id, successor)?
            {
                self.waiting.entry(successor).or_default().push(row_id);
            }
        }
        for row_id in self.waiting.remove(&id).unwrap_or_default() {
            tie(&self.connection, row_id, id)?;
        }
        Ok(())
    }
}

/// Notes what took the place of a superseded memory; false where there is no such memory in its namespace.
fn tie(connection: &Connection, row_id: i64, successor: MemoryId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(&format!(
            "UPDATE memories SET superseded_by = successor.row_id
             FROM (SELECT row_id, namespace FROM memories WHERE {WITH_ID}) AS successor
             WHERE memories.row_id = ?2 AND memories.superseded_by IS NULL AND successor.namespace = memories.namespace"
        ))?
        .execute(params![successor, row_id])
        .map(|rows| rows > 0)
}

/// A namespace and the sequence of its next memory, made where there is none; and whether it was made.
fn slot(connection: &Connection, name: &NamespaceName) -> rusqlite::Result<((NamespaceNumber, i64), bool)> {
    let find = || {
        connection
            .prepare_cached("SELECT number, next_sequence FROM namespaces WHERE name = ?1")?
            .query_row([name.as_str()], |row| Ok((NamespaceNumber(row.get(0)?), row.get(1)?)))
            .optional()
    };
    if let Some(slot) = find()? {
        return Ok((slot, false));
    }
    let made = namespaces::insert(connection, name, &NamespaceConfig::default())?;
    Ok(((made.number, 1), true))
}

/// Whether the namespace holds the same words, said by the same in the same conversation.
fn is_known(
    connection: &Connection,
    namespace: NamespaceNumber,
    entry: &MemoryEntry,
    derived: &Derived,
) -> rusqlite::Result<bool> {
    let memory = &entry.memory;
    let turn = memory.turn.as_ref();
    connection
        .prepare_cached(
            "SELECT 1 FROM memories WHERE namespace = ?1 AND fingerprint = ?2 AND content = ?3
                 AND conversation_id IS ?4 AND role IS ?5 AND speaker IS ?6 AND created_at = coalesce(?7, created_at)",
        )?
        .exists(params![
            namespace.0,
            derived.fingerprint,
            memory.content,
            turn.map(|turn| &turn.conversation_id),
            turn.and_then(|turn| turn.role.as_ref()),
            turn.and_then(|turn| turn.speaker.as_ref()),
            memory.created_at.map(|at| at.timestamp_millis()),
        ])
}

/// Makes a namespace; whether it is new. One that is there stays as it is, unless nothing was ever done with it: so `default`, which every database is
/// made with, takes over what it was elsewhere.
fn write_namespace(connection: &Connection, entry: &NamespaceEntry) -> rusqlite::Result<bool> {
    let taken = |id: &Uuid| {
        connection
            .prepare_cached("SELECT 1 FROM namespaces WHERE id = ?1 AND name IS NOT ?2")?
            .exists(params![id, entry.name.as_str()])
    };
    let id = match entry.id {
        Some(id) if !taken(&id)? => id,
        _ => Uuid::now_v7(),
    };
    let now = model::now();
    let untouched = to_json(&NamespaceConfig::default())?;
    let exists = connection
        .prepare_cached("SELECT 1 FROM namespaces WHERE name = ?1")?
        .exists([entry.name.as_str()])?;
    connection
        .prepare_cached(
            "INSERT INTO namespaces (id, name, config, created_at, updated_at)
             VALUES (:id, :name, :config, :created_at, :updated_at)
             ON CONFLICT (name) DO UPDATE SET id = excluded.id, config = excluded.config, created_at = excluded.created_at,
                 updated_at = excluded.updated_at
             WHERE next_sequence = 1 AND config IN ('{}', :untouched)",
        )?
        .execute(named_params! {
            ":id": id,
            ":name": entry.name.as_str(),
            ":config": to_json(&entry.config)?,
            ":created_at": entry.created_at.unwrap_or(now).timestamp_millis(),
            ":updated_at": entry.updated_at.unwrap_or(now).timestamp_millis(),
            ":untouched": untouched,
        })?;
    Ok(!exists)
}

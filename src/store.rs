//! The database: one `SQLite` file, one thread that writes, a pool of readers.
//!
//! Writes go through the thread of `writer`, which commits what is waiting in groups and answers after the commit, with `synchronous=FULL`: a write that was
//! answered survives a power cut. Reads run on the blocking threads of the runtime, on read-only connections. Nothing outside this folder names `rusqlite`.

mod activity;
mod candidates;
mod care;
mod connection;
mod error;
mod export;
mod facts;
mod filter;
mod import;
mod indexing;
mod injected;
mod keys;
mod lengths;
mod list;
mod memories;
mod migrations;
mod namespaces;
mod once;
mod postings;
mod profile;
mod queue;
mod ranking;
mod retention;
mod rows;
mod search;
mod tally;
mod top;
mod transfer;
mod unread;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;

pub use activity::{Activity, ActivityPage, Extraction, Injected, Outcome, Usage};
pub use care::{
    Backup, CareError, CheckReport, Contents, NamespaceCounts, Partial, Problem, ProblemKind, Restored, Snapshot,
    Stats, Stop, back_up, check, restore, stats,
};
pub use error::{OpenError, StoreError};
pub use export::{Exported, export};
pub use facts::{Learned, Lesson, Rehearsal, Restore};
pub use filter::{MemoryFilter, Purged};
pub use import::{Entry, ImportCounts, Importer, MemoryEntry, NamespaceEntry, Prepared};
pub use injected::{HistoryHash, InjectedBlock, InjectedBlocks, NewInjectedBlock, Seen, TURN_VARIANTS};
pub use keys::KeysVersion;
pub use list::{Cursor, MemoryPage, Order, SortField, Start};
pub use memories::MemoryUpdate;
pub use namespaces::{CreateNamespace, DeleteNamespace, NamespacePage, UpdateNamespace};
pub use once::{Made, Once};
pub use queue::{FactsNamespace, FoundFacts, Settled};
pub use ranking::Score;
pub use search::{Cut, Found, SearchHit, SearchQuery, TermMatch, Window};
pub use tally::Tally;
pub use transfer::{Carried, NotCarried, Transfer};

use crate::model;
use injected::Blocks;
use lengths::Lengths;
use postings::Lists;
use writer::Writer;

/// Things in one of the changes that write many.
const EACH_CHANGE: usize = 64;
/// Connections for reading. Reads are short; more of them only wait for the same disk.
const READERS: u32 = 4;
/// How long a read waits for a free connection before it says that the store is busy.
const READER_TIMEOUT: Duration = Duration::from_secs(5);

/// The database as it is at one moment.
pub struct Reader<'a> {
    connection: &'a Connection,
    caches: &'a Caches,
}

/// What is kept in memory of what was read. Each says of itself how long it holds.
#[derive(Default)]
struct Caches {
    /// Which memories hold which words.
    lists: Lists,
    /// How long memories are.
    lengths: Lengths,
    /// What was injected.
    blocks: Blocks,
}

/// Why a look at the database failed; [`Store::reading`] makes a [`StoreError`] of it.
#[derive(Debug)]
pub struct ReadError(rusqlite::Error);

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

/// The database of one maia. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    /// Gone once closed: a reader that stays open would keep the write-ahead log beside the file. Every read holds the lock, so that closing waits for it.
    readers: RwLock<Option<r2d2::Pool<SqliteConnectionManager>>>,
    writer: Writer,
    caches: Arc<Caches>,
    /// Ends the copies that are being made.
    closing: Stop,
    /// When the log was last folded into the file, in milliseconds since 1970; at first, when the file was opened.
    folded_at: AtomicI64,
}

impl Store {
    /// Opens the database, making and migrating it as needed.
    ///
    /// # Errors
    /// The file cannot be used; nothing in it was changed unless it is maia's own and sound.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        connection::inspect(path)?;
        connection::create_private(path)?;
        let fail = |error: rusqlite::Error| OpenError::unusable(path, &error);
        let mut writing = connection::open_writer(path).map_err(fail)?;
        if writing.is_readonly("main").map_err(fail)? {
            return Err(OpenError::Unusable {
                path: path.to_owned(),
                reason: "the file or its file system is read-only".into(),
            });
        }
        migrations::run(&mut writing, path)?;
        indexing::prepare(&writing).map_err(fail)?;
        let readers = r2d2::Pool::builder()
            .max_size(READERS)
            // All are opened here and kept: the pool opens others on a thread of its own, which closing could not wait for.
            .max_lifetime(None)
            .idle_timeout(None)
            .connection_timeout(READER_TIMEOUT)
            .test_on_check_out(false)
            .build(connection::reader_manager(path))
            .map_err(|error| OpenError::Unusable {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        let writer = Writer::start(writing).map_err(|error| OpenError::Unusable {
            path: path.to_owned(),
            reason: format!("no thread for writing: {error}"),
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                readers: RwLock::new(Some(readers)),
                writer,
                caches: Arc::default(),
                closing: Stop::default(),
                folded_at: AtomicI64::new(model::now().timestamp_millis()),
            }),
        })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Makes sure that the store can be read and written, by doing both.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.read(|connection| connection.query_row("SELECT count(*) FROM namespaces", [], |_| Ok(())))
            .await?;
        self.write(queue::probe).await
    }

    /// Folds the write-ahead log into the file and empties it: what was deleted is in neither from then on.
    ///
    /// # Errors
    /// Somebody reads for long, or the store is in trouble; the log stays as it is.
    pub async fn fold_log(&self) -> Result<(), StoreError> {
        self.inner.writer.fold().await?;
        self.inner
            .folded_at
            .store(model::now().timestamp_millis(), Ordering::Relaxed);
        Ok(())
    }

    /// When the write-ahead log was last folded into the file; before the first time, when the file was opened.
    #[must_use]
    pub fn folded_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.inner.folded_at.load(Ordering::Relaxed)).unwrap_or_else(model::now)
    }

    /// Finishes the writes that wait, folds the write-ahead log into the file and closes it. Later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        let inner = Arc::clone(&self.inner);
        // The join can only fail when the runtime is going down, and then there is nobody left to tell.
        let _ = tokio::task::spawn_blocking(move || {
            inner.closing.request();
            drop(inner.readers.write().unwrap_or_else(PoisonError::into_inner).take());
            inner.writer.stop();
        })
        .await;
    }

    /// Looks at the database as it is at this moment, off the async threads.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn reading<T, F>(&self, look: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Reader<'_>) -> Result<T, ReadError> + Send + 'static,
    {
        let caches = Arc::clone(&self.inner.caches);
        self.read(move |connection| {
            look(&Reader {
                connection,
                caches: &caches,
            })
            .map_err(|ReadError(error)| error)
        })
        .await
    }

    /// Looks at the database on the thread that asks, for what takes less time than to hand it to another. `None` where `look` says so, where somebody
    /// else would have to be waited for, and where the store is in trouble: [`Store::reading`] waits, or says what is wrong.
    pub fn glance<T>(&self, look: impl FnOnce(&Reader<'_>) -> Result<Option<T>, ReadError>) -> Option<T> {
        let readers = self.inner.readers.try_read().ok()?;
        let connection = readers.as_ref()?.try_get()?;
        connection.busy_timeout(Duration::ZERO).ok()?;
        let seen = in_transaction(&connection, |connection| {
            look(&Reader {
                connection,
                caches: &self.inner.caches,
            })
            .map_err(|ReadError(error)| error)
        });
        connection.busy_timeout(connection::BUSY_TIMEOUT).ok()?;
        seen.ok()?
    }

    /// Runs a query on a reading connection, off the async threads.
    async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || {
            let readers = inner.readers.read().unwrap_or_else(PoisonError::into_inner);
            let connection = readers
                .as_ref()
                .ok_or(StoreError::Closed)?
                .get()
                .map_err(|_| StoreError::Busy)?;
            in_transaction(&connection, query).map_err(StoreError::from)
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }

    /// Runs a change on the writing connection; returns after its commit.
    async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.inner.writer.write(change).await
    }

    /// Writes many things, so many of them as one change that it can be undone cheaply: what `SQLite` does for that grows with the square of their number.
    /// Where one cannot be written, those behind it are not.
    async fn write_each<T, F>(&self, things: Vec<T>, write: F) -> Result<(), StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection, &T) -> rusqlite::Result<()> + Clone + Send + 'static,
    {
        let mut things = things.into_iter();
        loop {
            let batch: Vec<T> = things.by_ref().take(EACH_CHANGE).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let write = write.clone();
            self.write(move |connection| batch.iter().try_for_each(|thing| write(connection, thing)))
                .await?;
        }
    }
}

/// One transaction, so that all that is read belongs together, and the file is locked once and not for each row.
fn in_transaction<T>(
    connection: &Connection,
    query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.unchecked_transaction()?;
    query(&transaction)
}

//! One consistent copy of the database, made while others write to it.
//!
//! `VACUUM INTO` reads the database as it was when it began, in one transaction; a copy made in steps begins anew with each write and never ends under
//! load. The copy has a temporary name until it has been checked and is on the disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use rusqlite::{Connection, OpenFlags};
use rustix::fs::statvfs;

use super::partial::Partial;
use super::{CareError, Stop, folder_of, inspect, is_in_use, is_same_file};
use crate::store::{OpenError, Store, StoreError, connection};

/// What a copy leaves free on the disk, in bytes, so that a server beside it can go on writing.
const RESERVE: u64 = 32 << 20;

/// A finished backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What is in it.
    pub contents: Contents,
}

/// How much a database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Its namespaces.
    pub namespaces: i64,
    /// Its memories.
    pub memories: i64,
}

/// A backup without a name: it is gone once the file is closed.
#[derive(Debug)]
pub struct Snapshot {
    /// The file, to be read from its beginning.
    pub file: File,
    /// Its size.
    pub bytes: u64,
}

/// Copies a database, which may be in use, into a file of its own.
///
/// # Errors
/// The database cannot be used, the file is there and not to be replaced, or the disk refuses. Nothing is left of a copy that failed.
pub fn back_up(database: &Path, target: &Path, replace: bool, stop: &Stop) -> Result<Backup, CareError> {
    inspect(database)?;
    if is_same_file(database, target) {
        return Err(CareError::Itself(target.to_owned()));
    }
    if target.exists() {
        if !replace {
            return Err(CareError::Exists(target.to_owned()));
        }
        // A database that somebody works with must not be taken away from under them.
        if is_in_use(target)? {
            return Err(CareError::InUse(target.to_owned()));
        }
    }
    let partial = Partial::beside(target)?;
    let contents = copy(database, &partial, stop)?;
    if replace {
        // A log that belonged to the old file would be taken for one of the new.
        for suffix in ["-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(connection::beside(target, suffix));
        }
    }
    let bytes = partial.publish(target, replace)?;
    Ok(Backup {
        path: target.to_owned(),
        bytes,
        contents,
    })
}

impl Store {
    /// A copy of the database as it is now, for sending. Its file is beside the database and has no name.
    ///
    /// # Errors
    /// There is no room, or the store is in trouble.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.copying(|database, stop| {
            let partial = Partial::beside(database)?;
            copy(database, &partial, stop)?;
            let file = partial.into_nameless()?;
            let bytes = file.metadata().map_err(CareError::file(database))?.len();
            Ok(Snapshot { file, bytes })
        })
        .await
    }

    /// Copies the database as it is now into a file that must not exist yet.
    ///
    /// # Errors
    /// There is no room, or the store is in trouble. Nothing is left of a copy that failed.
    pub async fn back_up(&self, target: PathBuf) -> Result<Backup, StoreError> {
        self.copying(move |database, stop| {
            let partial = Partial::beside(&target)?;
            let contents = copy(database, &partial, stop)?;
            let bytes = partial.publish(&target, false)?;
            Ok(Backup {
                path: target,
                bytes,
                contents,
            })
        })
        .await
    }

    /// Runs long work beside the reads and writes. It stops when its caller goes away and when the store is closed, and closing waits for it.
    async fn copying<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Path, &Stop) -> Result<T, CareError> + Send + 'static,
    {
        let inner = std::sync::Arc::clone(&self.inner);
        let stop = inner.closing.child();
        let _stopping = StopOnDrop(stop.clone());
        tokio::task::spawn_blocking(move || {
            let readers = inner.readers.read().unwrap_or_else(PoisonError::into_inner);
            if readers.is_none() {
                return Err(StoreError::Closed);
            }
            work(&inner.path, &stop).map_err(StoreError::from)
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }
}

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.request();
    }
}

/// Fills the file with a copy, checks it and counts what is in it.
pub(in crate::store) fn copy(database: &Path, into: &Partial, stop: &Stop) -> Result<Contents, CareError> {
    let fail = CareError::sqlite(database);
    let source = connection::open_visitor(database).map_err(&fail)?;
    require_room(&source, database, into.path())?;
    stop.watch(&source).map_err(&fail)?;
    let name = into.path().to_str().ok_or_else(|| OpenError::Unusable {
        path: into.path().to_owned(),
        reason: "its name is not UTF-8".into(),
    })?;
    source.execute("VACUUM INTO ?1", [name]).map_err(&fail)?;
    drop(source);
    look_at_copy(into.path(), stop)
}

fn look_at_copy(copy: &Path, stop: &Stop) -> Result<Contents, CareError> {
    let fail = CareError::sqlite(copy);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(copy, flags).map_err(&fail)?;
    stop.watch(&connection).map_err(&fail)?;
    let answer: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(&fail)?;
    if answer != "ok" {
        return Err(CareError::Unsound {
            path: copy.to_owned(),
            reason: answer,
        });
    }
    contents(&connection).map_err(&fail)
}

pub(super) fn contents(connection: &Connection) -> rusqlite::Result<Contents> {
    connection.query_row(
        "SELECT count(*), coalesce(sum(memory_count), 0) FROM namespaces",
        [],
        |row| {
            Ok(Contents {
                namespaces: row.get(0)?,
                memories: row.get(1)?,
            })
        },
    )
}

/// A copy that fills the disk to its last byte would stop the server that it is made beside.
fn require_room(source: &Connection, database: &Path, target: &Path) -> Result<(), CareError> {
    let pragma = |name: &str| source.pragma_query_value(None, name, |row| row.get::<_, i64>(0).map(i64::unsigned_abs));
    let used = || Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?);
    let needed = used().map_err(CareError::sqlite(database))? + RESERVE;
    let folder = folder_of(target);
    let disk = statvfs(folder).map_err(|error| CareError::file(folder)(error.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < needed {
        let path = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let error = StoreError::NoRoom { needed, free };
        return Err(CareError::Store { path, error });
    }
    Ok(())
}

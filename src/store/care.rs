//! Looking after the file: backup, restore, check, statistics.
//!
//! These work on a path and not on an open [`super::Store`], so that a command can use them beside a running server. What they read, they read as
//! it was at one moment, and without keeping anybody from writing.

mod backup;
mod check;
mod partial;
mod restore;
mod stats;

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, ErrorCode};
use rustix::fs::{FlockOperation, fcntl_lock};

pub(super) use backup::copy;
pub use backup::{Backup, Contents, Snapshot, back_up};
pub use check::{CheckReport, Problem, ProblemKind, check};
pub use partial::Partial;
pub use restore::{Restored, restore};
pub use stats::{NamespaceCounts, Stats, stats};

use super::{OpenError, StoreError, connection};
use crate::model::NamespaceName;

/// How much work `SQLite` does between two looks at whether to stop, in instructions of its virtual machine.
const STOP_INTERVAL: i32 = 10_000;

/// Why a file could not be looked after. Each sentence names the file and the way on.
#[derive(Debug, thiserror::Error)]
pub enum CareError {
    /// The database is damaged, foreign or newer.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is nothing to look after.
    #[error("there is no file {}; --database or storage.path names the database", _0.display())]
    Missing(PathBuf),
    /// There is nothing to restore.
    #[error("there is no backup {}; name the file that maia backup has written", _0.display())]
    NoBackup(PathBuf),
    /// What is to be restored is something else, or damaged.
    #[error(
        "{} is damaged or is no SQLite database ({reason}); nothing was replaced. maia restore takes what maia backup has written; what maia export has written goes to maia import",
        path.display()
    )]
    NoDatabase {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A file cannot be made because its folder is not there.
    #[error("{} cannot be written: there is no folder {}; make it first", path.display(), folder.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// There is a file with nothing in it.
    #[error("{} is empty; it is no database yet", _0.display())]
    Empty(PathBuf),
    /// There is no such namespace in the database.
    #[error("{} holds no namespace {_1}", _0.display())]
    NoNamespace(PathBuf, NamespaceName),
    /// What was to be written is there already.
    #[error("{} exists already; choose another name, or replace it with --force", _0.display())]
    Exists(PathBuf),
    /// What was to be written is what was to be read.
    #[error("{} is the database itself; choose another name", _0.display())]
    Itself(PathBuf),
    /// Another process has the file open.
    #[error("{} is in use by a running maia or another program; stop it first", _0.display())]
    InUse(PathBuf),
    /// A backup that is no good.
    #[error("{} is not sound ({reason}); nothing was replaced. `maia check --repair --database {}` may heal it", path.display(), path.display())]
    Unsound {
        /// The backup.
        path: PathBuf,
        /// What was found first.
        reason: String,
    },
    /// The file system refused.
    #[error("{}: {error}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// `SQLite` refused.
    #[error("{}: {error}", path.display())]
    Store {
        /// The database.
        path: PathBuf,
        /// What it said.
        error: StoreError,
    },
    /// It was asked to stop.
    #[error("stopped before it was done")]
    Stopped,
}

impl CareError {
    pub(super) fn sqlite(path: &Path) -> impl Fn(rusqlite::Error) -> Self + '_ {
        move |error| match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Self::Stopped,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::unusable(path, &error).into(),
            _ => Self::Store {
                path: path.to_owned(),
                error: error.into(),
            },
        }
    }

    pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |error| Self::File {
            path: path.to_owned(),
            error,
        }
    }
}

impl From<CareError> for StoreError {
    fn from(error: CareError) -> Self {
        match error {
            CareError::Store { error, .. } => error,
            CareError::Stopped => Self::Closed,
            CareError::File { error, .. } if error.kind() == io::ErrorKind::StorageFull => Self::Full,
            CareError::File { error, .. } if error.kind() == io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            error => Self::Database(error.to_string()),
        }
    }
}

/// Asks long work to stop. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    parent: Option<Arc<AtomicBool>>,
}

impl Stop {
    /// One that stops with this one, and can be stopped by itself.
    pub(super) fn child(&self) -> Self {
        Self {
            asked: Arc::default(),
            parent: Some(Arc::clone(&self.asked)),
        }
    }

    /// Asks.
    pub fn request(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        is_set(&self.asked) || self.parent.as_deref().is_some_and(is_set)
    }

    pub(super) fn check(&self) -> Result<(), CareError> {
        if self.is_requested() {
            Err(CareError::Stopped)
        } else {
            Ok(())
        }
    }

    /// Lets a statement of the connection end early.
    pub(super) fn watch(&self, connection: &Connection) -> rusqlite::Result<()> {
        let stop = self.clone();
        connection.progress_handler(STOP_INTERVAL, Some(move || stop.is_requested()))
    }
}

/// Refuses a file that is not there, or is no database of ours. Damage shows when it is read.
///
/// It opens and closes the file, which takes away every lock that this process has on it (a rule of POSIX): not for a process that serves from it.
pub(super) fn inspect(path: &Path) -> Result<(), CareError> {
    match path.try_exists() {
        Ok(true) => match connection::identify(path)? {
            Some(_) => Ok(()),
            None => Err(CareError::Empty(path.to_owned())),
        },
        Ok(false) => Err(CareError::Missing(path.to_owned())),
        Err(error) => Err(CareError::file(path)(error)),
    }
}

/// Whether another process has the database open: in write-ahead mode every connection holds a lock on the file for as long as it lives.
/// The same warning as for [`inspect`].
pub(super) fn is_in_use(path: &Path) -> Result<bool, CareError> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(CareError::file(path)(error)),
    };
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => Ok(true),
        Err(error) => Err(CareError::file(path)(error.into())),
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

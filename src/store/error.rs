//! What can be wrong with the database, at start and at work.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the database cannot be used at start. Each sentence names the file and the way on.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a database, or a damaged one.
    #[error(
        "{} is damaged or is no SQLite database ({reason}); it was left as it is: maia check says more, maia check --repair mends indexes; else restore a backup in its place, or move it away to start afresh",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// Another program's database.
    #[error("{} belongs to another program (application id {found}); choose another file with storage.path", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// `PRAGMA application_id`.
        found: i32,
    },
    /// Written by a later version.
    #[error(
        "{} was written by a newer maia (schema {found}, this one knows up to {known}); run that version, or restore a backup made before the update",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// `PRAGMA user_version` of the file.
        found: i64,
        /// The newest schema of this binary.
        known: i64,
    },
    /// The file system or `SQLite` refused.
    #[error("the database {} cannot be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What was refused.
        reason: String,
    },
}

impl OpenError {
    pub(super) fn unusable(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path,
                reason: error.to_string(),
            },
            _ => Self::Unusable {
                path,
                reason: error.to_string(),
            },
        }
    }
}

/// Why a read or a write failed. The request may be right; the store is in trouble.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No room on the disk.
    #[error("the disk that holds the database is full; once there is room, maia goes on by itself")]
    Full,
    /// Too little room on the disk for what is asked.
    #[error("there is too little room on the disk: {} MiB are needed and {} MiB are free", needed.div_ceil(1 << 20), free >> 20)]
    NoRoom {
        /// Bytes that are needed, with what is to stay free.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The file system or the file refuses writes.
    #[error("the database cannot be written, its file or its file system is read-only")]
    ReadOnly,
    /// Locked by another program, or all connections are in use.
    #[error("the database is busy")]
    Busy,
    /// maia is shutting down.
    #[error("the database is closed")]
    Closed,
    /// The disk fails, or has turned read-only under us.
    #[error("the disk that holds the database does not take or give data ({0}); the system's log says why")]
    Disk(String),
    /// Anything else that `SQLite` says.
    #[error("the database reported: {0}")]
    Database(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::SystemIoFailure) => Self::Disk(error.to_string()),
            _ => Self::Database(error.to_string()),
        }
    }
}

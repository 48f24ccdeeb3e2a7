//! Puts a backup in the place of the database.
//!
//! At every moment there is a whole database under the name: the old one gets a second name, and then the new one takes the first in one rename.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::Utc;

use super::backup::{Contents, copy};
use super::check::{ProblemKind, check};
use super::partial::{Partial, sync_folder};
use super::{CareError, OpenError, Stop, inspect, is_in_use, is_same_file};
use crate::store::connection::{self, beside};

/// A finished restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What is in the database now.
    pub contents: Contents,
    /// Where the database that was there before is now.
    pub kept: Option<PathBuf>,
}

/// Puts a copy of the backup in the place of the database. A database that is there is kept under a dated name.
///
/// # Errors
/// The backup is not sound, the database is in use, or it is there and not to be replaced. Nothing was replaced then.
pub fn restore(backup: &Path, database: &Path, replace: bool, stop: &Stop) -> Result<Restored, CareError> {
    inspect(backup).map_err(|error| match error {
        CareError::Missing(path) => CareError::NoBackup(path),
        CareError::Open(OpenError::Damaged { path, reason }) => CareError::NoDatabase { path, reason },
        other => other,
    })?;
    if is_same_file(backup, database) {
        return Err(CareError::Itself(backup.to_owned()));
    }
    if is_in_use(database)? {
        return Err(CareError::InUse(database.to_owned()));
    }
    let is_there = database.exists();
    if is_there && !replace {
        return Err(CareError::Exists(database.to_owned()));
    }
    let report = check(backup, false, stop)?;
    // Counts that have drifted are no reason to go without one's memories, and `maia check --repair` mends them.
    if let Some(problem) = report
        .problems
        .iter()
        .find(|problem| problem.kind != ProblemKind::Counts)
    {
        return Err(CareError::Unsound {
            path: backup.to_owned(),
            reason: problem.to_string(),
        });
    }
    let partial = Partial::beside(database)?;
    let contents = copy(backup, &partial, stop)?;
    stop.check()?;
    let kept = keep_old(database, is_there)?;
    partial.publish(database, true)?;
    Ok(Restored { contents, kept })
}

/// Gives the old database a second name, with all that belongs to it; that name.
fn keep_old(database: &Path, is_there: bool) -> Result<Option<PathBuf>, CareError> {
    if is_there {
        fold_log(database);
    }
    let mut name = database.as_os_str().to_owned();
    name.push(Utc::now().format(".before-restore-%Y%m%dT%H%M%SZ").to_string());
    let kept = PathBuf::from(name);
    // A log that could not be folded in, or that was left behind without its database, must not be taken for one of the new file.
    for suffix in ["-wal", "-journal"] {
        let log = beside(database, suffix);
        match fs::rename(&log, beside(&kept, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(CareError::file(&log)(error)),
            _ => {}
        }
    }
    // It holds nothing of its own.
    let _ = fs::remove_file(beside(database, "-shm"));
    if !is_there {
        return Ok(None);
    }
    if fs::hard_link(database, &kept).is_err() {
        // A file system without links.
        fs::copy(database, &kept).map_err(CareError::file(&kept))?;
    }
    sync_folder(&kept)?;
    Ok(Some(kept))
}

/// Closing the last connection folds the log into the file. A database that is damaged keeps its log beside it.
fn fold_log(database: &Path) {
    // SQLite takes the log of a file away that is no database at all.
    if connection::identify(database).is_ok_and(|found| found.is_some())
        && let Ok(old) = connection::open_visitor(database)
    {
        let _ = old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

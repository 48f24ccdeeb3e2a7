//! Backups that the server makes by itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::Shared;
use crate::config::Storage;

/// How their names end: when they were made.
const TIME: &str = "-%Y%m%dT%H%M%SZ.db";
/// How soon one that failed is tried again, where the interval is not shorter.
const RETRY: Duration = Duration::from_mins(10);

/// Longest sleep: a machine that was suspended in the middle is not to wait for what is left of it.
const STEP: Duration = Duration::from_mins(1);

/// Makes a backup whenever one is due, for ever. Whether one is due goes by the newest that is there, so that restarts neither skip nor add any.
pub(super) async fn run(shared: &Shared, storage: &Storage) {
    let Some(interval) = storage.backup_interval else {
        return;
    };
    let backups = Backups::of(storage);
    let mut last = DateTime::UNIX_EPOCH;
    if let Some((made, _)) = backups.existing().last() {
        shared.metrics.newest_backup(made.timestamp());
        last = *made;
    }
    let mut wait = interval;
    loop {
        let now = Utc::now();
        // The clock may have been set back.
        last = last.min(now);
        let left = wait.saturating_sub((now - last).to_std().unwrap_or_default());
        if !left.is_zero() {
            tokio::time::sleep(left.min(STEP)).await;
            continue;
        }
        let done = backups.make(shared, storage.backup_keep).await;
        shared.metrics.backed_up(done);
        last = Utc::now();
        wait = if done { interval } else { interval.min(RETRY) };
    }
}

/// Where the backups are, and how they are called.
struct Backups {
    folder: PathBuf,
    /// The name of the database without its ending.
    stem: String,
}

impl Backups {
    fn of(storage: &Storage) -> Self {
        let beside = || storage.path.parent().unwrap_or(Path::new("")).join("backups");
        let stem = storage.path.file_stem().unwrap_or_default();
        Self {
            folder: storage.backup_dir.clone().unwrap_or_else(beside),
            stem: stem.to_string_lossy().into_owned(),
        }
    }

    /// Makes one, and then removes the oldest of those that are too many; whether there is a new one.
    async fn make(&self, shared: &Shared, keep: usize) -> bool {
        if let Err(error) = make_folder(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "the folder for backups cannot be made");
            return false;
        }
        let now = Utc::now();
        let path = self.folder.join(format!("{}{}", self.stem, now.format(TIME)));
        match shared.store.back_up(path).await {
            Ok(backup) => {
                let bytes = backup.bytes;
                tracing::info!(path = %backup.path.display(), bytes, memories = backup.contents.memories, "backed up");
                shared.metrics.newest_backup(now.timestamp());
            }
            Err(error) => {
                tracing::warn!(%error, folder = %self.folder.display(), "the database could not be backed up");
                return false;
            }
        }
        let existing = self.existing();
        for (_, path) in existing.iter().take(existing.len().saturating_sub(keep)) {
            match fs::remove_file(path) {
                Ok(()) => tracing::info!(path = %path.display(), "an old backup was removed"),
                Err(error) => tracing::warn!(%error, path = %path.display(), "an old backup could not be removed"),
            }
        }
        true
    }

    /// Those that are there, oldest first. Files with any other name are somebody else's.
    fn existing(&self) -> Vec<(DateTime<Utc>, PathBuf)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut existing: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.file_name();
                let time = name.to_str()?.strip_prefix(&self.stem)?;
                let made = NaiveDateTime::parse_from_str(time, TIME).ok()?.and_utc();
                Some((made, entry.path()))
            })
            .collect();
        existing.sort();
        existing
    }
}

/// Makes the folder, for its owner alone, where there is none.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

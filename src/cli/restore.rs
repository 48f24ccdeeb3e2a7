//! `maia restore`.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::work::{holding, interruptible, say, spinner};
use crate::config::Config;
use crate::store;

/// Put a backup in the place of the database.
///
/// Stop the server first: a database that is in use is not replaced. The backup is checked whole before anything is touched, and stays where it is. A
/// database that is there is kept beside the new one, as maia.db.before-restore-TIME. A backup from an older maia is brought up to date at the next start.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia restore maia-backup.db            where there is no database yet
  maia restore --force maia-backup.db    where there is one

To undo it, restore the file that was kept: maia restore --force maia.db.before-restore-20260131T120000Z

Exit codes: 0 done, 1 not done (there is a database and no --force, the disk is full), 2 wrong command line,
4 the backup is not sound or the database is in use, 130 stopped.")]
pub(super) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace the database where there is one; the old one is kept
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &RestoreArgs, config: &Config) -> Result<(), Failure> {
    let (backup, database, force) = (args.file.clone(), config.storage.path.clone(), args.force);
    let name = database.display().to_string();
    let spinner = spinner("checking and copying");
    let restored = interruptible(move |stop| Ok(store::restore(&backup, &database, force, stop)?));
    spinner.finish_and_clear();
    let restored = restored?;
    let kept = restored.kept.map_or_else(String::new, |kept| {
        format!("the database that was there is now {}\n", kept.display())
    });
    say(&format!(
        "{name}: {}, from {}\n{kept}",
        holding(restored.contents),
        args.file.display()
    ))
}

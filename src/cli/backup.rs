//! `maia backup`.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use super::work::{holding, interruptible, say, size, spinner};
use crate::config::Config;
use crate::store;

/// Copy the database into one file, also while a server uses it.
///
/// The copy is the database as it was when the command began: everything that was acknowledged by then is in it. It is compact, checked, and readable by
/// its owner alone; maia starts from it as it is. It appears under its name once it is whole and on the disk, and not at all where something goes wrong.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia backup maia-backup.db
  maia backup --database /var/lib/maia/maia.db /mnt/backups/maia-$(date +%F).db

Exit codes: 0 done, 1 not done (the file exists, the disk is full), 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct BackupArgs {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace the file where it exists
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &BackupArgs, config: &Config) -> Result<(), Failure> {
    let (database, target, force) = (config.storage.path.clone(), args.file.clone(), args.force);
    let spinner = spinner("copying");
    let backup = interruptible(move |stop| Ok(store::back_up(&database, &target, force, stop)?));
    spinner.finish_and_clear();
    let backup = backup?;
    say(&format!(
        "{}: {}, {}, checked\n",
        backup.path.display(),
        holding(backup.contents),
        size(backup.bytes)
    ))
}

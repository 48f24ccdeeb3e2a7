//! `maia check`.

use clap::Args;
use serde_json::{Value, json};

use super::Failure;
use super::work::{count, holding, interruptible, say, spinner};
use crate::config::Config;
use crate::store::{self, CheckReport, Problem};

/// Look for damage in the database, and repair what can be made anew.
///
/// It reads every page, compares the full-text index with the memories, and the counts of each namespace with what is in it.
/// Beside a running server it reads a copy where reading the file itself would hold up writes; that needs room for the copy.
///
/// With --repair the indexes, the full-text index, missing triggers and the counts are made anew from the memories. Damage to the memories themselves
/// cannot be repaired: restore a backup then. Stop the server before a repair; its writes would have to wait.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia check
  maia check --repair
  maia check --json --database backup.db

Exit codes: 0 sound (also: sound after the repair), 1 not done, 2 wrong command line, 4 the file is no database of maia or of a newer one,
5 something is wrong, 130 stopped.")]
pub(super) struct CheckArgs {
    /// Make anew what follows from the memories, where it is wrong
    #[arg(long)]
    repair: bool,
    /// Answer with one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CheckArgs, config: &Config) -> Result<(), Failure> {
    let (database, repair) = (config.storage.path.clone(), args.repair);
    let spinner = spinner("checking");
    let report = interruptible(move |stop| Ok(store::check(&database, repair, stop)?));
    spinner.finish_and_clear();
    let report = report?;
    say(&if args.json {
        format!("{}\n", as_json(&report))
    } else {
        as_text(&report)
    })?;
    if report.problems.is_empty() {
        return Ok(());
    }
    let found = count(i64::try_from(report.problems.len()).unwrap_or(i64::MAX), "problem");
    let way_on = if repair {
        "what is left is beyond repair: restore a backup, or save what can be read with maia export"
    } else {
        "maia check --repair makes anew what can be; before that, keep a copy of the file"
    };
    Err(Failure::Unsound(format!(
        "{}: {found}; {way_on}",
        report.path.display()
    )))
}

fn as_text(report: &CheckReport) -> String {
    let mut lines = Vec::new();
    for problem in &report.repaired {
        lines.push(format!("found     {problem}\n"));
    }
    if !report.repaired.is_empty() && report.problems.is_empty() {
        lines.push("repaired\n".to_owned());
    }
    for problem in &report.problems {
        lines.push(format!("problem   {problem}\n"));
    }
    if let (Some(contents), true) = (report.contents, report.problems.is_empty()) {
        lines.push(format!("{}: sound, {}\n", report.path.display(), holding(contents)));
    }
    lines.concat()
}

fn as_json(report: &CheckReport) -> Value {
    let list = |problems: &[Problem]| -> Vec<Value> {
        problems
            .iter()
            .map(|problem| json!({ "kind": problem.kind.as_str(), "detail": problem.detail }))
            .collect()
    };
    json!({
        "path": report.path,
        "sound": report.problems.is_empty(),
        "problems": list(&report.problems),
        "repaired": list(&report.repaired),
        "namespaces": report.contents.map(|contents| contents.namespaces),
        "memories": report.contents.map(|contents| contents.memories),
    })
}

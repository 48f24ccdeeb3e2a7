//! What commands that take a while have in common: they can be stopped, show that they are at work, and say sizes and numbers alike.

use std::io::{self, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::store::{Contents, Stop};

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// Does the work on a thread of its own. Ctrl-C or SIGTERM asks it to stop, so that it can clean up; a second one ends the process.
pub(super) fn interruptible<T, F>(work: F) -> Result<T, Failure>
where
    T: Send + 'static,
    F: FnOnce(&Stop) -> Result<T, Failure> + Send + 'static,
{
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("the runtime does not start: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed(&error))?;
        let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed(&error))?;
        let stop = Stop::default();
        let asked = stop.clone();
        let mut working = tokio::task::spawn_blocking(move || work(&stop));
        loop {
            tokio::select! {
                done = &mut working => return done.map_err(|error| Failure::Failed(error.to_string()))?,
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if asked.is_requested() {
                std::process::exit(130);
            }
            eprintln!("maia: stopping; once more to stop at once");
            asked.request();
        }
    })
}

/// A sign of life on a terminal, and nothing elsewhere.
pub(super) fn spinner(what: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    spinner.enable_steady_tick(TICK);
    spinner
}

/// How far the reading of so many bytes is, on a terminal, and nothing elsewhere.
pub(super) fn progress(what: &str, bytes: u64) -> ProgressBar {
    let template = "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes}, {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style).with_message(what.to_owned())
}

/// How many of the rows are done, on a terminal, and nothing elsewhere; their number is set once it is known.
pub(super) fn progress_of_rows(what: &str) -> ProgressBar {
    let template = "{msg} {wide_bar} {human_pos}/{human_len}, {eta} left";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_message(what.to_owned())
}

/// Writes the answer of a command. A reader that wants no more of it is no failure.
pub(super) fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A size as people read it.
pub(super) fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// A number with a comma after each thousand, and what it counts.
pub(super) fn count(number: i64, of: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    let of = match of.strip_suffix('y') {
        Some(stem) if number != 1 => format!("{stem}ies"),
        _ => format!("{of}{plural}"),
    };
    format!("{} {of}", indicatif::HumanCount(number.unsigned_abs()))
}

/// How much a database holds, in words.
pub(super) fn holding(contents: Contents) -> String {
    format!(
        "{} in {}",
        count(contents.memories, "memory"),
        count(contents.namespaces, "namespace")
    )
}

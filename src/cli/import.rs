//! `maia import`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;

use clap::Args;
use indicatif::ProgressBar;

use super::Failure;
use super::work::{count, interruptible, progress, say};
use crate::config::Config;
use crate::model::NamespaceName;
use crate::record::parse_line;
use crate::store::{CareError, Entry, ImportCounts, Importer, Partial, Prepared, Stop};

/// Longest line, in bytes.
const MAX_LINE: u64 = 1 << 20;
/// Bad lines that are listed.
const MAX_LISTED: usize = 20;
/// Lines that are handed from the reading thread to the writing one at once.
const BATCH: usize = 256;
/// Batches that may wait.
const WAITING: usize = 8;

/// Read lines of JSON, as `maia export` writes them, into the database.
///
/// A line is a memory or a namespace as the API shows it. A memory needs `content` and `namespace` only; namespaces that are not there are made. What is
/// there already stays as it is: a memory with the same id or, where the line has no id, with the same words. So an import that was interrupted is
/// finished by doing it again. Every line is read before anything is written: if one is bad, nothing is.
///
/// A server may use the database meanwhile.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia import memories.jsonl
  gunzip -c alice.jsonl.gz | maia import -
  echo '{\"namespace\": \"alice\", \"content\": \"User plays the cello\"}' | maia import -

Exit codes: 0 done, 1 not done (a bad line, the disk is full), 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct ImportArgs {
    /// The file to read, - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Namespace of memories whose line names none
    #[arg(long, value_name = "NAME", value_parser = NamespaceName::parse)]
    namespace: Option<NamespaceName>,
    /// Leave bad lines out instead of refusing all
    #[arg(long)]
    skip_bad: bool,
}

pub(super) fn run(args: &ImportArgs, config: &Config) -> Result<(), Failure> {
    let database = config.storage.path.clone();
    let (file, namespace, skip_bad) = (args.file.clone(), args.namespace.clone(), args.skip_bad);
    let (counts, bad) = interruptible(move |stop| {
        let source = Source::open(&file, &database, namespace)?;
        let bad = source.check(stop)?;
        if bad.count > 0 && !skip_bad {
            return Err(bad.refusal());
        }
        Ok((write(&source, &database, stop)?, bad))
    })?;
    for line in &bad.first {
        eprintln!("left out: {line}");
    }
    let left_out = match bad.count {
        0 => String::new(),
        lines => format!(", {} left out", count(lines, "line")),
    };
    say(&format!(
        "{} imported, {} there already, {} made{left_out}\n",
        count(counts.memories, "memory"),
        indicatif::HumanCount(counts.known.unsigned_abs()),
        count(counts.namespaces, "namespace")
    ))
}

/// Lines that are no memories and no namespaces.
#[derive(Default)]
struct Bad {
    count: i64,
    first: Vec<String>,
}

impl Bad {
    fn add(&mut self, number: u64, problem: &str) {
        self.count += 1;
        if self.first.len() < MAX_LISTED {
            self.first.push(format!("line {number}: {problem}"));
        }
    }

    fn refusal(&self) -> Failure {
        let more = self.count - i64::try_from(self.first.len()).unwrap_or_default();
        let lines = self.first.join("\n  ");
        let more = match more {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        let found = count(self.count, "bad line");
        Failure::Failed(format!(
            "{found}; nothing was imported. Mend them, or leave them out with --skip-bad\n  {lines}{more}"
        ))
    }
}

/// What is imported: a file that can be read twice.
struct Source {
    file: File,
    /// What it held at the beginning; it may grow meanwhile.
    bytes: u64,
    namespace: Option<NamespaceName>,
    /// Where it came through a pipe: its lines, kept until they are written.
    _kept: Option<Partial>,
}

impl Source {
    fn open(path: &Path, database: &Path, namespace: Option<NamespaceName>) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::Failed(format!("{}: {error}", path.display()));
        let piped: Option<Box<dyn io::Read>> = if path.as_os_str() == "-" {
            Some(Box::new(io::stdin()))
        } else {
            let file = File::open(path).map_err(failed)?;
            (!file.metadata().map_err(failed)?.is_file()).then(|| Box::new(file) as Box<dyn io::Read>)
        };
        let (file, kept) = match piped {
            Some(mut piped) => {
                let partial = Partial::beside(database)?;
                io::copy(&mut piped, &mut partial.file()).map_err(failed)?;
                (partial.file().try_clone().map_err(failed)?, Some(partial))
            }
            None => (File::open(path).map_err(failed)?, None),
        };
        Ok(Self {
            bytes: file.metadata().map_err(failed)?.len(),
            file,
            namespace,
            _kept: kept,
        })
    }

    /// Reads every line, and returns the bad ones.
    fn check(&self, stop: &Stop) -> Result<Bad, Failure> {
        let mut bad = Bad::default();
        let bar = progress("reading", self.bytes);
        let read = self.read(&bar, |number, entry| {
            if let Err(problem) = entry {
                bad.add(number, &problem);
            }
            !stop.is_requested()
        });
        bar.finish_and_clear();
        read?;
        if stop.is_requested() {
            return Err(CareError::Stopped.into());
        }
        Ok(bad)
    }

    /// Hands over each line with its number, until there are no more or `each` wants no more.
    fn read(&self, bar: &ProgressBar, mut each: impl FnMut(u64, Result<Entry, String>) -> bool) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::Failed(format!("the lines cannot be read: {error}"));
        (&self.file).rewind().map_err(failed)?;
        let mut reader = BufReader::with_capacity(1 << 18, (&self.file).take(self.bytes));
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let mut read = (&mut reader)
                .take(MAX_LINE)
                .read_until(b'\n', &mut line)
                .map_err(failed)?;
            if read == 0 {
                break;
            }
            let too_long = line.len() as u64 == MAX_LINE && !line.ends_with(b"\n");
            if too_long {
                read += reader.skip_until(b'\n').map_err(failed)?;
            }
            bar.inc(read as u64);
            let text = line.trim_ascii();
            let text = if number == 1 {
                text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
            } else {
                text
            };
            if text.is_empty() {
                continue;
            }
            let entry = if too_long {
                Err(format!("has more than {MAX_LINE} bytes"))
            } else {
                parse_line(text, self.namespace.as_ref()).map_err(|error| error.to_string())
            };
            if !each(number, entry) {
                break;
            }
        }
        Ok(())
    }
}

/// Writes the good lines: one thread reads them and counts their tokens, this one stores them.
fn write(source: &Source, database: &Path, stop: &Stop) -> Result<ImportCounts, Failure> {
    let mut importer = Importer::open(database)?;
    let bar = progress("importing", source.bytes);
    let (sender, batches) = sync_channel::<Vec<Prepared>>(WAITING);
    let written = thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut batch = Vec::with_capacity(BATCH);
            source.read(&bar, |_, entry| {
                batch.extend(entry.ok().map(Entry::prepare));
                // The other side hangs up when it has failed.
                batch.len() < BATCH || sender.send(std::mem::take(&mut batch)).is_ok()
            })?;
            let _ = sender.send(batch);
            drop(sender);
            Ok(())
        });
        let written = batches.iter().try_for_each(|batch| importer.write(batch, stop));
        drop(batches);
        let read = reading
            .join()
            .unwrap_or_else(|_| Err(Failure::Failed("the reading thread failed".into())));
        written.map_err(Failure::from).and(read)
    });
    bar.finish_and_clear();
    let finished = written.and_then(|()| importer.finish().map_err(Failure::from));
    let counts = importer.counts();
    match finished {
        Ok(()) => Ok(counts),
        Err(failure) => Err(failure.but(&format!(
            "{} imported so far; the same command goes on from there",
            count(counts.memories, "memory")
        ))),
    }
}

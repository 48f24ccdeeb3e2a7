//! `maia export`.

use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::Failure;
use super::work::{count, interruptible, progress_of_rows};
use crate::config::Config;
use crate::model::NamespaceName;
use crate::record::{MemoryLine, NamespaceView};
use crate::store::{self, CareError, Exported, Partial, Stop};

/// Write everything as lines of JSON: first the namespaces, then the memories, each as the API shows it.
///
/// The lines show the database as it was when the command began, also while a server uses it. `maia import` reads them on any machine and in any later
/// version. A file appears under its name once it is whole.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  maia export memories.jsonl
  maia export --namespace alice - | gzip > alice.jsonl.gz

Exit codes: 0 done, 1 not done (the file exists, the disk is full), 2 wrong command line, 4 the database cannot be used, 130 stopped.")]
pub(super) struct ExportArgs {
    /// The file to write, - for standard output
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// Only this namespace
    #[arg(long, value_name = "NAME", value_parser = NamespaceName::parse)]
    namespace: Option<NamespaceName>,
    /// Replace the file where it exists
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &ExportArgs, config: &Config) -> Result<(), Failure> {
    let database = config.storage.path.clone();
    let (file, only, force) = (args.file.clone(), args.namespace.clone(), args.force);
    let lines = interruptible(move |stop| {
        if file.as_os_str() == "-" {
            // By way of a file: whoever reads slowly would keep the write-ahead log of the server from being emptied.
            let partial = Partial::beside(&database)?;
            let lines = write(&database, only.as_ref(), &partial, stop)?;
            print(&partial).map_err(|error| Failure::Failed(format!("standard output: {error}")))?;
            return Ok(lines);
        }
        if file.exists() && !force {
            return Err(CareError::Exists(file).into());
        }
        let partial = Partial::beside(&file)?;
        let lines = write(&database, only.as_ref(), &partial, stop)?;
        partial.publish(&file, force)?;
        Ok(lines)
    })?;
    eprintln!(
        "{} and {} exported",
        count(lines.memories, "memory"),
        count(lines.namespaces, "namespace")
    );
    Ok(())
}

#[derive(Default)]
struct Lines {
    namespaces: i64,
    memories: i64,
}

fn write(database: &Path, only: Option<&NamespaceName>, partial: &Partial, stop: &Stop) -> Result<Lines, CareError> {
    let mut out = BufWriter::with_capacity(1 << 20, partial.file());
    let mut lines = Lines::default();
    let bar = progress_of_rows("exporting");
    let written = store::export(database, only, stop, |exported| {
        match exported {
            Exported::Total(memories) => bar.set_length(memories.unsigned_abs()),
            Exported::Namespace(namespace) => {
                lines.namespaces += 1;
                line(&mut out, &NamespaceView::from(namespace), partial)?;
            }
            Exported::Memory(memory, fact, namespace) => {
                lines.memories += 1;
                line(&mut out, &MemoryLine::new(memory, fact, namespace), partial)?;
                bar.inc(1);
            }
        }
        Ok(())
    });
    bar.finish_and_clear();
    written?;
    out.flush().map_err(|error| file_error(partial, error))?;
    Ok(lines)
}

fn line(out: &mut impl io::Write, view: &impl Serialize, partial: &Partial) -> Result<(), CareError> {
    serde_json::to_writer(&mut *out, view)
        .map_err(io::Error::from)
        .and_then(|()| out.write_all(b"\n"))
        .map_err(|error| file_error(partial, error))
}

fn file_error(partial: &Partial, error: io::Error) -> CareError {
    CareError::File {
        path: partial.path().to_owned(),
        error,
    }
}

/// A reader that wants no more is no failure.
fn print(partial: &Partial) -> io::Result<()> {
    let mut file = partial.file();
    file.rewind()?;
    match io::copy(&mut file, &mut io::stdout().lock()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

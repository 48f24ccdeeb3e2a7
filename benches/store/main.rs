//! How the store does as it grows: creates, import, searches, start, size and memory at 10,000, 100,000 and 1,000,000 memories, beside plain `SQLite` in
//! the same run.
//!
//!     cargo bench --bench store -- [--quick] [--data locomo.json] [--keep FOLDER] [--sizes 10k,1m] [--load-only]
//!
//! `--keep` leaves the filled databases in a folder for the next run; filling them takes most of the time. On a busy machine trust the ratios. Nothing
//! here fails for being slow: the table says which aims were reached.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for people, whose output is a table, whose figures are approximate and whose every failure ends it"
)]

mod client;
mod corpus;
mod measure;
mod plain;
mod server;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use maia::model::{MemoryType, Metadata, NamespaceName, NamespaceNumber, NewMemory, Source};
use maia::store::Store;

use corpus::Corpus;
use table::Table;

/// Memories of a namespace, where there are many namespaces.
const EACH: u64 = 1_000;
/// Memories that are on their way to the writer while a database is filled.
const AT_ONCE: u64 = 256;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Test runners start benchmarks too, to see that they build; only `cargo bench` asks for figures.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    let sizes = value("--sizes").unwrap_or(if flag("--quick") { "10k,100k" } else { "10k,100k,1m" });
    let sizes: Vec<u64> = sizes.split(',').map(parse_size).collect();
    let corpus = Arc::new(Corpus::read(value("--data")));
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = value("--keep").map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&folder).expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");

    let mut table = Table::default();
    for size in sizes {
        for (kind, namespaces) in [("many", (size / EACH).max(1)), ("one", 1)] {
            let file = file(&folder, size, kind);
            if !file.exists() {
                runtime.block_on(fill(&file, size, namespaces, Arc::clone(&corpus)));
            }
        }
        if !flag("--load-only") {
            measure::all(&mut table, &runtime, &corpus, &folder, size);
        }
    }
    table.print();
}

fn parse_size(text: &str) -> u64 {
    let (number, unit) = match text.to_ascii_lowercase() {
        text if text.ends_with('k') => (text.trim_end_matches('k').to_owned(), 1_000),
        text if text.ends_with('m') => (text.trim_end_matches('m').to_owned(), 1_000_000),
        text => (text, 1),
    };
    number.parse::<u64>().expect("a size like 10k, 100k or 1m") * unit
}

fn file(folder: &Path, size: u64, kind: &str) -> PathBuf {
    folder.join(format!("{kind}-{size}.db"))
}

fn memory(content: String) -> NewMemory {
    NewMemory {
        content,
        kind: MemoryType::Semantic,
        source: Source::User,
        tags: Vec::new(),
        metadata: Metadata::new(),
        confidence: 1.0,
        turn: None,
        created_at: None,
        fact: None,
        pinned: false,
    }
}

fn namespace_name(number: u64) -> NamespaceName {
    NamespaceName::parse(&format!("space-{number}")).expect("a name")
}

/// Makes a database of so many memories, spread over namespaces in turn.
async fn fill(file: &Path, size: u64, namespaces: u64, corpus: Arc<Corpus>) {
    let begun = Instant::now();
    // Under another name until it is whole, so that an interrupted run leaves no half one.
    let unfinished = file.with_extension("unfinished");
    for name in ["unfinished", "unfinished-wal", "unfinished-shm"] {
        let _ = std::fs::remove_file(file.with_extension(name));
    }
    let store = Store::open(&unfinished).expect("a store");
    let mut numbers = Vec::new();
    for number in 0..namespaces {
        numbers.push(
            store
                .ensure_namespace(namespace_name(number))
                .await
                .expect("a namespace")
                .number,
        );
    }
    let numbers: Arc<[NamespaceNumber]> = numbers.into();
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|first| {
            let (store, corpus, numbers) = (store.clone(), Arc::clone(&corpus), Arc::clone(&numbers));
            tokio::spawn(async move {
                for number in (first..size).step_by(AT_ONCE as usize) {
                    let namespace = numbers.get((number % namespaces) as usize).expect("a namespace");
                    let memory = memory(corpus.sentence(number));
                    store
                        .create_memories(*namespace, vec![memory], None)
                        .await
                        .expect("a memory")
                        .expect("a namespace");
                    if number % 100_000 == 0 && number > 0 {
                        println!("  {number} written after {:.0} s", begun.elapsed().as_secs_f64());
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a task that ends");
    }
    store.close().await;
    std::fs::rename(&unfinished, file).expect("a finished database");
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{}: {size} memories in {namespaces} namespaces, written in {seconds:.0} s",
        file.display()
    );
}

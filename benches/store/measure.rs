//! The measurements at one size.

use std::path::Path;
use std::time::{Duration, Instant};

use maia::memory::query::Query;
use maia::model::NamespaceNumber;
use maia::store::{Cut, MemoryFilter, SearchQuery, Store, Window};
use tokio::runtime::Runtime;

use crate::corpus::Corpus;
use crate::server::Server;
use crate::table::Table;
use crate::{EACH, file, memory, namespace_name, plain};

/// Largest size; most aims are for it.
const LARGE: u64 = 1_000_000;
const SEARCHES: usize = 1_000;
/// Searches by joining and filtering, of which one can take a second.
const SLOW_SEARCHES: usize = 40;
/// Questions whose best ten are compared with those of an exhaustive search.
const COMPARED: usize = 100;
/// Memories that an exhaustive search reads, by what their words are worth: so many that those behind them cannot be among the best ten.
const EXHAUSTIVE: usize = 16_384;
/// A search as it is asked for over HTTP.
const PLANNED: Window = Window {
    limit: 10,
    offset: 0,
    depth: Window::DEPTH,
    reads: Window::READS,
    explain: false,
};
/// Creates a second beside searches.
const CREATES: u64 = 1_000;
const CONNECTIONS: u64 = 64;
/// Memories that are imported.
const IMPORTED: u64 = 100_000;
const TIME: Duration = Duration::from_secs(6);

pub(crate) fn all(table: &mut Table, runtime: &Runtime, corpus: &Corpus, folder: &Path, size: u64) {
    let (many, one) = (file(folder, size, "many"), file(folder, size, "one"));
    size_of_file(table, corpus, &one, size);
    let queries: Vec<SearchQuery> = corpus
        .questions
        .iter()
        .map(|question| Query::search(question))
        .collect();
    runtime.block_on(searches(table, &queries, &many, (size / EACH).max(1), size));
    runtime.block_on(searches(table, &queries, &one, 1, size));
    server(table, corpus, &many, (size / EACH).max(1), size);
    server(table, corpus, &one, 1, size);
    creates(table, corpus, folder, &one, size);
    if size == 100_000 {
        import(table, corpus, folder, size);
    }
}

fn size_of_file(table: &mut Table, corpus: &Corpus, file: &Path, size: u64) {
    let text: usize = (0..size).map(|number| corpus.sentence(number).len()).sum();
    let bytes = std::fs::metadata(file).expect("a database").len();
    let ratio = bytes as f64 / text as f64;
    let figure = format!("{ratio:.2} × ({} MB)", bytes >> 20);
    table.add(
        size,
        "size of the file, against the text",
        "≤ 2.5 ×",
        figure,
        Some(ratio <= 2.5),
    );
}

async fn searches(table: &mut Table, queries: &[SearchQuery], file: &Path, namespaces: u64, size: u64) {
    let store = Store::open(file).expect("a store");
    let mut numbers = Vec::new();
    for number in 0..namespaces {
        let namespace = store.namespace(namespace_name(number).as_str().to_owned()).await;
        numbers.push(namespace.expect("the store").expect("a namespace").number);
    }
    let in_turn = |at: usize| *numbers.get(at % numbers.len()).expect("a namespace");
    let (place, median_aim, p95_aim) = if namespaces > 1 {
        ("one of many namespaces", 1.0, 10.0)
    } else {
        ("a single namespace", 10.0, 50.0)
    };
    let large = size == LARGE;

    // Once without a look at the clock, so that pages and counts are where they are when a server has run for a while.
    for (at, query) in queries.iter().take(SEARCHES).enumerate() {
        search(&store, in_turn(at), query, PLANNED).await;
    }
    let mut times = Vec::new();
    for (at, query) in queries.iter().cycle().take(SEARCHES).enumerate() {
        let begun = Instant::now();
        search(&store, in_turn(at), query, PLANNED).await;
        times.push(begun.elapsed());
    }
    let (median, p95) = (quantile(&mut times, 0.5), quantile(&mut times, 0.95));
    let row = format!("search in {place}, median");
    let reached = large.then_some(median < median_aim);
    table.add(
        size,
        &row,
        &format!("< {median_aim} ms"),
        format!("{median:.2} ms"),
        reached,
    );
    let row = format!("search in {place}, 95th of 100");
    table.add(
        size,
        &row,
        &format!("< {p95_aim} ms"),
        format!("{p95:.2} ms"),
        large.then_some(p95 < p95_aim),
    );

    let some: Vec<SearchQuery> = queries.iter().take(SLOW_SEARCHES).cloned().collect();
    let mut joined = plain::join_and_filter(file, in_turn(0), &some);
    let joined = quantile(&mut joined, 0.5);
    let ratio = joined / median;
    let row = format!("join and filter in {place}, median");
    let (aim, reached) = if namespaces > 1 {
        ("≥ 100 × slower", large.then_some(ratio >= 100.0))
    } else {
        ("", None)
    };
    table.add(size, &row, aim, format!("{joined:.1} ms ({ratio:.0} ×)"), reached);

    beside_creates(table, &store, in_turn(0), queries, (place, median), size).await;
    if namespaces == 1 {
        overlap(table, &store, in_turn(0), queries, size).await;
    }
    store.close().await;
}

async fn search(store: &Store, namespace: NamespaceNumber, query: &SearchQuery, window: Window) -> Vec<(i64, f64)> {
    let query = query.clone();
    let found = store
        .reading(move |reader| reader.search(namespace, &query, &MemoryFilter::default(), Cut::default(), window))
        .await
        .expect("a search");
    found
        .hits
        .into_iter()
        .map(|hit| (hit.memory.row_id, hit.score))
        .collect()
}

/// How many of the best ten of an exhaustive search the planned one finds, and how many one finds that plans no word away but reads as few memories.
async fn overlap(table: &mut Table, store: &Store, namespace: NamespaceNumber, queries: &[SearchQuery], size: u64) {
    let whole = Window {
        depth: size as usize,
        ..PLANNED
    };
    let exhaustive = Window {
        limit: EXHAUSTIVE,
        reads: EXHAUSTIVE,
        ..whole
    };
    let compared: Vec<&SearchQuery> = queries
        .iter()
        .step_by((queries.len() / COMPARED).max(1))
        .take(COMPARED)
        .collect();
    // The planned ones first: whole lists that were read for the others stay in memory for a while, and help them.
    let mut planned = Vec::new();
    for query in &compared {
        planned.push(search(store, namespace, query, PLANNED).await);
    }
    let (mut wanted, mut by_plan, mut by_whole) = (0, 0, 0);
    for (query, planned) in compared.into_iter().zip(planned) {
        let mut all = search(store, namespace, query, exhaustive).await;
        all.truncate(PLANNED.limit);
        wanted += all.len();
        by_plan += as_good(&all, &planned);
        by_whole += as_good(&all, &search(store, namespace, query, whole).await);
    }
    let part = |found: usize| found as f64 / wanted.max(1) as f64;
    let row = "best ten of an exhaustive search that are found";
    let figure = format!("{:.3}", part(by_plan));
    table.add(size, row, "≥ 0.95", figure, Some(part(by_plan) >= 0.95));
    let row = "the same where common words are not planned away";
    table.add(size, row, "", format!("{:.3}", part(by_whole)), None);
}

/// How many of the best were found. One that is worth as much as the last of them is as good.
fn as_good(best: &[(i64, f64)], found: &[(i64, f64)]) -> usize {
    let least = best.last().map_or(0.0, |(_, score)| score * 0.999_999);
    let good = found.iter().filter(|(_, score)| *score >= least);
    good.count().min(best.len())
}

async fn beside_creates(
    table: &mut Table,
    store: &Store,
    namespace: NamespaceNumber,
    queries: &[SearchQuery],
    (place, idle): (&str, f64),
    size: u64,
) {
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            let other = store
                .ensure_namespace(namespace_name(LARGE))
                .await
                .expect("a namespace")
                .number;
            let mut tick = tokio::time::interval(Duration::from_secs(1) / u32::try_from(CREATES).unwrap_or(1));
            let mut tasks = tokio::task::JoinSet::new();
            for number in 0.. {
                tick.tick().await;
                let store = store.clone();
                tasks.spawn(async move {
                    store
                        .create_memories(other, vec![memory(format!("User wrote line {number} meanwhile"))], None)
                        .await
                });
                while tasks.try_join_next().is_some() {}
            }
        }
    });
    let mut times = Vec::new();
    let end = Instant::now() + TIME;
    for query in queries.iter().cycle() {
        let begun = Instant::now();
        if begun > end {
            break;
        }
        search(store, namespace, query, PLANNED).await;
        times.push(begun.elapsed());
    }
    writing.abort();
    let median = quantile(&mut times, 0.5);
    let ratio = median / idle;
    let row = format!("the same beside {CREATES} creates a second, {place}");
    table.add(
        size,
        &row,
        "≤ 2 × idle",
        format!("{median:.2} ms ({ratio:.1} ×)"),
        Some(ratio <= 2.0),
    );
}

fn server(table: &mut Table, corpus: &Corpus, file: &Path, namespaces: u64, size: u64) {
    let server = Server::start(file);
    let (place, searches) = if namespaces > 1 {
        ("many namespaces", 10_000)
    } else {
        ("a single namespace", 1_000)
    };
    let ready = server.ready_after.as_secs_f64();
    let row = format!("start until ready, {place}");
    table.add(size, &row, "< 1 s", format!("{ready:.2} s"), Some(ready < 1.0));
    server.search(namespaces, &corpus.questions, searches);
    let (now, most) = server.resident_memory();
    let row = format!("resident memory after {searches} searches, {place}");
    let figure = format!("{now:.0} MB (at most {most:.0})");
    table.add(size, &row, "< 150 MB", figure, Some(now < 150.0));
}

fn creates(table: &mut Table, corpus: &Corpus, folder: &Path, file: &Path, size: u64) {
    let scratch = tempfile::tempdir_in(folder).expect("a folder");
    let plain = plain::single_inserts(scratch.path(), |number| corpus.sentence(number), TIME);
    let server = Server::start(file);
    let (rate, slowest) = server.create(CONNECTIONS, TIME, |number| corpus.sentence(number));
    let ratio = rate / plain;
    let row = "creates a second over HTTP, 64 connections";
    let figure = format!("{rate:.0} ({ratio:.1} × {plain:.0})");
    table.add(size, row, "≥ 5 × plain SQLite", figure, Some(ratio >= 5.0));
    let slowest = slowest.as_secs_f64();
    table.add(
        size,
        "the slowest of those",
        "≤ 1 s",
        format!("{slowest:.2} s"),
        Some(slowest <= 1.0),
    );
}

fn import(table: &mut Table, corpus: &Corpus, folder: &Path, size: u64) {
    let scratch = tempfile::tempdir_in(folder).expect("a folder");
    let sentences: Vec<String> = (0..IMPORTED).map(|number| corpus.sentence(number)).collect();
    let plain = plain::bulk_insert(scratch.path(), &sentences);
    let lines: String = sentences
        .iter()
        .map(|sentence| serde_json::json!({ "namespace": "default", "content": sentence }).to_string() + "\n")
        .collect();
    let input = scratch.path().join("lines.jsonl");
    std::fs::write(&input, lines).expect("lines");
    let begun = Instant::now();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_maia"))
        .arg("import")
        .arg(&input)
        .arg("--database")
        .arg(scratch.path().join("maia.db"))
        .env_clear()
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .expect("maia starts");
    let rate = IMPORTED as f64 / begun.elapsed().as_secs_f64();
    let ratio = rate / plain;
    let (figure, reached) = if status.success() {
        (format!("{rate:.0} ({ratio:.2} × {plain:.0})"), Some(ratio >= 0.5))
    } else {
        (format!("failed (plain: {plain:.0})"), Some(false))
    };
    table.add(
        size,
        "import, memories a second",
        "≥ 0.5 × plain SQLite",
        figure,
        reached,
    );
}

/// In milliseconds.
fn quantile(times: &mut [Duration], part: f64) -> f64 {
    times.sort_unstable();
    times
        .get((times.len() as f64 * part) as usize)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

//! What maia is measured against: the same `SQLite`, the same schema, one connection and no maia.

use std::path::Path;
use std::time::{Duration, Instant};

use maia::model::NamespaceNumber;
use maia::store::{SearchQuery, Store};
use rusqlite::{Connection, OpenFlags, params};

/// What one would write without maia: the full-text index is kept by a trigger.
const TRIGGER: &str = "CREATE TRIGGER enter_memory AFTER INSERT ON memories BEGIN
         INSERT INTO memory_index (rowid, text) VALUES (new.row_id, coalesce(new.index_text, new.content));
     END";
const INSERT: &str =
    "INSERT INTO memories (row_id, namespace, id, content, fingerprint, type_code, source_code, confidence, word_count,
         token_count, created_at)
     VALUES (1 << 32 | ?1, 1, randomblob(16), ?2, randomblob(4), 0, 0, 1.0, 14, 18, ?1)";

/// Rows a second, one transaction each, for so long.
pub(crate) fn single_inserts(folder: &Path, sentence: impl Fn(u64) -> String, time: Duration) -> f64 {
    let connection = fresh(&folder.join("single.db"));
    let mut insert = connection.prepare(INSERT).expect("a statement");
    let begun = Instant::now();
    let mut rows = 0_u32;
    while begun.elapsed() < time {
        rows += 1;
        insert.execute(params![rows, sentence(rows.into())]).expect("an insert");
    }
    f64::from(rows) / begun.elapsed().as_secs_f64()
}

/// Rows a second in one transaction.
pub(crate) fn bulk_insert(folder: &Path, sentences: &[String]) -> f64 {
    let mut connection = fresh(&folder.join("bulk.db"));
    let begun = Instant::now();
    let transaction = connection.transaction().expect("a transaction");
    {
        let mut insert = transaction.prepare(INSERT).expect("a statement");
        for (row, sentence) in (1_u32..).zip(sentences) {
            insert.execute(params![row, sentence]).expect("an insert");
        }
    }
    transaction.commit().expect("a commit");
    sentences.len() as f64 / begun.elapsed().as_secs_f64()
}

/// A database that maia has made and no longer has open.
fn fresh(file: &Path) -> Connection {
    drop(Store::open(file).expect("a store"));
    let connection = Connection::open(file).expect("a database");
    connection.pragma_update(None, "synchronous", "FULL").expect("flushes");
    connection.execute_batch(TRIGGER).expect("the trigger");
    connection
}

/// The search that one would write first: match any word, join, filter by namespace, let FTS5 rank.
pub(crate) fn join_and_filter(file: &Path, namespace: NamespaceNumber, queries: &[SearchQuery]) -> Vec<Duration> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a database");
    let mut search = connection
        .prepare(
            "SELECT m.id, m.content FROM memory_index JOIN memories m ON m.row_id = memory_index.rowid
             WHERE memory_index MATCH ?1 AND m.namespace = ?2 ORDER BY rank LIMIT 10",
        )
        .expect("a statement");
    let time = |query: &SearchQuery| {
        let words: Vec<String> = query.terms.iter().map(|(term, _)| term.match_expression()).collect();
        let begun = Instant::now();
        let rows = search.query_map(params![words.join(" OR "), namespace.0], |row| row.get::<_, String>(1));
        let _ = rows.expect("rows").map(|row| row.expect("a row").len()).sum::<usize>();
        begun.elapsed()
    };
    queries.iter().map(time).collect()
}

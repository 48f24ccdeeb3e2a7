//! Memories that a version stored which did not know what changes.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support_process::Program;

const MEMORIES: &str = "/v1/namespaces/default/memories";

/// How many memories the older version has left, besides one that matters: more than are read in one go.
const MANY: i64 = 1_200;

fn application_id(file: &std::path::Path) -> i64 {
    Connection::open(file)
        .unwrap()
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .unwrap()
}

/// Waits until a query of the database gives this number.
#[track_caller]
fn wait_for(file: &std::path::Path, query: &str, number: i64) {
    let connection = Connection::open(file).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while connection.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap() != number {
        assert!(std::time::Instant::now() < deadline, "{query} never gave {number}");
        std::thread::yield_now();
    }
}

#[test]
fn what_an_older_version_remembered_can_be_superseded_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("maia.db");
    Program::start(folder.path(), &[]).stop();
    let id = application_id(&file);
    fs::remove_file(&file).unwrap();
    let old = Connection::open(&file).unwrap();
    old.execute_batch(&format!(
        "{} {} PRAGMA application_id = {id}; PRAGMA user_version = 2; PRAGMA journal_mode = WAL;
         INSERT INTO namespaces (id, name, config, created_at, updated_at) VALUES (zeroblob(16), 'default', '{{}}', 1, 1);",
        include_str!("../../migrations/0001_initial.sql"),
        include_str!("../../migrations/0002_extraction_queue.sql"),
    ))
    .unwrap();
    let mut insert = old
        .prepare(
            "INSERT INTO memories (row_id, namespace, id, type, source, confidence, word_count, token_count, created_at,
                 updated_at, fingerprint, tags, metadata, content)
             VALUES (1 << 32 | ?1, 1, randomblob(16), 'semantic', 'user', 1, 4, 5, 1, 1, randomblob(16), '[]', '{}', ?2)",
        )
        .unwrap();
    insert.execute((1, "User lives in Oslo")).unwrap();
    for n in 2..=MANY {
        // Some of them speak of nobody.
        let content = if n % 3 == 0 {
            format!("The bus line {n} is late")
        } else {
            format!("User owns book {n}")
        };
        insert.execute((n, content)).unwrap();
    }
    drop(insert);
    old.execute("UPDATE namespaces SET next_sequence = ?1 + 1", [MANY])
        .unwrap();
    drop(old);

    let maia = Program::start(folder.path(), &[]);
    wait_for(&file, "SELECT count(*) FROM facts_unread", 0);
    let told = json!({ "messages": [{ "role": "user", "content": "I live in Bergen." }] });
    let told = maia.post("/v1/namespaces/default/extract", &told).expect(200);
    assert_eq!(told["data"][0]["result"], "stored");
    let superseded = told["data"][0]["superseded"].as_array().unwrap();
    let oldest: Value = maia
        .get(&format!("{MEMORIES}/{}", superseded[0].as_str().unwrap()))
        .expect(200);
    assert_eq!(oldest["content"], "User lives in Oslo");
    maia.stop();
    let read = "SELECT count(*) FROM memories WHERE statement IS NOT NULL";
    let spoken_of = Connection::open(&file)
        .unwrap()
        .query_row(read, [], |row| row.get::<_, i64>(0));
    assert_eq!(spoken_of.unwrap(), MANY - MANY / 3 + 1);
}

//! Databases that an earlier version has made.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support_process::{Program, Starting, run};

/// The schema before each version's last step, with a few memories of every kind.
fn make_old(file: &Path) {
    let connection = Connection::open(file).unwrap();
    let steps = [
        include_str!("../../migrations/0001_initial.sql"),
        include_str!("../../migrations/0002_extraction_queue.sql"),
        include_str!("../../migrations/0003_changing_facts.sql"),
        include_str!("../../migrations/0004_pinned.sql"),
        include_str!("../../migrations/0005_rewrites.sql"),
    ];
    connection.execute_batch(&steps.concat()).unwrap();
    connection
        .execute_batch(
            "PRAGMA application_id = 0x6d616961; PRAGMA user_version = 5; PRAGMA journal_mode = WAL;
             INSERT INTO namespaces (id, name, config, created_at, updated_at, next_sequence)
                 VALUES (zeroblob(16), 'default', '{}', 1, 1, 4000), (x'00000000000000000000000000000001', 'other', '{}', 1, 1, 1);
             INSERT INTO memories (row_id, namespace, id, type, source, confidence, word_count, token_count, created_at, updated_at,
                 fingerprint, tags, metadata, content, pinned, conversation_id, role, speaker)
             VALUES (1 << 32 | 1, 1, x'00000000000000000000000000000011', 'semantic', 'user', 1, 4, 5, 1000, 1000, zeroblob(16), '[]', '{}',
                     'User plays the cello', 1, NULL, NULL, NULL),
                 (1 << 32 | 2, 1, x'00000000000000000000000000000012', 'episodic', 'extracted', 0.5, 4, 5, 2000, 3000, zeroblob(16), '[\"music\"]',
                     '{\"rule\":\"a\"}', 'User sold the zither', 0, 'chat', 'user', 'Ana'),
                 (1 << 32 | 3, 1, x'00000000000000000000000000000013', 'working', 'inferred', 0, 4, 5, 3000, 3000, zeroblob(16), '[]', '{}',
                     'User lives in Lisbon', 0, NULL, NULL, NULL),
                 (1 << 32 | 4, 1, x'00000000000000000000000000000014', 'semantic', 'imported', 0, 4, 5, 3000, 3000, zeroblob(16), '[]', '{}',
                     'User lives in Porto', 0, NULL, NULL, NULL);
             UPDATE memories SET superseded_at = 4000, superseded_by = 1 << 32 | 4 WHERE content LIKE '%Lisbon';
             WITH RECURSIVE n (i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < 3900)
             INSERT INTO memories (row_id, namespace, id, type, source, confidence, word_count, token_count, created_at, updated_at,
                 fingerprint, tags, metadata, content)
             SELECT 1 << 32 | i, 1, randomblob(16), 'semantic', 'user', 1, 4, 5, 5000, 5000, randomblob(16), '[]', '{}',
                 'User has counted to ' || i FROM n;",
        )
        .unwrap();
}

#[test]
fn an_older_database_is_taken_over_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("maia.db");
    make_old(&file);
    let size = || std::fs::metadata(&file).unwrap().len();
    let before = size();
    // An export of the old file reads a copy of it.
    let lines = |ended: &str| -> Vec<Value> { ended.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let old = lines(&run(folder.path(), &["export"]).stdout);
    let user_version = || -> i64 {
        let connection = Connection::open(&file).unwrap();
        connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    };
    assert_eq!(user_version(), 5);

    let maia = Program::start(folder.path(), &[]);
    let search = |words: &str| {
        let found = maia.post("/v1/namespaces/default/memories/search", &json!({ "query": words }));
        found.expect(200)["data"][0]["memory"].clone()
    };
    let zither = search("zither");
    let expected = json!({
        "type": "episodic", "source": "extracted", "confidence": 0.5, "tags": ["music"], "metadata": { "rule": "a" }, "pinned": false,
        "created_at": "1970-01-01T00:00:02.000Z", "updated_at": "1970-01-01T00:00:03.000Z", "conversation_id": "chat", "speaker": "Ana",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(zither[field], *value, "{field}: {zither}");
    }
    let cello = search("cello");
    assert_eq!(
        (&cello["tags"], &cello["metadata"], &cello["pinned"]),
        (&json!([]), &json!({}), &json!(true))
    );
    assert_eq!(cello["updated_at"], cello["created_at"]);
    assert_eq!(search("Lisbon"), Value::Null);
    // Ids that differ in their last byte alone.
    for (last, content) in [
        (1, "User plays the cello"),
        (2, "User sold the zither"),
        (4, "User lives in Porto"),
    ] {
        let path = format!("/v1/namespaces/default/memories/00000000-0000-0000-0000-00000000001{last}");
        assert_eq!(maia.get(&path).expect(200)["content"], content);
    }
    maia.stop();

    assert_eq!(lines(&run(folder.path(), &["export"]).stdout), old);
    // The last that was written, though the row does not say that it ever changed.
    let stats: Value = serde_json::from_str(&run(folder.path(), &["stats", "--json"]).stdout).unwrap();
    assert_eq!(
        stats["namespaces"][0]["last_write"], "1970-01-01T00:00:05.000Z",
        "{stats}"
    );
    let checked = run(folder.path(), &["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(user_version() > 5);
    assert!(size() < before, "{} bytes became {}", before, size());
}

#[test]
fn eight_that_start_at_once_take_it_over_once() {
    let folder = tempfile::tempdir().unwrap();
    make_old(&folder.path().join("maia.db"));
    let starting: Vec<Starting> = (0..8).map(|_| Program::begin(folder.path(), &[])).collect();
    let servers: Vec<Program> = starting.into_iter().map(Starting::ready).collect();
    let took_over = servers
        .iter()
        .filter(|server| server.log.contains("is brought up to date"));
    assert_eq!(took_over.count(), 1);
    for server in servers {
        let found = server.post("/v1/namespaces/default/memories/search", &json!({ "query": "zither" }));
        assert_eq!(found.expect(200)["count"], 1);
        server.stop();
    }
    assert_eq!(run(folder.path(), &["check"]).code, Some(0));
}

#[test]
fn one_that_starts_while_another_takes_it_over_waits_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("maia.db");
    make_old(&file);
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    Program::begin(folder.path(), &[])
        .ready_after("another process is writing to the database", || drop(other))
        .stop();
}

#[test]
fn what_a_row_does_not_have_takes_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    maia.post(
        "/v1/namespaces/default/memories",
        &json!({ "content": "The cello is from 1890" }),
    )
    .expect(201);
    maia.stop();
    let connection = Connection::open(folder.path().join("maia.db")).unwrap();
    let payload: i64 = connection
        .query_row("SELECT sum(payload) FROM dbstat WHERE name = 'memories'", [], |row| {
            row.get(0)
        })
        .unwrap();
    // A byte for the length of the header and for each of 15 columns that it has; 16 for the id, 1 each for words and
    // tokens, 6 for the time, 4 for the fingerprint, 22 for the words. Namespace, codes, confidence and counts of 0 and 1 stand in the header
    // (https://www.sqlite.org/fileformat.html, section 2.1).
    assert_eq!(payload, 1 + 15 + 16 + 1 + 1 + 6 + 4 + 22);
}

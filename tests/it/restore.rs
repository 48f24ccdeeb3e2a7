//! Restoring, and checking and repairing a database.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support_process::{Ended, Program, files, run};

const MEMORIES: &str = "/v1/namespaces/default/memories";

/// Makes a database with these memories and closes it.
fn remember(folder: &Path, contents: &[&str]) {
    let maia = Program::start(folder, &[]);
    for content in contents {
        maia.post(MEMORIES, &json!({ "content": content })).expect(201);
    }
    maia.stop();
}

/// What a maia that is started on the folder remembers, newest first.
fn remembered(folder: &Path) -> Vec<String> {
    let maia = Program::start(folder, &[]);
    let list = maia.get(MEMORIES).expect(200);
    maia.stop();
    let data = list["data"].as_array().unwrap();
    data.iter()
        .map(|memory| memory["content"].as_str().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn refused(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    for word in words {
        assert!(ended.stderr.contains(word), "{word:?} is not in {ended:?}");
    }
}

/// Overwrites pages in the middle of a file.
fn damage(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let pages = bytes.len() / 4_096;
    for page in pages / 2..pages / 2 + 4 {
        bytes[page * 4_096..(page + 1) * 4_096].fill(0xA5);
    }
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_backup_comes_back_and_the_old_database_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    remember(folder.path(), &["User lives in Lisbon."]);
    assert_eq!(run(folder.path(), &["backup", "copy.db"]).code, Some(0));
    remember(folder.path(), &["User lives in Porto."]);
    refused(
        &run(folder.path(), &["restore", "copy.db"]),
        1,
        &["maia.db exists already", "--force"],
    );
    assert_eq!(files(folder.path()), ["copy.db", "maia.db"]);

    let ended = run(folder.path(), &["restore", "--force", "copy.db"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("1 memory in 1 namespace, from copy.db"),
        "{ended:?}"
    );
    let names = files(folder.path());
    assert_eq!(names.len(), 3, "{names:?}");
    let kept = names
        .iter()
        .find(|name| name.starts_with("maia.db.before-restore-"))
        .unwrap();
    assert!(ended.stdout.contains(kept.as_str()), "{ended:?}");
    assert_eq!(remembered(folder.path()), ["User lives in Lisbon."]);

    // And back again.
    let kept = kept.clone();
    assert_eq!(run(folder.path(), &["restore", "--force", &kept]).code, Some(0));
    assert_eq!(
        remembered(folder.path()),
        ["User lives in Porto.", "User lives in Lisbon."]
    );
}

#[test]
fn a_backup_is_restored_where_there_is_nothing() {
    let (folder, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    remember(folder.path(), &["User lives in Lisbon."]);
    let copy = new.path().join("copy.db");
    assert_eq!(run(folder.path(), &["backup", copy.to_str().unwrap()]).code, Some(0));
    // A log that somebody left behind belongs to no database any more.
    fs::write(new.path().join("maia.db-wal"), "stale").unwrap();
    let ended = run(new.path(), &["restore", "copy.db"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!new.path().join("maia.db-wal").exists());
    assert_eq!(remembered(new.path()), ["User lives in Lisbon."]);
}

#[test]
fn what_a_killed_server_left_in_its_log_is_kept_too() {
    let folder = tempfile::tempdir().unwrap();
    remember(folder.path(), &["User lives in Lisbon."]);
    assert_eq!(run(folder.path(), &["backup", "copy.db"]).code, Some(0));
    let maia = Program::start(folder.path(), &[]);
    maia.post(MEMORIES, &json!({ "content": "User lives in Porto." }))
        .expect(201);
    maia.kill();
    let ended = run(folder.path(), &["restore", "--force", "copy.db"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let names = files(folder.path());
    assert_eq!(names.len(), 3, "no log is left beside the new file: {names:?}");
    let kept = folder.path().join(&names[2]);
    let count: i64 = Connection::open(kept)
        .unwrap()
        .query_row("SELECT count(*) FROM memories", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 2);
    assert_eq!(remembered(folder.path()), ["User lives in Lisbon."]);
}

#[test]
fn a_running_server_keeps_its_database() {
    let folder = tempfile::tempdir().unwrap();
    remember(folder.path(), &["User lives in Lisbon."]);
    assert_eq!(run(folder.path(), &["backup", "copy.db"]).code, Some(0));
    let maia = Program::start(folder.path(), &[]);
    for arguments in [&["restore", "copy.db"][..], &["restore", "--force", "copy.db"]] {
        refused(
            &run(folder.path(), arguments),
            4,
            &["maia.db is in use", "stop it first"],
        );
    }
    maia.post(MEMORIES, &json!({ "content": "User lives in Porto." }))
        .expect(201);
    maia.stop();
    assert_eq!(files(folder.path()), ["copy.db", "maia.db"]);
}

#[test]
fn a_backup_replaces_a_damaged_database() {
    let folder = tempfile::tempdir().unwrap();
    remember(folder.path(), &["User lives in Lisbon."]);
    assert_eq!(run(folder.path(), &["backup", "copy.db"]).code, Some(0));
    fs::write(folder.path().join("maia.db"), "Dear diary").unwrap();
    fs::write(folder.path().join("maia.db-wal"), "more of it").unwrap();
    let ended = run(folder.path(), &["restore", "--force", "copy.db"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let names = files(folder.path());
    assert_eq!(names.len(), 4, "the damaged one is kept, with its log: {names:?}");
    assert_eq!(fs::read(folder.path().join(&names[2])).unwrap(), b"Dear diary");
    assert_eq!(fs::read(folder.path().join(&names[3])).unwrap(), b"more of it");
    assert_eq!(remembered(folder.path()), ["User lives in Lisbon."]);
}

#[test]
fn what_is_no_sound_backup_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<String> = (0..200)
        .map(|n| format!("User keeps note {n}: {}", "word ".repeat(100)))
        .collect();
    remember(folder.path(), &many.iter().map(String::as_str).collect::<Vec<_>>());
    let copy = folder.path().join("copy.db");
    assert_eq!(run(folder.path(), &["backup", "copy.db"]).code, Some(0));
    let (sound, database) = (
        fs::read(&copy).unwrap(),
        fs::read(folder.path().join("maia.db")).unwrap(),
    );
    let restore = || run(folder.path(), &["restore", "--force", "copy.db"]);

    damage(&copy);
    refused(&restore(), 4, &["copy.db"]);
    fs::write(&copy, &sound[..sound.len() - 4_096]).unwrap();
    refused(&restore(), 4, &["copy.db", "damaged"]);
    fs::write(&copy, "Dear diary").unwrap();
    refused(&restore(), 4, &["copy.db", "no SQLite database", "maia import"]);
    for (sql, word) in [
        ("PRAGMA user_version = 999", "newer maia"),
        ("PRAGMA application_id = 42", "another program"),
        ("DROP TRIGGER memories_delete", "memories_delete"),
        ("DELETE FROM memory_index_data WHERE id > 10", "memory_index"),
    ] {
        fs::write(&copy, &sound).unwrap();
        Connection::open(&copy).unwrap().execute_batch(sql).unwrap();
        refused(&restore(), 4, &["copy.db", word]);
    }
    refused(
        &run(folder.path(), &["restore", "nowhere.db"]),
        4,
        &["no backup nowhere.db", "maia backup"],
    );
    refused(
        &run(folder.path(), &["restore", "--force", "maia.db"]),
        1,
        &["the database itself"],
    );
    assert!(
        fs::read(folder.path().join("maia.db")).unwrap() == database,
        "the database was changed"
    );
    assert_eq!(files(folder.path()), ["copy.db", "maia.db"]);
}

fn check(folder: &Path, more: &[&str]) -> (Ended, Value) {
    let ended = run(folder, &[&["check", "--json"], more].concat());
    let report = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (ended, report)
}

/// The kinds of problems in a report, without repetition.
fn kinds(problems: &Value) -> Vec<&str> {
    let mut kinds: Vec<&str> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["kind"].as_str().unwrap())
        .collect();
    kinds.dedup();
    kinds
}

#[test]
fn a_sound_database_is_called_sound() {
    let folder = tempfile::tempdir().unwrap();
    remember(folder.path(), &["User lives in Lisbon.", "User has a dog."]);
    let ended = run(folder.path(), &["check"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "./maia.db: sound, 2 memories in 1 namespace\n");
    let maia = Program::start(folder.path(), &[]);
    let (ended, report) = check(folder.path(), &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(report["sound"], true);
    assert_eq!(report["memories"], 2);
    maia.stop();
    assert_eq!(files(folder.path()), ["maia.db"]);
    refused(
        &run(folder.path(), &["check", "--database", "nowhere.db"]),
        4,
        &["no file nowhere.db"],
    );
}

#[test]
fn everything_that_follows_from_the_memories_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    remember(
        folder.path(),
        &["User lives in Lisbon.", "User has a dog.", "User plays the cello."],
    );
    let file = folder.path().join("maia.db");
    Connection::open(&file)
        .unwrap()
        .execute_batch(
            "DROP TRIGGER memories_update;
             UPDATE memories SET content = 'User plays the zither.' WHERE content LIKE '%cello%';
             DROP INDEX memories_by_confidence;
             UPDATE namespaces SET memory_count = 17, next_sequence = 1;",
        )
        .unwrap();
    let before = fs::read(&file).unwrap();
    let (ended, report) = check(folder.path(), &[]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert_eq!(kinds(&report["problems"]), ["schema", "counts", "search"], "{report}");
    assert!(ended.stderr.contains("--repair"), "{ended:?}");
    let server = Program::start(folder.path(), &[]);
    let (ended, beside_a_server) = check(folder.path(), &[]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert_eq!(beside_a_server["problems"], report["problems"]);
    server.stop();
    assert!(fs::read(&file).unwrap() == before, "a check changes nothing");

    let (ended, repaired) = check(folder.path(), &["--repair"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(repaired["problems"], json!([]));
    assert_eq!(repaired["repaired"], report["problems"]);
    assert_eq!(run(folder.path(), &["check"]).code, Some(0));
    let maia = Program::start(folder.path(), &[]);
    let found = maia
        .post(&format!("{MEMORIES}/search"), &json!({ "query": "zither" }))
        .expect(200);
    assert_eq!(found["total"], 1);
    maia.post(MEMORIES, &json!({ "content": "User has a cat." }))
        .expect(201);
    assert_eq!(
        maia.get("/v1/namespaces/default").expect(200)["stats"]["memory_count"],
        4
    );
    maia.stop();
}

#[test]
fn what_is_superseded_is_no_part_of_the_index_and_the_counts() {
    let folder = tempfile::tempdir().unwrap();
    remember(folder.path(), &["User lives in Lisbon.", "User lives in Porto."]);
    let connection = Connection::open(folder.path().join("maia.db")).unwrap();
    let supersede = "UPDATE memories SET superseded_at = 1 WHERE content LIKE '%Lisbon%';";
    connection.execute_batch(supersede).unwrap();
    assert_eq!(check(folder.path(), &[]).0.code, Some(0));
    connection
        .execute_batch(
            "DROP TRIGGER memories_restore; UPDATE memories SET superseded_at = NULL;
             UPDATE namespaces SET superseded_count = 7;",
        )
        .unwrap();
    let (ended, report) = check(folder.path(), &[]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert_eq!(kinds(&report["problems"]), ["schema", "counts", "search"], "{report}");
    connection
        .execute_batch(&format!("DROP TRIGGER memories_supersede; {supersede}"))
        .unwrap();
    drop(connection);
    let (ended, _) = check(folder.path(), &["--repair"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let maia = Program::start(folder.path(), &[]);
    let found = maia
        .post(&format!("{MEMORIES}/search"), &json!({ "query": "Lisbon Porto" }))
        .expect(200);
    assert_eq!(found["total"], 1, "{found}");
    let page = |query: &str| maia.get(&format!("{MEMORIES}{query}")).expect(200)["total"].take();
    assert_eq!((page(""), page("?include_superseded=true")), (json!(1), json!(2)));
    maia.stop();
}

#[test]
fn a_database_of_an_older_version_is_judged_by_its_own_schema() {
    let folder = tempfile::tempdir().unwrap();
    remember(folder.path(), &[]);
    let file = folder.path().join("maia.db");
    let id: i64 = Connection::open(&file)
        .unwrap()
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .unwrap();
    fs::remove_file(&file).unwrap();
    Connection::open(&file)
        .unwrap()
        .execute_batch(&format!(
            "{} PRAGMA application_id = {id}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;
             INSERT INTO namespaces (id, name, config, created_at, updated_at) VALUES (zeroblob(16), 'default', '{{}}', 1, 1);
             INSERT INTO memories (row_id, namespace, id, type, source, confidence, word_count, token_count, created_at,
                 updated_at, fingerprint, tags, metadata, content)
             VALUES (1 << 32 | 1, 1, zeroblob(16), 'semantic', 'user', 1, 4, 5, 1, 1, zeroblob(16), '[]', '{{}}', 'User is old');
             UPDATE namespaces SET next_sequence = 2;",
            include_str!("../../migrations/0001_initial.sql")
        ))
        .unwrap();
    let (ended, report) = check(folder.path(), &[]);
    assert_eq!(ended.code, Some(0), "{ended:?} {report}");
    Connection::open(&file)
        .unwrap()
        .execute_batch("UPDATE namespaces SET memory_count = 9")
        .unwrap();
    assert_eq!(check(folder.path(), &["--repair"]).0.code, Some(0));
    assert_eq!(remembered(folder.path()), ["User is old"]);
}

#[test]
fn a_broken_full_text_index_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    remember(folder.path(), &["User lives in Lisbon.", "User has a dog."]);
    Connection::open(folder.path().join("maia.db"))
        .unwrap()
        .execute(
            "UPDATE memory_index_data SET block = zeroblob(length(block)) WHERE id > 10",
            [],
        )
        .unwrap();
    let (ended, report) = check(folder.path(), &[]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(kinds(&report["problems"]).contains(&"search"), "{report}");
    let (ended, report) = check(folder.path(), &["--repair"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(report["sound"], true);
    let maia = Program::start(folder.path(), &[]);
    let found = maia
        .post(&format!("{MEMORIES}/search"), &json!({ "query": "dog" }))
        .expect(200);
    assert_eq!(found["total"], 1);
    maia.stop();
}

#[test]
fn damage_to_the_memories_is_said_to_be_beyond_repair() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<String> = (0..200)
        .map(|n| format!("User keeps note {n}: {}", "word ".repeat(100)))
        .collect();
    remember(folder.path(), &many.iter().map(String::as_str).collect::<Vec<_>>());
    let file = folder.path().join("maia.db");
    damage(&file);
    let before = fs::read(&file).unwrap();
    for arguments in [&[][..], &["--repair"]] {
        let (ended, report) = check(folder.path(), arguments);
        assert_eq!(ended.code, Some(5), "{ended:?}");
        assert!(kinds(&report["problems"]).contains(&"file"), "{report}");
    }
    assert!(fs::read(&file).unwrap() == before, "the file was changed");
}

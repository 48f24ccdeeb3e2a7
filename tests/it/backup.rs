//! Backups: by command, by call and by themselves, while the server writes.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support_process::{Program, command, files, run};
use crate::support_raw::{Call, eventually};

const MEMORIES: &str = "/v1/namespaces/default/memories";

fn query<T: rusqlite::types::FromSql>(file: &Path, sql: &str) -> T {
    let connection = Connection::open(file).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// A database of some megabytes, made at once.
fn large(folder: &Path) {
    Program::start(folder, &[]).stop();
    let lines: String = (0..4_000)
        .map(|number| {
            let content = format!("User keeps note {number}: {}", "several plain words ".repeat(20));
            json!({ "namespace": "default", "content": content }).to_string() + "\n"
        })
        .collect();
    fs::write(folder.join("lines.jsonl"), lines).unwrap();
    let ended = run(folder, &["import", "lines.jsonl"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    fs::remove_file(folder.join("lines.jsonl")).unwrap();
}

#[test]
fn a_backup_of_a_running_server_is_a_whole_database() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    let body = json!({ "content": "User plays the cello.", "tags": ["music"], "metadata": { "deep": [1, 2.5] } });
    let memory = maia.post(MEMORIES, &body).expect(201);
    let ended = run(folder.path(), &["backup", "copy.db"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.starts_with("copy.db: 1 memory in 1 namespace, "),
        "{ended:?}"
    );
    assert_eq!(ended.stderr, "");
    // Written after the backup, so not in it.
    maia.post(MEMORIES, &json!({ "content": "User plays chess." }))
        .expect(201);
    let (copy, original) = (folder.path().join("copy.db"), folder.path().join("maia.db"));
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for pragma in ["application_id", "user_version"] {
        let sql = format!("PRAGMA {pragma}");
        assert_eq!(query::<i64>(&copy, &sql), query::<i64>(&original, &sql), "{pragma}");
    }
    let row = "SELECT min(row_id) FROM memories";
    assert_eq!(query::<i64>(&copy, row), query::<i64>(&original, row));
    assert_eq!(
        query::<i64>(&copy, "SELECT v FROM memory_index_config WHERE k = 'secure-delete'"),
        1
    );
    let other = Program::start(folder.path(), &["--database", "copy.db"]);
    let list = other.get(MEMORIES).expect(200);
    assert_eq!(list["data"], json!([memory]));
    let found = other
        .post(&format!("{MEMORIES}/search"), &json!({ "query": "cello" }))
        .expect(200);
    assert_eq!(found["data"][0]["memory"], memory);
    other.stop();
    maia.stop();
    assert_eq!(files(folder.path()), ["copy.db", "maia.db"]);
}

#[test]
fn nothing_is_overwritten_unless_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    Program::start(folder.path(), &[]).stop();
    let target = folder.path().join("notes.txt");
    fs::write(&target, "precious").unwrap();
    let ended = run(folder.path(), &["backup", "notes.txt"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("notes.txt exists already") && ended.stderr.contains("--force"),
        "{ended:?}"
    );
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    let ended = run(folder.path(), &["backup", "--force", "notes.txt"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(fs::read(&target).unwrap().starts_with(b"SQLite format 3\0"));
    let ended = run(folder.path(), &["backup", "--force", "maia.db"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("is the database itself"), "{ended:?}");
    let ended = run(folder.path(), &["backup", "no/such/folder.db"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("there is no folder no/such; make it first"),
        "{ended:?}"
    );
    assert_eq!(files(folder.path()), ["maia.db", "notes.txt"]);
}

#[test]
fn a_database_that_another_server_uses_is_no_place_for_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    Program::start(folder.path(), &[]).stop();
    let other = Program::start(folder.path(), &["--database", "other.db"]);
    let ended = run(folder.path(), &["backup", "--force", "other.db"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("other.db is in use"), "{ended:?}");
    other
        .post(MEMORIES, &json!({ "content": "User is still here." }))
        .expect(201);
    other.stop();
}

#[test]
fn without_a_database_there_is_no_backup() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["backup", "copy.db"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("there is no file ./maia.db"), "{ended:?}");
    assert_eq!(files(folder.path()), [""; 0]);
}

#[test]
fn what_was_acknowledged_before_a_backup_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    let address = maia.address();
    let ledger = Arc::new(Mutex::new(BTreeSet::new()));
    let go_on = Arc::new(AtomicBool::new(true));
    let writers: Vec<_> = (0..3)
        .map(|_| {
            let (ledger, go_on) = (Arc::clone(&ledger), Arc::clone(&go_on));
            thread::spawn(move || {
                while go_on.load(Ordering::SeqCst) {
                    let body = json!({ "content": "User writes while a backup is made" });
                    let memory = Call::json("POST", MEMORIES, &body).send(address).expect(201);
                    ledger.lock().unwrap().insert(memory["id"].as_str().unwrap().to_owned());
                }
            })
        })
        .collect();
    for round in 0..5 {
        eventually("writes are acknowledged", || ledger.lock().unwrap().len() > round * 10);
        let before = ledger.lock().unwrap().clone();
        let name = format!("copy-{round}.db");
        let ended = run(folder.path(), &["backup", &name]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let connection = Connection::open(folder.path().join(name)).unwrap();
        let mut ids = connection.prepare("SELECT id FROM memories").unwrap();
        let ids = ids.query_map([], |row| row.get::<_, uuid::Uuid>(0)).unwrap();
        let inside: BTreeSet<String> = ids.map(|id| id.unwrap().to_string()).collect();
        assert!(inside.is_superset(&before), "round {round} lost something");
    }
    go_on.store(false, Ordering::SeqCst);
    for writer in writers {
        writer.join().unwrap();
    }
    maia.stop();
}

#[test]
fn a_backup_that_is_killed_leaves_no_half_file_under_the_name() {
    let folder = tempfile::tempdir().unwrap();
    large(folder.path());
    let target = folder.path().join("copy.db");
    for round in 0..10 {
        let mut child = command(folder.path(), &["backup", "copy.db"]).spawn().unwrap();
        // Killed while the copy has its temporary name, or a moment later.
        eventually("the copy is begun", || {
            files(folder.path()).iter().any(|name| name.ends_with(".partial")) || child.try_wait().unwrap().is_some()
        });
        child.kill().unwrap();
        child.wait().unwrap();
        if target.exists() {
            let answer: String = query(&target, "PRAGMA integrity_check");
            assert_eq!(answer, "ok", "round {round}");
            assert_eq!(
                query::<i64>(&target, "SELECT count(*) FROM memories"),
                4_000,
                "round {round}"
            );
            fs::remove_file(&target).unwrap();
        }
    }
    let ended = run(folder.path(), &["backup", "copy.db"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        files(folder.path()),
        ["copy.db", "maia.db"],
        "what was left behind is removed"
    );
}

#[test]
fn ctrl_c_stops_a_backup_and_cleans_up() {
    let folder = tempfile::tempdir().unwrap();
    large(folder.path());
    let child = command(folder.path(), &["backup", "copy.db"]).spawn().unwrap();
    eventually("the copy is begun", || {
        files(folder.path()).iter().any(|name| name.ends_with(".partial"))
    });
    let id = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-s", "INT", &id])
        .status()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let left = files(folder.path());
    // It may have been done in that very moment.
    match output.status.code() {
        Some(130) => assert_eq!(left, ["maia.db"]),
        Some(0) => assert_eq!(left, ["copy.db", "maia.db"]),
        other => panic!("{other:?} {output:?}"),
    }
}

#[test]
fn the_call_sends_the_database_as_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    let memory = maia.post(MEMORIES, &json!({ "content": "User sails." })).expect(201);
    let reply = maia.get("/v1/backup");
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(reply.header("content-type"), Some("application/vnd.sqlite3"));
    assert_eq!(
        reply.header("content-length"),
        Some(reply.body.len().to_string().as_str())
    );
    let disposition = reply.header("content-disposition").unwrap();
    let name = regex::Regex::new(r#"^attachment; filename="maia-\d{8}T\d{6}Z\.db"$"#).unwrap();
    assert!(name.is_match(disposition), "{disposition}");
    assert_eq!(files(folder.path()), ["maia.db", "maia.db-shm", "maia.db-wal"]);
    maia.get("/v1/backup?compress=1")
        .expect_error(400, "bad_request", Some("compress"));
    maia.stop();
    fs::write(folder.path().join("copy.db"), &reply.body).unwrap();
    let other = Program::start(folder.path(), &["--database", "copy.db"]);
    assert_eq!(other.get(MEMORIES).expect(200)["data"], json!([memory]));
    other.stop();
}

#[test]
fn the_call_needs_the_key_where_one_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &["--set", "security.api_key=k-123456"]);
    maia.get("/v1/backup").expect_error(401, "unauthorized", None);
    let reply = Call::get("/v1/backup")
        .header("X-API-Key", "k-123456")
        .send(maia.address());
    assert_eq!(reply.status, 200);
    assert!(reply.body.starts_with(b"SQLite format 3\0"));
    maia.stop();
}

#[test]
fn a_client_that_leaves_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    large(folder.path());
    let maia = Program::start(folder.path(), &[]);
    let mut slow = Call::get("/v1/backup").begin(maia.address()).unwrap();
    let mut first = [0; 15];
    slow.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let message = maia.get("/v1/backup").expect_error(409, "conflict", None);
    assert!(message.contains("another backup"), "{message}");
    assert_eq!(files(folder.path()), ["maia.db", "maia.db-shm", "maia.db-wal"]);
    // Others are served meanwhile.
    maia.post(MEMORIES, &json!({ "content": "User is served." }))
        .expect(201);
    drop(slow);
    eventually("the place is free again", || maia.get("/v1/backup").status == 200);
    maia.stop();
    assert_eq!(files(folder.path()), ["maia.db"]);
}

/// The value of a metric without labels, or with the labels as they are written.
fn metric(maia: &Program, name: &str) -> f64 {
    let text = maia.get("/metrics").text();
    let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
    let (_, value) = line
        .unwrap_or_else(|| panic!("{name} is not in {text}"))
        .rsplit_once(' ')
        .unwrap();
    value.parse().unwrap()
}

#[test]
fn backups_are_made_by_themselves_and_the_oldest_go() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ["--set", "storage.backup_interval=1s", "--set", "storage.backup_keep=2"];
    let mut maia = Program::start(folder.path(), &settings);
    let backups = folder.path().join("backups");
    maia.wait_for("backed up");
    fs::write(backups.join("maia-notes.db"), "mine").unwrap();
    let memory = maia.post(MEMORIES, &json!({ "content": "User sails." })).expect(201);
    maia.wait_for("an old backup was removed");
    maia.wait_for("an old backup was removed");
    assert!(metric(&maia, r#"maia_backups_total{result="done"}"#) >= 4.0);
    assert!(metric(&maia, r#"maia_backups_total{result="failed"}"#) < 1.0);
    assert!(metric(&maia, "maia_backup_last_success_timestamp_seconds") > 1.7e9);
    maia.stop();
    assert_eq!(files(folder.path()), ["backups", "maia.db"]);
    let mut names = files(&backups);
    assert!(names.contains(&"maia-notes.db".to_owned()), "{names:?}");
    names.retain(|name| name != "maia-notes.db");
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(fs::metadata(&backups).unwrap().permissions().mode() & 0o777, 0o700);
    let newest = format!("backups/{}", names[1]);
    let other = Program::start(folder.path(), &["--database", &newest]);
    assert_eq!(other.get(MEMORIES).expect(200)["data"], json!([memory]));
    other.stop();
}

#[test]
fn a_restart_makes_no_backup_before_it_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        "--set",
        "storage.backup_interval=1h",
        "--set",
        "storage.backup_dir=kept",
    ];
    let mut maia = Program::start(folder.path(), &settings);
    maia.wait_for("backed up");
    maia.stop();
    let first = files(&folder.path().join("kept"));
    assert_eq!(first.len(), 1);
    let maia = Program::start(folder.path(), &settings);
    assert!(metric(&maia, "maia_backup_last_success_timestamp_seconds") > 1.7e9);
    let log = maia.stop();
    assert!(!log.contains("backed up"), "{log}");
    assert_eq!(files(&folder.path().join("kept")), first);
}

#[test]
fn a_backup_that_cannot_be_made_is_said_and_counted_and_disturbs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("kept"), "a file where the folder should be").unwrap();
    let settings = [
        "--set",
        "storage.backup_interval=1h",
        "--set",
        "storage.backup_dir=kept",
    ];
    let mut maia = Program::start(folder.path(), &settings);
    maia.wait_for("the folder for backups cannot be made");
    eventually("it is counted", || {
        metric(&maia, r#"maia_backups_total{result="failed"}"#) > 0.0
    });
    let list: Value = maia.get(MEMORIES).expect(200);
    assert_eq!(list["total"], 0);
    maia.stop();
}

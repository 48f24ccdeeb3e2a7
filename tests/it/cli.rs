//! The command line: what it explains, how it starts and ends, and what it says when it cannot.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rusqlite::Connection;
use serde_json::json;

use crate::support_process::{Ended, Program, Starting, command, files, run};
use crate::support_raw::{Call, StubBackend, gate};

/// The one sentence on standard error of a command that must end with this code.
#[track_caller]
fn sentence(ended: &Ended, code: i32) -> &str {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert_eq!(ended.stdout, "", "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    ended.stderr.trim_end().strip_prefix("maia: ").unwrap()
}

/// Fills a database and returns the folder's only file's bytes.
fn filled(folder: &Path) -> Vec<u8> {
    let maia = Program::start(folder, &[]);
    for number in 0..200 {
        let content = format!("User keeps note {number}: {}", "word ".repeat(100));
        maia.post("/v1/namespaces/default/memories", &json!({ "content": content }))
            .expect(201);
    }
    maia.stop();
    fs::read(folder.join("maia.db")).unwrap()
}

/// A start on this file must fail, say these words and leave everything as it was.
#[track_caller]
fn refuses(folder: &Path, words: &[&str]) {
    let file = folder.join("maia.db");
    let (before, names) = (fs::read(&file).unwrap(), files(folder));
    let ended = run(folder, &["--port", "0"]);
    let sentence = sentence(&ended, 4);
    for word in words.iter().chain(&["maia.db"]) {
        assert!(sentence.contains(word), "{word:?} is not in {sentence:?}");
    }
    assert!(fs::read(&file).unwrap() == before, "the file was changed");
    assert_eq!(files(folder), names);
}

#[test]
fn version_is_that_of_the_package() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["--version"]);
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.stdout, format!("maia {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(files(folder.path()), [""; 0]);
}

#[test]
fn help_explains() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["--help"]);
    assert_eq!(ended.code, Some(0));
    for word in [
        "serve",
        "--config",
        "--host",
        "--port",
        "--database",
        "--backend",
        "--set",
        "http://localhost:8080/proxy/v1",
        "MAIA_PROXY_TOKEN_BUDGET",
        "config.example.yaml",
        "Exit codes:",
        "[default: 127.0.0.1]",
        "[default: 8080]",
        "[default: ./maia.db]",
    ] {
        assert!(ended.stdout.contains(word), "{word:?} is not in {}", ended.stdout);
    }
    assert_eq!(ended.stderr, "");
    assert_eq!(files(folder.path()), [""; 0]);
}

#[test]
fn an_unknown_flag_is_a_wrong_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["--prot", "1"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--prot"), "{ended:?}");
    assert!(ended.stderr.contains("'--port'"), "{ended:?}");
}

#[test]
fn a_wrong_configuration_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["--port", "99999"]);
    assert_eq!(ended.code, Some(2));
    assert_eq!(
        ended.stderr,
        "maia: the configuration is wrong:\n  - server.port (command line): must be a whole number from 0 to 65535 (got \"99999\")\n"
    );
    assert_eq!(files(folder.path()), [""; 0]);
}

#[test]
fn a_configuration_file_that_is_not_there_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["--config", "nowhere.yaml"]);
    assert!(sentence(&ended, 2).contains("nowhere.yaml cannot be read"), "{ended:?}");
}

#[test]
fn a_configuration_file_that_is_no_yaml_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.yaml"), "proxy: [unclosed").unwrap();
    let ended = run(folder.path(), &[]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.starts_with("maia: config.yaml: "), "{ended:?}");
}

#[test]
fn a_taken_port_ends_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let ended = run(folder.path(), &["--port", &address.port().to_string()]);
    let sentence = sentence(&ended, 3);
    assert!(sentence.contains(&format!("cannot listen on {address}")), "{sentence}");
    assert!(sentence.contains("--port"), "{sentence}");
    assert_eq!(files(folder.path()), [""; 0], "no database was made");
}

#[test]
fn a_folder_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    let ended = run(folder.path(), &["--port", "0", "--database", "data"]);
    let sentence = sentence(&ended, 4);
    assert!(sentence.contains("data"), "{sentence}");
    assert!(sentence.contains("not a file"), "{sentence}");
    assert_eq!(files(&folder.path().join("data")), [""; 0]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["--port", "0", "--database", "no/such/maia.db"]);
    assert!(sentence(&ended, 4).contains("no/such/maia.db"), "{ended:?}");
}

#[test]
fn any_other_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("maia.db"), "Dear diary,\n".repeat(100)).unwrap();
    refuses(
        folder.path(),
        &["is damaged or is no SQLite database", "restore a backup"],
    );
    fs::write(folder.path().join("maia.db"), "x").unwrap();
    refuses(folder.path(), &["is damaged or is no SQLite database"]);
}

#[test]
fn a_cut_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let whole = filled(folder.path());
    for part in [whole.len() / 2, whole.len() - 1, 4_096, 50] {
        fs::write(folder.path().join("maia.db"), &whole[..part]).unwrap();
        refuses(folder.path(), &["damaged", "restore a backup"]);
    }
}

#[test]
fn a_database_with_a_broken_page_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = filled(folder.path());
    let pages = bytes.len() / 4_096;
    for page in pages / 2..pages / 2 + 8 {
        bytes[page * 4_096..(page + 1) * 4_096].fill(0xA5);
    }
    fs::write(folder.path().join("maia.db"), bytes).unwrap();
    refuses(folder.path(), &["damaged", "restore a backup"]);
}

#[test]
fn a_newer_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    Program::start(folder.path(), &[]).stop();
    let connection = Connection::open(folder.path().join("maia.db")).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    drop(connection);
    refuses(folder.path(), &["newer maia", "999", "restore a backup"]);
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join("maia.db")).unwrap();
    connection
        .execute_batch("PRAGMA application_id = 42; CREATE TABLE notes (text TEXT)")
        .unwrap();
    drop(connection);
    refuses(folder.path(), &["another program", "42", "storage.path"]);
}

#[test]
fn the_unmarked_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join("maia.db")).unwrap();
    connection.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    drop(connection);
    refuses(folder.path(), &["another program", "storage.path"]);
}

#[test]
fn starts_with_nothing_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    let line = maia.log.lines().last().unwrap();
    let address = maia.address();
    assert!(address.ip().is_loopback(), "{address}");
    for part in [
        format!("listening on http://{address} "),
        format!("proxy: http://{address}/proxy/v1"),
        "backend http://localhost:11434/v1".to_owned(),
        "database ./maia.db".to_owned(),
    ] {
        assert!(line.contains(&part), "{part:?} is not in {line:?}");
    }
    let mode = fs::metadata(folder.path().join("maia.db"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(maia.get("/ready").status, 200);
}

#[test]
fn a_signal_ends_it_well_and_leaves_one_file() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let maia = Program::start(folder.path(), &["serve"]);
        maia.post(
            "/v1/namespaces/default/memories",
            &json!({ "content": "User likes tea." }),
        )
        .expect(201);
        maia.signal(signal);
        let (status, log) = maia.ended();
        assert_eq!(status.code(), Some(0), "{signal}: {log}");
        assert_eq!(files(folder.path()), ["maia.db"], "{signal}");
        let mode = fs::metadata(folder.path().join("maia.db"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Program::start(folder.path(), &[]);
        let list = again.get("/v1/namespaces/default/memories").expect(200);
        assert_eq!(list["data"][0]["content"], "User likes tea.");
    }
}

#[test]
fn a_stream_that_is_on_its_way_may_finish() {
    let folder = tempfile::tempdir().unwrap();
    let (open, wait) = gate();
    let backend = StubBackend::with(move |stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"data: {\"first\":1}\n\n").unwrap();
        wait();
        stream.write_all(b"data: {\"second\":2}\n\ndata: [DONE]\n\n").unwrap();
    });
    let mut maia = Program::start(folder.path(), &["--backend", &backend.url()]);
    let body = json!({ "model": "m", "stream": true, "messages": [{ "role": "user", "content": "Hi" }] });
    let call = Call::json("POST", "/proxy/v1/chat/completions", &body);
    let mut stream = call.begin(maia.address()).unwrap();
    let mut received = Vec::new();
    while !received.ends_with(b"data: {\"first\":1}\n\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        received.extend(byte);
    }
    maia.signal("TERM");
    maia.wait_for("stopping");
    open.send(()).unwrap();
    stream.read_to_end(&mut received).unwrap();
    let received = String::from_utf8(received).unwrap();
    assert!(
        received.contains("data: {\"second\":2}\n\ndata: [DONE]\n\n"),
        "{received}"
    );
    assert!(received.ends_with("\r\n0\r\n\r\n"), "{received}");
    let (status, log) = maia.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(files(folder.path()), ["maia.db"]);
}

#[test]
fn two_servers_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let one = Program::start(folder.path(), &[]);
    let two = Program::start(folder.path(), &[]);
    for number in 0..20 {
        let (writer, reader) = if number % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let memory = writer
            .post(
                "/v1/namespaces/default/memories",
                &json!({ "content": format!("Fact {number}") }),
            )
            .expect(201);
        let path = format!("/v1/namespaces/default/memories/{}", memory["id"].as_str().unwrap());
        assert_eq!(reader.get(&path).expect(200), memory);
    }
    one.stop();
    let list = two.get("/v1/namespaces/default/memories").expect(200);
    assert_eq!(list["total"], 20);
    two.post("/v1/namespaces/default/memories", &json!({ "content": "Fact 20" }))
        .expect(201);
    two.stop();
    assert_eq!(files(folder.path()), ["maia.db"]);
}

#[test]
fn eight_that_start_at_once_migrate_once() {
    let folder = tempfile::tempdir().unwrap();
    let starting: Vec<Starting> = (0..8).map(|_| Program::begin(folder.path(), &[])).collect();
    let servers: Vec<Program> = starting.into_iter().map(Starting::ready).collect();
    for (number, server) in servers.iter().enumerate() {
        let content = json!({ "content": format!("Fact {number}") });
        server.post("/v1/namespaces/default/memories", &content).expect(201);
    }
    for server in servers {
        let names = server.get("/v1/namespaces").expect(200);
        assert_eq!(names["total"], 1, "{names}");
        assert_eq!(names["data"][0]["stats"]["memory_count"], 8);
        server.stop();
    }
    assert_eq!(files(folder.path()), ["maia.db"]);
    let connection = Connection::open(folder.path().join("maia.db")).unwrap();
    let answer: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(answer, "ok");
}

#[test]
fn flags_may_stand_before_and_behind_serve() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [["--database", "a.db", "serve"], ["serve", "--database", "a.db"]] {
        let mut command = command(folder.path(), &arguments);
        let maia = Starting::spawn(command.args(["--port", "0"])).ready();
        maia.stop();
        assert_eq!(files(folder.path()), ["a.db"]);
    }
}

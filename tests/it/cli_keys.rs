//! `maia keys`, with a server and without one, and what a running server makes of it.

use serde_json::Value;

use crate::support_process::{Program, command, run};
use crate::support_raw::{Call, eventually};

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn another_process_makes_and_revokes_keys_of_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    maia.get("/v1/namespaces").expect(200);
    let by_file = |arguments: &[&str]| {
        let ended = run(folder.path(), &[&["--database", "maia.db", "keys"], arguments].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    };
    let made = by_file(&["create", "root", "--right", "admin", "--json"]);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    eventually("the server asks for a key", || maia.get("/v1/namespaces").status == 401);
    let call = Call::get("/v1/namespaces").header("X-API-Key", text(&made["key"]));
    call.send(maia.address()).expect(200);
    by_file(&["create", "other", "--namespace", "a/*", "--right", "read"]);
    by_file(&["revoke", "root", "--yes"]);
    eventually("the key is revoked", || call.send(maia.address()).status == 401);
}

#[test]
fn beyond_this_machine_a_named_key_is_enough_and_its_end_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let public = ["--host", "0.0.0.0"];
    let (status, log) = Program::begin(folder.path(), &public).ended();
    assert_eq!(status.code(), Some(2), "{log}");
    assert!(log.contains("maia keys create"), "{log}");
    let made = run(folder.path(), &["keys", "create", "root", "--right", "admin", "--json"]);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let maia = Program::begin(folder.path(), &public).ready();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], maia.address().port()));
    Call::get("/v1/namespaces").send(address).expect(401);
    let revoke = Call::new("DELETE", "/v1/keys/root").header("X-API-Key", text(&made["key"]));
    revoke.send(address).expect(200);
    Call::get("/v1/namespaces").send(address).expect(401);
}

#[test]
fn the_command_line_makes_lists_and_revokes_keys() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &["--set", "security.api_key=owner"]);
    let url = format!("http://{}", maia.address());
    let by_server = |key: &str, arguments: &[&str]| {
        let mut command = command(folder.path(), &[&["keys"], arguments, &["--url", &url]].concat());
        let ended = command.env("MAIA_KEY", key).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (ended.status.code(), text(ended.stdout), text(ended.stderr))
    };
    let create = [
        "create", "alice", "-n", "alice", "-n", "team/*", "-r", "read", "-r", "chat",
    ];
    let (code, shown, note) = by_server("owner", &create);
    assert_eq!(code, Some(0), "{note}");
    assert!(note.contains("not shown again"), "{note}");
    let secret = shown
        .lines()
        .last()
        .and_then(|line| line.strip_prefix("key"))
        .unwrap()
        .trim();
    assert!(secret.starts_with("maia_"), "{shown}");
    let (_, list, _) = by_server("owner", &["list"]);
    let row: Vec<&str> = list.lines().nth(1).unwrap().split_whitespace().skip(1).collect();
    assert_eq!(row, ["database", "alice", "read,chat", "alice", "team/*"]);
    let (code, _, problem) = by_server(secret, &["list"]);
    assert_eq!(code, Some(1));
    assert!(problem.contains("it lacks the right admin"), "{problem}");
    let (code, done, _) = by_server("owner", &["revoke", "alice", "-y"]);
    assert_eq!((code, done.as_str()), (Some(0), "revoked alice\n"));
    let (code, _, problem) = by_server(secret, &["list"]);
    assert_eq!(code, Some(1));
    assert!(problem.contains("maia asks for its key"), "{problem}");
    let (code, _, problem) = by_server("owner", &["create", "x y", "-r", "read"]);
    assert_eq!(code, Some(2), "{problem}");
    maia.stop();
    // Without a server the file is enough, whatever keys it holds.
    let ended = run(folder.path(), &["keys", "create", "root", "--right", "admin"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for command in [["keys", "list"], ["namespaces", "list"]] {
        let ended = run(folder.path(), &command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

//! Export and import: everything comes back as it was, and nothing is half-done.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support_process::{Ended, Program, command, files, run};

const MEMORIES: &str = "/v1/namespaces/default/memories";

/// Runs a command line with this standard input.
pub(crate) fn pipe(folder: &Path, arguments: &[&str], input: &[u8]) -> Ended {
    let mut child = command(folder, arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Ended::from(child.wait_with_output().unwrap())
}

/// What a command printed that went well.
#[track_caller]
pub(crate) fn done(ended: &Ended) -> &str {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    &ended.stdout
}

/// Fills a database with everything that a memory and a namespace can have.
fn fill(folder: &Path) {
    let maia = Program::start(folder, &[]);
    let post = |path: &str, body: &Value| maia.post(path, body).expect(201);
    post(MEMORIES, &json!({ "content": "User prefers dark mode" }));
    post(
        MEMORIES,
        &json!({
            "content": "User's café is called 珈琲館 ☕.\n\"Quoted\" \\ and more", "type": "episodic", "source": "inferred",
            "tags": ["place", "喫茶", "place"], "confidence": 0.1 + 0.2, "pinned": true,
            "metadata": { "z": 1, "a": [0.1, 1.0, 9_007_199_254_740_993_u64, -3, null, true, { "ö": "x" }] }
        }),
    );
    let config =
        json!({ "token_budget": 77, "context_position": "before_last", "retention_days": 36_500, "max_memories": 9 });
    post(
        "/v1/namespaces",
        &json!({ "name": "team/alice@home", "config": config }),
    );
    let alice = "/v1/namespaces/team%2Falice@home/memories";
    for (speaker, words) in [
        ("Marta", "What did you buy?"),
        ("Ben", "A blue bicycle."),
        ("Marta", "A blue bicycle."),
    ] {
        let body = json!({
            "content": words, "type": "episodic", "source": "imported", "conversation_id": "call-7", "speaker": speaker,
            "created_at": "2024-02-29T23:59:59.123Z"
        });
        post(alice, &body);
    }
    let body = json!({ "content": "What did you buy?", "conversation_id": "call-8", "role": "user" });
    post(alice, &body);
    post("/v1/namespaces", &json!({ "name": "empty" }));
    maia.call(
        "PATCH",
        "/v1/namespaces/default",
        &json!({ "config": { "token_budget": 5 } }),
    )
    .expect(200);
    maia.stop();
    // What a year of use does.
    let connection = Connection::open(folder.join("maia.db")).unwrap();
    connection
        .execute(
            "UPDATE memories SET access_count = 3, accessed_at = created_at + 86400123 WHERE content LIKE '%dark%'",
            [],
        )
        .unwrap();
}

/// All that the API shows of a database, without ids that are made anew.
fn shown(folder: &Path) -> Vec<Value> {
    let maia = Program::start(folder, &[]);
    let mut all = vec![maia.get("/v1/namespaces").expect(200)];
    for name in ["default", "team%2Falice@home", "empty"] {
        all.push(maia.get(&format!("/v1/namespaces/{name}/memories")).expect(200));
        let search = format!("/v1/namespaces/{name}/memories/search");
        all.push(
            maia.post(&search, &json!({ "query": "blue bicycle in dark 珈琲" }))
                .expect(200),
        );
    }
    maia.stop();
    all
}

#[test]
fn a_round_trip_is_exact() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(old.path());
    let ended = run(old.path(), &["export", "all.jsonl"]);
    done(&ended);
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr, "6 memories and 3 namespaces exported\n");
    let exported = fs::read(old.path().join("all.jsonl")).unwrap();
    let mode = fs::metadata(old.path().join("all.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::write(new.path().join("all.jsonl"), &exported).unwrap();
    let ended = run(new.path(), &["import", "all.jsonl"]);
    assert_eq!(
        done(&ended),
        "6 memories imported, 0 there already, 2 namespaces made\n"
    );
    let ended = run(new.path(), &["export"]);
    assert_eq!(done(&ended), String::from_utf8(exported).unwrap());
    assert_eq!(shown(new.path()), shown(old.path()));
    done(&run(new.path(), &["check"]));
    assert_eq!(files(new.path()), ["all.jsonl", "maia.db"]);
}

#[test]
fn a_line_is_what_the_api_shows() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let maia = Program::start(folder.path(), &[]);
    let ended = run(folder.path(), &["export", "--namespace", "team/alice@home", "-"]);
    let lines: Vec<Value> = done(&ended)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut expected = maia.get("/v1/namespaces/team%2Falice@home/memories").expect(200)["data"].take();
    let mut expected: Vec<Value> = expected.as_array_mut().unwrap().drain(..).rev().collect();
    expected.insert(0, maia.get("/v1/namespaces/team%2Falice@home").expect(200));
    assert_eq!(lines, expected);
    maia.stop();
    let ended = run(folder.path(), &["export", "--namespace", "nobody"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("holds no namespace nobody"), "{ended:?}");
}

#[test]
fn an_export_overwrites_nothing_unless_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    Program::start(folder.path(), &[]).stop();
    fs::write(folder.path().join("notes.txt"), "precious").unwrap();
    let ended = run(folder.path(), &["export", "notes.txt"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("--force"), "{ended:?}");
    assert_eq!(fs::read(folder.path().join("notes.txt")).unwrap(), b"precious");
    done(&run(folder.path(), &["export", "--force", "notes.txt"]));
    assert!(
        fs::read(folder.path().join("notes.txt"))
            .unwrap()
            .starts_with(b"{\"id\":")
    );
    let ended = run(folder.path(), &["export", "--database", "nowhere.db"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert_eq!(files(folder.path()), ["maia.db", "notes.txt"]);
}

#[test]
fn a_namespace_and_words_are_enough_and_a_second_time_adds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let lines = concat!(
        "\u{feff}{\"namespace\": \"alice\", \"content\": \"User plays the cello\"}\r\n",
        "\n",
        "{\"namespace\": \"bob\", \"content\": \"User plays the cello\"}\n",
        "{\"content\": \"User has a dog\", \"type\": \"working\"}\n",
        "{\"namespace\": \"bob\", \"content\": \"User is vegetarian\", \"id\": \"01a206a4-8860-7092-9989-745facfe1cd3\"}",
    );
    let import = || {
        pipe(
            folder.path(),
            &["import", "--namespace", "carol", "-"],
            lines.as_bytes(),
        )
    };
    assert_eq!(
        done(&import()),
        "4 memories imported, 0 there already, 3 namespaces made\n"
    );
    assert_eq!(
        done(&import()),
        "0 memories imported, 4 there already, 0 namespaces made\n"
    );
    let maia = Program::start(folder.path(), &[]);
    let list = maia.get("/v1/namespaces/alice/memories").expect(200);
    assert_eq!(list["total"], 1);
    assert_eq!(list["data"][0]["source"], "imported");
    assert_eq!(list["data"][0]["access_count"], 0);
    assert_eq!(
        maia.get("/v1/namespaces/carol/memories").expect(200)["data"][0]["type"],
        "working"
    );
    let one = maia
        .get("/v1/namespaces/bob/memories/01a206a4-8860-7092-9989-745facfe1cd3")
        .expect(200);
    assert_eq!(one["content"], "User is vegetarian");
    maia.stop();
    assert_eq!(files(folder.path()), ["maia.db"]);
}

#[test]
fn what_is_there_stays_as_it_is() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(old.path());
    let exported = run(old.path(), &["export"]).stdout;
    let maia = Program::start(new.path(), &[]);
    maia.post(
        "/v1/namespaces",
        &json!({ "name": "team/alice@home", "config": { "token_budget": 11 } }),
    )
    .expect(201);
    maia.post(
        "/v1/namespaces/default/memories",
        &json!({ "content": "User was here first" }),
    )
    .expect(201);
    let mine = maia.get("/v1/namespaces/default").expect(200);
    let ended = pipe(new.path(), &["import", "-"], exported.as_bytes());
    assert_eq!(done(&ended), "6 memories imported, 0 there already, 1 namespace made\n");
    let alice = maia.get("/v1/namespaces/team%2Falice@home").expect(200);
    assert_eq!(alice["config"]["token_budget"], 11);
    assert_eq!(alice["stats"]["memory_count"], 4);
    let default = maia.get("/v1/namespaces/default").expect(200);
    assert_eq!(default["id"], mine["id"]);
    assert_eq!(default["stats"]["memory_count"], 3);
    // The server beside sees it all, and goes on writing where the import left off.
    let found = maia
        .post(&format!("{MEMORIES}/search"), &json!({ "query": "dark mode" }))
        .expect(200);
    assert_eq!(found["total"], 1);
    maia.post(MEMORIES, &json!({ "content": "User writes after it" }))
        .expect(201);
    maia.stop();
    done(&run(new.path(), &["check"]));
}

#[test]
fn a_bad_line_is_named_and_nothing_is_imported() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!(
        "{{\"namespace\":\"a\",\"content\":\"x\",\"metadata\":{{\"x\":\"{}\"}}}}",
        "x".repeat(2 << 20)
    );
    let too_much = format!("{{\"namespace\":\"a\",\"content\":\"{}\"}}", "x".repeat(10_001));
    let lines = [
        r#"{"namespace":"a","content":"User is fine"}"#,
        r#"{"namespace":"a"}"#,
        r#"{"content":"User is nowhere"}"#,
        r#"{"namespace":"a","content":"User","confidence":"high"}"#,
        r#"{"namespace":"a","content":"User","colour":"red"}"#,
        r#"{"namespace":"a","content":"User","#,
        r#"["namespace","a"]"#,
        r#"{"namespace":"?","content":"User"}"#,
        r#"{"namespace":"a","content":"User","id":"7"}"#,
        r#"{"name":"b","config":{"token_budget":0}}"#,
        r#"{"namespace":"a","content":"User","created_at":"yesterday"}"#,
        long.as_str(),
        too_much.as_str(),
        r#"{"namespace":"a","content":"User is fine too"}"#,
    ];
    let mut file = lines.join("\n").into_bytes();
    file.extend(b"\n{\"namespace\":\"a\",\"content\":\"\xff\"}\n");
    fs::write(folder.path().join("lines.jsonl"), &file).unwrap();
    let problems = [
        "line 2: content: is missing",
        "line 3: namespace: is missing",
        "line 4: confidence: invalid type: string \"high\"",
        "line 5: colour: unknown field `colour`",
        "line 6: JSON: EOF",
        "line 7: JSON: invalid type: sequence, expected an object",
        "line 8: namespace: a namespace name begins with",
        "line 9: id: must be a UUID",
        "line 10: config.token_budget: must be a whole number from 1 to 1000000 (got 0)",
        "line 11: created_at: must be a time such as",
        "line 12: has more than 1048576 bytes",
        "line 13: content: may have at most 10000 bytes (got 10001)",
        "line 15: content: invalid unicode code point",
    ];
    let from_file = run(folder.path(), &["import", "lines.jsonl"]);
    let from_pipe = pipe(folder.path(), &["import", "-"], &file);
    for ended in [from_file, from_pipe] {
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(
            ended.stderr.starts_with("maia: 13 bad lines; nothing was imported"),
            "{ended:?}"
        );
        assert!(ended.stderr.contains("--skip-bad"), "{ended:?}");
        for problem in problems {
            assert!(ended.stderr.contains(problem), "{problem:?} is not in {}", ended.stderr);
        }
        assert_eq!(files(folder.path()), ["lines.jsonl"], "not even a database was made");
    }
    let ended = run(folder.path(), &["import", "--skip-bad", "lines.jsonl"]);
    assert_eq!(
        done(&ended),
        "2 memories imported, 0 there already, 1 namespace made, 13 lines left out\n"
    );
    assert!(ended.stderr.contains("left out: line 15: "), "{ended:?}");
}

#[test]
fn an_interrupted_import_is_finished_by_doing_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..3_000)
        .map(|number| {
            json!({ "namespace": format!("n{}", number % 7), "content": format!("User has thing {number}") })
                .to_string()
                + "\n"
        })
        .collect();
    let half = lines.iter().take(1_234).map(String::as_str).collect::<String>();
    done(&pipe(folder.path(), &["import", "-"], half.as_bytes()));
    let ended = pipe(folder.path(), &["import", "-"], lines.concat().as_bytes());
    assert_eq!(
        done(&ended),
        "1,766 memories imported, 1,234 there already, 0 namespaces made\n"
    );
    done(&run(folder.path(), &["check"]));
    let stats: Value = serde_json::from_str(done(&run(folder.path(), &["stats", "--json"]))).unwrap();
    assert_eq!(stats["memories"], 3_000);
}

#[test]
fn an_import_lets_a_running_server_write() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    let lines: String = (0..6_000)
        .map(|number| json!({ "namespace": "bulk", "content": format!("User has thing {number}") }).to_string() + "\n")
        .collect();
    fs::write(folder.path().join("lines.jsonl"), lines).unwrap();
    let mut child = command(folder.path(), &["import", "lines.jsonl"]).spawn().unwrap();
    let mut written = 0;
    while child.try_wait().unwrap().is_none() {
        maia.post(MEMORIES, &json!({ "content": format!("User writes {written}") }))
            .expect(201);
        written += 1;
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(written > 3, "{written}");
    assert_eq!(
        maia.get("/v1/namespaces/bulk").expect(200)["stats"]["memory_count"],
        6_000
    );
    maia.stop();
    done(&run(folder.path(), &["check"]));
}

#[test]
fn statistics_count_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let maia = Program::start(folder.path(), &[]);
    let stats: Value = serde_json::from_str(done(&run(folder.path(), &["stats", "--json"]))).unwrap();
    assert_eq!(stats["memories"], 6);
    assert_eq!(stats["types"], json!({ "episodic": 4, "semantic": 2 }));
    assert_eq!(stats["sources"], json!({ "imported": 3, "inferred": 1, "user": 2 }));
    assert_eq!(stats["oldest"], "2024-02-29T23:59:59.123Z");
    let file = fs::metadata(folder.path().join("maia.db")).unwrap().len();
    assert_eq!(stats["file_bytes"], file);
    let memories = maia.get("/v1/namespaces/empty/memories").expect(200);
    assert_eq!(memories["total"], 0);
    let names: Vec<&str> = stats["namespaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["default", "empty", "team/alice@home"]);
    let shown = maia.get("/v1/namespaces/default").expect(200);
    assert_eq!(stats["namespaces"][0]["memories"], shown["stats"]["memory_count"]);
    assert_eq!(stats["namespaces"][0]["tokens"], shown["stats"]["token_count"]);
    for size in ["text_bytes", "index_bytes"] {
        assert!(stats[size].as_i64().unwrap() > 0, "{stats}");
    }
    let table = run(folder.path(), &["stats"]);
    for part in ["team/alice@home", "full-text index", "episodic", "2024-02-29T23:59:59Z"] {
        assert!(done(&table).contains(part), "{part:?} is not in {}", table.stdout);
    }
    maia.stop();
}

#[test]
fn every_command_explains_itself() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["backup", "restore", "check", "export", "import", "stats"] {
        let ended = run(folder.path(), &[name, "--help"]);
        for part in [
            "Examples:",
            "Exit codes:",
            &format!("maia {name}"),
            "--database",
            "--config",
        ] {
            assert!(done(&ended).contains(part), "{part:?} is not in {}", ended.stdout);
        }
        assert!(!ended.stdout.contains("--port"), "{}", ended.stdout);
        assert!(done(&run(folder.path(), &["--help"])).contains(name));
    }
}

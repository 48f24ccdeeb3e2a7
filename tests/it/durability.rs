//! What was answered stays, whatever happens to the process; what was deleted goes.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support_process::{Program, files};
use crate::support_raw::{Call, StubBackend, eventually};

/// `SQLite`'s own opinion of the file and of the full-text index against what it indexes.
fn assert_sound(file: &Path) {
    let connection = Connection::open(file).unwrap();
    let answer: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(answer, "ok");
    connection
        .execute(
            "INSERT INTO memory_index (memory_index, rank) VALUES ('integrity-check', 1)",
            [],
        )
        .unwrap();
    let drifted: i64 = connection
        .query_row(
            "SELECT count(*) FROM namespaces n WHERE (memory_count, token_count, word_count) IS NOT
                 (SELECT count(*), coalesce(sum(m.token_count), 0), coalesce(sum(m.word_count), 0)
                  FROM memories m WHERE m.namespace = n.number)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(drifted, 0, "the counts of a namespace do not fit its memories");
}

/// Writes memories until the server is gone, and returns the ids that were acknowledged.
fn write_until_gone(address: SocketAddr, acknowledged: &AtomicUsize) -> Vec<String> {
    let mut ledger = Vec::new();
    loop {
        let content = format!("User wrote line {} of the ledger", ledger.len());
        let call = Call::json(
            "POST",
            "/v1/namespaces/default/memories",
            &json!({ "content": content }),
        );
        let Some(reply) = call.try_send(address).ok().flatten() else {
            return ledger;
        };
        let id = reply.expect(201)["id"].as_str().unwrap().to_owned();
        ledger.push(id);
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

fn all_ids(maia: &Program) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    loop {
        let path = format!("/v1/namespaces/default/memories?limit=1000&offset={}", ids.len());
        let page = maia.get(&path).expect(200);
        let data = page["data"].as_array().unwrap();
        ids.extend(data.iter().map(|memory| memory["id"].as_str().unwrap().to_owned()));
        if page["has_more"] == Value::Bool(false) {
            return ids;
        }
    }
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("maia.db");
    let mut ledger = BTreeSet::new();
    for round in 1..=20 {
        let maia = Program::start(folder.path(), &[]);
        assert_eq!(maia.get("/ready").status, 200);
        let kept = all_ids(&maia);
        assert!(kept.is_superset(&ledger), "round {round} lost something");
        let address = maia.address();
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..3)
            .map(|_| {
                let acknowledged = Arc::clone(&acknowledged);
                thread::spawn(move || write_until_gone(address, &acknowledged))
            })
            .collect();
        // Killed in the middle of writing, a little later in each round.
        eventually("writes are acknowledged", || {
            acknowledged.load(Ordering::SeqCst) >= round
        });
        maia.kill();
        for writer in writers {
            ledger.extend(writer.join().unwrap());
        }
        assert_sound(&file);
    }
    let maia = Program::start(folder.path(), &[]);
    assert!(all_ids(&maia).is_superset(&ledger));
    assert!(ledger.len() >= 20 * 21 / 2, "{}", ledger.len());
    maia.stop();
    assert_sound(&file);
}

#[test]
fn a_memory_survives_kill_9_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    let body = json!({
        "content": "User's café is called 珈琲館 ☕.", "type": "episodic", "source": "imported",
        "tags": ["place", "喫茶"], "metadata": { "deep": { "list": [1, 2.5, null, true] } }, "confidence": 0.25
    });
    let memory = maia.post("/v1/namespaces/default/memories", &body).expect(201);
    let path = format!("/v1/namespaces/default/memories/{}", memory["id"].as_str().unwrap());
    let settings = json!({ "config": { "token_budget": 77 } });
    let namespace = maia.call("PATCH", "/v1/namespaces/default", &settings).expect(200);
    maia.kill();
    let maia = Program::start(folder.path(), &[]);
    assert_eq!(maia.get(&path).expect(200), memory);
    assert_eq!(maia.get("/v1/namespaces/default").expect(200), namespace);
}

/// Whether any file of the folder holds the word.
fn holds(folder: &Path, word: &str) -> bool {
    files(folder).iter().any(|name| {
        let bytes = fs::read(folder.join(name)).unwrap();
        bytes.windows(word.len()).any(|window| window == word.as_bytes())
    })
}

#[test]
fn what_is_deleted_is_gone_from_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    let memories = "/v1/namespaces/default/memories";
    let post = |path: &str, content: &str| {
        let body = json!({ "content": content, "tags": ["tagcanary"], "metadata": { "note": "metacanary" } });
        let memory = maia.post(path, &body).expect(201);
        format!("{path}/{}", memory["id"].as_str().unwrap())
    };
    for number in 0..50 {
        maia.post(
            memories,
            &json!({ "content": format!("User has {number} plain things") }),
        )
        .expect(201);
    }
    let deleted = post(memories, "User fears the quokkacanary.");
    let changed = post(memories, "User once said xylophonecanary.");
    maia.post("/v1/namespaces", &json!({ "name": "brief" })).expect(201);
    post("/v1/namespaces/brief/memories", "User keeps a zeppelincanary.");
    Call::new("DELETE", &deleted).send(maia.address()).expect(200);
    let other_words = json!({ "content": "User said something else." });
    maia.call("PUT", &changed, &other_words).expect(200);
    Call::new("DELETE", "/v1/namespaces/brief?force=true")
        .send(maia.address())
        .expect(200);
    assert!(holds(folder.path(), "plain things"), "the search itself works");
    maia.stop();
    assert_eq!(files(folder.path()), ["maia.db"]);
    assert!(holds(folder.path(), "plain things"));
    for word in [
        "quokkacanari",
        "quokkacanary",
        "xylophonecanar",
        "zeppelincanar",
        "tagcanary",
        "metacanary",
    ] {
        assert!(!holds(folder.path(), word), "{word} is still in the file");
    }
    assert_sound(&folder.path().join("maia.db"));
}

#[test]
fn what_is_deleted_is_soon_gone_from_a_running_server_too() {
    let folder = tempfile::tempdir().unwrap();
    let maia = Program::start(folder.path(), &[]);
    let memories = "/v1/namespaces/default/memories";
    let memory = maia
        .post(memories, &json!({ "content": "User fears the quokkacanary." }))
        .expect(201);
    assert!(holds(folder.path(), "quokkacanary"), "the search itself works");
    let path = format!("{memories}/{}", memory["id"].as_str().unwrap());
    Call::new("DELETE", &path).send(maia.address()).expect(200);
    eventually("the word is gone", || {
        !["quokkacanary", "quokkacanari"]
            .iter()
            .any(|word| holds(folder.path(), word))
    });
    maia.get(memories).expect(200);
}

#[test]
fn what_was_injected_is_written_soon_and_stands_in_the_next_turn_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("maia.db");
    let backend = StubBackend::chatting();
    let serve = || {
        Program::start(
            folder.path(),
            &["--backend", &backend.url(), "--set", "memory.profile_tokens=0"],
        )
    };
    let turn = |maia: &Program, messages: Value| {
        let body = json!({ "model": "m", "messages": messages });
        let answer = Call::json("POST", "/proxy/v1/chat/completions", &body).send(maia.address());
        answer.expect(200);
        backend.requests().pop().unwrap()
    };
    let maia = serve();
    let memory = json!({ "content": "User's boat is called Petrel" });
    maia.call("POST", "/v1/namespaces/default/memories", &memory)
        .expect(201);
    let asked = json!({ "role": "user", "content": "What is my boat called?" });
    assert!(turn(&maia, json!([asked])).contains("Petrel"));
    let blocks = Connection::open(&file).unwrap();
    let count = || {
        blocks.query_row(
            "SELECT count(*) FROM injected_blocks WHERE answered IS NOT NULL",
            [],
            |row| row.get(0),
        )
    };
    eventually("the block is written", || count() == Ok(1));
    drop(blocks);
    maia.kill();

    let next = json!({ "role": "user", "content": "Translate umbrella into Welsh." });
    let answered = json!({ "role": "assistant", "content": "Hello." });
    assert!(turn(&serve(), json!([asked, answered, next])).contains("Petrel"));
}

//! What was found in a finished exchange is kept, once, whatever happens before it is a memory; and chat never waits for it.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use rusqlite::Connection;
use serde_json::json;

use crate::support_process::Program;
use crate::support_raw::{Call, StubBackend, eventually, gate};

const MEMORIES: &str = "/v1/namespaces/default/memories?limit=1000";
/// Exchanges that may wait in the database.
const MOST: usize = 1_024;

fn chat_with(text: &str) -> Call {
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": text }] });
    Call::json("POST", "/proxy/v1/chat/completions", &body)
}

fn serving(folder: &Path, backend: &StubBackend) -> Program {
    Program::start(folder, &["--backend", &backend.url()])
}

fn contents(maia: &Program) -> Vec<String> {
    let page = maia.get(MEMORIES).expect(200);
    let memories = page["data"].as_array().unwrap().iter();
    let mut contents: Vec<String> = memories
        .map(|memory| memory["content"].as_str().unwrap().to_owned())
        .collect();
    contents.sort_unstable();
    contents
}

/// A gauge or counter without labels.
fn value(maia: &Program, name: &str) -> f64 {
    let text = maia.get("/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.expect(name).parse().unwrap()
}

/// From here on nothing becomes a memory, as if maia had no time for it.
fn hold_up(file: &Path) -> Connection {
    let connection = Connection::open(file).unwrap();
    connection
        .execute_batch("CREATE TRIGGER held BEFORE INSERT ON memories BEGIN SELECT raise(ABORT, 'held up'); END;")
        .unwrap();
    connection
}

#[test]
fn what_is_complete_survives_kill_9_and_is_remembered_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("maia.db");
    let backend = StubBackend::chatting();
    let mut maia = serving(folder.path(), &backend);
    let held = hold_up(&file);
    maia.call("POST", "/v1/namespaces", &json!({ "name": "other" }))
        .expect(201);
    for (id, text) in [("first", "I am vegetarian."), ("second", "My dog is called Biscuit.")] {
        let call = chat_with(text).header("X-Request-Id", id);
        call.send(maia.address()).expect(200);
        maia.wait_for(&format!("exchange complete request_id=\"{id}\" facts=1"));
    }
    let elsewhere = chat_with("I am vegan.").header("X-MAIA-Namespace", "other");
    elsewhere.send(maia.address()).expect(200);
    maia.wait_for("exchange complete");
    assert_eq!(contents(&maia), [""; 0]);
    maia.kill();
    held.execute_batch("DROP TRIGGER held").unwrap();
    drop(held);
    for _ in 0..2 {
        // The next start finds them, and the one after that nothing more to do.
        let maia = serving(folder.path(), &backend);
        let expected = ["User is vegetarian", "User's dog is called Biscuit"];
        eventually("the queue is empty", || {
            value(&maia, "maia_extraction_queue_length") == 0.0
        });
        eventually("both are remembered", || contents(&maia) == expected);
        let page = maia.get("/v1/namespaces/other/memories").expect(200);
        assert_eq!(page["total"], 1, "{page}");
        assert_eq!(page["data"][0]["content"], "User is vegan");
        maia.kill();
    }
}

#[test]
fn what_waits_at_a_shutdown_is_remembered_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("maia.db");
    let (begun, at_work) = mpsc::channel();
    let (open, wait) = gate();
    let open_all = move || (0..20).for_each(|_| open.send(()).unwrap());
    let backend = StubBackend::with(move |stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"data: {\"choices\":[]}\n\n").unwrap();
        begun.send(()).unwrap();
        wait();
        let end = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        stream.write_all(end.as_bytes()).unwrap();
    });
    let mut maia = serving(folder.path(), &backend);
    let held = hold_up(&file);
    let address = maia.address();
    let streams: Vec<_> = (0..20)
        .map(|number| {
            thread::spawn(move || {
                let text = format!("My locker has the number {number}.");
                let body = json!({ "model": "m", "stream": true, "messages": [{ "role": "user", "content": text }] });
                let call = Call::json("POST", "/proxy/v1/chat/completions", &body);
                let mut received = String::new();
                call.begin(address).unwrap().read_to_string(&mut received).unwrap();
                received
            })
        })
        .collect();
    (0..20).for_each(|_| at_work.recv().unwrap());
    maia.signal("TERM");
    maia.wait_for("stopping");
    open_all();
    for stream in streams {
        let received = stream.join().unwrap();
        assert!(received.contains("data: [DONE]"), "{received}");
    }
    let (status, log) = maia.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(log.matches("exchange complete").count(), 20, "{log}");
    let queued: i64 = held
        .query_row("SELECT count(*) FROM extraction_queue", [], |row| row.get(0))
        .unwrap();
    assert_eq!(queued, 20);
    held.execute_batch("DROP TRIGGER held").unwrap();
    drop(held);
    for _ in 0..2 {
        let maia = serving(folder.path(), &backend);
        eventually("all are remembered", || contents(&maia).len() == 20);
        maia.stop();
    }
}

#[test]
fn streams_that_a_shutdown_cuts_off_are_remembered_too() {
    let folder = tempfile::tempdir().unwrap();
    let (begun, at_work) = mpsc::channel();
    let (open, wait) = gate();
    let backend = StubBackend::with(move |stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"data: {\"choices\":[]}\n\n").unwrap();
        begun.send(()).unwrap();
        wait();
    });
    let url = backend.url();
    let arguments = ["--backend", &url, "--set", "server.shutdown_timeout=50ms"];
    let maia = Program::start(folder.path(), &arguments);
    let _stream = chat_with("I am vegetarian.").begin(maia.address()).unwrap();
    at_work.recv().unwrap();
    eventually("the answer has begun", || {
        maia.get("/metrics")
            .text()
            .contains("maia_proxy_requests_total{route=\"chat\",status=\"2xx\"} 1")
    });
    maia.stop();
    let maia = serving(folder.path(), &backend);
    assert_eq!(contents(&maia), ["User is vegetarian"]);
    open.send(()).unwrap();
}

#[test]
fn a_full_queue_lets_the_oldest_go_and_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let backend = StubBackend::chatting();
    let maia = serving(folder.path(), &backend);
    let held = hold_up(&folder.path().join("maia.db"));
    for number in 0..MOST + 5 {
        let text = format!("My locker has the number {number}.");
        chat_with(&text).send(maia.address()).expect(200);
        if number == 4 {
            // Of exchanges that end at nearly the same moment, either may be heard first.
            eventually("the oldest wait", || {
                (value(&maia, "maia_extraction_queue_length") - 5.0).abs() < 0.1
            });
        }
    }
    let dropped = "maia_extraction_queue_dropped_total";
    eventually("the oldest are let go", || value(&maia, dropped) >= 5.0);
    assert!((value(&maia, dropped) - 5.0).abs() < 0.1, "{}", value(&maia, dropped));
    eventually("the others wait", || {
        (value(&maia, "maia_extraction_queue_length") - 1024.0).abs() < 0.1
    });
    held.execute_batch("DROP TRIGGER held").unwrap();
    let total = |maia: &Program| maia.get(MEMORIES).expect(200)["total"].clone();
    eventually("the others are remembered", || total(&maia) == MOST);
    let all = format!("{:?}", maia.get(&format!("{MEMORIES}&offset=1000")).expect(200));
    assert!(all.contains("number 5\"") && !all.contains("number 4\""), "{all}");
}

#[test]
fn exchanges_wait_in_memory_while_the_database_is_locked_and_chat_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let backend = StubBackend::chatting();
    let mut maia = serving(folder.path(), &backend);
    let other = Connection::open(folder.path().join("maia.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    chat_with("I am vegetarian.").send(maia.address()).expect(200);
    let in_new_namespace = chat_with("I am vegan.").header("X-MAIA-Namespace", "new");
    in_new_namespace.send(maia.address()).expect(200);
    chat_with("What is the time?")
        .header("X-Request-Id", "idle")
        .send(maia.address())
        .expect(200);
    // Nothing was found in it, so nothing is in its way.
    maia.wait_for("request_id=\"idle\" facts=0");
    assert!(!maia.log.contains("facts=1"), "{}", maia.log);
    other.execute_batch("ROLLBACK").unwrap();
    maia.wait_for("facts=1");
    eventually("the first is remembered", || contents(&maia) == ["User is vegetarian"]);
    eventually("the second is remembered", || {
        let reply = maia.get("/v1/namespaces/new/memories");
        reply.status == 200 && reply.json()["total"] == 1
    });
}

#[test]
fn the_queue_holds_facts_and_nothing_else_of_an_exchange() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("maia.db");
    let backend = StubBackend::answering(
        "200 OK",
        r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"Walruscanary."},"finish_reason":"stop"}]}"#,
    );
    let mut maia = serving(folder.path(), &backend);
    let held = hold_up(&file);
    let secret = ["sk", "-", "proj", "abcdefghij0123456789"].concat();
    let text = format!("What is a quokkacanary? I am vegetarian. My key for the shop in Bonn is {secret}.");
    chat_with(&text).send(maia.address()).expect(200);
    maia.wait_for("exchange complete");
    let queue: String = held
        .query_row("SELECT facts FROM extraction_queue", [], |row| row.get(0))
        .unwrap();
    assert!(queue.contains("User is vegetarian"), "{queue}");
    for name in ["maia.db", "maia.db-wal"] {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for word in ["quokkacanary", "walruscanary", &secret] {
            assert!(!text.contains(word), "{name} holds {word}");
        }
    }
}

#[test]
fn an_exchange_without_facts_is_not_queued() {
    let folder = tempfile::tempdir().unwrap();
    let backend = StubBackend::chatting();
    let mut maia = serving(folder.path(), &backend);
    let witness = Connection::open(folder.path().join("maia.db")).unwrap();
    witness
        .execute_batch(
            "CREATE TABLE queued (facts TEXT);
             CREATE TRIGGER witness AFTER INSERT ON extraction_queue BEGIN INSERT INTO queued VALUES (new.facts); END;",
        )
        .unwrap();
    for text in ["How do I sort a list?", "I am vegetarian.", "What is the time?"] {
        chat_with(text).send(maia.address()).expect(200);
        maia.wait_for("exchange complete");
    }
    maia.stop();
    let queued: Vec<String> = witness
        .prepare("SELECT facts FROM queued")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    assert_eq!(queued.len(), 1, "{queued:?}");
    assert!(queued[0].contains("User is vegetarian"), "{queued:?}");
}

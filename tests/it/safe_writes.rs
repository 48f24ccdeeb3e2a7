//! Writing without harm: keys for requests that are sent twice, tags of what was seen, and patches.

use std::thread;

use serde_json::{Value, json};

use crate::support_raw::{Call, Reply};
use crate::support_served::Served;

const MEMORIES: &str = "/v1/namespaces/default/memories";
const KEY: &str = "Idempotency-Key";

fn keyed(path: &str, key: &str, body: &Value) -> Call {
    Call::json("POST", path, body).header(KEY, key)
}

fn total(maia: &Served) -> Value {
    maia.get(&format!("{MEMORIES}?count_only=true")).expect(200)["total"].clone()
}

fn path_of(memory: &Value) -> String {
    format!("{MEMORIES}/{}", memory["id"].as_str().unwrap())
}

fn tag(reply: &Reply) -> String {
    reply.header("etag").unwrap_or_else(|| panic!("{reply}")).to_owned()
}

#[test]
fn a_request_that_is_sent_again_makes_nothing_new() {
    let maia = Served::start();
    let body = json!({ "content": "User likes tea" });
    let first = maia.send(&keyed(MEMORIES, "k 1", &body));
    let memory = first.expect(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    for _ in 0..2 {
        let again = maia.send(&keyed(MEMORIES, "k 1", &body));
        assert_eq!(again.expect(201), memory);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(again.header("location"), first.header("location"));
    }
    assert_eq!(total(&maia), 1);
    let other = json!({ "content": "User likes coffee" });
    let message = maia
        .send(&keyed(MEMORIES, "k 1", &other))
        .expect_error(422, "idempotency_key_reused", Some(KEY));
    assert!(message.contains("a new request needs a new key"), "{message}");
    maia.send(&keyed(MEMORIES, "k 2", &body)).expect(201);
    assert_eq!(total(&maia), 2);
    // A key counts within its namespace.
    maia.namespace("other");
    let elsewhere = maia.send(&keyed("/v1/namespaces/other/memories", "k 1", &other));
    assert_eq!(elsewhere.expect(201)["content"], "User likes coffee");
}

#[test]
fn what_was_refused_or_has_gone_is_not_made_by_its_key() {
    let maia = Served::start();
    maia.send(&keyed(MEMORIES, "k", &json!({ "content": "" })))
        .expect_error(400, "bad_request", Some("content"));
    let body = json!({ "content": "User likes tea" });
    let memory = maia.send(&keyed(MEMORIES, "k", &body)).expect(201);
    maia.call("PATCH", &path_of(&memory), &json!({ "tags": ["seen"] }))
        .expect(200);
    // The answer shows it as it is now.
    assert_eq!(
        maia.send(&keyed(MEMORIES, "k", &body)).expect(201)["tags"],
        json!(["seen"])
    );
    maia.delete(&path_of(&memory)).expect(200);
    let message = maia
        .send(&keyed(MEMORIES, "k", &body))
        .expect_error(404, "not_found", Some(KEY));
    assert!(message.contains("deleted since"), "{message}");
    assert_eq!(total(&maia), 0);
    for key in ["", "é", &"x".repeat(256)] {
        maia.send(&keyed(MEMORIES, key, &body))
            .expect_error(400, "bad_request", Some(KEY));
    }
    let twice = keyed(MEMORIES, "a", &body).header(KEY, "b");
    maia.send(&twice).expect_error(400, "bad_request", Some(KEY));
    maia.send(&keyed(MEMORIES, &"x".repeat(255), &body)).expect(201);
}

#[test]
fn of_requests_at_the_same_moment_one_makes_it() {
    let maia = Served::start();
    let call = keyed(MEMORIES, "same", &json!({ "content": "User likes tea" }));
    let address = maia.address();
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let call = call.clone();
            thread::spawn(move || call.send(address))
        })
        .collect();
    let replies: Vec<Reply> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let made = replies
        .iter()
        .filter(|reply| reply.header("idempotency-replayed").is_none());
    assert_eq!(made.count(), 1);
    let first = replies[0].expect(201);
    assert!(replies.iter().all(|reply| reply.expect(201) == first));
    assert_eq!(total(&maia), 1);
}

#[test]
fn batches_and_namespaces_have_keys_too() {
    let maia = Served::start();
    let batch = format!("{MEMORIES}/batch");
    let all = json!({ "memories": [{ "content": "one" }, { "content": "two" }] });
    let some = json!({ "memories": [{ "content": "three" }, {}], "on_error": "continue" });
    for (key, body, status) in [("all", &all, 201), ("some", &some, 200)] {
        let first = maia.send(&keyed(&batch, key, body)).expect(status);
        let again = maia.send(&keyed(&batch, key, body));
        assert_eq!(again.expect(status), first);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    }
    assert_eq!(total(&maia), 3);
    let namespace = json!({ "name": "once" });
    let first = maia.send(&keyed("/v1/namespaces", "k", &namespace)).expect(201);
    assert_eq!(maia.send(&keyed("/v1/namespaces", "k", &namespace)).expect(201), first);
    maia.send(&keyed("/v1/namespaces", "other", &namespace))
        .expect_error(409, "conflict", Some("name"));
    maia.send(&keyed("/v1/namespaces", "k", &json!({ "name": "twice" })))
        .expect_error(422, "idempotency_key_reused", Some(KEY));
    maia.delete("/v1/namespaces/once").expect(200);
    maia.send(&keyed("/v1/namespaces", "k", &namespace))
        .expect_error(404, "not_found", Some(KEY));
}

#[test]
fn nobody_overwrites_what_he_has_not_seen() {
    let maia = Served::start();
    let created = maia.post(MEMORIES, &json!({ "content": "User likes tea" }));
    let path = path_of(&created.expect(201));
    let seen = tag(&created);
    assert_eq!(tag(&maia.get(&path)), seen);
    let change = |method: &str, body: &Value, condition: (&str, &str)| {
        maia.send(&Call::json(method, &path, body).header(condition.0, condition.1))
    };
    let patched = change("PATCH", &json!({ "tags": ["a"] }), ("If-Match", &seen));
    patched.expect(200);
    let now = tag(&patched);
    assert_ne!(now, seen);
    for condition in [
        ("If-Match", seen.as_str()),
        ("If-Match", "\"x\", \"y\""),
        ("If-Match", &format!("W/{now}")),
        ("If-Match", ""),
        ("If-None-Match", &now),
        ("If-None-Match", "*"),
    ] {
        for (method, body) in [
            ("PATCH", json!({ "tags": ["b"] })),
            ("PUT", json!({ "content": "User likes coffee" })),
            ("DELETE", Value::Null),
        ] {
            let message = change(method, &body, condition).expect_error(412, "precondition_failed", Some("If-Match"));
            assert!(message.contains(&now), "{condition:?}: {message}");
        }
    }
    assert_eq!(maia.get(&path).expect(200)["tags"], json!(["a"]));
    change("PATCH", &json!({ "tags": ["c"] }), ("If-Match", "*")).expect(200);
    change("PATCH", &json!({ "tags": ["d"] }), ("If-None-Match", &now)).expect(200);
    let latest = tag(&maia.get(&path));
    let list = format!("\"x\",{latest}");
    change("DELETE", &Value::Null, ("If-Match", &list)).expect(200);
    change("PATCH", &json!({}), ("If-Match", "*")).expect_error(404, "not_found", Some("id"));
}

#[test]
fn who_has_it_already_is_told_so() {
    let maia = Served::start();
    let memory = path_of(&maia.memory("User likes tea"));
    for path in [memory.as_str(), "/v1/namespaces/default"] {
        let seen = tag(&maia.get(path));
        for known in [seen.clone(), format!("W/{seen}"), format!("\"x\" , {seen}"), "*".into()] {
            let reply = maia.send(&Call::get(path).header("If-None-Match", &known));
            assert_eq!((reply.status, reply.body.as_slice()), (304, &b""[..]), "{reply}");
            assert_eq!(tag(&reply), seen);
        }
        maia.send(&Call::get(path).header("If-None-Match", "\"x\"")).expect(200);
    }
    // Namespaces have tags as memories have, which their counts do not change.
    let path = "/v1/namespaces/default";
    let seen = tag(&maia.get(path));
    maia.memory("User likes coffee");
    assert_eq!(tag(&maia.get(path)), seen);
    let change = json!({ "config": { "token_budget": 9 } });
    for method in ["PATCH", "PUT"] {
        let call = Call::json(method, path, &change).header("If-Match", "\"x\"");
        maia.send(&call)
            .expect_error(412, "precondition_failed", Some("If-Match"));
    }
    let call = Call::new("DELETE", path).header("If-Match", "\"x\"");
    maia.send(&call)
        .expect_error(412, "precondition_failed", Some("If-Match"));
    let changed = maia.send(&Call::json("PATCH", path, &change).header("If-Match", &seen));
    changed.expect(200);
    assert_ne!(tag(&changed), seen);
}

#[test]
fn a_patch_is_merged() {
    let maia = Served::start();
    let body = json!({
        "content": "User likes tea", "type": "episodic", "source": "imported", "tags": ["a"], "confidence": 0.5, "pinned": true,
        "metadata": { "a": 1, "b": { "c": 2, "d": 3 }, "e": [1, { "f": null }] }
    });
    let path = path_of(&maia.post(MEMORIES, &body).expect(201));
    for (patch, expected) in [
        (
            json!({}),
            json!({ "a": 1, "b": { "c": 2, "d": 3 }, "e": [1, { "f": null }] }),
        ),
        (
            json!({ "a": null, "x": null }),
            json!({ "b": { "c": 2, "d": 3 }, "e": [1, { "f": null }] }),
        ),
        (
            json!({ "b": { "c": null, "g": 4 } }),
            json!({ "b": { "d": 3, "g": 4 }, "e": [1, { "f": null }] }),
        ),
        (json!({ "e": [2] }), json!({ "b": { "d": 3, "g": 4 }, "e": [2] })),
        (
            json!({ "b": 1, "h": { "i": { "j": null, "k": 1 } } }),
            json!({ "b": 1, "e": [2], "h": { "i": { "k": 1 } } }),
        ),
    ] {
        let call = Call::json("PATCH", &path, &json!({ "metadata": patch }));
        assert_eq!(maia.send(&call).expect(200)["metadata"], expected, "{patch}");
    }
    let reset =
        json!({ "type": null, "source": null, "tags": null, "metadata": null, "confidence": null, "pinned": null });
    let call = Call::new("PATCH", &path).header("Content-Type", "application/merge-patch+json");
    let memory = maia.send(&call.body(reset.to_string())).expect(200);
    for (field, value) in [
        ("type", json!("semantic")),
        ("source", json!("user")),
        ("tags", json!([])),
        ("metadata", json!({})),
        ("confidence", json!(1.0)),
        ("pinned", json!(false)),
        ("content", json!("User likes tea")),
    ] {
        assert_eq!(memory[field], value, "{field}");
    }
    let message =
        maia.call("PATCH", &path, &json!({ "content": null }))
            .expect_error(400, "bad_request", Some("content"));
    assert!(message.contains("must not be null"), "{message}");
    // What is merged has the limit of what is stored.
    maia.call("PATCH", &path, &json!({ "metadata": { "a": "x".repeat(9_000) } }))
        .expect(200);
    let message = maia
        .call("PATCH", &path, &json!({ "metadata": { "b": "x".repeat(9_000) } }))
        .expect_error(400, "bad_request", Some("metadata"));
    assert!(message.contains("at most 16384 bytes"), "{message}");
}

#[test]
fn only_patches_may_be_called_patches() {
    let maia = Served::start();
    let path = path_of(&maia.memory("User likes tea"));
    for (method, path, kind) in [
        ("POST", MEMORIES, "application/merge-patch+json"),
        ("PUT", path.as_str(), "application/merge-patch+json"),
        ("PATCH", path.as_str(), "application/json-patch+json"),
    ] {
        let call = Call::new(method, path)
            .header("Content-Type", kind)
            .body(r#"{"content":"x"}"#);
        let reply = maia.send(&call);
        reply.expect_error(415, "unsupported_media_type", None);
        let patches = (method == "PATCH").then_some("application/merge-patch+json, application/json");
        assert_eq!(reply.header("accept-patch"), patches);
    }
}

//! Many memories at once: batches, moves and copies, and namespaces that are renamed, cloned and cleared.

use serde_json::{Value, json};

use crate::support_served::Served;

const MEMORIES: &str = "/v1/namespaces/default/memories";
const BATCH: &str = "/v1/namespaces/default/memories/batch";

fn list(maia: &Served, namespace: &str) -> Vec<Value> {
    let path = format!("/v1/namespaces/{namespace}/memories?limit=1000&include_superseded=true&sort=created_at:asc");
    maia.get(&path).expect(200)["data"].as_array().unwrap().clone()
}

fn contents(memories: &[Value]) -> Vec<&str> {
    memories
        .iter()
        .map(|memory| memory["content"].as_str().unwrap())
        .collect()
}

fn count(maia: &Served, namespace: &str) -> i64 {
    maia.get(&format!("/v1/namespaces/{namespace}")).expect(200)["stats"]["memory_count"]
        .as_i64()
        .unwrap()
}

fn found(maia: &Served, namespace: &str, query: &str) -> i64 {
    let search = json!({ "query": query });
    maia.post(&format!("/v1/namespaces/{namespace}/memories/search"), &search)
        .expect(200)["total"]
        .as_i64()
        .unwrap()
}

/// A fact that took the place of another: "Rome" is superseded by "Lyon".
fn moved_house(maia: &Served) {
    for home in ["Rome", "Lyon"] {
        let messages = json!([{ "role": "user", "content": format!("I live in {home}.") }]);
        maia.post("/v1/namespaces/default/extract", &json!({ "messages": messages }))
            .expect(200);
    }
    assert_eq!(
        contents(&list(maia, "default")),
        ["User lives in Rome", "User lives in Lyon"]
    );
}

#[test]
fn a_batch_is_stored_whole() {
    let maia = Served::start();
    let many: Vec<Value> = (0..1_000)
        .map(|n| json!({ "content": format!("fact {n}"), "tags": [n.to_string()] }))
        .collect();
    let stored = maia.post(BATCH, &json!({ "memories": many })).expect(201);
    assert_eq!(
        (&stored["count"], &stored["total"], &stored["has_more"]),
        (&json!(1000), &json!(1000), &json!(false))
    );
    assert_eq!(stored["data"][7]["content"], "fact 7");
    let id = stored["data"][7]["id"].as_str().unwrap();
    assert_eq!(maia.get(&format!("{MEMORIES}/{id}")).expect(200), stored["data"][7]);
    assert_eq!(count(&maia, "default"), 1_000);
    assert_eq!(found(&maia, "default", "fact 999"), 1_000);
    let long: Vec<Value> = (0..1_000)
        .map(|_| json!({ "content": "User walks on. ".repeat(200) }))
        .collect();
    maia.post(BATCH, &json!({ "memories": long })).expect(201);
}

#[test]
fn one_bad_memory_keeps_a_batch_out() {
    let maia = Served::start();
    for (bad, param) in [
        (json!({ "content": "" }), "memories[1].content"),
        (json!({ "content": 1 }), "memories[1].content"),
        (json!({ "content": "x", "tags": ["a", ""] }), "memories[1].tags[1]"),
        (json!({ "content": "x", "colour": "red" }), "memories[1].colour"),
        (json!({}), "memories[1].content"),
        (json!("x"), "memories[1]"),
        (json!(null), "memories[1]"),
    ] {
        let body = json!({ "memories": [{ "content": "good" }, bad, { "content": "good too" }] });
        maia.post(BATCH, &body).expect_error(400, "bad_request", Some(param));
        assert_eq!(count(&maia, "default"), 0, "{bad}");
    }
    let many = vec![json!({ "content": "x" }); 1_001];
    for (body, param) in [
        (json!({ "memories": [] }), Some("memories")),
        (json!({ "memories": many }), Some("memories")),
        (json!({}), Some("memories")),
        (json!({ "memories": {} }), Some("memories")),
        (json!({ "memories": [], "on_error": "ignore" }), Some("on_error")),
    ] {
        maia.post(BATCH, &body).expect_error(400, "bad_request", param);
    }
    maia.post(
        "/v1/namespaces/none/memories/batch",
        &json!({ "memories": [{ "content": "x" }] }),
    )
    .expect_error(404, "not_found", Some("namespace"));
}

#[test]
fn a_batch_goes_on_where_it_is_told_to() {
    let maia = Served::start();
    let body = json!({
        "memories": [{ "content": "one" }, { "content": "two", "confidence": 7 }, 3, { "content": "four" }],
        "on_error": "continue"
    });
    let outcome = maia.post(BATCH, &body).expect(200);
    let of = |field: &str| -> Vec<Value> {
        outcome["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one[field].clone())
            .collect()
    };
    assert_eq!(of("status"), [201, 400, 400, 201]);
    assert_eq!(of("index"), [0, 1, 2, 3]);
    assert_eq!(of("memory")[3]["content"], "four");
    assert_eq!(of("memory")[1..3], [Value::Null, Value::Null]);
    let error = json!({
        "message": "memories[1].confidence: must be from 0 to 1 (got 7)", "type": "invalid_request_error",
        "param": "memories[1].confidence", "code": "bad_request"
    });
    assert_eq!(of("error")[1], error);
    assert_eq!(of("error")[0], Value::Null);
    assert_eq!(contents(&list(&maia, "default")), ["one", "four"]);
}

#[test]
fn memories_move_by_id_with_their_history_and_keep_their_ids() {
    let maia = Served::start();
    moved_house(&maia);
    maia.memory("User likes tea");
    maia.namespace("other");
    let before = list(&maia, "default");
    let id = before[1]["id"].clone();
    let body = json!({ "to": "other", "ids": [id] });
    let path = format!("{MEMORIES}/move");
    let rehearsed = maia.post(&format!("{path}?dry_run=true"), &body).expect(200);
    assert_eq!(rehearsed, json!({ "moved": 1, "dry_run": true, "ids": [] }));
    assert_eq!(list(&maia, "default"), before);
    let moved = maia.post(&path, &body).expect(200);
    assert_eq!(
        moved,
        json!({ "moved": 1, "dry_run": false, "ids": [{ "from": id, "to": id }] })
    );
    assert_eq!(contents(&list(&maia, "default")), ["User likes tea"]);
    let mut expected = before[..2].to_vec();
    for memory in &mut expected {
        memory["namespace"] = "other".into();
    }
    assert_eq!(list(&maia, "other"), expected);
    assert_eq!((count(&maia, "default"), count(&maia, "other")), (1, 1));
    // The index follows, and only with what is valid.
    assert_eq!(
        (
            found(&maia, "default", "Lyon"),
            found(&maia, "other", "Lyon"),
            found(&maia, "other", "Rome")
        ),
        (0, 1, 0)
    );
    let history = maia
        .get(&format!(
            "/v1/namespaces/other/memories/{}/history",
            id.as_str().unwrap()
        ))
        .expect(200);
    assert_eq!(history["data"], json!(expected));
}

#[test]
fn a_move_by_id_is_all_or_nothing() {
    let maia = Served::start();
    let kept = maia.memory("User likes tea");
    maia.namespace("other");
    let path = format!("{MEMORIES}/move");
    let unknown = "01890000-0000-7000-8000-000000000000";
    for (body, status, code, param) in [
        (
            json!({ "to": "other", "ids": [kept["id"], unknown] }),
            404,
            "not_found",
            Some("ids"),
        ),
        (
            json!({ "to": "none", "ids": [kept["id"]] }),
            404,
            "not_found",
            Some("to"),
        ),
        (
            json!({ "to": "default", "ids": [kept["id"]] }),
            400,
            "bad_request",
            Some("to"),
        ),
        (
            json!({ "to": "other", "ids": [kept["id"], "x"] }),
            400,
            "bad_request",
            Some("ids[1]"),
        ),
        (json!({ "to": "other", "ids": [] }), 400, "bad_request", Some("ids")),
        (json!({ "to": "other" }), 400, "bad_request", Some("ids")),
        (json!({ "ids": [kept["id"]] }), 400, "bad_request", Some("to")),
        (
            json!({ "to": "other", "ids": vec![unknown; 1_001] }),
            400,
            "bad_request",
            Some("ids"),
        ),
    ] {
        maia.post(&path, &body).expect_error(status, code, param);
    }
    let both = json!({ "to": "other", "ids": [kept["id"]] });
    maia.post(&format!("{path}?type=semantic"), &both)
        .expect_error(400, "bad_request", Some("ids"));
    assert_eq!(list(&maia, "default"), [kept]);
    assert_eq!(list(&maia, "other"), [Value::Null; 0]);
}

#[test]
fn filters_say_what_moves_and_what_is_copied() {
    let maia = Served::start();
    let many: Vec<Value> = (0..1_000)
        .map(|n| json!({ "content": format!("fact {n}"), "tags": [if n % 2 == 0 { "even" } else { "odd" }] }))
        .collect();
    maia.post(BATCH, &json!({ "memories": many })).expect(201);
    maia.namespace("other");
    let to = json!({ "to": "other" });
    let rehearsed = maia
        .post(&format!("{MEMORIES}/copy?tag=odd&dry_run=true"), &to)
        .expect(200);
    assert_eq!(rehearsed, json!({ "copied": 500, "dry_run": true, "ids": [] }));
    let copied = maia.post(&format!("{MEMORIES}/copy?tag=odd"), &to).expect(200);
    assert_eq!(copied, json!({ "copied": 500, "dry_run": false, "ids": [] }));
    assert_eq!((count(&maia, "default"), count(&maia, "other")), (1_000, 500));
    let moved = maia.post(&format!("{MEMORIES}/move?tag=even"), &to).expect(200);
    assert_eq!(moved["moved"], 500);
    assert_eq!((count(&maia, "default"), count(&maia, "other")), (500, 1_000));
    assert_eq!(
        (found(&maia, "default", "fact"), found(&maia, "other", "fact")),
        (500, 1_000)
    );
}

#[test]
fn a_copy_has_everything_but_the_id() {
    let maia = Served::start();
    let body = json!({
        "content": "We bought the blue bicycle.", "type": "episodic", "source": "imported", "tags": ["a"], "metadata": { "k": 1 },
        "confidence": 0.5, "pinned": true, "conversation_id": "call-7", "speaker": "Marta", "created_at": "2026-01-31T12:00:00Z"
    });
    let original = maia.post(MEMORIES, &body).expect(201);
    maia.namespace("other");
    let copied = maia
        .post(
            &format!("{MEMORIES}/copy"),
            &json!({ "to": "other", "ids": [original["id"]] }),
        )
        .expect(200);
    let copy = list(&maia, "other").remove(0);
    assert_eq!(copied["ids"], json!([{ "from": original["id"], "to": copy["id"] }]));
    assert_ne!(copy["id"], original["id"]);
    let mut expected = original.clone();
    expected["id"] = copy["id"].clone();
    expected["namespace"] = "other".into();
    assert_eq!(copy, expected);
    assert_eq!(list(&maia, "default"), std::slice::from_ref(&original));
    // Within one namespace too.
    maia.post(
        &format!("{MEMORIES}/copy"),
        &json!({ "to": "default", "ids": [original["id"]] }),
    )
    .expect(200);
    assert_eq!(count(&maia, "default"), 2);
}

#[test]
fn a_namespace_gets_another_name() {
    let maia = Served::start();
    let namespace = maia.namespace("old");
    maia.post("/v1/namespaces/old/memories", &json!({ "content": "User likes tea" }))
        .expect(201);
    let renamed = maia
        .call("PATCH", "/v1/namespaces/old", &json!({ "name": "new/er" }))
        .expect(200);
    assert_eq!((&renamed["name"], &renamed["id"]), (&json!("new/er"), &namespace["id"]));
    maia.get("/v1/namespaces/old")
        .expect_error(404, "not_found", Some("namespace"));
    let memories = list(&maia, "new%2Fer");
    assert_eq!(
        (contents(&memories)[0], &memories[0]["namespace"]),
        ("User likes tea", &json!("new/er"))
    );
    for (path, name, status, code) in [
        ("/v1/namespaces/new%2Fer", "default", 409, "conflict"),
        ("/v1/namespaces/default", "mine", 409, "conflict"),
        ("/v1/namespaces/default", "a b", 400, "bad_request"),
    ] {
        maia.call("PATCH", path, &json!({ "name": name }))
            .expect_error(status, code, Some("name"));
    }
    maia.call(
        "PATCH",
        "/v1/namespaces/new%2Fer",
        &json!({ "name": "new/er", "config": { "token_budget": 5 } }),
    )
    .expect(200);
    maia.call("PUT", "/v1/namespaces/default", &json!({ "name": "x", "config": {} }))
        .expect_error(400, "bad_request", Some("name"));
}

#[test]
fn a_clone_has_settings_memories_and_history() {
    let maia = Served::start();
    moved_house(&maia);
    for n in 0..600 {
        maia.memory(&format!("fact {n}"));
    }
    maia.call(
        "PATCH",
        "/v1/namespaces/default",
        &json!({ "config": { "token_budget": 77 } }),
    )
    .expect(200);
    let reply = maia.post("/v1/namespaces/default/clone", &json!({ "name": "twin" }));
    let twin = reply.expect(201);
    assert_eq!(
        reply.header("location").unwrap(),
        format!("/v1/namespaces/{}", twin["id"].as_str().unwrap())
    );
    assert_eq!(
        (&twin["config"]["token_budget"], &twin["stats"]["memory_count"]),
        (&json!(77), &json!(601))
    );
    let (originals, copies) = (list(&maia, "default"), list(&maia, "twin"));
    assert_eq!(contents(&originals), contents(&copies));
    assert_eq!(copies[0]["superseded_by"], copies[1]["id"]);
    assert_eq!(originals[0]["superseded_by"], originals[1]["id"]);
    assert_eq!((found(&maia, "twin", "Rome"), found(&maia, "twin", "Lyon")), (0, 1));
    maia.post("/v1/namespaces/default/clone", &json!({ "name": "twin" }))
        .expect_error(409, "conflict", Some("name"));
    maia.post("/v1/namespaces/none/clone", &json!({ "name": "x" }))
        .expect_error(404, "not_found", Some("namespace"));
}

#[test]
fn a_cleared_namespace_is_empty_and_keeps_its_settings() {
    let maia = Served::start();
    moved_house(&maia);
    maia.call(
        "PATCH",
        "/v1/namespaces/default",
        &json!({ "config": { "token_budget": 77 } }),
    )
    .expect(200);
    let path = "/v1/namespaces/default/clear";
    let rehearsed = maia
        .call("POST", &format!("{path}?dry_run=true"), &json!({}))
        .expect(200);
    assert_eq!(rehearsed, json!({ "deleted": 2, "dry_run": true }));
    assert_eq!(list(&maia, "default").len(), 2);
    let cleared = maia.call("POST", path, &json!({})).expect(200);
    assert_eq!(cleared, json!({ "deleted": 2, "dry_run": false }));
    assert_eq!(list(&maia, "default"), [Value::Null; 0]);
    assert_eq!(
        maia.get("/v1/namespaces/default").expect(200)["config"]["token_budget"],
        77
    );
}

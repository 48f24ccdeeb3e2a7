//! The routes of the original MAIA, in the order and with the bodies in which its Python and TypeScript clients use them.

use serde_json::{Value, json};

use crate::support_raw::Call;
use crate::support_served::Served;

const MEMORIES: &str = "/v1/memories";

fn path_of(memory: &Value) -> String {
    format!("{MEMORIES}/{}", memory["id"].as_str().unwrap())
}

/// A field of an answer, and whether its value is one that a client reads.
type Field = (&'static str, fn(&Value) -> bool);

/// What a client needs to find in an answer, with the kinds of values that it reads.
#[track_caller]
fn has(answer: &Value, fields: &[Field]) {
    for (field, is_right) in fields {
        let value = answer
            .get(field)
            .unwrap_or_else(|| panic!("{field} is missing in {answer}"));
        assert!(is_right(value), "{field}: {value}");
    }
}

fn is_time(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|time| time.parse::<chrono::DateTime<chrono::Utc>>().is_ok())
}

#[test]
fn a_client_of_the_original_remembers_recalls_and_forgets() {
    let maia = Served::start();
    has(
        &maia.get("/health").expect(200),
        &[("status", Value::is_string), ("service", Value::is_string)],
    );
    // `remember` names a namespace that nobody has made.
    let body = json!({ "namespace": "user-123", "content": "User prefers dark mode", "type": "semantic", "source": "user", "confidence": 1.0 });
    let memory = maia.post(MEMORIES, &body).expect(201);
    has(
        &memory,
        &[
            ("id", Value::is_string),
            ("namespace", |name| name == "user-123"),
            ("content", Value::is_string),
            ("type", Value::is_string),
            ("source", Value::is_string),
            ("metadata", Value::is_object),
            ("tags", Value::is_array),
            ("created_at", is_time),
            ("updated_at", is_time),
            ("accessed_at", is_time),
            ("access_count", Value::is_u64),
            ("confidence", Value::is_f64),
        ],
    );
    let path = path_of(&memory);
    assert_eq!(maia.get(&path).expect(200), memory);
    // An update sends what changes; metadata is merged.
    maia.call("PUT", &path, &json!({ "metadata": { "a": 1 }, "tags": ["ui"] }))
        .expect(200);
    let changed = maia
        .call("PUT", &path, &json!({ "metadata": { "b": 2 }, "confidence": 0.5 }))
        .expect(200);
    assert_eq!(
        (&changed["content"], &changed["metadata"]),
        (&memory["content"], &json!({ "a": 1, "b": 2 }))
    );
    let search = json!({ "query": "dark mode", "namespace": "user-123", "types": ["semantic"], "tags": ["ui"], "limit": 5, "offset": 0 });
    let found = maia.post("/v1/memories/search", &search).expect(200);
    has(
        &found,
        &[
            ("data", Value::is_array),
            ("count", |count| count == 1),
            ("offset", Value::is_u64),
            ("limit", |limit| limit == 5),
        ],
    );
    has(
        &found["data"][0],
        &[("memory", Value::is_object), ("score", Value::is_f64)],
    );
    // Without a query everything is listed; without a namespace in the default one.
    let all = maia
        .post("/v1/memories/search", &json!({ "namespace": "user-123" }))
        .expect(200);
    assert_eq!(all["data"][0]["memory"], changed);
    assert_eq!(maia.post("/v1/memories/search", &json!({})).expect(200)["total"], 0);
    let recall = json!({ "query": "What does the user prefer?", "namespace": "user-123", "token_budget": 2000, "system_prompt": "Be brief.", "include_scores": true, "min_score": 0.0 });
    let context = maia.post("/v1/context", &recall).expect(200);
    has(
        &context,
        &[
            ("content", |content| {
                content == "Be brief.\n\n## Relevant Context\n\nUser prefers dark mode"
            }),
            ("memories", Value::is_array),
            ("token_count", Value::is_u64),
            ("token_budget", |budget| budget == 2000),
            ("truncated", Value::is_boolean),
            ("query_time", Value::is_string),
        ],
    );
    has(
        &context["memories"][0],
        &[
            ("id", Value::is_string),
            ("content", Value::is_string),
            ("type", Value::is_string),
            ("score", Value::is_f64),
            ("position", Value::is_string),
            ("token_count", Value::is_u64),
            ("truncated", Value::is_boolean),
        ],
    );
    has(
        &maia.get("/v1/stats").expect(200),
        &[
            ("total_memories", |count| count == 1),
            ("total_namespaces", |count| count == 2),
            ("storage_size_bytes", Value::is_u64),
            ("last_compaction", is_time),
        ],
    );
    // With `Content-Type` though there is no body, as one of the clients sends it.
    let forget = Call::new("DELETE", &path).header("Content-Type", "application/json");
    assert_eq!(maia.send(&forget).expect(200), json!({ "deleted": true }));
    maia.get(&path).expect_error(404, "not_found", Some("id"));
}

#[test]
fn namespaces_of_the_originals_clients_are_made_and_listed() {
    let maia = Served::start();
    // The Python client always says that nothing is inherited.
    let config = json!({ "token_budget": 8000, "inherit_from_parent": false });
    let made = maia
        .post("/v1/namespaces", &json!({ "name": "alpha", "config": config }))
        .expect(201);
    has(
        &made,
        &[
            ("id", Value::is_string),
            ("name", Value::is_string),
            ("config", Value::is_object),
            ("created_at", is_time),
            ("updated_at", is_time),
        ],
    );
    maia.call("PUT", "/v1/namespaces/alpha", &json!({ "config": config }))
        .expect(200);
    let parent = json!({ "name": "beta", "config": { "inherit_from_parent": true } });
    let message =
        maia.post("/v1/namespaces", &parent)
            .expect_error(400, "bad_request", Some("config.inherit_from_parent"));
    assert!(message.contains("no parents"), "{message}");
    maia.post("/v1/namespaces", &json!({ "name": "beta", "parent": "alpha" }))
        .expect_error(400, "bad_request", Some("parent"));
    assert_eq!(
        maia.get("/v1/namespaces?limit=1").expect(200)["data"][0],
        maia.get("/v1/namespaces/alpha").expect(200)
    );
    assert_eq!(maia.delete("/v1/namespaces/alpha").expect(200)["deleted"], true);
}

#[test]
fn a_namespace_may_be_named_and_then_counts() {
    let maia = Served::start();
    for name in ["mine", "theirs"] {
        maia.namespace(name);
    }
    let body = json!({ "content": "User likes tea", "namespace": "mine" });
    let memory = maia
        .send(&Call::json("POST", MEMORIES, &body).header("Idempotency-Key", "k"))
        .expect(201);
    assert_eq!(
        maia.send(&Call::json("POST", MEMORIES, &body).header("Idempotency-Key", "k"))
            .expect(201),
        memory
    );
    let path = path_of(&memory);
    maia.get(&format!("{path}?namespace=mine")).expect(200);
    for (method, body) in [
        ("GET", Value::Null),
        ("DELETE", Value::Null),
        ("PUT", json!({ "tags": [] })),
        ("PATCH", json!({ "tags": [] })),
    ] {
        let other = format!("{path}?namespace=theirs");
        maia.call(method, &other, &body)
            .expect_error(404, "not_found", Some("id"));
        let none = format!("{path}?namespace=none");
        maia.call(method, &none, &body)
            .expect_error(404, "not_found", Some("namespace"));
    }
    for method in ["PUT", "PATCH"] {
        maia.call(method, &path, &json!({ "namespace": "theirs", "tags": ["x"] }))
            .expect_error(404, "not_found", Some("id"));
        maia.call(method, &path, &json!({ "namespace": "mine", "tags": ["x"] }))
            .expect(200);
        maia.call(
            method,
            &format!("{path}?namespace=mine"),
            &json!({ "namespace": "mine" }),
        )
        .expect_error(400, "bad_request", Some("namespace"));
    }
    let stale = Call::json("PATCH", &path, &json!({ "tags": [] })).header("If-Match", "\"x\"");
    maia.send(&stale)
        .expect_error(412, "precondition_failed", Some("If-Match"));
    // Nothing is made where somebody only looks.
    for (path, body) in [
        ("/v1/memories/search", json!({ "query": "tea", "namespace": "new" })),
        ("/v1/context", json!({ "query": "tea", "namespace": "new" })),
    ] {
        maia.post(path, &body).expect(200);
    }
    maia.get("/v1/namespaces/new")
        .expect_error(404, "not_found", Some("namespace"));
    for (path, body) in [
        ("/v1/memories", json!({ "content": "x", "namespace": "a b" })),
        (
            "/v1/namespaces/mine/memories/search",
            json!({ "query": "x", "namespace": "mine" }),
        ),
        (
            "/v1/namespaces/mine/context",
            json!({ "query": "x", "namespace": "mine" }),
        ),
        (
            "/v1/namespaces/mine/memories",
            json!({ "content": "x", "namespace": "mine" }),
        ),
    ] {
        maia.post(path, &body)
            .expect_error(400, "bad_request", Some("namespace"));
    }
}

#[test]
fn where_namespaces_are_not_made_on_their_first_use_a_missing_one_is_an_error() {
    let maia = Served::with(|config| config.memory.auto_create_namespace = false);
    for (path, body) in [
        ("/v1/memories", json!({ "content": "x", "namespace": "new" })),
        ("/v1/memories/search", json!({ "query": "x", "namespace": "new" })),
        ("/v1/context", json!({ "query": "x", "namespace": "new" })),
    ] {
        maia.post(path, &body).expect_error(404, "not_found", Some("namespace"));
    }
}

#[test]
fn a_context_leaves_out_what_scores_too_little_and_scores_that_nobody_wants() {
    let maia = Served::start();
    for content in ["User prefers dark mode", "User's dog is called Biscuit"] {
        maia.memory(content);
    }
    let context = |body: Value| maia.post("/v1/context", &body).expect(200);
    let query = "What do you know about me and dark mode?";
    let all = context(json!({ "query": query }));
    assert_eq!(all["memories"].as_array().unwrap().len(), 2);
    let best = all["memories"][0]["score"].as_f64().unwrap();
    let some = context(json!({ "query": query, "min_score": best, "include_scores": false }));
    assert_eq!(some["content"], "## Relevant Context\n\nUser prefers dark mode");
    assert_eq!(some["memories"].as_array().unwrap().len(), 1);
    assert_eq!(some["memories"][0].get("score"), None);
    let none = context(json!({ "query": query, "min_score": best + 1.0 }));
    assert_eq!((&none["content"], &none["token_count"]), (&json!(""), &json!(0)));
    maia.post(
        "/v1/context",
        &json!({ "query": "x", "system_prompt": "x".repeat(100_001) }),
    )
    .expect_error(400, "bad_request", Some("system_prompt"));
}

#[test]
fn a_name_that_no_namespace_can_have_is_refused() {
    let maia = Served::start();
    for path in ["/v1/memories", "/v1/memories/search", "/v1/context"] {
        let body = match path {
            "/v1/memories" => json!({ "content": "User likes tea", "namespace": "!" }),
            _ => json!({ "query": "tea", "namespace": "!" }),
        };
        maia.post(path, &body)
            .expect_error(400, "bad_request", Some("namespace"));
    }
}

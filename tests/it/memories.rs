//! `/v1/namespaces/{ns}/memories`: making, reading, changing, deleting, and what is refused.

use serde_json::{Value, json};

use crate::support_raw::Call;
use crate::support_served::Served;

const MEMORIES: &str = "/v1/namespaces/default/memories";

fn path_of(memory: &Value) -> String {
    format!("{MEMORIES}/{}", memory["id"].as_str().unwrap())
}

/// Sends a body to POST, PUT and PATCH; each must refuse it alike. Returns the message.
#[track_caller]
fn refused(maia: &Served, body: &Value, param: Option<&str>) -> String {
    let memory = maia.memory("User is here first");
    let path = path_of(&memory);
    let message = maia.post(MEMORIES, body).expect_error(400, "bad_request", param);
    for method in ["PUT", "PATCH"] {
        let again = maia.call(method, &path, body).expect_error(400, "bad_request", param);
        assert_eq!(again, message, "{method}");
    }
    assert_eq!(maia.get(&path).expect(200), memory);
    maia.delete(&path).expect(200);
    assert_eq!(maia.get(MEMORIES).expect(200)["total"], 0);
    message
}

#[test]
fn a_new_one_has_every_field_and_its_defaults() {
    let maia = Served::start();
    let reply = maia.post(MEMORIES, &json!({ "content": "User likes tea" }));
    let memory = reply.expect(201);
    let mut fields: Vec<&String> = memory.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "access_count",
            "accessed_at",
            "confidence",
            "confirmation_count",
            "content",
            "created_at",
            "id",
            "last_confirmed_at",
            "metadata",
            "namespace",
            "pinned",
            "source",
            "superseded_at",
            "superseded_by",
            "tags",
            "type",
            "updated_at",
        ]
    );
    assert_eq!(memory["namespace"], "default");
    assert_eq!(memory["pinned"], false);
    assert_eq!(memory["content"], "User likes tea");
    assert_eq!([&memory["type"], &memory["source"]], ["semantic", "user"]);
    assert_eq!(memory["tags"], json!([]));
    assert_eq!(memory["metadata"], json!({}));
    assert_eq!(memory["confidence"], 1.0);
    assert_eq!(memory["access_count"], 0);
    assert_eq!(memory["created_at"], memory["updated_at"]);
    assert_eq!(memory["created_at"], memory["accessed_at"]);
    let time = memory["created_at"].as_str().unwrap();
    assert!(
        time.ends_with('Z') && time.parse::<chrono::DateTime<chrono::Utc>>().is_ok(),
        "{time}"
    );
    let id = memory["id"].as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
    let namespace = maia.get("/v1/namespaces/default").expect(200);
    let location = format!("/v1/namespaces/{}/memories/{id}", namespace["id"].as_str().unwrap());
    assert_eq!(reply.header("location"), Some(location.as_str()));
    assert_eq!(maia.get(&location).expect(200), memory);
    assert_eq!(maia.get(&path_of(&memory)).expect(200), memory);
}

#[test]
fn every_field_can_be_given() {
    let maia = Served::start();
    for kind in ["semantic", "episodic", "working"] {
        for source in ["user", "extracted", "inferred", "imported"] {
            let body = json!({
                "content": "Zoë said:\n\t\"naïve\" 東京 🚀 \\ </script> \u{7f}", "type": kind, "source": source,
                "tags": ["a", "B b", "ü"], "metadata": { "k": [1, -2.5, null, true, { "x": "y\u{0}z" }], "": "" },
                "confidence": 0.0
            });
            let memory = maia.post(MEMORIES, &body).expect(201);
            for (field, value) in body.as_object().unwrap() {
                assert_eq!(&memory[field], value, "{field}");
            }
            assert_eq!(maia.get(&path_of(&memory)).expect(200), memory);
        }
    }
}

#[test]
fn content_has_at_most_10_000_bytes() {
    let maia = Served::start();
    for full in ["x".repeat(10_000), "é".repeat(5_000), "🚀".repeat(2_500)] {
        assert_eq!(maia.memory(&full)["content"], full);
    }
    for (index, long) in [
        "x".repeat(10_001),
        format!("{}x", "é".repeat(5_000)),
        format!("{}x", "🚀".repeat(2_500)),
    ]
    .iter()
    .enumerate()
    {
        let reply = maia.post(MEMORIES, &json!({ "content": long }));
        let message = reply.expect_error(400, "bad_request", Some("content"));
        assert_eq!(message, "content: may have at most 10000 bytes (got 10001)", "{index}");
    }
    assert_eq!(maia.get(MEMORIES).expect(200)["total"], 3);
}

#[test]
fn content_is_text() {
    let maia = Served::start();
    for (content, problem) in [
        (json!(""), "must not be empty"),
        (json!(" \n\t\u{a0}"), "must not be empty"),
        (json!("a\u{0}b"), "must not hold the character U+0000"),
    ] {
        let message = refused(&maia, &json!({ "content": content }), Some("content"));
        assert_eq!(message, format!("content: {problem}"));
    }
    for content in [json!(7), json!(true), json!(["a"]), json!({ "text": "a" })] {
        let message = refused(&maia, &json!({ "content": content }), Some("content"));
        assert!(message.contains("expected a string"), "{message}");
    }
    for body in [json!({}), json!({ "content": null }), json!({ "type": "semantic" })] {
        for (method, path) in [
            ("POST", MEMORIES.to_owned()),
            ("PUT", path_of(&maia.memory("User likes tea"))),
        ] {
            let reply = maia.call(method, &path, &body);
            let message = reply.expect_error(400, "bad_request", Some("content"));
            assert_eq!(message, "content: is missing");
        }
    }
}

#[test]
fn other_fields_have_their_limits() {
    let maia = Served::start();
    let with = |field: &str, value: Value| json!({ "content": "User likes tea", field: value });
    let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
    let object_of = |bytes: usize| json!({ "k": "v".repeat(bytes - r#"{"k":""}"#.len()) });
    for (field, value, param, problem) in [
        (
            "type",
            json!("fact"),
            "type",
            "must be one of semantic, episodic, working (got \"fact\")",
        ),
        ("type", json!("Semantic"), "type", "must be one of"),
        (
            "source",
            json!("me"),
            "source",
            "must be one of user, extracted, inferred, imported (got \"me\")",
        ),
        ("tags", json!(many), "tags", "may be at most 64 (got 65)"),
        (
            "tags",
            json!(["ok", ""]),
            "tags[1]",
            "must have 1 to 128 characters (got 0)",
        ),
        (
            "tags",
            json!(["é".repeat(129)]),
            "tags[0]",
            "must have 1 to 128 characters (got 129)",
        ),
        ("tags", json!(["a\u{0}"]), "tags[0]", "U+0000"),
        (
            "metadata",
            object_of(16_385),
            "metadata",
            "may have at most 16384 bytes as JSON (got 16385)",
        ),
        (
            "confidence",
            json!(1.01),
            "confidence",
            "must be from 0 to 1 (got 1.01)",
        ),
        (
            "confidence",
            json!(-0.01),
            "confidence",
            "must be from 0 to 1 (got -0.01)",
        ),
    ] {
        let message = refused(&maia, &with(field, value), Some(param));
        assert!(
            message.starts_with(&format!("{param}: ")) && message.contains(problem),
            "{message}"
        );
    }
    for (field, value, param) in [
        ("type", json!(1), "type"),
        ("tags", json!("tag"), "tags"),
        ("tags", json!(["a", 1]), "tags[1]"),
        ("metadata", json!([]), "metadata"),
        ("metadata", json!("{}"), "metadata"),
        ("confidence", json!("0.5"), "confidence"),
        ("contents", json!("x"), "contents"),
        ("id", json!("01890000-0000-7000-8000-000000000000"), "id"),
        ("namespace", json!("other"), "namespace"),
    ] {
        refused(&maia, &with(field, value), Some(param));
    }
    for (field, value) in [
        ("tags", json!(&many[..64])),
        ("tags", json!(["é".repeat(128)])),
        ("metadata", object_of(16_384)),
        ("confidence", json!(1)),
    ] {
        let memory = maia.post(MEMORIES, &with(field, value.clone())).expect(201);
        let kept = &memory[field];
        assert!(
            *kept == value || kept.as_f64().is_some_and(|kept| value.as_f64() == Some(kept)),
            "{field}"
        );
    }
}

#[test]
fn a_body_is_one_json_object() {
    let maia = Served::start();
    let deep = "[".repeat(100_000);
    let deep_metadata = format!(r#"{{"content":"x","metadata":{{"a":{}"#, "[".repeat(100_000));
    for body in [
        "",
        "{",
        "nul",
        "[]",
        r#"["User likes tea"]"#,
        r#""User likes tea""#,
        "1",
        r#"{"content":"a"}{"content":"b"}"#,
        r#"{"content":"a","content":"b"}"#,
        r#"{"content":"\ud800"}"#,
        "{\"content\":\"a\nb\"}",
        deep.as_str(),
        deep_metadata.as_str(),
    ] {
        let call = Call::new("POST", MEMORIES)
            .header("Content-Type", "application/json")
            .body(body);
        let reply = maia.send(&call);
        assert_eq!(reply.status, 400, "{}: {reply}", body.get(..20).unwrap_or(body));
        assert_eq!(reply.json()["error"]["code"], "bad_request");
    }
    let call = Call::new("POST", MEMORIES).header("Content-Type", "application/json");
    let invalid_utf8 = call.clone().body(b"{\"content\":\"a\xFF\"}".to_vec());
    assert_eq!(maia.send(&invalid_utf8).status, 400);
    assert_eq!(maia.send(&call).status, 400, "no body at all");
    assert_eq!(maia.get(MEMORIES).expect(200)["total"], 0);
}

#[test]
fn a_body_has_at_most_a_megabyte() {
    let maia = Served::start();
    let body_of = |bytes: usize| {
        let empty = r#"{"content":"User likes tea"}"#;
        empty.replace('}', &format!("{}}}", " ".repeat(bytes - empty.len())))
    };
    let call = Call::new("POST", MEMORIES).header("Content-Type", "application/json");
    maia.send(&call.clone().body(body_of(1 << 20))).expect(201);
    let reply = maia.send(&call.body(body_of((1 << 20) + 1)));
    let message = reply.expect_error(413, "too_large", None);
    assert!(message.contains("1048576 bytes"), "{message}");
    assert_eq!(maia.get(MEMORIES).expect(200)["total"], 1);
}

#[test]
fn a_body_must_be_said_to_be_json() {
    let maia = Served::start();
    let memory = maia.memory("User likes tea");
    let path = path_of(&memory);
    for kind in [
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("text/json"),
        Some(""),
        None,
    ] {
        for (method, path) in [
            ("POST", MEMORIES),
            ("PUT", path.as_str()),
            ("PATCH", path.as_str()),
            ("POST", "/v1/namespaces"),
            ("POST", "/v1/namespaces/default/memories/search"),
            ("POST", "/v1/namespaces/default/context"),
            ("POST", "/proxy/v1/chat/completions"),
        ] {
            let mut call = Call::new(method, path).body(r#"{"content":"User likes coffee"}"#);
            if let Some(kind) = kind {
                call = call.header("Content-Type", kind);
            }
            let message = maia.send(&call).expect_error(415, "unsupported_media_type", None);
            assert!(message.contains("application/json"), "{message}");
        }
    }
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/merge-patch+json",
    ] {
        let call = Call::new("PATCH", &path)
            .header("Content-Type", kind)
            .body(r#"{"content":"User likes tea"}"#);
        maia.send(&call).expect(200);
    }
}

#[test]
fn put_replaces_the_whole_and_patch_changes_some() {
    let maia = Served::start();
    let body = json!({
        "content": "User likes tea", "type": "episodic", "source": "imported", "tags": ["a"],
        "metadata": { "k": 1 }, "confidence": 0.5
    });
    let created = maia.post(MEMORIES, &body).expect(201);
    let path = path_of(&created);
    let patched = maia.call("PATCH", &path, &json!({ "tags": ["b"] })).expect(200);
    let mut expected = created.clone();
    expected["tags"] = json!(["b"]);
    expected["updated_at"] = patched["updated_at"].clone();
    assert_eq!(patched, expected);
    assert!(patched["updated_at"].as_str() >= created["updated_at"].as_str());
    assert_eq!(maia.get(&path).expect(200), patched);
    let replaced = maia
        .call("PUT", &path, &json!({ "content": "User likes coffee" }))
        .expect(200);
    let mut expected = created.clone();
    for (field, value) in [
        ("content", json!("User likes coffee")),
        ("type", json!("semantic")),
        ("source", json!("user")),
        ("tags", json!([])),
        ("metadata", json!({})),
        ("confidence", json!(1.0)),
        ("updated_at", replaced["updated_at"].clone()),
    ] {
        expected[field] = value;
    }
    assert_eq!(replaced, expected);
    assert_eq!(maia.get(&path).expect(200), replaced);
}

#[test]
fn a_deleted_one_is_gone() {
    let maia = Served::start();
    let (kept, deleted) = (maia.memory("User likes tea"), maia.memory("User likes coffee"));
    let path = path_of(&deleted);
    assert_eq!(maia.delete(&path).expect(200), json!({ "deleted": true }));
    for method in ["GET", "DELETE"] {
        let message = maia
            .send(&Call::new(method, &path))
            .expect_error(404, "not_found", Some("id"));
        assert!(message.contains(deleted["id"].as_str().unwrap()), "{message}");
    }
    for method in ["PUT", "PATCH"] {
        maia.call(method, &path, &json!({ "content": "x" }))
            .expect_error(404, "not_found", Some("id"));
    }
    assert_eq!(maia.get(MEMORIES).expect(200)["data"], json!([kept]));
    for id in ["1", "x", "%20", "01890000-0000-7000-8000-00000000000g"] {
        maia.get(&format!("{MEMORIES}/{id}"))
            .expect_error(400, "bad_request", Some("id"));
    }
}

#[test]
fn nothing_is_reached_through_another_namespace() {
    let maia = Served::start();
    maia.namespace("mine");
    maia.namespace("theirs");
    let theirs = maia
        .post(
            "/v1/namespaces/theirs/memories",
            &json!({ "content": "User hides gold" }),
        )
        .expect(201);
    let id = theirs["id"].as_str().unwrap();
    let path = format!("/v1/namespaces/mine/memories/{id}");
    maia.get(&path).expect_error(404, "not_found", Some("id"));
    maia.delete(&path).expect_error(404, "not_found", Some("id"));
    for method in ["PUT", "PATCH"] {
        maia.call(method, &path, &json!({ "content": "x" }))
            .expect_error(404, "not_found", Some("id"));
    }
    assert_eq!(maia.get("/v1/namespaces/mine/memories").expect(200)["total"], 0);
    let search = json!({ "query": "gold" });
    let found = maia.post("/v1/namespaces/mine/memories/search", &search).expect(200);
    assert_eq!(found["total"], 0);
    let context = maia
        .post(
            "/v1/namespaces/mine/context",
            &json!({ "query": "What do you know about me and gold?" }),
        )
        .expect(200);
    assert_eq!(context["content"], "");
    let path = format!("/v1/namespaces/theirs/memories/{id}");
    assert_eq!(maia.get(&path).expect(200), theirs);
}

#[test]
fn statistics_follow_every_write() {
    let maia = Served::start();
    let stats = || {
        let namespace = maia.get("/v1/namespaces/default").expect(200);
        let count = |name: &str| namespace["stats"][name].as_i64().unwrap();
        (count("memory_count"), count("token_count"))
    };
    assert_eq!(stats(), (0, 0));
    let tea = maia.memory("User likes tea");
    let (count, tea_tokens) = stats();
    assert_eq!(count, 1);
    assert!((3..=5).contains(&tea_tokens), "{tea_tokens}");
    let long = maia.memory("User likes a long walk in the hills around the old town every Sunday morning");
    let (count, both) = stats();
    assert_eq!(count, 2);
    assert!(both > tea_tokens + 10, "{both}");
    maia.call("PATCH", &path_of(&tea), &json!({ "tags": ["x"] }))
        .expect(200);
    assert_eq!(stats(), (2, both));
    maia.call("PUT", &path_of(&long), &json!({ "content": "User likes tea" }))
        .expect(200);
    assert_eq!(stats(), (2, 2 * tea_tokens));
    maia.post(MEMORIES, &json!({ "content": "" })).expect(400);
    assert_eq!(stats(), (2, 2 * tea_tokens));
    maia.delete(&path_of(&long)).expect(200);
    assert_eq!(stats(), (1, tea_tokens));
    maia.delete(&path_of(&tea)).expect(200);
    maia.delete(&path_of(&tea)).expect(404);
    assert_eq!(stats(), (0, 0));
}

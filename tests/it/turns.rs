//! Memories that are pieces of a conversation, and memories from another time.

use serde_json::{Value, json};

use crate::support_served::Served;

const MEMORIES: &str = "/v1/namespaces/default/memories";

/// A piece of a conversation with one more field, or another value of one.
fn piece(field: &str, value: &Value) -> Value {
    let mut body = json!({ "content": "User likes tea", "conversation_id": "c-1" });
    body[field] = value.clone();
    body
}

#[test]
fn a_piece_of_a_conversation_says_whose_words_it_holds() {
    let maia = Served::start();
    let body = json!({
        "content": "I like tea.", "type": "episodic", "source": "imported", "created_at": "2023-05-08T15:56:00+02:00",
        "conversation_id": "c-1", "role": "user", "speaker": "Zoë"
    });
    let memory = maia.post(MEMORIES, &body).expect(201);
    for (field, value) in body.as_object().unwrap() {
        let expected = match field.as_str() {
            "created_at" => &json!("2023-05-08T13:56:00.000Z"),
            _ => value,
        };
        assert_eq!(&memory[field], expected, "{field}");
    }
    let path = format!("{MEMORIES}/{}", memory["id"].as_str().unwrap());
    assert_eq!(maia.get(&path).expect(200), memory);
    let list = |filter: &str| {
        maia.get(&format!("{MEMORIES}?{filter}=2024-01-01T00:00:00Z"))
            .expect(200)
    };
    assert_eq!(list("created_before")["data"], json!([memory]));
    assert_eq!(list("created_after")["total"], 0);
}

#[test]
fn a_memory_that_is_no_piece_has_no_such_fields() {
    let maia = Served::start();
    let memory = maia.memory("User likes tea");
    for field in ["conversation_id", "role", "speaker"] {
        assert_eq!(memory.get(field), None, "{field}");
    }
}

#[test]
fn bad_pieces_are_named() {
    let maia = Served::start();
    for (field, value) in [
        ("conversation_id", json!("")),
        ("conversation_id", json!("x".repeat(257))),
        ("conversation_id", json!(1)),
        ("role", json!("")),
        ("role", json!("x".repeat(129))),
        ("speaker", json!("a\0")),
        ("created_at", json!("2026-01-31")),
        ("created_at", json!(0)),
    ] {
        let body = piece(field, &value);
        maia.post(MEMORIES, &body).expect_error(400, "bad_request", Some(field));
    }
    for field in ["role", "speaker"] {
        let body = json!({ "content": "User likes tea", field: "user" });
        maia.post(MEMORIES, &body)
            .expect_error(400, "bad_request", Some("conversation_id"));
    }
    assert_eq!(maia.get(MEMORIES).expect(200)["total"], 0);
}

#[test]
fn what_belongs_to_the_making_of_a_memory_stays_as_it_is() {
    let maia = Served::start();
    let memory = maia.post(MEMORIES, &piece("role", &json!("user"))).expect(201);
    let path = format!("{MEMORIES}/{}", memory["id"].as_str().unwrap());
    for method in ["PUT", "PATCH"] {
        for (field, value) in [
            ("conversation_id", "c-2"),
            ("role", "assistant"),
            ("speaker", "Zoë"),
            ("created_at", "2023-05-08T15:56:00Z"),
        ] {
            let body = json!({ "content": "User likes coffee", field: value });
            let reply = maia.call(method, &path, &body);
            let message = reply.expect_error(400, "bad_request", Some(field));
            assert!(message.contains("stays as it is"), "{message}");
        }
    }
    assert_eq!(maia.get(&path).expect(200), memory);
    let changed = maia
        .call("PUT", &path, &json!({ "content": "User likes coffee" }))
        .expect(200);
    for field in ["conversation_id", "role", "created_at", "id"] {
        assert_eq!(changed[field], memory[field], "{field}");
    }
}

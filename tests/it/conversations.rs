//! Pieces of conversations as memories: their fields, their lines in a context, and what their neighbours are worth.

use serde_json::{Value, json};

use crate::support::TestApp;

async fn said(app: &TestApp, conversation: &str, speaker: &str, content: &str) -> Value {
    let fields = json!({
        "content": content,
        "type": "episodic",
        "conversation_id": conversation,
        "speaker": speaker,
        "created_at": "2023-05-08T13:56:00Z",
    });
    app.create_memory("default", fields).await
}

async fn found(app: &TestApp, query: &str) -> Vec<String> {
    let path = "/v1/namespaces/default/memories/search";
    let answer = app.api("POST", path, json!({ "query": query })).await;
    let hits = answer.json()["data"].as_array().unwrap().clone();
    hits.iter()
        .map(|hit| hit["memory"]["content"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_turn_keeps_its_conversation_speaker_role_and_time() {
    let app = TestApp::start(&[]).await;
    let fields = json!({
        "content": "I bought a blue bicycle",
        "conversation_id": "c-1",
        "role": "user",
        "speaker": "Ana",
        "created_at": "2023-05-08T15:56:00+02:00",
    });
    let created = app.create_memory("default", fields).await;
    assert_eq!(created["conversation_id"], "c-1");
    assert_eq!(created["role"], "user");
    assert_eq!(created["speaker"], "Ana");
    assert_eq!(created["created_at"], "2023-05-08T13:56:00.000Z");
    let path = format!("/v1/namespaces/default/memories/{}", created["id"].as_str().unwrap());
    assert_eq!(app.api("GET", &path, Value::Null).await.json(), created);
}

#[tokio::test]
async fn a_memory_outside_of_conversations_shows_no_fields_of_one() {
    let app = TestApp::start(&[]).await;
    let created = app
        .create_memory("default", json!({ "content": "User likes tea" }))
        .await;
    for field in ["conversation_id", "role", "speaker"] {
        assert!(created.get(field).is_none(), "{field}");
    }
}

#[tokio::test]
async fn wrong_fields_of_a_turn_are_named() {
    let app = TestApp::start(&[]).await;
    for (field, value, named) in [
        ("created_at", json!("yesterday"), "created_at"),
        ("conversation_id", json!(""), "conversation_id"),
        ("conversation_id", json!("x".repeat(257)), "conversation_id"),
        ("speaker", json!("Ana"), "conversation_id"),
        ("role", json!("user"), "conversation_id"),
    ] {
        let body = json!({ "content": "x", field: value });
        let answer = app.api("POST", "/v1/namespaces/default/memories", body).await;
        assert_eq!(answer.status, 400, "{field}");
        assert_eq!(answer.json()["error"]["param"], named, "{field}");
    }
    let path = format!(
        "/v1/namespaces/default/memories/{}",
        said(&app, "c", "Ana", "x").await["id"].as_str().unwrap()
    );
    let answer = app.api("PATCH", &path, json!({ "speaker": "Ben" })).await;
    assert_eq!(answer.json()["error"]["param"], "speaker");
}

#[tokio::test]
async fn the_answer_is_found_by_the_words_of_the_question_before_it() {
    let app = TestApp::start(&[]).await;
    said(&app, "c-1", "Ben", "What did you buy at the flea market?").await;
    said(&app, "c-1", "Ana", "A blue bicycle, for my sister").await;
    for number in 0..8 {
        said(&app, "c-2", "Ben", &format!("Number {number} of things about nothing")).await;
    }
    let best = found(&app, "flea market purchases").await;
    assert_eq!(
        best[..2],
        ["A blue bicycle, for my sister", "What did you buy at the flea market?"]
    );
}

#[tokio::test]
async fn a_neighbour_of_another_conversation_counts_for_nothing() {
    let app = TestApp::start(&[]).await;
    said(&app, "c-1", "Ben", "The flea market opens at noon").await;
    said(&app, "c-2", "Ana", "A blue bicycle, for my sister").await;
    assert_eq!(found(&app, "flea market").await, ["The flea market opens at noon"]);
}

#[tokio::test]
async fn speaker_and_day_are_found_and_stand_in_the_context() {
    let app = TestApp::start(&[]).await;
    said(&app, "c-1", "Ana", "A blue bicycle, for my sister").await;
    assert_eq!(found(&app, "What did Ana say?").await.len(), 1);
    assert_eq!(found(&app, "8 May 2023").await.len(), 1);
    let answer = app
        .api(
            "POST",
            "/v1/namespaces/default/context",
            json!({ "query": "Ana's bicycle" }),
        )
        .await
        .json();
    let block = "## Relevant Context\n\nAna (2023-05-08): A blue bicycle, for my sister";
    assert_eq!(answer["content"], block);
    assert_eq!(answer["token_count"], maia::text::count_tokens(block));
}

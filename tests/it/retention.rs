//! `retention_days` and `max_memories` of a namespace.

use serde_json::{Value, json};

use crate::support::{Call, TestApp, eventually};

async fn remember(app: &TestApp, source: &str, created_at: &str, content: &str) {
    let fields = json!({ "content": content, "source": source, "created_at": created_at });
    app.create_memory("kept", fields).await;
}

async fn limit(app: &TestApp, config: Value) {
    let answer = app
        .api("PATCH", "/v1/namespaces/kept", json!({ "config": config }))
        .await;
    assert_eq!(answer.status, 200);
}

async fn is_left_with(app: &TestApp, expected: &[&str]) {
    eventually("the namespace is within its limits", || async {
        (app.memories("kept").await == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_too_much_goes_oldest_first_and_what_somebody_wrote_goes_last() {
    let app = TestApp::start(&[]).await;
    app.create_namespace("kept", json!({})).await;
    remember(&app, "user", "2020-01-01T00:00:00Z", "written long ago").await;
    remember(&app, "extracted", "2024-01-01T00:00:00Z", "heard in 2024").await;
    remember(&app, "extracted", "2022-01-01T00:00:00Z", "heard in 2022").await;
    remember(&app, "user", "2023-01-01T00:00:00Z", "written in 2023").await;
    limit(&app, json!({ "max_memories": 3 })).await;
    let app = app.restart().await;
    is_left_with(&app, &["heard in 2024", "written in 2023", "written long ago"]).await;
    limit(&app, json!({ "max_memories": 1 })).await;
    let app = app.restart().await;
    is_left_with(&app, &["written in 2023"]).await;
}

#[tokio::test]
async fn of_the_same_age_the_least_used_goes_first_and_then_the_least_confident() {
    let app = TestApp::start(&[]).await;
    app.create_namespace("kept", json!({})).await;
    let at = "2022-01-01T00:00:00Z";
    for (content, confidence) in [("User owns a tractor", 0.1), ("doubtful", 0.2), ("certain", 0.9)] {
        let fields = json!({ "content": content, "source": "extracted", "created_at": at, "confidence": confidence });
        app.create_memory("kept", fields).await;
    }
    let body = r#"{"messages":[{"role":"user","content":"Where is the tractor that the user owns?"}]}"#;
    let answer = app.send(Call::chat(body).of("kept")).await;
    assert_eq!(answer.header("x-maia-memories-used"), "1");
    limit(&app, json!({ "max_memories": 2 })).await;
    let app = app.restart().await;
    is_left_with(&app, &["User owns a tractor", "certain"]).await;
    limit(&app, json!({ "max_memories": 1 })).await;
    let app = app.restart().await;
    is_left_with(&app, &["User owns a tractor"]).await;
}

#[tokio::test]
async fn nothing_that_somebody_wrote_goes_before_what_was_heard() {
    let app = TestApp::start(&[]).await;
    app.create_namespace("kept", json!({})).await;
    remember(&app, "user", "2020-01-01T00:00:00Z", "User lives in Lisbon").await;
    // Takes the place of what somebody wrote, which is still theirs.
    let message = json!({ "messages": [{ "role": "user", "content": "I live in Madrid." }] });
    let answer = app.api("POST", "/v1/namespaces/kept/extract", message).await;
    assert_eq!(answer.status, 200);
    assert_eq!(app.memories("kept").await, ["User lives in Madrid"]);
    let pinned =
        json!({ "content": "pinned", "source": "extracted", "pinned": true, "created_at": "2021-01-01T00:00:00Z" });
    app.create_memory("kept", pinned).await;
    remember(&app, "extracted", "2024-01-01T00:00:00Z", "heard").await;
    limit(&app, json!({ "max_memories": 2 })).await;
    let app = app.restart().await;
    is_left_with(&app, &["pinned"]).await;
    let all = app
        .api(
            "GET",
            "/v1/namespaces/kept/memories?include_superseded=true",
            json!(null),
        )
        .await;
    let all: Vec<String> = all.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["content"].to_string())
        .collect();
    assert_eq!(all, ["\"pinned\"", "\"User lives in Lisbon\""]);
}

#[tokio::test]
async fn what_is_too_old_goes_and_the_rest_stays() {
    let app = TestApp::start(&[]).await;
    app.create_namespace("kept", json!({})).await;
    app.create_namespace("other", json!({})).await;
    remember(&app, "user", "2020-01-01T00:00:00Z", "old").await;
    app.remember("kept", ["new"]).await;
    app.create_memory(
        "other",
        json!({ "content": "old elsewhere", "created_at": "2020-01-01T00:00:00Z" }),
    )
    .await;
    limit(&app, json!({ "retention_days": 30 })).await;
    let app = app.restart().await;
    is_left_with(&app, &["new"]).await;
    assert_eq!(app.memories("other").await, ["old elsewhere"]);
}

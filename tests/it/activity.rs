//! What requests were given and what was learned from them, one by one and in figures.

use serde_json::{Value, json};

use crate::support::{Backend, Call, Reply, TestApp, eventually};

const ACTIVITY: &str = "/v1/namespaces/default/activity";

async fn get(app: &TestApp, path: &str) -> Value {
    let answer = app.api("GET", path, Value::Null).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn chat(text: &str, id: &str) -> Call {
    let body = json!({ "model": "llama3.2", "messages": [{ "role": "user", "content": text }] });
    Call::chat(body.to_string()).header("X-Request-Id", id)
}

/// The request of an id, once everything about it is written.
async fn request(app: &TestApp, id: &str, is_whole: impl Fn(&Value) -> bool) -> Value {
    eventually("the request is noted", async || {
        let page = get(app, &format!("{ACTIVITY}?request_id={id}")).await;
        Some(page["data"][0].clone()).filter(|request| !request.is_null() && is_whole(request))
    })
    .await
}

#[tokio::test]
async fn each_request_says_what_it_was_given_and_what_was_learned() {
    let backend = Backend::replying(Reply::says("Fine.")).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let known = app
        .create_memory("default", json!({ "content": "User prefers dark mode" }))
        .await;
    let answer = app.send(chat("I live in Lyon. Is dark mode on?", "job-1")).await;
    assert_eq!(answer.header("x-maia-memories-used"), "1");
    let noted = request(&app, "job-1", |request| request["extracted"] != json!([])).await;
    assert_eq!(
        (&noted["model"], &noted["status"], &noted["request_id"]),
        (&json!("llama3.2"), &json!(200), &json!("job-1"))
    );
    assert_eq!(
        noted["token_count"].to_string(),
        answer.header("x-maia-tokens-injected")
    );
    let injected = &noted["injected"];
    assert_eq!(injected.as_array().unwrap().len(), 1);
    assert_eq!(
        (&injected[0]["id"], &injected[0]["position"]),
        (&known["id"], &json!("match"))
    );
    assert!(injected[0]["score"].as_f64().unwrap() > 0.0 && injected[0]["token_count"].as_u64().unwrap() > 0);
    let (recall, latency) = (
        noted["recall_ms"].as_f64().unwrap(),
        noted["latency_ms"].as_f64().unwrap(),
    );
    assert!(0.0 < recall && recall <= latency, "{recall} {latency}");
    let learned = &noted["extracted"][0];
    assert_eq!(
        (&learned["rule"], &learned["result"]),
        (&json!("home"), &json!("stored"))
    );
    let home = learned["id"].as_str().unwrap();
    let memory = get(&app, &format!("/v1/namespaces/default/memories/{home}")).await;
    assert_eq!(memory["content"], "User lives in Lyon");
    // Whatever was said, none of it is there.
    for word in ["Lyon", "dark", "Fine"] {
        assert!(!noted.to_string().contains(word), "{noted}");
    }
    // The same again is known; something newer takes its place; what is to be forgotten goes.
    app.send(chat("I live in Lyon.", "job-2")).await;
    let again = request(&app, "job-2", |request| request["extracted"] != json!([])).await;
    assert_eq!(
        (&again["extracted"][0]["result"], &again["extracted"][0]["id"]),
        (&json!("known"), &json!(home))
    );
    app.send(chat("I moved to Rome.", "job-3")).await;
    let moved = request(&app, "job-3", |request| request["extracted"] != json!([])).await;
    assert_eq!(moved["extracted"][0]["superseded"], json!([home]));
    app.send(chat("Forget that I moved to Rome.", "job-4")).await;
    let gone = request(&app, "job-4", |request| request["extracted"] != json!([])).await;
    assert_eq!(gone["extracted"][0]["result"], "forgotten");
    assert_eq!(gone["extracted"][0]["forgotten"], json!([moved["extracted"][0]["id"]]));

    let stats = get(&app, "/v1/namespaces/default/stats").await;
    let whole = get(&app, "/v1/stats").await;
    for stats in [&stats, &whole] {
        assert_eq!(
            (
                &stats["injections"]["requests"],
                stats["injections"]["injected"].as_i64().unwrap() >= 1
            ),
            (&json!(4), true)
        );
        let expected = json!({ "stored": 2, "known": 1, "superseded": 1, "forgotten": 1 });
        assert_eq!(stats["extractions"], expected);
        assert_eq!(stats["search_latency"]["count"], 4);
        assert!(stats["search_latency"]["p50_ms"].as_f64() <= stats["search_latency"]["p99_ms"].as_f64());
    }
}

#[tokio::test]
async fn requests_are_listed_newest_first_in_their_namespace() {
    let backend = Backend::replying(Reply::says("Fine.")).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    for number in 0..5 {
        app.send(chat("What is new?", &format!("job-{number}"))).await;
    }
    app.send(chat("What is new?", "elsewhere").of("other")).await;
    request(&app, "job-4", |_| true).await;
    let ids = |page: &Value| -> Vec<String> {
        let requests = page["data"].as_array().unwrap().iter();
        requests
            .map(|request| request["request_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = get(&app, &format!("{ACTIVITY}?limit=2")).await;
    assert_eq!(
        (ids(&first), &first["total"], &first["has_more"]),
        (vec!["job-4".into(), "job-3".into()], &json!(5), &json!(true))
    );
    app.send(chat("What is new?", "job-5")).await;
    request(&app, "job-5", |_| true).await;
    let next = get(
        &app,
        &format!("{ACTIVITY}?limit=2&cursor={}", first["next_cursor"].as_str().unwrap()),
    )
    .await;
    assert_eq!(ids(&next), ["job-2", "job-1"]);
    let by_offset = get(&app, &format!("{ACTIVITY}?limit=1&offset=5")).await;
    assert_eq!(
        (ids(&by_offset), &by_offset["next_cursor"]),
        (vec!["job-0".into()], &Value::Null)
    );
    assert_eq!(get(&app, &format!("{ACTIVITY}?count_only=true")).await["total"], 6);
    app.api("GET", &format!("{ACTIVITY}?cursor=x"), Value::Null)
        .await
        .error(400, "bad_request");
    app.api("GET", "/v1/namespaces/none/activity", Value::Null)
        .await
        .error(404, "not_found");
    // What a namespace was used for goes with it.
    app.api("DELETE", "/v1/namespaces/other?force=true", Value::Null).await;
    app.create_namespace("other", json!({})).await;
    assert_eq!(get(&app, "/v1/namespaces/other/activity").await["total"], 0);
    assert_eq!(
        get(&app, "/v1/namespaces/other/stats").await["injections"]["requests"],
        0
    );
}

#[tokio::test]
async fn a_request_that_failed_or_asked_for_nothing_is_noted_as_such() {
    let backend = Backend::replying(Reply::says("Fine.")).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    app.create_memory("default", json!({ "content": "User prefers dark mode" }))
        .await;
    app.send(chat("Is dark mode on?", "skipped").header("X-MAIA-Skip-Memory", "true"))
        .await;
    let skipped = request(&app, "skipped", |_| true).await;
    assert_eq!(
        (&skipped["injected"], &skipped["recall_ms"], &skipped["token_count"]),
        (&json!([]), &Value::Null, &json!(0))
    );
    let gone = TestApp::with_backend("http://127.0.0.1:9/v1", &[]).await;
    gone.send(chat("Is dark mode on?", "failed")).await;
    assert_eq!(request(&gone, "failed", |_| true).await["status"], 502);
}

#[tokio::test]
async fn one_key_switches_it_off_and_leaves_the_figures() {
    let backend = Backend::replying(Reply::says("Fine.")).await;
    let app = TestApp::with_backend(&backend.url(), &[("memory.activity", "false")]).await;
    app.send(chat("I live in Lyon.", "job-1")).await;
    eventually("the request is counted", async || {
        let stats = get(&app, "/v1/stats").await;
        (stats["extractions"]["stored"] == 1 && stats["injections"]["requests"] == 1).then_some(())
    })
    .await;
    assert_eq!(get(&app, ACTIVITY).await["total"], 0);
}

#[tokio::test]
async fn figures_say_what_is_there() {
    let app = TestApp::with_backend("http://127.0.0.1:9/v1", &[]).await;
    app.create_namespace("other", json!({})).await;
    let empty = get(&app, "/v1/namespaces/other/stats").await;
    assert_eq!(
        (&empty["last_write_at"], &empty["search_latency"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(empty["by_type"], json!({ "semantic": 0, "episodic": 0, "working": 0 }));
    app.create_memory(
        "default",
        json!({ "content": "Zoë", "type": "episodic", "source": "imported" }),
    )
    .await;
    let newest = app
        .create_memory("default", json!({ "content": "User likes tea" }))
        .await;
    app.create_memory("other", json!({ "content": "x" })).await;
    let stats = get(&app, "/v1/namespaces/default/stats").await;
    assert_eq!(stats["by_type"], json!({ "semantic": 1, "episodic": 1, "working": 0 }));
    assert_eq!(
        stats["by_source"],
        json!({ "user": 1, "extracted": 0, "inferred": 0, "imported": 1 })
    );
    assert_eq!(
        (
            &stats["memory_count"],
            &stats["content_bytes"],
            &stats["superseded_count"]
        ),
        (&json!(2), &json!(18), &json!(0))
    );
    assert_eq!(stats["last_write_at"], newest["updated_at"]);
    assert_eq!(
        stats["token_count"],
        get(&app, "/v1/namespaces/default").await["stats"]["token_count"]
    );
    let whole = get(&app, "/v1/stats").await;
    assert_eq!(
        (&whole["total_memories"], &whole["total_namespaces"]),
        (&json!(3), &json!(2))
    );
    assert!(whole["storage_size_bytes"].as_i64().unwrap() > 4_096);
    app.api("GET", "/v1/stats?x=1", Value::Null)
        .await
        .error(400, "bad_request");
}

//! Nothing crosses from one namespace to another.

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Call, Reply, TestApp, encoded};

/// Names that differ by as little as names can.
const NAMES: [&str; 12] = [
    "team",
    "Team",
    "TEAM",
    "team/a",
    "team/a/memories",
    "team-a",
    "team.a",
    "team:a",
    "team@a",
    "team_a",
    "team/",
    "t",
];

async fn maia() -> (Backend, TestApp) {
    let backend = Backend::replying(Reply::says("Yes.")).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    (backend, app)
}

fn path(namespace: &str, rest: &str) -> String {
    format!("/v1/namespaces/{}{rest}", encoded(namespace))
}

/// The fact that only this namespace knows; it shares its words with those of all others.
fn secret(namespace: &str) -> String {
    let number = NAMES.iter().position(|name| *name == namespace).unwrap();
    format!("The vault of the team opens with code {}", 1_000 + number)
}

/// Whose secrets an answer or a prompt tells.
fn told(text: &str) -> Vec<&'static str> {
    NAMES.into_iter().filter(|name| text.contains(&secret(name))).collect()
}

#[tokio::test]
async fn every_way_to_read_shows_the_own_namespace_alone() {
    let (backend, app) = maia().await;
    let mut ids = Vec::new();
    for name in NAMES {
        app.create_namespace(name, json!({})).await;
        ids.push(
            app.create_memory(name, json!({"content": secret(name), "tags": ["t"]}))
                .await["id"]
                .clone(),
        );
    }
    let question = "Which code opens the vault of the team?";
    for (name, id) in NAMES.iter().zip(&ids) {
        let ask = json!({"messages": [{"role": "user", "content": question}]}).to_string();
        let answer = app.send(Call::chat(ask).of(name)).await;
        assert_eq!(answer.header("x-maia-memories-used"), "1", "{name}");
        assert_eq!(told(backend.last().text()), [*name]);
        let reads = [
            app.api("GET", &path(name, "/memories?tag=t&limit=1000"), Value::Null)
                .await,
            app.api(
                "POST",
                &path(name, "/memories/search"),
                json!({"query": question, "limit": 1000}),
            )
            .await,
            app.api("POST", &path(name, "/context"), json!({"query": question}))
                .await,
            app.api(
                "POST",
                "/v1/memories/search",
                json!({"query": question, "namespace": name, "limit": 1000}),
            )
            .await,
            app.api("POST", "/v1/memories/search", json!({"namespace": name})).await,
            app.api("POST", "/v1/context", json!({"query": question, "namespace": name}))
                .await,
            app.api(
                "GET",
                &format!("/v1/memories/{}?namespace={}", id.as_str().unwrap(), encoded(name)),
                Value::Null,
            )
            .await,
            app.api(
                "GET",
                &path(name, &format!("/memories/{}", id.as_str().unwrap())),
                Value::Null,
            )
            .await,
        ];
        for answer in reads {
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            assert_eq!(told(answer.text()), [*name]);
        }
        let read = app.api("GET", &path(name, ""), Value::Null).await.json();
        assert_eq!(
            (&read["name"], &read["stats"]["memory_count"]),
            (&json!(name), &json!(1))
        );
    }
}

#[tokio::test]
async fn an_id_of_another_namespace_is_not_found_whatever_is_asked_of_it() {
    let (_backend, app) = maia().await;
    for name in ["team", "Team"] {
        app.create_namespace(name, json!({})).await;
    }
    let memory = app.create_memory("team", json!({"content": secret("team")})).await;
    let id = memory["id"].as_str().unwrap();
    let not_found = |answer: &Answer| {
        answer.error(404, "not_found");
        assert_eq!(told(answer.text()), [""; 0]);
    };
    for namespace in ["Team", "default"] {
        let other = path(namespace, &format!("/memories/{id}"));
        for (method, body) in [
            ("GET", Value::Null),
            ("PUT", json!({"content": "changed"})),
            ("PATCH", json!({"content": "changed"})),
            ("DELETE", Value::Null),
        ] {
            not_found(&app.api(method, &other, body.clone()).await);
            let flat = format!("/v1/memories/{id}?namespace={namespace}");
            not_found(&app.api(method, &flat, body).await);
        }
        for how in ["move", "copy"] {
            let other = path(namespace, &format!("/memories/{how}"));
            let to = if namespace == "default" { "Team" } else { "default" };
            not_found(&app.api("POST", &other, json!({"to": to, "ids": [id]})).await);
        }
    }
    let own = app
        .api("GET", &path("team", &format!("/memories/{id}")), Value::Null)
        .await;
    assert_eq!(own.json(), memory);
}

#[tokio::test]
async fn what_is_said_in_one_namespace_is_remembered_there_alone() {
    let (_backend, app) = maia().await;
    let told = r#"{"messages":[{"role":"user","content":"I'm vegetarian."}]}"#;
    assert_eq!(app.send(Call::chat(told).of("team/a")).await.status, 200);
    let app = app.restart().await;
    assert_eq!(app.memories("team/a").await, ["User is vegetarian"]);
    for other in ["team", "Team/a", "default"] {
        assert_eq!(app.memories(other).await, [""; 0], "{other}");
    }
}

#[tokio::test]
async fn a_missing_namespace_is_never_all_of_them() {
    let (backend, app) = maia().await;
    app.create_namespace("team", json!({})).await;
    app.remember("team", [secret("team")]).await;
    for odd in [
        "missing",
        "*",
        "%",
        "%25",
        "..",
        "team%00",
        "team%20",
        "%2e%2e%2fteam",
        "tea_",
        "team%2F..",
        "te%61m%2F",
    ] {
        for (method, rest, body) in [
            ("GET", "", Value::Null),
            ("GET", "/memories", Value::Null),
            ("POST", "/memories/search", json!({"query": "vault code"})),
            ("POST", "/context", json!({"query": "vault code"})),
            ("DELETE", "?force=true", Value::Null),
        ] {
            let answer = app.api(method, &format!("/v1/namespaces/{odd}{rest}"), body).await;
            assert!(
                matches!(answer.status, 400 | 404),
                "{method} {odd}{rest}: {} {}",
                answer.status,
                answer.text()
            );
            assert_eq!(told(answer.text()), [""; 0], "{method} {odd}{rest}");
        }
    }
    let ask = r#"{"messages":[{"role":"user","content":"Which code opens the vault of the team?"}]}"#;
    for call in [
        Call::chat(ask),
        Call::chat(ask).of("default"),
        Call::chat(ask).of("new"),
    ] {
        assert_eq!(app.send(call).await.header("x-maia-memories-used"), "0");
        assert_eq!(backend.last().text(), ask);
    }
    assert_eq!(app.memories("team").await, [secret("team")]);
}

#[tokio::test]
async fn the_words_of_others_do_not_weigh_on_the_order() {
    let (_backend, app) = maia().await;
    let facts = ["The vault is in the cellar", "The code is in the safe"];
    app.create_namespace("alone", json!({})).await;
    app.remember("alone", facts).await;
    let search = json!({"query": "vault code"});
    let order = |answer: &Answer| -> Vec<(Value, Value)> {
        let page = answer.json();
        let hits = page["data"].as_array().unwrap().iter();
        hits.map(|hit| (hit["memory"]["content"].clone(), hit["score"].clone()))
            .collect()
    };
    let before = order(
        &app.api("POST", &path("alone", "/memories/search"), search.clone())
            .await,
    );
    assert_eq!(before.len(), 2);
    app.create_namespace("crowd", json!({})).await;
    for number in 0..30 {
        app.remember("crowd", [format!("The vault number {number} is shut")])
            .await;
    }
    let after = order(&app.api("POST", &path("alone", "/memories/search"), search).await);
    assert_eq!(after, before);
}

#[tokio::test]
async fn where_the_proxy_may_not_make_namespaces_a_missing_one_is_an_error() {
    let backend = Backend::replying(Reply::says("Yes.")).await;
    let app = TestApp::with_backend(&backend.url(), &[("memory.auto_create_namespace", "false")]).await;
    let ask = r#"{"messages":[{"role":"user","content":"Hi"}]}"#;
    let answer = app.send(Call::chat(ask).of("team")).await;
    assert_eq!(answer.error(404, "not_found"), "there is no namespace \"team\"");
    assert_eq!(answer.json()["error"]["param"], "X-MAIA-Namespace");
    assert_eq!(backend.requests().len(), 0);
    assert_eq!(app.send(Call::chat(ask)).await.status, 200);
}

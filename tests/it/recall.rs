//! Which memories a message brings up.

use serde_json::{Value, json};

use crate::support::{Backend, Call, Reply, TestApp};

async fn maia() -> (Backend, TestApp) {
    let backend = Backend::replying(Reply::says("Yes.")).await;
    let app = TestApp::with_backend(&backend.url(), &[("proxy.auto_remember", "false")]).await;
    (backend, app)
}

/// The lines of the context that a conversation gets in a namespace.
async fn recalled(backend: &Backend, app: &TestApp, namespace: &str, said: &[&str]) -> Vec<String> {
    let messages: Vec<Value> = said
        .iter()
        .map(|text| json!({"role": "user", "content": text}))
        .collect();
    let answer = app
        .send(Call::chat(json!({"messages": messages}).to_string()).of(namespace))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let request = backend.last().json();
    let first = &request["messages"][0];
    if first["role"] != "system" {
        return Vec::new();
    }
    let block = first["content"].as_str().unwrap();
    let lines = block.strip_prefix("## Relevant Context\n\n").unwrap().split('\n');
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn what_a_person_expects_to_come_up_comes_up() {
    let (backend, app) = maia().await;
    let table: [(&str, &[&str], &[&str]); 6] = [
        (
            "What do you know about me?",
            &["User plays the cello"],
            &["User plays the cello"],
        ),
        (
            "What settings should I configure?",
            &["User prefers dark mode"],
            &["User prefers dark mode"],
        ),
        (
            "Suggest something for dinner.",
            &["User is vegetarian"],
            &["User is vegetarian"],
        ),
        ("What is the capital of France?", &["User likes pizza"], &[]),
        (
            "Explain this error: `E0382 use of moved value`",
            &["User likes pizza"],
            &[],
        ),
        (
            "Which display mode is better for reading at night?",
            &["User prefers dark mode", "User's dog is called Biscuit"],
            &["User prefers dark mode", "User's dog is called Biscuit"],
        ),
    ];
    for (number, (message, memories, expected)) in table.iter().enumerate() {
        let namespace = format!("row-{number}");
        app.create_namespace(&namespace, json!({})).await;
        app.remember(&namespace, *memories).await;
        assert_eq!(
            recalled(&backend, &app, &namespace, &[message]).await,
            *expected,
            "{message}"
        );
    }
}

#[tokio::test]
async fn the_better_match_comes_first_whichever_is_newer() {
    let (backend, app) = maia().await;
    let facts = ["User prefers dark mode", "User's dog is called Biscuit"];
    app.create_namespace("older", json!({})).await;
    app.create_namespace("newer", json!({})).await;
    app.remember("older", facts).await;
    app.remember("newer", facts.iter().rev()).await;
    for namespace in ["older", "newer"] {
        let message = "Which display mode is better for reading at night?";
        let lines = recalled(&backend, &app, namespace, &[message]).await;
        assert_eq!(lines.first().map(String::as_str), Some(facts[0]), "{namespace}");
    }
}

#[tokio::test]
async fn a_follow_up_with_few_words_is_understood_from_what_was_said_before() {
    let (backend, app) = maia().await;
    let flight = "The flight to Lisbon leaves at noon";
    app.remember("default", [flight]).await;
    let before = "Is the Lisbon flight booked already?";
    assert_eq!(
        recalled(&backend, &app, "default", &[before, "And when?"]).await,
        [flight]
    );
    assert_eq!(recalled(&backend, &app, "default", &["And when?"]).await, [""; 0]);
    for pointing in [
        "What about it?",
        "Who is on it with me, and who is not?",
        "But when does it leave?",
    ] {
        let lines = recalled(&backend, &app, "default", &[before, pointing]).await;
        assert_eq!(lines, [flight], "{pointing}");
    }
    for other in [
        "Explain how gluons bind quarks together",
        "Tell me a joke.",
        "Is there a word for that feeling?",
    ] {
        let lines = recalled(&backend, &app, "default", &[before, other]).await;
        assert_eq!(lines, [""; 0], "{other}");
    }
}

#[tokio::test]
async fn only_the_words_of_users_bring_memories_up() {
    let (backend, app) = maia().await;
    app.remember("default", ["The flight to Lisbon leaves at noon"]).await;
    let body = r#"{"messages":[{"role":"system","content":"flight Lisbon"},{"role":"assistant","content":"flight Lisbon"},{"role":"user","content":"Explain quarks"},{"role":"tool","content":"flight Lisbon"}]}"#;
    app.chat(body).await;
    assert_eq!(backend.last().text(), body);
}

#[tokio::test]
async fn words_are_found_in_their_other_forms_and_spellings() {
    let (backend, app) = maia().await;
    for (number, (memory, message)) in [
        ("Sam bakes crème brûlée", "A recipe for creme brulee, please"),
        ("Sam bakes creme brulee", "A recipe for CRÈME BRÛLÉE, please"),
        ("The Übung in Zürich is cancelled", "ubung zurich"),
        ("Sam is running marathons", "a marathon run"),
        ("用户喜欢喝绿茶", "给我推荐一种绿茶"),
        ("用户住在北京", "京"),
        ("ユーザーは東京に住んでいる", "東京の天気を教えて"),
        ("사용자는 서울에서 일한다", "서울 날씨 어때"),
        ("Der Vertrag trägt die Nummer A-4711", "A-4711?"),
        ("Пользователь любит чай", "какой чай"),
    ]
    .into_iter()
    .enumerate()
    {
        let namespace = format!("n{number}");
        app.create_namespace(&namespace, json!({})).await;
        app.remember(&namespace, [memory]).await;
        assert_eq!(
            recalled(&backend, &app, &namespace, &[message]).await,
            [memory],
            "{message}"
        );
        let body = json!({"query": message});
        let found = app
            .api("POST", &format!("/v1/namespaces/{namespace}/memories/search"), body)
            .await;
        assert_eq!(found.json()["data"][0]["memory"]["content"], memory, "{message}");
    }
}

fn hostile_queries() -> Vec<String> {
    let mut queries: Vec<String> = [
        "\"",
        "\"\"",
        "'",
        "NEAR(",
        "NEAR(zebra, 5)",
        "c++",
        "C#",
        "AND OR NOT",
        "zebra AND",
        "NOT zebra",
        "^zebra",
        "zebra*",
        "*",
        "content:zebra",
        "{content}: zebra",
        "- zebra",
        "zebra + zebra",
        "(((((",
        ")",
        "zebra\0stripes",
        "\0",
        "😀",
        "🦓🦓",
        "what's",
        "foo-bar",
        "a;b",
        "%s%n",
        "\\",
        "'; DROP TABLE memories; --",
        "\u{202e}arbez",
        "\u{feff}",
        "a\u{301}",
        "\u{301}",
        "ﷺ",
        "\u{1F468}\u{200D}\u{1F469}",
        "。、",
        "１２３",
        "..",
        "zebra\" OR \"1",
    ]
    .map(str::to_owned)
    .into();
    queries.push("w".repeat(90_000));
    queries.push("\"".repeat(5_000));
    queries.push("斑".repeat(20_000));
    queries.push(
        (0..20_000)
            .map(|number| format!("{number:x}"))
            .collect::<Vec<_>>()
            .join(" "),
    );
    queries
}

#[tokio::test]
async fn no_query_breaks_anything() {
    let (backend, app) = maia().await;
    app.remember("default", ["The zebra has stripes"]).await;
    for query in hostile_queries() {
        let shown: String = query.chars().take(40).collect();
        let blank = query.trim().is_empty();
        for path in [
            "/v1/namespaces/default/memories/search",
            "/v1/namespaces/default/context",
        ] {
            let answer = app.api("POST", path, json!({"query": query})).await;
            assert_eq!(
                answer.status,
                if blank { 400 } else { 200 },
                "{path} {shown:?}: {}",
                answer.text()
            );
        }
        let body = json!({"messages": [{"role": "user", "content": query}]}).to_string();
        let answer = app.chat(body.as_str()).await;
        assert_eq!(answer.status, 200, "{shown:?}");
        let asks_for_zebra = shown.split(|c: char| !c.is_alphanumeric()).any(|word| word == "zebra");
        assert_eq!(backend.last().text() != body, asks_for_zebra, "{shown:?}");
    }
    let metrics = app.send(Call::get("/metrics")).await;
    assert!(
        !metrics.text().contains("maia_memory_errors_total"),
        "{}",
        metrics.text()
    );
}

#[tokio::test]
async fn a_query_that_is_too_long_is_refused_where_it_is_the_clients_own() {
    let (_backend, app) = maia().await;
    for path in [
        "/v1/namespaces/default/memories/search",
        "/v1/namespaces/default/context",
    ] {
        let answer = app.api("POST", path, json!({"query": "w".repeat(100_001)})).await;
        let message = answer.error(400, "bad_request");
        assert_eq!(message, "query: may have at most 100000 bytes (got 100001)");
    }
}

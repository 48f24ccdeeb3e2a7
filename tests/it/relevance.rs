//! What is worth its place in a context, and what is not.

use serde_json::{Value, json};

use crate::support::TestApp;

async fn context(app: &TestApp, body: Value) -> Value {
    let answer = app.api("POST", "/v1/namespaces/default/context", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The contents of the memories of a context, in their order.
fn contents(context: &Value) -> Vec<&str> {
    let memories = context["memories"].as_array().unwrap();
    memories
        .iter()
        .map(|memory| memory["content"].as_str().unwrap())
        .collect()
}

async fn said(app: &TestApp, speaker: &str, content: &str) {
    let fields = json!({"content": content, "type": "episodic", "conversation_id": "c-1", "speaker": speaker});
    app.create_memory("default", fields).await;
}

#[tokio::test]
async fn what_is_pinned_is_in_every_context_within_its_share() {
    let app = TestApp::start(&[]).await;
    let pinned = json!({"content": "User writes British English", "pinned": true});
    let created = app.create_memory("default", pinned).await;
    assert_eq!(created["pinned"], true);
    app.remember("default", ["User owns a red kayak"]).await;

    let nothing = context(&app, json!({"query": "What is the boiling point of nitrogen?"})).await;
    assert_eq!(contents(&nothing), ["User writes British English"]);
    assert_eq!(nothing["memories"][0]["position"], "pinned");
    let kayak = context(&app, json!({"query": "Where is the red kayak?"})).await;
    assert_eq!(
        contents(&kayak),
        ["User writes British English", "User owns a red kayak"]
    );
    let both = context(&app, json!({"query": "Is this British English?"})).await;
    assert_eq!(contents(&both), ["User writes British English"]);
    assert!(both["memories"][0]["score"].as_f64().unwrap() > 0.0);
    let small = context(&app, json!({"query": "Where is the red kayak?", "token_budget": 4})).await;
    assert_eq!(contents(&small), [""; 0]);

    let path = format!("/v1/namespaces/default/memories/{}", created["id"].as_str().unwrap());
    let changed = app.api("PATCH", &path, json!({"pinned": false})).await.json();
    assert_eq!(changed["pinned"], false);
    let after = context(&app, json!({"query": "What is the boiling point of nitrogen?"})).await;
    assert_eq!(contents(&after), [""; 0]);
    app.api("PATCH", &path, json!({"pinned": true})).await;
    let kept = app.api("PATCH", &path, json!({"confidence": 0.5})).await.json();
    assert_eq!(kept["pinned"], true);
    let replaced = app.api("PUT", &path, json!({"content": "x"})).await.json();
    assert_eq!(replaced["pinned"], false);
}

#[tokio::test]
async fn without_a_share_for_it_nothing_is_pinned() {
    let app = TestApp::start(&[("memory.profile_tokens", "0")]).await;
    let pinned = json!({"content": "User writes British English", "pinned": true});
    app.create_memory("default", pinned).await;
    assert_eq!(
        contents(&context(&app, json!({"query": "Explain quarks"})).await),
        [""; 0]
    );
}

#[tokio::test]
async fn what_says_the_same_is_there_once_and_what_says_the_opposite_is_there_too() {
    let app = TestApp::start(&[]).await;
    app.remember(
        "default",
        [
            "User likes green tea",
            "User does not like green tea",
            "The user likes green tea.",
            "User likes green tea with lemon",
        ],
    )
    .await;
    let tea = context(&app, json!({"query": "green tea"})).await;
    let mut found = contents(&tea);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "User does not like green tea",
            "User likes green tea",
            "User likes green tea with lemon"
        ]
    );
}

#[tokio::test]
async fn what_was_said_on_two_occasions_is_there_twice() {
    let app = TestApp::start(&[]).await;
    for day in ["2026-01-31", "2026-02-28"] {
        let fields =
            json!({"content": "I swam in the lake", "conversation_id": day, "created_at": format!("{day}T12:00:00Z")});
        app.create_memory("default", fields).await;
    }
    assert_eq!(
        contents(&context(&app, json!({"query": "swam in the lake"})).await).len(),
        2
    );
}

#[tokio::test]
async fn a_match_in_doubt_brings_little_and_a_certain_one_all_that_there_is() {
    let app = TestApp::start(&[]).await;
    for number in 0..20 {
        let fact =
            format!("The colour of house number {number} in our street was chosen by its owner in the year {number}");
        app.remember("default", [fact]).await;
    }
    let doubtful = context(&app, json!({"query": "Explain colour theory", "explain": true})).await;
    let tokens = doubtful["token_count"].as_u64().unwrap();
    assert!((1..=60).contains(&tokens), "{tokens} tokens: {doubtful}");
    assert_eq!(doubtful["explanation"]["in_doubt"], true);
    let certain = context(&app, json!({"query": "the colour of which house", "explain": true})).await;
    assert_eq!(contents(&certain).len(), 20);
    assert_eq!(certain["explanation"]["in_doubt"], false);
}

#[tokio::test]
async fn of_memories_that_are_worth_the_same_the_short_ones_go_first() {
    let app = TestApp::start(&[]).await;
    let short = [
        "A zebra eats grass here",
        "A zebra eats apples now",
        "A zebra eats plums too",
    ];
    let long = "A zebra pneumonoultramicroscopicsilicovolcanoconiosis floccinaucinihilipilification";
    app.remember("default", short).await;
    app.remember("default", [long]).await;
    let all = context(&app, json!({"query": "zebra"})).await;
    assert_eq!(contents(&all).last(), Some(&long));
}

#[tokio::test]
async fn who_is_asked_about_comes_before_who_addresses_them() {
    let app = TestApp::start(&[]).await;
    said(&app, "Ana", "I painted a lighthouse").await;
    for _ in 0..4 {
        said(&app, "Ben", "And the weather was fine").await;
    }
    said(&app, "Ben", "Ana, a lighthouse painted").await;
    let asked = context(&app, json!({"query": "Has Ana painted a lighthouse?"})).await;
    assert_eq!(contents(&asked)[0], "I painted a lighthouse");
}

#[tokio::test]
async fn a_kind_of_thing_finds_what_is_of_that_kind_and_a_verb_its_other_forms() {
    let app = TestApp::start(&[]).await;
    app.remember(
        "default",
        ["Sam owns a violin", "Sam took the train to Basel", "Sam's coat is long"],
    )
    .await;
    let path = "/v1/namespaces/default/memories/search";
    for (query, expected) in [
        ("Which instruments?", "Sam owns a violin"),
        ("taking it to Basel", "Sam took the train to Basel"),
        ("What was taken?", "Sam took the train to Basel"),
    ] {
        let found = app.api("POST", path, json!({ "query": query })).await.json();
        assert_eq!(found["data"][0]["memory"]["content"], expected, "{query}");
    }
}

#[tokio::test]
async fn an_explanation_says_why_each_match_is_in_or_out() {
    let app = TestApp::start(&[]).await;
    said(&app, "Ben", "Which bicycle did you buy at the flea market?").await;
    said(&app, "Ana", "A blue one for my sister").await;
    app.remember("default", ["The flea market was cold"]).await;
    let plain = context(&app, json!({"query": "bicycle from the flea market"})).await;
    assert!(plain.get("explanation").is_none());
    let told = context(&app, json!({"query": "bicycle from the flea market", "explain": true})).await;
    assert_eq!(told["content"], plain["content"]);
    let explanation = &told["explanation"];
    let matches = explanation["matches"].as_array().unwrap();
    assert_eq!(matches.len(), 3, "{explanation:#}");
    for found in matches {
        let part = |name: &str| found["parts"][name].as_f64().unwrap();
        let score = (part("own") * part("length") + part("near")) * part("form") * part("speaker");
        assert!((score - found["score"].as_f64().unwrap()).abs() < 1e-9);
        let weights: f64 = found["terms"]
            .as_array()
            .unwrap()
            .iter()
            .map(|term| term["weight"].as_f64().unwrap())
            .sum();
        assert!((weights - part("own") - part("near")).abs() < 1e-9, "{found:#}");
        let covers_enough = found["coverage"].as_f64() >= explanation["least_coverage"].as_f64();
        assert_eq!(
            found["outcome"],
            if covers_enough { "in" } else { "by_chance" },
            "{found:#}"
        );
    }
    let answer = matches
        .iter()
        .find(|found| found["content"] == "A blue one for my sister")
        .unwrap();
    let terms = answer["terms"].as_array().unwrap();
    assert!(terms.iter().all(|term| term["distance"] == -1), "{answer:#}");
    assert_eq!(terms[0]["term"], "bicycle");

    let small = context(
        &app,
        json!({"query": "bicycle from the flea market", "explain": true, "token_budget": 4}),
    )
    .await;
    assert_eq!(small["explanation"]["matches"][0]["outcome"], "no_room");
}

/// A namespace that is large enough for chance matches.
async fn archive() -> TestApp {
    let app = TestApp::start(&[]).await;
    let filler =
        (0..600).map(|number| json!({"content": format!("Folder {number} holds old receipts"), "source": "imported"}));
    let batch = json!({"memories": filler.collect::<Vec<_>>()});
    let answer = app.api("POST", "/v1/namespaces/default/memories/batch", batch).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    app
}

#[tokio::test]
async fn what_stands_around_a_question_does_not_hide_what_it_asks_for() {
    let app = archive().await;
    let bicycle = "Marta's bicycle was bought in Lisbon";
    app.remember("default", [bicycle]).await;
    let talk = "We had a long dinner yesterday and everybody told stories at once, so I lost track of half of them.";
    for query in [
        format!("{talk} Where was Marta's bicycle bought?"),
        format!("Where was Marta's bicycle bought? {talk}"),
        format!("{talk}\n\nwhere was marta's bicycle bought"),
        "I saw Marta on her bicycle today. Where was it bought?".to_owned(),
    ] {
        let found = context(&app, json!({ "query": query })).await;
        assert_eq!(contents(&found), [bicycle], "{query}");
    }
    let found = context(&app, json!({ "query": talk })).await;
    assert_eq!(contents(&found), [""; 0]);
}

#[tokio::test]
async fn who_mentions_their_own_things_gets_facts_about_themselves_only_where_they_want_something() {
    let app = archive().await;
    let fact = "User is colour-blind";
    app.remember("default", [fact]).await;
    for (query, wanted) in [
        (
            "I am making a map for all that my friends have told me. Explain supply and demand.",
            false,
        ),
        ("We meet at noon for my birthday.", false),
        ("What suits my garden?", true),
        ("I need a present for my sister.", true),
        ("Write an invitation to my birthday.", true),
    ] {
        let found = context(&app, json!({ "query": query })).await;
        assert_eq!(contents(&found).contains(&fact), wanted, "{query}: {found}");
    }
}

//! Search and the context call: what is found, in which order, and in which shape.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support_raw::Call;
use crate::support_served::Served;

const MEMORIES: &str = "/v1/namespaces/default/memories";
const SEARCH: &str = "/v1/namespaces/default/memories/search";
const CONTEXT: &str = "/v1/namespaces/default/context";

fn with(contents: &[&str]) -> Served {
    let maia = Served::start();
    for content in contents {
        maia.memory(content);
    }
    maia
}

/// Contents of what a query finds, best first.
fn found(maia: &Served, query: &str) -> Vec<String> {
    let list = maia.post(SEARCH, &json!({ "query": query })).expect(200);
    let data = list["data"].as_array().unwrap();
    assert_eq!(list["total"], data.len());
    data.iter()
        .map(|hit| hit["memory"]["content"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn results_have_a_memory_and_a_score() {
    let maia = with(&["User prefers dark mode in every editor", "User's dog is called Biscuit"]);
    let list = maia.post(SEARCH, &json!({ "query": "dark mode" })).expect(200);
    let mut fields: Vec<&String> = list.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        ["count", "data", "has_more", "limit", "next_cursor", "offset", "total"]
    );
    assert_eq!(list["total"], 1);
    assert_eq!(list["limit"], 50);
    let hit = list["data"][0].as_object().unwrap();
    assert_eq!(hit.len(), 2);
    let path = format!("{MEMORIES}/{}", hit["memory"]["id"].as_str().unwrap());
    assert_eq!(hit["memory"], maia.get(&path).expect(200));
    assert!(hit["score"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_best_come_first() {
    let maia = with(&[
        "User prefers dark mode",
        "User prefers tea",
        "User runs a dark room for photographs",
        "User's dog is called Biscuit",
    ]);
    let list = maia
        .post(SEARCH, &json!({ "query": "Does the user prefer dark mode?" }))
        .expect(200);
    let hits = list["data"].as_array().unwrap();
    assert_eq!(hits[0]["memory"]["content"], "User prefers dark mode");
    assert_eq!(hits.len(), 3);
    let scores: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    // Twice the words, and the rarer one, are worth more than one.
    assert!(scores[0] > 1.5 * scores[1], "{scores:?}");
}

#[test]
fn words_are_found_in_their_forms() {
    let maia = with(&["User was running in the Zürich hills", "User speaks 日本語 and Greek"]);
    for query in ["run", "RUNNING", "runs", "zurich", "ZÜRICH", "hill"] {
        assert_eq!(found(&maia, query), ["User was running in the Zürich hills"], "{query}");
    }
    for query in ["日本語", "日本", "本語", "語", "greek"] {
        assert_eq!(found(&maia, query), ["User speaks 日本語 and Greek"], "{query}");
    }
    assert_eq!(found(&maia, "swimming"), [""; 0]);
}

#[test]
fn words_that_tell_nothing_are_searched_where_there_is_nothing_else() {
    let maia = with(&["To be or not to be", "User likes tea"]);
    assert_eq!(found(&maia, "to be"), ["To be or not to be"]);
    assert_eq!(found(&maia, "?!"), [""; 0]);
}

#[test]
fn a_search_is_paged() {
    let maia = Served::start();
    for number in 0..7 {
        maia.memory(&format!("User likes tea number {number}"));
    }
    let page = |limit: u32, offset: u32| {
        let body = json!({ "query": "tea", "limit": limit, "offset": offset });
        let list = maia.post(SEARCH, &body).expect(200);
        let data = list["data"].as_array().unwrap();
        let ids: Vec<String> = data.iter().map(|hit| hit["memory"]["id"].to_string()).collect();
        assert_eq!(list["count"], ids.len());
        assert_eq!(list["total"], 7);
        assert_eq!(list["limit"], limit);
        assert_eq!(list["offset"], offset);
        assert_eq!(list["has_more"], offset + limit < 7);
        ids
    };
    let all = page(1_000, 0);
    assert_eq!(all.len(), 7);
    let pages = [page(3, 0), page(3, 3), page(3, 6)].concat();
    assert_eq!(pages, all);
    assert_eq!(page(3, 7), [""; 0]);
}

#[test]
fn a_search_is_filtered() {
    let maia = Served::start();
    for (content, kind, source, tags) in [
        ("tea one", "semantic", "user", json!(["red", "blue"])),
        ("tea two", "episodic", "imported", json!(["red"])),
        ("tea three", "working", "user", json!([])),
        ("coffee", "semantic", "user", json!(["red"])),
    ] {
        let body = json!({ "content": content, "type": kind, "source": source, "tags": tags });
        maia.post(MEMORIES, &body).expect(201);
    }
    for (filter, mut expected) in [
        (json!({ "type": "semantic" }), vec!["tea one"]),
        (
            json!({ "types": ["semantic", "working"] }),
            vec!["tea one", "tea three"],
        ),
        (json!({ "types": [] }), vec!["tea one", "tea three", "tea two"]),
        (json!({ "source": "imported" }), vec!["tea two"]),
        (json!({ "tag": "red" }), vec!["tea one", "tea two"]),
        (json!({ "tags": ["red", "blue"] }), vec!["tea one"]),
        (json!({ "created_before": "2000-01-01T00:00:00Z" }), vec![]),
        (
            json!({ "created_after": "2000-01-01T00:00:00Z", "source": "user" }),
            vec!["tea one", "tea three"],
        ),
    ] {
        let mut body = filter.clone();
        body["query"] = "tea".into();
        let list = maia.post(SEARCH, &body).expect(200);
        let data = list["data"].as_array().unwrap();
        let mut contents: Vec<&str> = data
            .iter()
            .map(|hit| hit["memory"]["content"].as_str().unwrap())
            .collect();
        contents.sort_unstable();
        expected.sort_unstable();
        assert_eq!(contents, expected, "{filter}");
        assert_eq!(list["total"], expected.len(), "{filter}");
    }
}

#[test]
fn a_search_follows_every_change() {
    let maia = Served::start();
    let memory = maia.memory("User likes tea");
    let path = format!("{MEMORIES}/{}", memory["id"].as_str().unwrap());
    assert_eq!(found(&maia, "tea"), ["User likes tea"]);
    maia.call("PATCH", &path, &json!({ "content": "User likes coffee" }))
        .expect(200);
    assert_eq!(found(&maia, "tea"), [""; 0]);
    assert_eq!(found(&maia, "coffee"), ["User likes coffee"]);
    maia.delete(&path).expect(200);
    assert_eq!(found(&maia, "coffee"), [""; 0]);
}

#[test]
fn bad_searches_are_named() {
    let maia = with(&["User likes tea"]);
    let long = "x".repeat(100_001);
    for (body, param, rule) in [
        (json!({}), Some("query"), "is missing"),
        (json!({ "query": "" }), Some("query"), "must not be empty"),
        (json!({ "query": " \n" }), Some("query"), "must not be empty"),
        (json!({ "query": 1 }), Some("query"), "expected a string"),
        (
            json!({ "query": long }),
            Some("query"),
            "at most 100000 bytes (got 100001)",
        ),
        (json!({ "query": "x", "p": "x" }), Some("p"), "unknown field"),
    ] {
        for path in [SEARCH, CONTEXT] {
            let message = maia.post(path, &body).expect_error(400, "bad_request", param);
            assert!(message.contains(rule), "{message}");
        }
    }
    for (path, rule) in [(SEARCH, "is missing"), (CONTEXT, "expected a string")] {
        let reply = maia.post(path, &json!({ "query": null }));
        let message = reply.expect_error(400, "bad_request", Some("query"));
        assert!(message.contains(rule), "{message}");
    }
    for (field, value, param, rule) in [
        ("limit", json!(0), "limit", "from 1 to 1000 (got 0)"),
        ("limit", json!(1_001), "limit", "from 1 to 1000 (got 1001)"),
        ("limit", json!("5"), "limit", "invalid type"),
        ("offset", json!(-1), "offset", "invalid value"),
        ("type", json!("fact"), "type", "must be one of"),
        ("types", json!(["fact"]), "types[0]", "must be one of"),
        ("types", json!("semantic"), "types", "invalid type"),
        ("source", json!("me"), "source", "must be one of"),
        ("created_after", json!("now"), "created_after", "2026-01-31T12:00:00Z"),
        ("created_before", json!(0), "created_before", "invalid type"),
    ] {
        let message = maia
            .post(SEARCH, &json!({ "query": "tea", field: value }))
            .expect_error(400, "bad_request", Some(param));
        assert!(message.contains(rule), "{message}");
    }
}

#[test]
fn a_context_is_the_block_and_what_is_behind_it() {
    let maia = with(&["User prefers dark\n  mode", "User's dog is called Biscuit"]);
    let context = maia
        .post(CONTEXT, &json!({ "query": "Is dark mode any good?" }))
        .expect(200);
    let mut fields: Vec<&String> = context.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        [
            "content",
            "memories",
            "query_time",
            "token_budget",
            "token_count",
            "truncated"
        ]
    );
    assert_eq!(context["content"], "## Relevant Context\n\nUser prefers dark mode");
    assert_eq!(context["token_budget"], 4_000);
    assert_eq!(context["truncated"], false);
    let time = context["query_time"].as_str().unwrap().strip_suffix("ms").unwrap();
    assert!(time.parse::<f64>().unwrap() >= 0.0, "{time}");
    let memory = context["memories"][0].as_object().unwrap();
    let mut fields: Vec<&String> = memory.keys().collect();
    fields.sort();
    assert_eq!(
        fields,
        ["content", "id", "position", "score", "token_count", "truncated", "type"]
    );
    assert_eq!(memory["content"], "User prefers dark\n  mode");
    assert_eq!(memory["type"], "semantic");
    assert_eq!(memory["truncated"], false);
    assert!(memory["score"].as_f64().unwrap() > 0.0);
    let (all, line) = (
        context["token_count"].as_u64().unwrap(),
        memory["token_count"].as_u64().unwrap(),
    );
    assert!(line >= 4 && all > line && all < 20, "{all} {line}");
    assert_eq!(context["memories"].as_array().unwrap().len(), 1);
}

#[test]
fn a_context_holds_facts_for_what_is_about_the_user() {
    let maia = with(&["User is vegetarian", "User prefers dark mode"]);
    let context = maia
        .post(CONTEXT, &json!({ "query": "What do you know about me?" }))
        .expect(200);
    assert_eq!(
        context["content"],
        "## Relevant Context\n\nUser prefers dark mode\nUser is vegetarian"
    );
    assert_eq!(context["memories"][0]["score"], 0.0);
    let context = maia
        .post(CONTEXT, &json!({ "query": "What is the capital of France?" }))
        .expect(200);
    assert_eq!(context["content"], "");
    assert_eq!(context["memories"], json!([]));
    assert_eq!(context["token_count"], 0);
}

#[test]
fn a_context_keeps_to_its_budget() {
    let maia = Served::start();
    for number in 0..30 {
        maia.memory(&format!(
            "User likes tea of kind {number} from the shop at the corner of the street"
        ));
    }
    let query = json!({ "query": "Which tea from the shop?" });
    let whole = maia.post(CONTEXT, &query).expect(200);
    let needed = whole["token_count"].as_u64().unwrap();
    assert_eq!(whole["truncated"], false);
    for budget in [1, 5, 6, 20, 21, 40, 100, needed - 1, needed] {
        let mut body = query.clone();
        body["token_budget"] = budget.into();
        let context = maia.post(CONTEXT, &body).expect(200);
        let tokens = context["token_count"].as_u64().unwrap();
        assert!(tokens <= budget, "{tokens} > {budget}");
        let lines = context["content"].as_str().unwrap().lines().count();
        let memories = context["memories"].as_array().unwrap().len();
        assert_eq!(lines, if memories == 0 { 0 } else { memories + 2 });
        assert_eq!(context["token_budget"], budget);
        assert_eq!(context["truncated"], budget < needed, "{budget} of {needed}");
    }
    // The namespace's own budget goes before the configuration's.
    let settings = json!({ "config": { "token_budget": 40 } });
    maia.call("PATCH", "/v1/namespaces/default", &settings).expect(200);
    let context = maia.post(CONTEXT, &query).expect(200);
    assert_eq!(context["token_budget"], 40);
    assert!(context["token_count"].as_u64().unwrap() <= 40);
    for (value, rule) in [
        (json!(0), "from 1"),
        (json!(-1), "invalid value"),
        (json!("9"), "invalid type"),
    ] {
        let body = json!({ "query": "tea", "token_budget": value });
        let message = maia
            .post(CONTEXT, &body)
            .expect_error(400, "bad_request", Some("token_budget"));
        assert!(message.contains(rule), "{message}");
    }
}

#[test]
fn queries_are_never_syntax() {
    let maia = with(&["User codes in C++ and foo-bar", "User likes tea"]);
    for query in [
        "\"",
        "\"\"\"",
        "'",
        "NEAR(",
        "tea NEAR/2 likes",
        "tea AND",
        "OR",
        "NOT tea",
        "tea*",
        "^tea",
        "(tea",
        "text:tea",
        "{text}: tea",
        "c++",
        "what's",
        "foo-bar",
        "-tea",
        "tea;DROP TABLE memories",
        "%",
        "_",
        "\\",
        "a\u{0}tea",
        "\u{feff}",
        "٣",
        "🚀",
        "ﷺ",
        "\u{202e}tea",
        "ſ",
        "İ",
    ] {
        let reply = maia.post(SEARCH, &json!({ "query": query }));
        assert_eq!(reply.status, 200, "{query:?}: {reply}");
        let reply = maia.post(CONTEXT, &json!({ "query": query }));
        assert_eq!(reply.status, 200, "{query:?}: {reply}");
    }
    assert_eq!(found(&maia, "tea NEAR/2 \"likes")[0], "User likes tea");
    assert_eq!(found(&maia, "text:tea"), ["User likes tea"]);
    assert_eq!(found(&maia, "C++"), ["User codes in C++ and foo-bar"]);
    let many: Vec<String> = (0..18_000).map(|number| number.to_string()).collect();
    assert_eq!(found(&maia, &many.join(" ")), [""; 0]);
}

#[test]
fn any_text_can_be_stored_and_asked_for() {
    let maia = Served::start();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let texts = (proptest::string::string_regex("(?s).{1,40}").unwrap(), any::<String>());
    let outcome = runner.run(&texts, |(content, query)| {
        let reply = maia.post(MEMORIES, &json!({ "content": content }));
        if content.trim().is_empty() || content.contains('\0') {
            prop_assert_eq!(reply.status, 400);
        } else {
            prop_assert_eq!(&reply.json()["content"], &Value::from(content));
        }
        let reply = maia.send(&Call::json("POST", SEARCH, &json!({ "query": query })));
        let expected = if query.trim().is_empty() { 400 } else { 200 };
        prop_assert_eq!(reply.status, expected);
        Ok(())
    });
    outcome.unwrap();
}

/// The best of more matches than a page holds.
fn best(maia: &Served, query: &str) -> String {
    let list = maia.post(SEARCH, &json!({ "query": query, "limit": 1 })).expect(200);
    list["data"][0]["memory"]["content"].as_str().unwrap().to_owned()
}

/// Adds so many memories that hold a word that only some of them are read for a query.
fn add_many_herons(maia: &Served) {
    let long = |number: u32| format!("User saw heron {number} while walking slowly around the long old wooden bridge");
    let many: Vec<Value> = (0..600).map(|number| json!({ "content": long(number) })).collect();
    maia.post(&format!("{MEMORIES}/batch"), &json!({ "memories": many }))
        .expect(201);
}

#[test]
fn of_many_that_hold_the_same_words_the_shortest_is_found_however_old() {
    let maia = with(&["Herons eat fish"]);
    add_many_herons(&maia);
    assert_eq!(best(&maia, "heron"), "Herons eat fish");
}

#[test]
fn a_memory_that_was_made_shorter_is_found_as_what_it_is() {
    let maia = Served::start();
    let memory = maia.memory("User saw one heron while walking slowly around the long old wooden bridge again");
    add_many_herons(&maia);
    assert!(!best(&maia, "heron").contains("one heron"));
    let path = format!("{MEMORIES}/{}", memory["id"].as_str().unwrap());
    let call = Call::json("PATCH", &path, &json!({ "content": "Herons eat fish" }));
    maia.send(&call).expect(200);
    assert_eq!(best(&maia, "heron"), "Herons eat fish");
}

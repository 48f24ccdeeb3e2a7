//! Lists of memories: order, paging and filters.

use serde_json::{Value, json};

use crate::support_served::Served;

const MEMORIES: &str = "/v1/namespaces/default/memories";

fn contents(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().unwrap();
    data.iter().map(|memory| memory["content"].as_str().unwrap()).collect()
}

fn envelope(list: &Value) -> [Value; 5] {
    ["count", "total", "limit", "offset", "has_more"].map(|field| list[field].clone())
}

/// Three memories that differ in everything a filter looks at.
fn filled() -> Served {
    let maia = Served::start();
    for (content, kind, source, tags) in [
        ("one", "semantic", "user", json!(["red", "blue"])),
        ("two", "episodic", "imported", json!(["red"])),
        ("three", "working", "user", json!([])),
    ] {
        let body = json!({ "content": content, "type": kind, "source": source, "tags": tags });
        maia.post(MEMORIES, &body).expect(201);
    }
    maia
}

#[test]
fn newest_come_first_in_pages() {
    let maia = Served::start();
    for number in 1..=60 {
        maia.memory(&format!("fact {number}"));
    }
    let first = maia.get(MEMORIES).expect(200);
    assert_eq!(
        envelope(&first),
        [json!(50), json!(60), json!(50), json!(0), json!(true)]
    );
    assert_eq!(first.as_object().unwrap().len(), 7);
    assert_eq!(contents(&first)[..2], ["fact 60", "fact 59"]);
    let second = maia.get(&format!("{MEMORIES}?offset=50")).expect(200);
    assert_eq!(
        envelope(&second),
        [json!(10), json!(60), json!(50), json!(50), json!(false)]
    );
    assert_eq!(contents(&second)[9], "fact 1");
    let page = maia.get(&format!("{MEMORIES}?limit=3&offset=57")).expect(200);
    assert_eq!(
        envelope(&page),
        [json!(3), json!(60), json!(3), json!(57), json!(false)]
    );
    assert_eq!(contents(&page), ["fact 3", "fact 2", "fact 1"]);
    let behind = maia.get(&format!("{MEMORIES}?offset=60")).expect(200);
    assert_eq!(
        envelope(&behind),
        [json!(0), json!(60), json!(50), json!(60), json!(false)]
    );
}

#[test]
fn filters_choose_and_add_up() {
    let maia = filled();
    for (query, expected) in [
        ("type=semantic", &["one"][..]),
        ("type=episodic", &["two"]),
        ("type=working", &["three"]),
        ("source=user", &["three", "one"]),
        ("source=extracted", &[]),
        ("tag=red", &["two", "one"]),
        ("tag=red&tag=blue", &["one"]),
        ("tag=re", &[]),
        ("tag=RED", &[]),
        ("tag=red&source=imported", &["two"]),
        ("type=working&tag=red", &[]),
        ("created_after=2000-01-01T00:00:00Z", &["three", "two", "one"]),
        ("created_before=2000-01-01T00:00:00Z", &[]),
        ("created_after=9999-12-31T23:59:59Z", &[]),
        ("created_before=9999-12-31T23:59:59%2B01:00", &["three", "two", "one"]),
        ("tag=%27%20OR%201=1--", &[]),
    ] {
        let list = maia.get(&format!("{MEMORIES}?{query}")).expect(200);
        assert_eq!(contents(&list), expected, "{query}");
        assert_eq!(list["total"], expected.len(), "{query}");
    }
    let page = maia.get(&format!("{MEMORIES}?tag=red&limit=1")).expect(200);
    assert_eq!(contents(&page), ["two"]);
    assert_eq!(envelope(&page), [json!(1), json!(2), json!(1), json!(0), json!(true)]);
}

#[test]
fn after_includes_its_own_moment_and_before_does_not() {
    let maia = Served::start();
    let memory = maia.memory("User likes tea");
    let moment = memory["created_at"].as_str().unwrap();
    for (filter, total) in [("created_after", 1), ("created_before", 0)] {
        let list = maia.get(&format!("{MEMORIES}?{filter}={moment}")).expect(200);
        assert_eq!(list["total"], total, "{filter}");
        let search = json!({ "query": "tea", filter: moment });
        let found = maia.post(&format!("{MEMORIES}/search"), &search).expect(200);
        assert_eq!(found["total"], total, "{filter} in a search");
    }
}

#[test]
fn bad_filters_are_named() {
    let maia = filled();
    for (query, param, rule) in [
        ("type=fact", "type", "must be one of semantic, episodic, working"),
        ("type=", "type", "must be one of"),
        (
            "conversation_id=a&conversation_id=b",
            "conversation_id",
            "more than once",
        ),
        (
            "source=me",
            "source",
            "must be one of user, extracted, inferred, imported",
        ),
        ("created_after=yesterday", "created_after", "2026-01-31T12:00:00Z"),
        ("created_after=2026-01-31", "created_after", "2026-01-31T12:00:00Z"),
        ("created_before=1", "created_before", "2026-01-31T12:00:00Z"),
        ("tags=red", "tags", "no such parameter"),
        ("limit=0", "limit", "from 1 to 1000"),
        ("offset=x", "offset", "whole number from 0"),
    ] {
        let reply = maia.get(&format!("{MEMORIES}?{query}"));
        let message = reply.expect_error(400, "bad_request", Some(param));
        assert!(message.contains(rule), "{query}: {message}");
    }
}

#[test]
fn a_memory_without_free_fields_is_passed_over_by_a_filter_on_them() {
    let maia = Served::start();
    maia.memory("User likes tea");
    let noted = json!({ "content": "User plans a garden", "metadata": { "project": "atlas" } });
    let noted = maia.post("/v1/namespaces/default/memories", &noted).expect(201);
    let list = maia
        .get("/v1/namespaces/default/memories?metadata.project=atlas")
        .expect(200);
    assert_eq!((&list["total"], &list["data"][0]["id"]), (&json!(1), &noted["id"]));
    let search = json!({ "query": "tea", "metadata": { "project": "atlas" } });
    let search = maia.post("/v1/namespaces/default/memories/search", &search).expect(200);
    assert_eq!(search["total"], 0);
    let gone = maia
        .delete("/v1/namespaces/default/memories?metadata.project=atlas")
        .expect(200);
    assert_eq!(gone["deleted"], 1);
}

#[test]
fn what_is_passed_over_has_a_limit() {
    let maia = Served::start();
    let path = "/v1/namespaces/default/memories";
    assert_eq!(
        maia.get(&format!("{path}?offset=9007199254740991")).expect(200)["count"],
        0
    );
    let refused = maia.get(&format!("{path}?offset=9007199254740992"));
    let message = refused.expect_error(400, "bad_request", Some("offset"));
    assert!(message.contains("from 0 to 9007199254740991"), "{message}");
    let search = |body| maia.post(&format!("{path}/search"), &body);
    // JSON knows one kind of number.
    let found = search(json!({ "query": "tea", "limit": 7.0, "offset": 3.0 })).expect(200);
    assert_eq!((&found["limit"], &found["offset"]), (&json!(7), &json!(3)));
    for (field, value) in [("limit", json!(7.5)), ("limit", json!(-1)), ("offset", json!(1e300))] {
        search(json!({ "query": "tea", field: value })).expect_error(400, "bad_request", Some(field));
    }
}

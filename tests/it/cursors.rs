//! Lists of memories by cursor and in orders of one's own, with the filters that lists, searches and deletions share.

use serde_json::{Value, json};

use crate::support_raw::Call;
use crate::support_served::Served;

const MEMORIES: &str = "/v1/namespaces/default/memories";

fn contents(list: &Value) -> Vec<String> {
    let data = list["data"].as_array().unwrap().iter();
    data.map(|memory| memory["content"].as_str().unwrap().to_owned())
        .collect()
}

/// Reads a list to its end by cursors; `between` runs after each page.
fn read_on(maia: &Served, query: &str, mut between: impl FnMut(usize)) -> Vec<String> {
    let mut page = maia.get(&format!("{MEMORIES}?limit=2&{query}")).expect(200);
    let mut all = contents(&page);
    let mut pages = 1;
    while let Some(cursor) = page["next_cursor"].as_str() {
        assert_eq!(page["has_more"], true);
        between(pages);
        page = maia
            .get(&format!("{MEMORIES}?limit=2&cursor={cursor}&{query}"))
            .expect(200);
        all.extend(contents(&page));
        pages += 1;
        assert!(pages < 50, "the list has no end");
    }
    assert_eq!(page["has_more"], false);
    all
}

/// Five memories whose order is another one by each field.
fn filled() -> Served {
    let maia = Served::start();
    for (content, confidence, day) in [
        ("a", 0.5, 3),
        ("b", 0.1, 5),
        ("c", 0.9, 1),
        ("d", 0.5, 4),
        ("e", 0.3, 2),
    ] {
        let body =
            json!({ "content": content, "confidence": confidence, "created_at": format!("2026-01-0{day}T12:00:00Z") });
        maia.post(MEMORIES, &body).expect(201);
    }
    maia
}

#[test]
fn every_order_is_read_in_pages_and_by_cursor_alike() {
    let maia = filled();
    let b = maia.get(&format!("{MEMORIES}?q=b")).expect(200)["data"][0].clone();
    let path = format!("{MEMORIES}/{}", b["id"].as_str().unwrap());
    maia.call("PATCH", &path, &json!({ "tags": ["changed"] })).expect(200);
    for (query, expected) in [
        ("", "edcba"),
        ("sort=created_at", "bdaec"),
        ("sort=created_at:desc", "bdaec"),
        ("sort=created_at:asc", "ceadb"),
        ("sort=confidence", "cdaeb"),
        ("sort=confidence:asc", "beadc"),
        ("sort=accessed_at:asc", "ceadb"),
        ("sort=access_count", "edcba"),
        ("sort=access_count:asc", "abcde"),
        ("sort=confidence&type=semantic&q=A", "a"),
    ] {
        let whole = maia.get(&format!("{MEMORIES}?{query}")).expect(200);
        assert_eq!(contents(&whole).concat(), expected, "{query}");
        assert_eq!(whole["next_cursor"], Value::Null, "{query}");
        assert_eq!(read_on(&maia, query, |_| {}).concat(), expected, "{query}");
    }
    let newest = maia.get(&format!("{MEMORIES}?sort=updated_at&limit=1")).expect(200);
    assert_eq!(contents(&newest), ["b"]);
}

#[test]
fn what_is_written_meanwhile_neither_repeats_nor_hides_anything() {
    for query in ["", "sort=created_at", "sort=confidence:asc"] {
        let maia = filled();
        let list = maia.get(MEMORIES).expect(200);
        let id_of = |content: &str| {
            let memories = list["data"].as_array().unwrap();
            let found = memories.iter().find(|memory| memory["content"] == content);
            found.unwrap()["id"].as_str().unwrap().to_owned()
        };
        let before = contents(&maia.get(&format!("{MEMORIES}?{query}")).expect(200));
        let seen = read_on(&maia, query, |page| {
            if page == 1 {
                // One of those that were read, the one that the cursor stands on, goes; others come at both ends.
                maia.delete(&format!("{MEMORIES}/{}", id_of(&before[1]))).expect(200);
                let early = json!({ "content": "x", "confidence": 0.0, "created_at": "2027-01-01T00:00:00Z" });
                maia.post(MEMORIES, &early).expect(201);
            }
        });
        assert_eq!(seen.concat(), before.concat(), "{query}");
    }
}

#[test]
fn a_cursor_belongs_to_its_order_and_stands_for_itself() {
    let maia = filled();
    let cursor = maia.get(&format!("{MEMORIES}?limit=2&sort=confidence")).expect(200)["next_cursor"].clone();
    let cursor = cursor.as_str().unwrap();
    // The order is the cursor's own where none is named.
    let next = maia.get(&format!("{MEMORIES}?limit=2&cursor={cursor}")).expect(200);
    assert_eq!(contents(&next), ["a", "e"]);
    assert_eq!((&next["total"], &next["offset"]), (&json!(5), &json!(0)));
    for (query, param, rule) in [
        (
            format!("cursor={cursor}&sort=created_at"),
            "sort",
            "the order that the cursor is a place in",
        ),
        (format!("cursor={cursor}&offset=0"), "offset", "leave one of them out"),
        ("cursor=".into(), "cursor", "no cursor of this list"),
        ("cursor=abc".into(), "cursor", "no cursor of this list"),
        (format!("cursor={}", "f".repeat(26)), "cursor", "no cursor of this list"),
        ("cursor=%00%ff".into(), "cursor", "no cursor of this list"),
        ("sort=content".into(), "sort", "must be one of created_at, updated_at"),
        ("sort=created_at:up".into(), "sort", "must end in :asc or :desc"),
        ("sort=".into(), "sort", "must be one of"),
        ("count_only=yes".into(), "count_only", "must be true or false"),
        ("q=".into(), "q", "must not be empty"),
    ] {
        let reply = maia.get(&format!("{MEMORIES}?{query}"));
        let message = reply.expect_error(400, "bad_request", Some(param));
        assert!(message.contains(rule), "{query}: {message}");
    }
    // In another namespace a cursor shows what is there, and nothing of where it comes from.
    maia.namespace("other");
    let other = maia
        .get(&format!("/v1/namespaces/other/memories?cursor={cursor}"))
        .expect(200);
    assert_eq!(other["data"], json!([]));
}

#[test]
fn counts_come_without_bodies() {
    let maia = filled();
    let counted = maia.get(&format!("{MEMORIES}?count_only=true&q=a")).expect(200);
    let expected =
        json!({ "data": [], "count": 0, "total": 1, "limit": 0, "offset": 0, "has_more": true, "next_cursor": null });
    assert_eq!(counted, expected);
    let head = maia.send(&Call::new("HEAD", &format!("{MEMORIES}?limit=1")));
    assert_eq!((head.status, head.header("x-total-count")), (200, Some("5")));
    assert_eq!(head.body, b"");
    maia.namespace("other");
    let namespaces = maia.get("/v1/namespaces?count_only=true").expect(200);
    assert_eq!((&namespaces["total"], &namespaces["data"]), (&json!(2), &json!([])));
}

#[test]
fn namespaces_are_read_on_by_cursor() {
    let maia = Served::start();
    for name in ["a", "b", "e/f"] {
        maia.namespace(name);
    }
    let mut names = Vec::new();
    let mut query = "limit=1".to_owned();
    loop {
        let page = maia.get(&format!("/v1/namespaces?{query}")).expect(200);
        names.push(page["data"][0]["name"].as_str().unwrap().to_owned());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        query = format!("limit=1&cursor={cursor}");
        if names.len() == 1 {
            maia.delete("/v1/namespaces/a").expect(200);
        }
    }
    assert_eq!(names, ["a", "b", "default", "e/f"]);
    for cursor in ["x", "2", "2f", "é", ""] {
        maia.get(&format!("/v1/namespaces?cursor={cursor}"))
            .expect_error(400, "bad_request", Some("cursor"));
    }
}

/// A filter as parameters and as the body of a search, and what it means of the three memories below.
fn filters() -> Vec<(&'static str, Value, &'static [&'static str])> {
    vec![
        (
            "type=semantic&type=working",
            json!({ "types": ["semantic", "working"] }),
            &["Tea at ÉCLAIR", "Tea at home"],
        ),
        (
            "source=user&source=imported",
            json!({ "sources": ["user", "imported"] }),
            &["Tea at ÉCLAIR", "Tea in Kyoto"],
        ),
        ("tag=hot&tag=far", json!({ "tags": ["hot", "far"] }), &["Tea in Kyoto"]),
        (
            "any_tag=far&any_tag=cold",
            json!({ "any_tags": ["far", "cold"] }),
            &["Tea in Kyoto"],
        ),
        (
            "any_tag=far&any_tag=hot",
            json!({ "any_tags": ["far", "hot"] }),
            &["Tea at ÉCLAIR", "Tea in Kyoto"],
        ),
        (
            "metadata.who=Ann",
            json!({ "metadata": { "who": "Ann" } }),
            &["Tea at ÉCLAIR"],
        ),
        (
            "metadata.n=1",
            json!({ "metadata": { "n": 1 } }),
            &["Tea at ÉCLAIR", "Tea at home"],
        ),
        (
            "metadata.n=1.50",
            json!({ "metadata": { "n": 1.5 } }),
            &["Tea in Kyoto"],
        ),
        (
            "metadata.a.b=true",
            json!({ "metadata": { "a.b": true } }),
            &["Tea at ÉCLAIR"],
        ),
        (
            "metadata.who=null",
            json!({ "metadata": { "who": null } }),
            &["Tea at home"],
        ),
        ("metadata.missing=null", json!({ "metadata": { "missing": null } }), &[]),
        (
            "metadata.n=1&metadata.who=Ann",
            json!({ "metadata": { "n": "1", "who": "Ann" } }),
            &["Tea at ÉCLAIR"],
        ),
        ("metadata.%27%29--=1", json!({ "metadata": { "')--": 1 } }), &[]),
        ("q=%C3%A9clair", json!({ "q": "éclair" }), &["Tea at ÉCLAIR"]),
        (
            "q=TEA%20AT",
            json!({ "q": "TEA AT" }),
            &["Tea at ÉCLAIR", "Tea at home"],
        ),
        ("q=%25", json!({ "q": "%" }), &[]),
    ]
}

/// Lists and searches with the same filters find the same.
#[test]
fn filters_mean_the_same_everywhere() {
    let maia = Served::start();
    for (content, kind, source, tags, metadata) in [
        (
            "Tea at ÉCLAIR",
            "semantic",
            "user",
            json!(["hot"]),
            json!({ "n": 1, "who": "Ann", "a.b": true }),
        ),
        (
            "Tea in Kyoto",
            "episodic",
            "imported",
            json!(["hot", "far"]),
            json!({ "n": 1.5, "who": "ann" }),
        ),
        (
            "Tea at home",
            "working",
            "extracted",
            json!([]),
            json!({ "n": "1", "who": null, "list": ["Ann"] }),
        ),
    ] {
        let body = json!({ "content": content, "type": kind, "source": source, "tags": tags, "metadata": metadata });
        maia.post(MEMORIES, &body).expect(201);
    }
    for (query, body, expected) in filters() {
        let list = maia.get(&format!("{MEMORIES}?{query}&sort=created_at:asc")).expect(200);
        assert_eq!(contents(&list), expected, "{query}");
        assert_eq!(list["total"], expected.len(), "{query}");
        let mut search = body.clone();
        search["query"] = "tea".into();
        let found = maia.post(&format!("{MEMORIES}/search"), &search).expect(200);
        let mut hits: Vec<String> = found["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["memory"]["content"].as_str().unwrap().to_owned())
            .collect();
        let mut wanted: Vec<String> = expected.iter().map(|&content| content.to_owned()).collect();
        hits.sort();
        wanted.sort();
        assert_eq!(hits, wanted, "{body}");
        let purged = maia.delete(&format!("{MEMORIES}?{query}&dry_run=true")).expect(200);
        assert_eq!(purged["deleted"], expected.len(), "{query}");
    }
}

#[test]
fn bad_filters_of_a_search_are_named() {
    let maia = Served::start();
    for (body, param) in [
        (
            json!({ "query": "tea", "metadata": { "list": ["Ann"] } }),
            "metadata.list",
        ),
        (json!({ "query": "tea", "metadata": [] }), "metadata"),
        (json!({ "query": "tea", "sources": ["me"] }), "sources[0]"),
        (json!({ "query": "tea", "q": "" }), "q"),
        (json!({ "query": "tea", "any_tags": "hot" }), "any_tags"),
    ] {
        maia.post(&format!("{MEMORIES}/search"), &body)
            .expect_error(400, "bad_request", Some(param));
    }
}

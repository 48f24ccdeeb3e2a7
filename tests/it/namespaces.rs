//! `/v1/namespaces`: making, reading, listing, changing and deleting, and what is refused.

use serde_json::{Value, json};

use crate::support_raw::Call;
use crate::support_served::Served;

fn names(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().unwrap();
    data.iter()
        .map(|namespace| namespace["name"].as_str().unwrap())
        .collect()
}

const NO_SETTINGS: [&str; 4] = ["token_budget", "context_position", "retention_days", "max_memories"];

#[test]
fn default_always_exists() {
    let maia = Served::start();
    let namespace = maia.get("/v1/namespaces/default").expect(200);
    assert_eq!(namespace["name"], "default");
    assert_eq!(namespace["stats"], json!({ "memory_count": 0, "token_count": 0 }));
    let message = maia
        .delete("/v1/namespaces/default")
        .expect_error(409, "conflict", None);
    assert!(message.contains("cannot be deleted"), "{message}");
    maia.delete("/v1/namespaces/default?force=true")
        .expect_error(409, "conflict", None);
    maia.get("/v1/namespaces/default").expect(200);
}

#[test]
fn a_new_one_has_every_field() {
    let maia = Served::start();
    let reply = maia.post("/v1/namespaces", &json!({ "name": "user-123" }));
    let namespace = reply.expect(201);
    let mut fields: Vec<&String> = namespace.as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["config", "created_at", "id", "name", "stats", "updated_at"]);
    let id = namespace["id"].as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
    for time in ["created_at", "updated_at"] {
        let time = namespace[time].as_str().unwrap();
        assert!(
            time.ends_with('Z') && time.len() == "2026-01-31T12:00:00.000Z".len(),
            "{time}"
        );
        assert!(time.parse::<chrono::DateTime<chrono::Utc>>().is_ok(), "{time}");
    }
    for setting in NO_SETTINGS {
        assert_eq!(namespace["config"].get(setting), Some(&Value::Null), "{setting}");
    }
    assert_eq!(reply.header("location"), Some(format!("/v1/namespaces/{id}").as_str()));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(maia.get(&format!("/v1/namespaces/{id}")).expect(200), namespace);
    assert_eq!(maia.get("/v1/namespaces/user-123").expect(200), namespace);
}

#[test]
fn a_name_is_taken_once() {
    let maia = Served::start();
    let first = maia.namespace("twice");
    let reply = maia.post(
        "/v1/namespaces",
        &json!({ "name": "twice", "config": { "token_budget": 5 } }),
    );
    let message = reply.expect_error(409, "conflict", Some("name"));
    assert!(message.contains("twice"), "{message}");
    assert_eq!(maia.get("/v1/namespaces/twice").expect(200), first);
    // A name in another case is another name.
    maia.namespace("Twice");
}

#[test]
fn names_follow_the_rule() {
    let maia = Served::start();
    let longest = "n".repeat(128);
    for name in [
        "a",
        "0",
        "user-123",
        "a.b_c-d:e@f",
        "org/team/user",
        "A/",
        longest.as_str(),
    ] {
        let namespace = maia.namespace(name);
        assert_eq!(namespace["name"], name);
        let path = format!("/v1/namespaces/{}", name.replace('/', "%2F"));
        assert_eq!(maia.get(&path).expect(200), namespace, "{name}");
    }
    let too_long = "n".repeat(129);
    for (name, rule) in [
        ("", "must not be empty"),
        ("-a", "begins with a letter or a digit"),
        ("/a", "begins with a letter or a digit"),
        (" a", "begins with a letter or a digit"),
        ("a b", "' '"),
        ("a\nb", "'\\n'"),
        ("a\0", "'\\0'"),
        ("é", "begins with a letter or a digit"),
        ("aé", "'é'"),
        ("a%2Fb", "'%'"),
        ("a?b", "'?'"),
        (too_long.as_str(), "at most 128 characters, this one has 129"),
    ] {
        let reply = maia.post("/v1/namespaces", &json!({ "name": name }));
        let message = reply.expect_error(400, "bad_request", Some("name"));
        assert!(
            message.starts_with("name: ") && message.contains(rule),
            "{name:?}: {message}"
        );
    }
    assert_eq!(maia.get("/v1/namespaces").expect(200)["total"], 8);
}

#[test]
fn a_slash_in_the_path_is_written_as_percent_2f() {
    let maia = Served::start();
    maia.namespace("org/team");
    let created = maia
        .post(
            "/v1/namespaces/org%2Fteam/memories",
            &json!({ "content": "User likes tea" }),
        )
        .expect(201);
    assert_eq!(created["namespace"], "org/team");
    let id = created["id"].as_str().unwrap();
    for slash in ["%2F", "%2f"] {
        let path = format!("/v1/namespaces/org{slash}team/memories/{id}");
        assert_eq!(maia.get(&path).expect(200), created);
    }
    let found = maia
        .post("/v1/namespaces/org%2Fteam/memories/search", &json!({ "query": "tea" }))
        .expect(200);
    assert_eq!(found["total"], 1);
    maia.get("/v1/namespaces/org/team").expect_error(404, "not_found", None);
}

#[test]
fn a_list_is_paged_by_name() {
    let maia = Served::start();
    for name in ["b", "d", "a", "e", "c"] {
        maia.namespace(name);
    }
    let all = maia.get("/v1/namespaces").expect(200);
    assert_eq!(names(&all), ["a", "b", "c", "d", "default", "e"]);
    let envelope = |list: &Value| ["count", "total", "limit", "offset", "has_more"].map(|field| list[field].clone());
    assert_eq!(envelope(&all), [json!(6), json!(6), json!(50), json!(0), json!(false)]);
    assert_eq!(all.as_object().unwrap().len(), 7);
    let page = maia.get("/v1/namespaces?limit=2&offset=1").expect(200);
    assert_eq!(names(&page), ["b", "c"]);
    assert_eq!(envelope(&page), [json!(2), json!(6), json!(2), json!(1), json!(true)]);
    let last = maia.get("/v1/namespaces?limit=2&offset=4").expect(200);
    assert_eq!(names(&last), ["default", "e"]);
    assert_eq!(envelope(&last), [json!(2), json!(6), json!(2), json!(4), json!(false)]);
    let behind = maia.get("/v1/namespaces?offset=9007199254740991").expect(200);
    assert_eq!(names(&behind), [""; 0]);
    assert_eq!(behind["has_more"], false);
}

#[test]
fn bad_parameters_are_named() {
    let maia = Served::start();
    for (query, param, rule) in [
        ("limit=0", "limit", "from 1 to 1000"),
        ("limit=1001", "limit", "from 1 to 1000"),
        ("limit=-1", "limit", "from 1 to 1000"),
        ("limit=ten", "limit", "from 1 to 1000"),
        ("limit=", "limit", "from 1 to 1000"),
        ("limit=1&limit=2", "limit", "more than once"),
        ("offset=-1", "offset", "whole number from 0"),
        ("offset=1.5", "offset", "whole number from 0"),
        ("Limit=1", "Limit", "no such parameter"),
        ("page=2", "page", "no such parameter"),
    ] {
        let reply = maia.get(&format!("/v1/namespaces?{query}"));
        let message = reply.expect_error(400, "bad_request", Some(param));
        assert!(message.contains(rule), "{query}: {message}");
    }
    maia.get("/v1/namespaces?limit=1000").expect(200);
}

#[test]
fn put_replaces_all_settings_and_patch_changes_some() {
    let maia = Served::start();
    let config =
        json!({ "token_budget": 8000, "context_position": "first_user", "retention_days": 30, "max_memories": 10 });
    let created = maia
        .post("/v1/namespaces", &json!({ "name": "set", "config": config }))
        .expect(201);
    assert_eq!(created["config"], config);
    let path = "/v1/namespaces/set";
    let change = json!({ "config": { "token_budget": 1, "retention_days": null } });
    let patched = maia.call("PATCH", path, &change).expect(200);
    let expected =
        json!({ "token_budget": 1, "context_position": "first_user", "retention_days": null, "max_memories": 10 });
    assert_eq!(patched["config"], expected);
    assert_eq!(patched["id"], created["id"]);
    assert_eq!(patched["created_at"], created["created_at"]);
    assert!(patched["updated_at"].as_str() >= created["updated_at"].as_str());
    assert_eq!(maia.get(path).expect(200), patched);
    let nothing = maia.call("PATCH", path, &json!({ "config": {} })).expect(200);
    assert_eq!(nothing["config"], expected);
    let put = json!({ "config": { "context_position": "before_last" } });
    let replaced = maia.call("PUT", path, &put).expect(200);
    let expected = json!({ "token_budget": null, "context_position": "before_last", "retention_days": null, "max_memories": null });
    assert_eq!(replaced["config"], expected);
    assert_eq!(maia.get(path).expect(200), replaced);
}

#[test]
fn bad_settings_are_named() {
    let maia = Served::start();
    let before = maia.get("/v1/namespaces/default").expect(200);
    for (config, param, rule) in [
        (json!({ "token_budget": 0 }), "config.token_budget", "from 1 to 1000000"),
        (
            json!({ "token_budget": 1_000_001 }),
            "config.token_budget",
            "from 1 to 1000000",
        ),
        (json!({ "token_budget": -1 }), "config.token_budget", "invalid value"),
        (json!({ "token_budget": 1.5 }), "config.token_budget", "invalid type"),
        (json!({ "token_budget": "100" }), "config.token_budget", "invalid type"),
        (
            json!({ "context_position": "top" }),
            "config.context_position",
            "system, first_user, before_last, last_user",
        ),
        (
            json!({ "context_position": 1 }),
            "config.context_position",
            "invalid type",
        ),
        (
            json!({ "retention_days": 0 }),
            "config.retention_days",
            "from 1 to 36500",
        ),
        (json!({ "max_memories": 0 }), "config.max_memories", "from 1 to"),
        (json!({ "budget": 1 }), "config.budget", "unknown field"),
        (json!(7), "config", "invalid type"),
        (json!([7]), "config", "invalid type"),
        (json!(null), "config", "invalid type"),
    ] {
        for (method, path) in [
            ("POST", "/v1/namespaces"),
            ("PUT", "/v1/namespaces/default"),
            ("PATCH", "/v1/namespaces/default"),
        ] {
            let mut body = json!({ "config": config });
            if method == "POST" {
                body["name"] = "other".into();
            }
            let reply = maia.call(method, path, &body);
            let message = reply.expect_error(400, "bad_request", Some(param));
            assert!(message.contains(rule), "{method} {config}: {message}");
        }
    }
    assert_eq!(maia.get("/v1/namespaces/default").expect(200), before);
    assert_eq!(maia.get("/v1/namespaces").expect(200)["total"], 1);
}

#[test]
fn a_body_is_an_object_of_known_fields() {
    let maia = Served::start();
    for (body, param) in [
        (r#"{"name":"x","nmae":"x"}"#, Some("nmae")),
        (r#"{"name":1}"#, Some("name")),
        (r#"{"name":null}"#, Some("name")),
        (r#"{"name":"x","name":"y"}"#, None),
        ("{}", Some("name")),
        ("null", None),
        ("[]", None),
        (r#"["x"]"#, None),
        (r#""x""#, None),
        ("", None),
        ("{", None),
        (r#"{"name":"x"} {}"#, None),
        (r#"{"name":"x",}"#, None),
        ("{'name':'x'}", None),
    ] {
        let call = Call::new("POST", "/v1/namespaces")
            .header("Content-Type", "application/json")
            .body(body);
        let reply = maia.send(&call);
        let message = reply.expect_error(400, "bad_request", param);
        assert!(!message.is_empty(), "{body}");
    }
    assert_eq!(maia.get("/v1/namespaces").expect(200)["total"], 1);
}

#[test]
fn one_with_memories_is_deleted_by_force_only() {
    let maia = Served::start();
    maia.namespace("kept");
    maia.namespace("full");
    let created = maia
        .post("/v1/namespaces/full/memories", &json!({ "content": "User likes tea" }))
        .expect(201);
    let path = "/v1/namespaces/full";
    let message = maia.delete(path).expect_error(409, "conflict", None);
    assert!(
        message.contains("1 memories") && message.contains("?force=true"),
        "{message}"
    );
    maia.delete("/v1/namespaces/full?force=false")
        .expect_error(409, "conflict", None);
    maia.delete("/v1/namespaces/full?force=yes")
        .expect_error(400, "bad_request", Some("force"));
    maia.get(path).expect(200);
    assert_eq!(
        maia.delete("/v1/namespaces/full?force=true").expect(200),
        json!({ "deleted": true })
    );
    maia.get(path).expect_error(404, "not_found", Some("namespace"));
    maia.delete(path).expect_error(404, "not_found", Some("namespace"));
    assert_eq!(
        maia.delete("/v1/namespaces/kept").expect(200),
        json!({ "deleted": true })
    );
    // A namespace of the same name begins anew.
    maia.namespace("full");
    let id = created["id"].as_str().unwrap();
    maia.get(&format!("/v1/namespaces/full/memories/{id}"))
        .expect_error(404, "not_found", Some("id"));
    let found = maia
        .post("/v1/namespaces/full/memories/search", &json!({ "query": "tea" }))
        .expect(200);
    assert_eq!(found["total"], 0);
}

#[test]
fn a_namespace_that_is_not_there_is_a_404_everywhere() {
    let maia = Served::start();
    let id = "01890000-0000-7000-8000-000000000000";
    for name in [
        "missing",
        id,
        "..%2Fdefault",
        "%2e%2e",
        "DEFAULT",
        "default%00",
        "default%20",
        "*",
        "%25",
        "défaut",
    ] {
        let name = name.replace('é', "%C3%A9");
        let root = format!("/v1/namespaces/{name}");
        for (method, path, body) in [
            ("GET", root.clone(), None),
            ("DELETE", root.clone(), None),
            ("PATCH", root.clone(), Some(json!({ "config": {} }))),
            ("PUT", root.clone(), Some(json!({ "config": {} }))),
            ("GET", format!("{root}/memories"), None),
            ("POST", format!("{root}/memories"), Some(json!({ "content": "x" }))),
            ("GET", format!("{root}/memories/{id}"), None),
            ("DELETE", format!("{root}/memories/{id}"), None),
            (
                "PATCH",
                format!("{root}/memories/{id}"),
                Some(json!({ "content": "x" })),
            ),
            ("PUT", format!("{root}/memories/{id}"), Some(json!({ "content": "x" }))),
            ("POST", format!("{root}/memories/search"), Some(json!({ "query": "x" }))),
            ("POST", format!("{root}/context"), Some(json!({ "query": "x" }))),
        ] {
            let call = match body {
                Some(body) => Call::json(method, &path, &body),
                None => Call::new(method, &path),
            };
            maia.send(&call).expect_error(404, "not_found", Some("namespace"));
        }
    }
    maia.get("/v1/namespaces/%FF").expect_error(400, "bad_request", None);
}

#[test]
fn a_name_that_is_the_id_of_another_reaches_only_itself() {
    let maia = Served::start();
    let victim = maia.namespace("victim");
    let id = victim["id"].as_str().unwrap();
    let namesake = maia.namespace(id);
    assert_ne!(namesake["id"], victim["id"]);
    let settings = json!({ "config": { "token_budget": 5 } });
    let changed = maia.call("PATCH", "/v1/namespaces/victim", &settings).expect(200);
    assert_eq!(changed["id"], victim["id"]);
    assert_eq!(changed["config"]["token_budget"], 5);
    let path = format!("/v1/namespaces/{}", namesake["id"].as_str().unwrap());
    assert_eq!(maia.get(&path).expect(200), namesake);
    assert_eq!(maia.get("/v1/namespaces/victim").expect(200), changed);
    maia.delete("/v1/namespaces/victim").expect(200);
    assert_eq!(maia.get(&path).expect(200), namesake);
}

#[test]
fn other_methods_and_paths_are_refused() {
    let maia = Served::start();
    let id = "01890000-0000-7000-8000-000000000000";
    for (path, allowed) in [
        ("/v1/namespaces".to_owned(), "GET,HEAD,POST,OPTIONS"),
        ("/v1/namespaces/default".to_owned(), "GET,HEAD,PUT,PATCH,DELETE,OPTIONS"),
        (
            "/v1/namespaces/default/memories".to_owned(),
            "GET,HEAD,POST,DELETE,OPTIONS",
        ),
        (
            format!("/v1/namespaces/default/memories/{id}/history"),
            "GET,HEAD,OPTIONS",
        ),
        ("/v1/namespaces/default/extract".to_owned(), "POST,OPTIONS"),
        ("/v1/namespaces/default/memories/search".to_owned(), "POST,OPTIONS"),
        ("/v1/namespaces/default/context".to_owned(), "POST,OPTIONS"),
        (
            format!("/v1/namespaces/default/memories/{id}"),
            "GET,HEAD,PUT,PATCH,DELETE,OPTIONS",
        ),
    ] {
        for method in ["TRACE", "PROPFIND"] {
            let reply = maia.send(&Call::new(method, &path));
            let message = reply.expect_error(405, "method_not_allowed", None);
            assert!(message.contains(method), "{message}");
            let mut methods: Vec<&str> = reply.header("allow").unwrap().split(',').collect();
            let mut expected: Vec<&str> = allowed.split(',').collect();
            methods.sort_unstable();
            expected.sort_unstable();
            assert_eq!(methods, expected, "{path}");
        }
    }
    for path in [
        "/",
        "/v1",
        "/v1/nothing",
        "/v1/namespaces/default/nothing",
        "/v2/namespaces",
    ] {
        let message = maia.get(path).expect_error(404, "not_found", None);
        assert!(message.contains(&format!("nothing at {path};")), "{message}");
    }
}

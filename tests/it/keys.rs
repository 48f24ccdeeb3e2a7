//! Named keys: how they are made, shown, asked for and revoked, and what each may do.

use serde_json::{Value, json};

use crate::support_raw::{Call, Reply, StubBackend};
use crate::support_served::Served;

const OWNER: &str = "owner-key-9d31";

fn start() -> Served {
    with(|_| {})
}

fn with(change: impl FnOnce(&mut maia::config::Config)) -> Served {
    Served::with(|config| {
        config.security.api_key = Some(OWNER.into());
        change(config);
    })
}

/// Sends a call with a key.
fn by(maia: &Served, key: &str, call: &Call) -> Reply {
    maia.send(&call.clone().header("X-API-Key", key))
}

fn get(maia: &Served, key: &str, path: &str) -> Reply {
    by(maia, key, &Call::get(path))
}

fn post(maia: &Served, key: &str, path: &str, body: &Value) -> Reply {
    by(maia, key, &Call::json("POST", path, body))
}

/// Makes a key, by somebody who may, and returns what the API says of it.
#[track_caller]
fn key(maia: &Served, name: &str, namespaces: &[&str], rights: &[&str]) -> Value {
    let body = json!({ "name": name, "namespaces": namespaces, "rights": rights });
    post(maia, OWNER, "/v1/keys", &body).expect(201)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_key_is_shown_once_and_kept_as_a_hash() {
    let maia = start();
    let body = json!({ "name": "ci", "namespaces": ["team-a/*", "shared"], "rights": ["write", "read", "read"] });
    let reply = post(&maia, OWNER, "/v1/keys", &body);
    let made = reply.expect(201);
    let (secret, id) = (text(&made["key"]), text(&made["id"]));
    let random = secret.strip_prefix("maia_").unwrap();
    assert!(
        random.len() == 64 && random.chars().all(|c| c.is_ascii_hexdigit()),
        "{secret}"
    );
    assert_eq!(reply.header("location"), Some(format!("/v1/keys/{id}").as_str()));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let expected = json!({
        "id": id, "name": "ci", "namespaces": ["team-a/*", "shared"], "rights": ["read", "write"],
        "source": "database", "created_at": made["created_at"],
    });
    for place in [format!("/v1/keys/{id}"), "/v1/keys/ci".to_owned()] {
        assert_eq!(get(&maia, OWNER, &place).expect(200), expected);
    }
    let list = get(&maia, OWNER, "/v1/keys").expect(200);
    assert_eq!((&list["total"], &list["data"]), (&json!(1), &json!([expected])));
    assert_ne!(text(&key(&maia, "other", &["*"], &["read"])["key"]), secret);
    // Neither the key nor what is random in it is anywhere in the files.
    for file in ["maia.db", "maia.db-wal"] {
        let bytes = std::fs::read(maia.path().with_file_name(file)).unwrap();
        assert!(!bytes.windows(64).any(|window| window == random.as_bytes()), "{file}");
    }
}

#[test]
fn what_cannot_be_a_key_is_refused_by_the_name_of_its_field() {
    let maia = start();
    key(&maia, "taken", &["*"], &["read"]);
    let long = "x".repeat(65);
    let many = vec!["a"; 65];
    for (param, body) in [
        ("name", json!({ "rights": ["read"], "namespaces": ["*"] })),
        ("name", json!({ "name": "", "rights": ["read"], "namespaces": ["*"] })),
        ("name", json!({ "name": long, "rights": ["read"], "namespaces": ["*"] })),
        (
            "name",
            json!({ "name": "a/b", "rights": ["read"], "namespaces": ["*"] }),
        ),
        ("name", json!({ "name": "..", "rights": ["read"], "namespaces": ["*"] })),
        (
            "name",
            json!({ "name": "01890000-0000-7000-8000-000000000000", "rights": ["read"], "namespaces": ["*"] }),
        ),
        ("rights", json!({ "name": "n", "namespaces": ["*"] })),
        ("rights", json!({ "name": "n", "rights": [], "namespaces": ["*"] })),
        (
            "rights[1]",
            json!({ "name": "n", "rights": ["read", "root"], "namespaces": ["*"] }),
        ),
        ("namespaces", json!({ "name": "n", "rights": ["read"] })),
        (
            "namespaces",
            json!({ "name": "n", "rights": ["read"], "namespaces": [] }),
        ),
        (
            "namespaces",
            json!({ "name": "n", "rights": ["read"], "namespaces": many }),
        ),
        (
            "namespaces[1]",
            json!({ "name": "n", "rights": ["read"], "namespaces": ["a", "a*"] }),
        ),
        (
            "namespaces[0]",
            json!({ "name": "n", "rights": ["read"], "namespaces": ["*/a"] }),
        ),
        (
            "namespaces[0]",
            json!({ "name": "n", "rights": ["read"], "namespaces": ["/*"] }),
        ),
        // Who may make keys may make one for every namespace.
        (
            "namespaces",
            json!({ "name": "n", "rights": ["admin"], "namespaces": ["a/*"] }),
        ),
    ] {
        let reply = post(&maia, OWNER, "/v1/keys", &body);
        reply.expect_error(400, "bad_request", Some(param));
    }
    let body = json!({ "name": "taken", "rights": ["read"], "namespaces": ["*"] });
    post(&maia, OWNER, "/v1/keys", &body).expect_error(409, "conflict", Some("name"));
    let body = json!({ "name": "root", "rights": ["admin"] });
    let made = post(&maia, OWNER, "/v1/keys", &body).expect(201);
    assert_eq!(made["namespaces"], json!(["*"]));
    let missing = get(&maia, OWNER, "/v1/keys/nobody").expect_error(404, "not_found", Some("key"));
    assert!(missing.contains("\"nobody\""), "{missing}");
    by(&maia, OWNER, &Call::new("DELETE", "/v1/keys/nobody")).expect_error(404, "not_found", Some("key"));
    assert_eq!(get(&maia, OWNER, "/v1/keys").expect(200)["total"], 2);
    let page = get(&maia, OWNER, "/v1/keys?limit=1&offset=1").expect(200);
    assert_eq!(
        (&page["data"][0]["name"], &page["has_more"]),
        (&json!("taken"), &json!(false))
    );
}

/// To show a key twice it would have to be kept.
#[test]
fn an_idempotency_key_makes_no_key_twice_and_keeps_none() {
    let maia = start();
    let body = json!({ "name": "once", "namespaces": ["*"], "rights": ["read"] });
    let call = Call::json("POST", "/v1/keys", &body).header("Idempotency-Key", "4c0d7a1e");
    let made = by(&maia, OWNER, &call);
    assert_eq!(made.header("idempotency-replayed"), None);
    let secret = text(&made.expect(201)["key"]).to_owned();
    let again = by(&maia, OWNER, &call);
    again.expect_error(409, "conflict", Some("name"));
    assert!(!again.to_string().contains(&secret), "{again}");
    get(&maia, &secret, "/v1/namespaces").expect(200);
}

#[test]
fn every_wrong_key_is_the_same_401() {
    let maia = start();
    let good = key(&maia, "good", &["*"], &["read"]);
    let gone = key(&maia, "gone", &["*"], &["read"]);
    get(&maia, text(&gone["key"]), "/v1/namespaces").expect(200);
    by(&maia, OWNER, &Call::new("DELETE", "/v1/keys/gone")).expect(200);
    let secret = text(&good["key"]);
    let unknown = format!("maia_{}", "0".repeat(64));
    let cut = &secret[..secret.len() - 1];
    let upper = secret.to_uppercase();
    let bearer = format!("Bearer {secret}");
    let bodies: Vec<Value> = [
        text(&gone["key"]),
        &unknown,
        cut,
        &upper,
        "",
        "maia_",
        "good",
        text(&good["id"]),
        &bearer,
    ]
    .into_iter()
    .map(|wrong| {
        let reply = get(&maia, wrong, "/v1/namespaces");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        reply.expect(401)
    })
    .chain([maia.get("/v1/namespaces").expect(401)])
    .collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    get(&maia, secret, "/v1/namespaces").expect(200);
    maia.send(&Call::get("/v1/namespaces").header("Authorization", &bearer))
        .expect(200);
}

#[test]
fn a_key_is_asked_for_as_soon_as_there_is_one_and_while_there_is() {
    let backend = StubBackend::chatting();
    let maia = Served::with(|config| config.proxy.backend = backend.url());
    maia.get("/v1/namespaces").expect(200);
    let body = json!({ "name": "first", "rights": ["admin"] });
    let first = maia.post("/v1/keys", &body).expect(201);
    let first = text(&first["key"]);
    let models = Call::get("/proxy/v1/models");
    for call in [&models, &Call::get("/v1/namespaces"), &Call::get("/v1/keys")] {
        maia.send(call).expect(401);
        by(&maia, first, call).expect(200);
    }
    // The key stays here.
    let request = backend.requests().remove(0);
    assert!(!request.to_lowercase().contains("x-api-key"), "{request}");
    assert_eq!(backend.requests().len(), 1);
    for open in ["/health", "/ready", "/metrics"] {
        assert_eq!(maia.get(open).status, 200);
    }
    by(&maia, first, &Call::new("DELETE", "/v1/keys/first")).expect(200);
    maia.get("/v1/namespaces").expect(200);
    by(&maia, first, &models).expect(200);
}

#[test]
fn the_proxy_takes_a_named_key_and_forwards_the_clients_own() {
    let backend = StubBackend::chatting();
    for backend_key in [None, Some("backend-key")] {
        let maia = with(|config| {
            config.proxy.backend = backend.url();
            config.proxy.backend_api_key = backend_key.map(Into::into);
        });
        let chatter = key(&maia, "chatter", &["default"], &["chat"]);
        let secret = text(&chatter["key"]);
        let bearer = Call::get("/proxy/v1/models").header("Authorization", &format!("Bearer {secret}"));
        let expected = if backend_key.is_some() { 200 } else { 401 };
        assert_eq!(maia.send(&bearer).status, expected);
        by(
            &maia,
            secret,
            &Call::get("/proxy/v1/models").header("Authorization", "Bearer mine"),
        )
        .expect(200);
        let request = backend.requests().pop().unwrap();
        let seen = backend_key.unwrap_or("mine");
        assert!(
            request.contains(&format!("authorization: Bearer {seen}\r\n")),
            "{request}"
        );
        for request in backend.requests() {
            assert!(!request.contains(secret), "{request}");
        }
        let in_address = format!("/proxy/v1/models?x={secret}");
        get(&maia, secret, &in_address).expect_error(400, "bad_request", Some("x"));
    }
}

/// A call that each right is needed for.
fn calls() -> [(&'static str, Call); 4] {
    let chat = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    [
        ("read", Call::get("/v1/namespaces/default")),
        (
            "write",
            Call::json("POST", "/v1/namespaces/default/memories", &json!({ "content": "x" })),
        ),
        ("chat", Call::json("POST", "/proxy/v1/chat/completions", &chat)),
        ("admin", Call::get("/v1/keys")),
    ]
}

#[test]
fn each_right_opens_what_it_is_for_and_a_403_names_the_one_that_is_missing() {
    let backend = StubBackend::chatting();
    let maia = with(|config| config.proxy.backend = backend.url());
    for (right, _) in calls() {
        let made = key(&maia, right, &["*"], &[right]);
        let secret = text(&made["key"]);
        for (needed, call) in calls() {
            let reply = by(&maia, secret, &call);
            if right == needed || right == "admin" {
                assert!((200..300).contains(&reply.status), "{right} {needed}: {reply}");
            } else {
                let message = reply.expect_error(403, "forbidden", None);
                assert_eq!(
                    message,
                    format!("this key may not do that: it lacks the right {needed}")
                );
                assert_eq!(reply.json()["error"]["type"], "permission_error");
            }
        }
    }
    let backup = get(&maia, "x", "/v1/backup");
    backup.expect(401);
}

#[test]
fn a_namespace_of_others_is_refused_in_the_same_words_whether_it_is_there_or_not() {
    let backend = StubBackend::chatting();
    let maia = with(|config| config.proxy.backend = backend.url());
    for name in ["a", "b/there"] {
        post(&maia, OWNER, "/v1/namespaces", &json!({ "name": name })).expect(201);
    }
    let made = key(&maia, "a", &["a", "a/*"], &["read", "write", "chat"]);
    let secret = text(&made["key"]);
    for (name, segment) in [
        ("b/there", "b%2Fthere"),
        ("b/missing", "b%2Fmissing"),
        ("A", "A"),
        ("ab", "ab"),
    ] {
        let path = format!("/v1/namespaces/{segment}");
        let refused = |right: &str, reply: &Reply, param: &str| {
            let message = reply.expect_error(403, "forbidden", Some(param));
            let expected =
                format!("this key may not {right} in the namespace {name:?}: it lacks the right {right} there");
            assert_eq!(message, expected);
        };
        refused("read", &get(&maia, secret, &path), "namespace");
        refused("write", &by(&maia, secret, &Call::new("DELETE", &path)), "namespace");
        let create = json!({ "name": name });
        refused("write", &post(&maia, secret, "/v1/namespaces", &create), "name");
        let flat = json!({ "namespace": name, "content": "x" });
        refused("write", &post(&maia, secret, "/v1/memories", &flat), "namespace");
        let ids = json!({ "to": name, "ids": ["01890000-0000-7000-8000-000000000000"] });
        refused(
            "write",
            &post(&maia, secret, "/v1/namespaces/a/memories/copy", &ids),
            "to",
        );
        let chat = Call::json(
            "POST",
            "/proxy/v1/chat/completions",
            &json!({ "messages": [{ "role": "user", "content": "Hi" }] }),
        );
        let chat = chat.header("X-MAIA-Namespace", name);
        refused("chat", &by(&maia, secret, &chat), "X-MAIA-Namespace");
    }
    get(&maia, secret, "/v1/namespaces/a").expect(200);
    get(&maia, secret, "/v1/namespaces/a%2Fmissing").expect_error(404, "not_found", Some("namespace"));
    assert_eq!(backend.requests(), [""; 0]);
}

#[test]
fn lists_and_figures_show_what_the_key_may_see() {
    let maia = start();
    for name in ["a", "a/1", "a/2", "ab", "b/1"] {
        post(&maia, OWNER, "/v1/namespaces", &json!({ "name": name })).expect(201);
        let path = format!("/v1/namespaces/{}/memories", name.replace('/', "%2F"));
        post(&maia, OWNER, &path, &json!({ "content": format!("User is in {name}") })).expect(201);
    }
    let search = json!({ "query": "Where is the user?" });
    post(&maia, OWNER, "/v1/namespaces/b%2F1/memories/search", &search).expect(200);
    let made = key(&maia, "k", &["a/*", "ab"], &["read"]);
    let secret = text(&made["key"]);
    let first = get(&maia, secret, "/v1/namespaces?limit=2").expect(200);
    let cursor = text(&first["next_cursor"]);
    let second = get(&maia, secret, &format!("/v1/namespaces?limit=2&cursor={cursor}")).expect(200);
    let names: Vec<&Value> = [&first, &second]
        .into_iter()
        .flat_map(|page| page["data"].as_array().unwrap())
        .map(|namespace| &namespace["name"])
        .collect();
    assert_eq!(names, ["a/1", "a/2", "ab"]);
    assert_eq!((&first["total"], &second["total"]), (&json!(3), &json!(3)));
    assert_eq!(second["next_cursor"], Value::Null);
    let counted = get(&maia, secret, "/v1/namespaces?count_only=true").expect(200);
    assert_eq!(counted["total"], 3);
    let stats = get(&maia, secret, "/v1/stats").expect(200);
    assert_eq!(
        (&stats["total_namespaces"], &stats["total_memories"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(stats["storage_size_bytes"], stats["content_bytes"]);
    assert_eq!(stats["search_latency"], Value::Null);
    let whole = get(&maia, OWNER, "/v1/stats").expect(200);
    assert_eq!(
        (&whole["total_namespaces"], &whole["total_memories"]),
        (&json!(6), &json!(5))
    );
    assert_eq!(whole["search_latency"]["count"], 1);
}

#[test]
fn an_idempotency_key_of_one_key_is_nothing_to_another() {
    let maia = start();
    let keys = ["a", "b"].map(|name| key(&maia, name, &["*"], &["write"]));
    let make = |secret: &str| {
        let call = Call::json("POST", "/v1/namespaces/default/memories", &json!({ "content": "same" }));
        by(&maia, secret, &call.header("Idempotency-Key", "one"))
    };
    let ids: Vec<Value> = [text(&keys[0]["key"]), text(&keys[1]["key"]), OWNER]
        .into_iter()
        .map(|secret| {
            let first = make(secret);
            assert_eq!(first.header("idempotency-replayed"), None);
            let again = make(secret);
            assert_eq!(again.header("idempotency-replayed"), Some("true"));
            assert_eq!(again.expect(201)["id"], first.expect(201)["id"]);
            first.json()["id"].clone()
        })
        .collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
}

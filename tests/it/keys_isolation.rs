//! Nothing crosses from the namespaces of one key to those of another, on any route, however the other is spelled.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use maia::http::ROUTES;
use proptest::prelude::*;
use proptest::test_runner::{Config as CaseConfig, TestRunner};
use regex::Regex;
use serde_json::{Value, json};

use crate::support::encoded;
use crate::support_raw::{Call, Reply, StubBackend};
use crate::support_served::Served;

const OWNER: &str = "owner-key-3c77";
/// A word that stands in every memory of the other key, and in nothing that is ever sent with this one.
const CANARY: &str = "zanzibar";
const ABSENT_NAMESPACE: &str = "01890000-0000-7000-8000-0000000000bb";
const ABSENT_ID: &str = "01890000-0000-7000-8000-0000000000aa";

/// Two keys, `a/*` and `b/*`, each with all rights but admin.
struct World {
    maia: Served,
    backend: StubBackend,
    a: String,
    b: String,
    /// Id of a memory in `a/own`.
    own: String,
    /// Ids of `b/quagga` and of a memory in it.
    quagga: (String, String),
    /// What nobody who has not sent the first may be told: the second.
    secrets: Vec<(String, String)>,
}

/// What a call is about.
#[derive(Clone, Debug)]
struct Target {
    /// As it stands in a body or a header.
    name: String,
    /// As it stands in a path.
    segment: String,
    /// Of a memory.
    id: String,
}

impl Target {
    fn new(name: &str, id: &str) -> Self {
        Self {
            name: name.to_owned(),
            segment: encoded(name),
            id: id.to_owned(),
        }
    }
}

impl World {
    fn new() -> Self {
        let backend = StubBackend::chatting();
        let maia = Served::with(|config| {
            config.proxy.backend = backend.url();
            config.security.api_key = Some(OWNER.into());
        });
        let post = |path: &str, body: &Value| {
            let call = Call::json("POST", path, body).header("X-API-Key", OWNER);
            maia.send(&call).expect(201)
        };
        let [a, b] = ["a", "b"].map(|name| {
            let body =
                json!({ "name": name, "namespaces": [format!("{name}/*")], "rights": ["read", "write", "chat"] });
            post("/v1/keys", &body)["key"].as_str().unwrap().to_owned()
        });
        let mut ids = Vec::new();
        for name in ["a/own", "b/quagga", "b/okapi"] {
            let namespace = post("/v1/namespaces", &json!({ "name": name }));
            let content = if name == "a/own" { "mine" } else { CANARY };
            let memory = json!({
                "content": format!("User opens the vault with the code {content}"),
                "tags": [content], "metadata": { "place": content }, "pinned": true,
            });
            let memory = post(&format!("/v1/namespaces/{}/memories", encoded(name)), &memory);
            ids.push([namespace["id"].clone(), memory["id"].clone()].map(|id| id.as_str().unwrap().to_owned()));
        }
        let secrets = ids.iter().skip(1).flatten().map(String::as_str);
        let secrets = secrets
            .chain([CANARY])
            .map(|secret| (secret.to_owned(), secret.to_owned()));
        // Others may have names that hold these.
        let names = ["quagga", "okapi"].map(|name| (name.to_owned(), format!("\"b/{name}")));
        Self {
            secrets: secrets.chain(names).collect(),
            own: ids[0][1].clone(),
            quagga: (ids[1][0].clone(), ids[1][1].clone()),
            maia,
            backend,
            a,
            b,
        }
    }

    fn owner(&self, path: &str) -> Value {
        self.maia.send(&Call::get(path).header("X-API-Key", OWNER)).expect(200)
    }

    /// Everything that is not of the key `a`.
    fn others(&self) -> Value {
        let list = self.owner("/v1/namespaces?limit=1000");
        let others = list["data"].as_array().unwrap().iter();
        let others = others.filter(|namespace| !namespace["name"].as_str().unwrap().starts_with("a/"));
        let memories = ["b%2Fquagga", "b%2Fokapi"]
            .map(|name| self.owner(&format!("/v1/namespaces/{name}/memories?include_superseded=true")));
        json!([others.collect::<Vec<_>>(), memories])
    }

    /// Makes a call with the key `a`, whose answer must tell nothing that the call has not said.
    #[track_caller]
    fn ask(&self, call: &Call) -> Reply {
        let sent = call.to_string().to_lowercase();
        let reply = self.maia.send(&call.clone().header("X-API-Key", &self.a));
        let told = reply.to_string().to_lowercase();
        for (_, secret) in self.secrets.iter().filter(|(said, _)| !sent.contains(said.as_str())) {
            assert!(!told.contains(secret), "{secret} is told to {call}: {reply}");
        }
        reply
    }

    /// What a call may be to this route, with the target in each place where one can stand. A route that is not known here has no test.
    fn calls(&self, method: &str, route: &str, target: &Target) -> Vec<Call> {
        let Target { name, segment, id } = target;
        let (own, own_id) = ("a%2Fown", self.own.as_str());
        let json = |path: String, body: Value| Call::json(method, &path, &body);
        let plain = |path: String| Call::new(method, &path);
        let of = |rest: &str| format!("/v1/namespaces/{segment}{rest}");
        let memory = json!({ "content": "User has a red kite" });
        let vault = json!({ "query": "Which code opens the vault of the user?" });
        match (method, route) {
            ("GET", "/v1/namespaces") => vec![
                plain(format!("{route}?limit=1000")),
                plain(format!("{route}?cursor=622f")),
            ],
            ("POST", "/v1/namespaces") => vec![json(route.into(), json!({ "name": name }))],
            ("GET", "/v1/namespaces/{namespace}") => vec![plain(of(""))],
            ("PUT", "/v1/namespaces/{namespace}") => vec![json(of(""), json!({ "config": { "max_memories": 1 } }))],
            ("PATCH", "/v1/namespaces/{namespace}") => vec![
                json(of(""), json!({ "name": "a/taken" })),
                json(of(""), json!({ "config": { "token_budget": 7 } })),
                json(format!("/v1/namespaces/{own}"), json!({ "name": format!("{name}-2") })),
            ],
            ("DELETE", "/v1/namespaces/{namespace}") => vec![plain(of("?force=true"))],
            ("POST", "/v1/namespaces/{namespace}/clear") => vec![plain(of("/clear?dry_run=true")), plain(of("/clear"))],
            ("POST", "/v1/namespaces/{namespace}/clone") => vec![
                json(of("/clone"), json!({ "name": "a/clone" })),
                json(
                    format!("/v1/namespaces/{own}/clone"),
                    json!({ "name": format!("{name}-3") }),
                ),
            ],
            ("POST", "/v1/namespaces/{namespace}/extract") => [true, false]
                .map(|dry_run| {
                    let messages = json!([{ "role": "user", "content": "I play the cello." }]);
                    json(of("/extract"), json!({ "messages": messages, "dry_run": dry_run }))
                })
                .to_vec(),
            ("POST", "/v1/namespaces/{namespace}/context") => vec![json(of("/context"), vault)],
            ("GET", "/v1/namespaces/{namespace}/activity") => vec![plain(of("/activity"))],
            ("GET", "/v1/namespaces/{namespace}/stats") => vec![plain(of("/stats"))],
            ("GET", "/v1/namespaces/{namespace}/memories") => {
                vec![plain(of("/memories")), plain(of("/memories?count_only=true"))]
            }
            ("POST", "/v1/namespaces/{namespace}/memories") => vec![json(of("/memories"), memory)],
            ("DELETE", "/v1/namespaces/{namespace}/memories") => ["&dry_run=true", ""]
                .map(|dry| plain(of(&format!("/memories?source=user{dry}"))))
                .to_vec(),
            ("POST", "/v1/namespaces/{namespace}/memories/batch") => {
                vec![json(of("/memories/batch"), json!({ "memories": [memory] }))]
            }
            ("POST", "/v1/namespaces/{namespace}/memories/copy" | "/v1/namespaces/{namespace}/memories/move") => {
                let how = route.rsplit('/').next().unwrap();
                let mine = |rest: &str| format!("/v1/namespaces/{own}/memories/{how}{rest}");
                vec![
                    json(of(&format!("/memories/{how}?source=user")), json!({ "to": "a/own" })),
                    json(
                        of(&format!("/memories/{how}?source=user&dry_run=true")),
                        json!({ "to": "a/own" }),
                    ),
                    json(of(&format!("/memories/{how}")), json!({ "to": "a/own", "ids": [id] })),
                    json(mine(""), json!({ "to": name, "ids": [own_id] })),
                    json(mine("?dry_run=true"), json!({ "to": name, "ids": [id] })),
                    json(mine("?source=user"), json!({ "to": name })),
                ]
            }
            ("POST", "/v1/namespaces/{namespace}/memories/search") => vec![json(of("/memories/search"), vault)],
            ("GET", "/v1/namespaces/{namespace}/memories/{id}/history") => vec![
                plain(of(&format!("/memories/{id}/history"))),
                plain(format!("/v1/namespaces/{own}/memories/{id}/history")),
            ],
            ("GET" | "DELETE", "/v1/namespaces/{namespace}/memories/{id}") => vec![
                plain(of(&format!("/memories/{id}"))),
                plain(format!("/v1/namespaces/{own}/memories/{id}")),
            ],
            ("PUT" | "PATCH", "/v1/namespaces/{namespace}/memories/{id}") => vec![
                json(of(&format!("/memories/{id}")), memory.clone()),
                json(format!("/v1/namespaces/{own}/memories/{id}"), memory),
            ],
            ("POST", "/v1/memories") => vec![json(
                route.into(),
                json!({ "content": "User has a red kite", "namespace": name }),
            )],
            ("POST", "/v1/memories/search" | "/v1/context") => {
                let mut body = vault;
                body["namespace"] = json!(name);
                vec![json(route.into(), body)]
            }
            ("GET" | "DELETE", "/v1/memories/{id}") => vec![
                plain(format!("/v1/memories/{id}")),
                plain(format!("/v1/memories/{id}?namespace={}", encoded(name))),
            ],
            ("PUT" | "PATCH", "/v1/memories/{id}") => vec![
                json(format!("/v1/memories/{id}"), memory.clone()),
                json(format!("/v1/memories/{id}?namespace={}", encoded(name)), memory),
                json(
                    format!("/v1/memories/{id}"),
                    json!({ "content": "User has a red kite", "namespace": name }),
                ),
            ],
            ("GET", "/v1/stats" | "/v1/backup" | "/v1/keys") => vec![plain(route.into())],
            ("POST", "/v1/keys") => {
                vec![json(
                    route.into(),
                    json!({ "name": "c", "namespaces": ["b/*"], "rights": ["read"] }),
                )]
            }
            ("GET" | "DELETE", "/v1/keys/{key}") => vec![plain("/v1/keys/b".into())],
            ("POST", "/proxy/v1/chat/completions") => {
                let ask =
                    json!({ "messages": [{ "role": "user", "content": "Which code opens the vault of the user?" }] });
                let chat = json(route.into(), ask).header("X-MAIA-Show-Memories", "true");
                let named = name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
                named
                    .then(|| chat.header("X-MAIA-Namespace", name))
                    .into_iter()
                    .collect()
            }
            ("*", "/proxy/v1/{*path}") => vec![Call::get("/proxy/v1/models")],
            _ => panic!("no call to {method} {route}: say here how it is asked"),
        }
    }
}

/// Ways to spell what the key `a` may not reach.
fn spelled(world: &World) -> Vec<Target> {
    let id = world.quagga.1.as_str();
    let names = [
        "b/quagga",
        "B/quagga",
        "b/Quagga",
        "b/quagga/",
        "a/../b/quagga",
        "a/own/../../b/quagga",
        "../b/quagga",
        "./b/quagga",
        "b//quagga",
        " b/quagga",
        "b/quagga ",
        "b\u{2215}quagga",
        "b/\u{FF51}uagga",
        "a/own\0b/quagga",
        "a/own,b/quagga",
        "b/*",
        "*",
        "",
        "default",
    ];
    let mut targets: Vec<Target> = names.into_iter().map(|name| Target::new(name, id)).collect();
    targets.push(Target::new(&world.quagga.0, id));
    targets.push(Target::new(&world.quagga.0.to_uppercase(), &id.to_uppercase()));
    let segments = [
        "a%2F..%2Fb%2Fquagga",
        "a%2Fown/../b%2Fquagga",
        "%2e%2e%2Fb%2Fquagga",
        "b%252Fquagga",
        "b%2fquagga",
        "%62%2Fquagga",
        "b/quagga",
    ];
    targets.extend(segments.map(|segment| Target {
        segment: segment.to_owned(),
        ..Target::new("b/quagga", id)
    }));
    targets
}

#[test]
fn however_another_is_spelled_nothing_of_it_is_told_or_changed() {
    let world = World::new();
    let before = world.others();
    for (method, route, _) in ROUTES {
        for target in spelled(&world) {
            for call in world.calls(method, route, &target) {
                let reply = world.ask(&call);
                assert!(reply.status < 500, "{call}: {reply}");
            }
        }
        assert_eq!(world.others(), before, "{method} {route}");
    }
    let backup = world.ask(&Call::get("/v1/backup"));
    backup.expect_error(403, "forbidden", None);
    for request in world.backend.requests() {
        assert!(!request.contains(CANARY), "{request}");
    }
    let metrics = world.maia.get("/metrics").text();
    assert!(
        world.secrets.iter().all(|(secret, _)| !metrics.contains(secret)),
        "{metrics}"
    );
    // The other key sees its own as before, and the server did not mix the two up on the way.
    let its_own = Call::get("/v1/namespaces").header("X-API-Key", &world.b);
    assert_eq!(world.maia.send(&its_own).expect(200)["total"], 2);
}

#[test]
fn what_is_not_there_is_refused_as_what_is_there() {
    let world = World::new();
    let there = [
        Target::new("b/quagga", &world.quagga.1),
        Target::new(&world.quagga.0, &world.quagga.1),
    ];
    let absent = [
        Target::new("b/absent", ABSENT_ID),
        Target::new(ABSENT_NAMESPACE, ABSENT_ID),
    ];
    for (method, route, _) in ROUTES {
        for (there, absent) in there.iter().zip(&absent) {
            let called = |reply: &Reply, target: &Target| {
                let text = reply.text().replace(&target.id, "ID").replace(&target.name, "NAME");
                (reply.status, text)
            };
            let pairs = world.calls(method, route, there).into_iter();
            for (call, other) in pairs.zip(world.calls(method, route, absent)) {
                // What is told of oneself may have changed in between.
                if call_is_about_others(route) {
                    assert_eq!(
                        called(&world.ask(&call), there),
                        called(&world.ask(&other), absent),
                        "{call}"
                    );
                }
            }
        }
    }
}

fn call_is_about_others(route: &str) -> bool {
    !["/v1/namespaces", "/v1/stats", "/proxy/v1/{*path}"].contains(&route)
}

/// The other half: the same calls about its own are let in, so that no test above passes because everything is refused.
#[test]
fn its_own_is_open_to_a_key() {
    for (method, route, right) in ROUTES {
        let world = World::new();
        let target = Target::new("a/own", &world.own);
        for call in world.calls(method, route, &target) {
            let reply = world.ask(&call);
            let refused = matches!(reply.status, 401 | 403);
            assert_eq!(refused, right.as_str() == "admin", "{call}: {reply}");
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec!["b/quagga", "b/okapi", "a/own", "b", "a", "default"]);
    let change = prop::sample::select(vec![
        "", "/", "..", "%2F", "*", "%", "A", "\u{0301}", "\u{200b}", "-", "a/", "b/",
    ]);
    prop_oneof![
        3 => (known, change, 0..12usize).prop_map(|(name, change, at)| {
            let at = at.min(name.len());
            format!("{}{change}{}", &name[..at], &name[at..])
        }),
        1 => "[abAB*./%~_ -]{0,10}",
    ]
}

#[test]
fn random_calls_cross_nothing() {
    let world = World::new();
    let before = world.others();
    let ids = prop::sample::select(vec![world.quagga.1.clone(), world.own.clone(), ABSENT_ID.to_owned()]);
    let routes = prop::sample::select(ROUTES.to_vec());
    let cases = CaseConfig {
        failure_persistence: None,
        ..CaseConfig::with_cases(300)
    };
    let mut runner = TestRunner::new(cases);
    runner
        .run(&(routes, name(), ids), |((method, route, _), name, id)| {
            for call in world.calls(method, route, &Target::new(&name, &id)) {
                let reply = world.ask(&call);
                prop_assert!(reply.status < 500, "{call}: {reply}");
            }
            prop_assert_eq!(world.others(), before.clone(), "{} {} {:?}", method, route, name);
            Ok(())
        })
        .unwrap();
    for request in world.backend.requests() {
        assert!(!request.contains(CANARY), "{request}");
    }
}

/// The table of rights and the router know the same routes, so that none is without a right, and by the calls above none without a test.
#[test]
fn the_table_of_rights_has_every_route() {
    let world = World::new();
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http.rs")).unwrap();
    let (_, api) = source.split_once("let api = Router::new()").unwrap();
    let (api, rest) = api.split_once("let proxy = Router::new()").unwrap();
    let (proxy, _) = rest.split_once("Router::new()").unwrap();
    let route = Regex::new(r#"\.route\(\s*(?:"([^"]+)"|(CHAT))"#).unwrap();
    let routed = |text: &str, prefix: &str| -> Vec<String> {
        let found = route.captures_iter(text);
        let path = |found: regex::Captures<'_>| {
            found
                .get(1)
                .map_or("/chat/completions".to_owned(), |path| path.as_str().to_owned())
        };
        found.map(|found| format!("{prefix}{}", path(found))).collect()
    };
    let routed: BTreeSet<String> = routed(api, "/v1")
        .into_iter()
        .chain(routed(proxy, "/proxy/v1"))
        .collect();
    let known: BTreeSet<String> = ROUTES.iter().map(|(_, path, _)| (*path).to_owned()).collect();
    assert_eq!(routed, known);
    for path in known {
        let methods = ROUTES.iter().filter(|(_, known, _)| *known == path);
        let methods: BTreeSet<&str> = methods.map(|(method, ..)| *method).collect();
        if methods.contains("*") {
            continue;
        }
        let asked = path
            .replace("{namespace}", "a%2Fown")
            .replace("{id}", ABSENT_ID)
            .replace("{key}", "x");
        let reply = world
            .maia
            .send(&Call::new("OPTIONS", &asked).header("X-API-Key", OWNER));
        let allowed = reply.header("allow").unwrap().to_owned();
        let allowed = allowed
            .split(',')
            .filter(|method| !matches!(*method, "HEAD" | "OPTIONS"));
        assert_eq!(allowed.collect::<BTreeSet<_>>(), methods, "{path}");
    }
}

//! Two keys that must not reach each other's namespaces, and a call to each route for one of them.

use std::cell::RefCell;

use serde_json::{Value, json};

use crate::support::encoded;
use crate::support_raw::{Call, Reply, StubBackend};
use crate::support_served::Served;

pub(crate) const OWNER: &str = "owner-key-3c77";
/// A word that stands in every memory of the other key, and in nothing that is ever sent with this one.
pub(crate) const CANARY: &str = "zanzibar";
pub(crate) const ABSENT_NAMESPACE: &str = "01890000-0000-7000-8000-0000000000bb";
pub(crate) const ABSENT_ID: &str = "01890000-0000-7000-8000-0000000000aa";

/// Two keys, `a/*` and `b/*`, each with all rights but admin.
pub(crate) struct World {
    pub(crate) maia: Served,
    pub(crate) backend: StubBackend,
    pub(crate) a: String,
    pub(crate) b: String,
    /// Id of a memory in `a/own`.
    pub(crate) own: RefCell<String>,
    /// Ids of `b/quagga` and of a memory in it.
    pub(crate) quagga: (String, String),
    /// What nobody who has not sent the first may be told: the second.
    pub(crate) secrets: Vec<(String, String)>,
}

/// What a call is about.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// As it stands in a body or a header.
    pub(crate) name: String,
    /// As it stands in a path.
    pub(crate) segment: String,
    /// Of a memory.
    pub(crate) id: String,
}

impl Target {
    pub(crate) fn new(name: &str, id: &str) -> Self {
        Self {
            name: name.to_owned(),
            segment: encoded(name),
            id: id.to_owned(),
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
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
            own: RefCell::new(ids[0][1].clone()),
            quagga: (ids[1][0].clone(), ids[1][1].clone()),
            maia,
            backend,
            a,
            b,
        }
    }

    pub(crate) fn owner(&self, path: &str) -> Value {
        self.maia.send(&Call::get(path).header("X-API-Key", OWNER)).expect(200)
    }

    /// Makes `a/own` and a memory in it anew, whatever an earlier call has done to them.
    pub(crate) fn renew(&self) {
        let post = |path: &str, body: Value| {
            self.maia
                .send(&Call::json("POST", path, &body).header("X-API-Key", OWNER))
        };
        let made = post("/v1/namespaces", json!({ "name": "a/own" }));
        assert!(matches!(made.status, 201 | 409), "{made}");
        let memory = post(
            "/v1/namespaces/a%2Fown/memories",
            json!({ "content": "User owns a red kite" }),
        );
        self.own.replace(memory.expect(201)["id"].as_str().unwrap().to_owned());
    }

    /// Everything that is not of the key `a`.
    pub(crate) fn others(&self) -> Value {
        let list = self.owner("/v1/namespaces?limit=1000");
        let others = list["data"].as_array().unwrap().iter();
        let others = others.filter(|namespace| !namespace["name"].as_str().unwrap().starts_with("a/"));
        let memories = ["b%2Fquagga", "b%2Fokapi"]
            .map(|name| self.owner(&format!("/v1/namespaces/{name}/memories?include_superseded=true")));
        json!([others.collect::<Vec<_>>(), memories])
    }

    /// Makes a call with the key `a`, whose answer must tell nothing that the call has not said.
    #[track_caller]
    pub(crate) fn ask(&self, call: &Call) -> Reply {
        let sent = call.to_string().to_lowercase();
        let reply = self.maia.send(&call.clone().header("X-API-Key", &self.a));
        let told = reply.to_string().to_lowercase();
        for (_, secret) in self.secrets.iter().filter(|(said, _)| !sent.contains(said.as_str())) {
            assert!(!told.contains(secret), "{secret} is told to {call}: {reply}");
        }
        reply
    }

    /// What a call may be to this route, with the target in each place where one can stand. A route that is not known here has no test.
    pub(crate) fn calls(&self, method: &str, route: &str, target: &Target) -> Vec<Call> {
        let Target { name, segment, id } = target;
        let (own, own_id) = ("a%2Fown", self.own.borrow().clone());
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
            _ => Self::calls_elsewhere(method, route, target),
        }
    }

    /// The same for routes that name no namespace in their path.
    fn calls_elsewhere(method: &str, route: &str, Target { name, id, .. }: &Target) -> Vec<Call> {
        let json = |path: String, body: Value| Call::json(method, &path, &body);
        let plain = |path: String| Call::new(method, &path);
        let memory = json!({ "content": "User has a red kite" });
        let mut vault = json!({ "query": "Which code opens the vault of the user?" });
        match (method, route) {
            ("POST", "/v1/memories") => vec![json(
                route.into(),
                json!({ "content": "User has a red kite", "namespace": name }),
            )],
            ("POST", "/v1/memories/search" | "/v1/context") => {
                vault["namespace"] = json!(name);
                vec![json(route.into(), vault)]
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

//! maia's own key: where it is asked for, how it is sent, and that it goes no further.

use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support_raw::{Call, StubBackend};
use crate::support_served::Served;

const KEY: &str = "maia-key-5b1c";
const BACKEND_KEY: &str = "backend-key-77e0";
const WRONG: [&str; 6] = ["", "maia-key-5b1", "maia-key-5b1cc", "MAIA-KEY-5B1C", "x", BACKEND_KEY];

fn start(backend: &StubBackend, backend_key: Option<&str>) -> Served {
    Served::with(|config| {
        config.proxy.backend = backend.url();
        config.proxy.backend_api_key = backend_key.map(SecretString::from);
        config.security.api_key = Some(SecretString::from(KEY));
    })
}

fn chat() -> Call {
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }] });
    Call::json("POST", "/proxy/v1/chat/completions", &body)
}

/// Every call that needs the key.
fn guarded() -> Vec<Call> {
    let memory = "/v1/namespaces/default/memories/01890000-0000-7000-8000-000000000000";
    vec![
        Call::get("/v1/namespaces"),
        Call::json("POST", "/v1/namespaces", &json!({ "name": "intruder" })),
        Call::get("/v1/namespaces/default"),
        Call::new("DELETE", "/v1/namespaces/default"),
        Call::get("/v1/namespaces/missing"),
        Call::get("/v1/namespaces/default/memories"),
        Call::json("POST", "/v1/namespaces/default/memories", &json!({ "content": "x" })),
        Call::get(memory),
        Call::new("DELETE", memory),
        Call::json(
            "POST",
            "/v1/namespaces/default/memories/search",
            &json!({ "query": "x" }),
        ),
        Call::json("POST", "/v1/namespaces/default/context", &json!({ "query": "x" })),
        Call::get("/v1/nothing"),
        Call::new("PROPFIND", "/v1/namespaces"),
        chat(),
        Call::get("/proxy/v1/models"),
        Call::new("DELETE", "/proxy/v1/files/f"),
        Call::new("PROPFIND", "/proxy/v1/chat/completions"),
    ]
}

#[test]
fn without_the_key_every_call_is_the_same_401() {
    let backend = StubBackend::chatting();
    for backend_key in [None, Some(BACKEND_KEY)] {
        let maia = start(&backend, backend_key);
        let mut bodies: Vec<Value> = Vec::new();
        for call in guarded() {
            let wrong_keys = WRONG.iter().flat_map(|wrong| {
                [
                    call.clone().header("X-API-Key", wrong),
                    call.clone().header("Authorization", &format!("Bearer {wrong}")),
                ]
            });
            let wrong_schemes = [
                call.clone().header("Authorization", KEY),
                call.clone().header("Authorization", &format!("Basic {KEY}")),
                call.clone().header("Authorization", &format!("Bearer{KEY}")),
                call.clone().header("X-API-Key", &format!("Bearer {KEY}")),
                call.clone().header("X-MAIA-Key", KEY),
            ];
            for call in wrong_keys.chain(wrong_schemes).chain([call.clone()]) {
                let reply = maia.send(&call);
                let message = reply.expect_error(401, "unauthorized", None);
                assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
                assert!(message.contains("X-API-Key"), "{message}");
                bodies.push(reply.json());
            }
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        assert_eq!(bodies[0]["error"]["type"], "authentication_error");
    }
    assert_eq!(backend.requests(), [""; 0], "nothing reached the backend");
}

#[test]
fn the_api_takes_the_key_in_both_headers() {
    let maia = start(&StubBackend::chatting(), None);
    for (header, value) in [
        ("X-API-Key", KEY.to_owned()),
        ("x-api-key", KEY.to_owned()),
        ("Authorization", format!("Bearer {KEY}")),
        ("authorization", format!("bearer {KEY}")),
    ] {
        let call = Call::get("/v1/namespaces").header(header, &value);
        assert_eq!(maia.send(&call).expect(200)["total"], 1);
    }
    let both = Call::get("/v1/namespaces")
        .header("X-API-Key", KEY)
        .header("Authorization", "Bearer something-else");
    maia.send(&both).expect(200);
}

#[test]
fn health_ready_and_metrics_are_open() {
    let maia = start(&StubBackend::chatting(), None);
    for path in ["/health", "/ready", "/metrics"] {
        assert_eq!(maia.get(path).status, 200, "{path}");
    }
}

#[test]
fn the_proxy_takes_the_key_in_its_header_and_forwards_the_clients_bearer_token() {
    let backend = StubBackend::chatting();
    let maia = start(&backend, None);
    let bearer = chat().header("Authorization", &format!("Bearer {KEY}"));
    maia.send(&bearer).expect_error(401, "unauthorized", None);
    let call = chat()
        .header("X-API-Key", KEY)
        .header("Authorization", "Bearer client-token");
    assert_eq!(maia.send(&call).expect(200)["id"], "c1");
    let models = Call::get("/proxy/v1/models").header("X-API-Key", KEY);
    maia.send(&models).expect(200);
    let requests = backend.requests();
    assert_eq!(requests.len(), 2);
    assert!(
        requests[0].contains("authorization: Bearer client-token\r\n"),
        "{}",
        requests[0]
    );
    for request in requests {
        assert!(
            !request.contains(KEY) && !request.to_lowercase().contains("x-api-key"),
            "{request}"
        );
    }
}

#[test]
fn the_proxy_takes_a_bearer_token_where_the_backend_has_a_key_of_its_own() {
    let backend = StubBackend::chatting();
    let maia = start(&backend, Some(BACKEND_KEY));
    let bearer = ("Authorization", format!("Bearer {KEY}"));
    for (name, value) in [bearer, ("X-API-Key", KEY.to_owned())] {
        for call in [chat(), Call::get("/proxy/v1/models")] {
            let reply = maia.send(&call.header(name, &value));
            assert_eq!(reply.status, 200, "{reply}");
            assert!(!reply.to_string().contains(BACKEND_KEY), "{reply}");
        }
    }
    let requests = backend.requests();
    assert_eq!(requests.len(), 4);
    for request in requests {
        assert!(
            request.contains(&format!("authorization: Bearer {BACKEND_KEY}\r\n")),
            "{request}"
        );
        assert_eq!(request.to_lowercase().matches("authorization:").count(), 1, "{request}");
        assert!(!request.contains(KEY), "{request}");
    }
}

#[test]
fn without_a_key_of_its_own_everything_is_open_and_headers_are_the_clients() {
    let backend = StubBackend::chatting();
    let maia = Served::with(|config| config.proxy.backend = backend.url());
    maia.get("/v1/namespaces").expect(200);
    let call = chat()
        .header("X-API-Key", "for-the-backend")
        .header("Authorization", "Bearer token");
    maia.send(&call).expect(200);
    let request = backend.requests().remove(0);
    assert!(request.contains("x-api-key: for-the-backend\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer token\r\n"), "{request}");
}

/// Addresses end up in histories and in the logs of everything on the way.
#[test]
fn a_key_in_an_address_is_refused() {
    let backend = StubBackend::chatting();
    let maia = start(&backend, None);
    let encoded = KEY.replace('-', "%2D");
    for call in [
        Call::get(&format!("/v1/namespaces?api_key={KEY}")),
        Call::get("/v1/namespaces?limit=1&key=anything"),
        Call::get("/v1/namespaces?x-api-key=anything&api-key="),
        Call::get("/v1/namespaces?Access_Token="),
        Call::get(&format!("/v1/namespaces?q={encoded}")),
        Call::get(&format!("/proxy/v1/models?api_key={KEY}")),
        Call::get(&format!("/proxy/v1/models?a=b&x={encoded}")),
        Call::json(
            "POST",
            &format!("/proxy/v1/chat/completions?key={KEY}"),
            &json!({ "messages": [] }),
        ),
    ] {
        for call in [call.clone(), call.header("X-API-Key", KEY)] {
            let reply = maia.send(&call);
            let body = reply.expect(400);
            assert_eq!(body["error"]["code"], "bad_request");
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.ends_with("send it in the header X-API-Key"), "{message}");
            assert!(!reply.to_string().contains(KEY), "{reply}");
        }
    }
    assert_eq!(backend.requests(), [""; 0]);
    // A key for the backend is the backend's business.
    let call = Call::get("/proxy/v1/models?key=gemini&alt=sse").header("X-API-Key", KEY);
    assert_eq!(maia.send(&call).status, 200);
    assert!(backend.requests()[0].starts_with("GET /v1/models?key=gemini&alt=sse HTTP/1.1\r\n"));
}

#[test]
fn what_is_refused_is_counted() {
    let backend = StubBackend::chatting();
    let maia = start(&backend, None);
    maia.send(&chat()).expect(401);
    maia.get("/proxy/v1/models").expect(401);
    maia.get("/proxy/v1/models").expect(401);
    let metrics = maia.get("/metrics").text();
    for (route, count) in [("chat", 1), ("relay", 2)] {
        let line = format!("maia_proxy_requests_total{{route=\"{route}\",status=\"4xx\"}} {count}\n");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
}

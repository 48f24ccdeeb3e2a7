//! Whom maia answers: names, origins and preflights.

use serde_json::json;

use crate::support_raw::{Call, StubBackend};
use crate::support_served::Served;

const PAGE: &str = "https://app.example.com";

fn every_route() -> Vec<Call> {
    vec![
        Call::get("/"),
        Call::get("/health"),
        Call::get("/ready"),
        Call::get("/metrics"),
        Call::get("/v1/namespaces"),
        Call::json("POST", "/v1/namespaces", &json!({ "name": "intruder" })),
        Call::get("/v1/namespaces/default/memories"),
        Call::json(
            "POST",
            "/v1/namespaces/default/memories",
            &json!({ "content": "intruder" }),
        ),
        Call::new("DELETE", "/v1/namespaces/default?force=true"),
        Call::json("POST", "/proxy/v1/chat/completions", &json!({ "messages": [] })),
        Call::get("/proxy/v1/models"),
        Call::new("OPTIONS", "/v1/namespaces"),
        Call::get("/nothing"),
    ]
}

#[track_caller]
fn assert_untouched(maia: &Served, backend: &StubBackend) {
    assert_eq!(maia.get("/v1/namespaces").expect(200)["total"], 1);
    assert_eq!(maia.get("/v1/namespaces/default/memories").expect(200)["total"], 0);
    assert_eq!(backend.requests(), [""; 0]);
}

#[test]
fn a_name_that_is_not_ours_is_refused_on_every_route() {
    let backend = StubBackend::chatting();
    let maia = Served::with(|config| config.proxy.backend = backend.url());
    for host in [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evillocalhost",
        "EVIL.example",
        "0x7f.1",
        "maia",
    ] {
        for call in every_route() {
            let reply = maia.send(&call.header("Host", host));
            let message = reply.expect_error(403, "forbidden", Some("Host"));
            assert!(message.contains("server.allowed_hosts"), "{message}");
        }
    }
    for host in ["", "a b", "http://localhost"] {
        let reply = maia.send(&Call::get("/v1/namespaces").header("Host", host));
        assert!(matches!(reply.status, 400 | 403), "{host:?}: {reply}");
    }
    assert_untouched(&maia, &backend);
}

#[test]
fn our_names_are_answered() {
    let maia = Served::with(|config| config.server.allowed_hosts = vec!["maia.home".into(), "*.lan.example".into()]);
    for host in [
        "localhost",
        "localhost:8080",
        "LocalHost",
        "localhost.",
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]",
        "[::1]:8080",
        "app.localhost",
        "maia.home",
        "MAIA.home:8080",
        "a.lan.example",
        "192.168.1.7:8080",
    ] {
        let reply = maia.send(&Call::get("/v1/namespaces").header("Host", host));
        assert_eq!(reply.status, 200, "{host}: {reply}");
    }
    for host in ["lan.example", "maia.home.evil.example", "a.maia.home", "xlan.example"] {
        maia.send(&Call::get("/v1/namespaces").header("Host", host))
            .expect_error(403, "forbidden", Some("Host"));
    }
}

#[test]
fn a_foreign_page_is_refused_and_changes_nothing() {
    let backend = StubBackend::chatting();
    let maia = Served::with(|config| {
        config.proxy.backend = backend.url();
        config.server.allowed_origins = vec![PAGE.into()];
    });
    let preflight = Call::new("OPTIONS", "/v1/namespaces").header("Access-Control-Request-Method", "POST");
    for origin in [
        "https://evil.example",
        "null",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://xapp.example.com",
        "http://localhost:3000",
        "file://",
        "",
    ] {
        for call in every_route().into_iter().chain([preflight.clone()]) {
            let reply = maia.send(&call.header("Origin", origin));
            reply.expect_error(403, "forbidden", Some("Origin"));
            let allowing = reply
                .headers
                .iter()
                .find(|(name, _)| name.starts_with("access-control-"));
            assert_eq!(allowing, None, "{origin}");
        }
    }
    assert_untouched(&maia, &backend);
}

#[test]
fn a_form_cannot_write() {
    let backend = StubBackend::chatting();
    let maia = Served::with(|config| config.proxy.backend = backend.url());
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        for (path, body) in [
            ("/v1/namespaces", r#"{"name":"intruder"}"#),
            ("/v1/namespaces/default/memories", r#"{"content":"intruder"}"#),
            (
                "/proxy/v1/chat/completions",
                r#"{"messages":[{"role":"user","content":"x"}]}"#,
            ),
        ] {
            let call = Call::new("POST", path).header("Content-Type", kind).body(body);
            maia.send(&call).expect_error(415, "unsupported_media_type", None);
        }
    }
    assert_untouched(&maia, &backend);
}

#[test]
fn an_allowed_page_gets_its_preflight() {
    let maia = Served::with(|config| {
        config.server.allowed_origins = vec![PAGE.into()];
        config.security.api_key = Some("key".into());
    });
    let asked = "authorization, content-type, x-stainless-lang, x-stainless-retry-count, x-maia-namespace";
    for path in ["/proxy/v1/chat/completions", "/v1/namespaces/default/memories"] {
        let call = Call::new("OPTIONS", path)
            .header("Origin", PAGE)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", asked);
        let reply = maia.send(&call);
        assert_eq!(reply.status, 204, "{reply}");
        assert_eq!(reply.header("access-control-allow-origin"), Some(PAGE));
        assert_eq!(reply.header("access-control-allow-methods"), Some("POST"));
        assert_eq!(reply.header("access-control-allow-headers"), Some(asked));
        assert_eq!(reply.header("access-control-max-age"), Some("600"));
        assert_eq!(reply.header("access-control-allow-credentials"), None);
        assert_eq!(reply.header("vary"), Some("origin"));
        assert_eq!(reply.body, b"");
    }
}

#[test]
fn an_allowed_page_may_read_the_answer() {
    let backend = StubBackend::chatting();
    let maia = Served::with(|config| {
        config.proxy.backend = backend.url();
        config.server.allowed_origins = vec![PAGE.into()];
    });
    let chat = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    for call in [
        Call::get("/v1/namespaces"),
        Call::get("/v1/namespaces/missing"),
        Call::json("POST", "/proxy/v1/chat/completions", &chat),
    ] {
        let reply = maia.send(&call.header("Origin", PAGE));
        assert_eq!(reply.header("access-control-allow-origin"), Some(PAGE), "{reply}");
        let exposed = reply.header("access-control-expose-headers").unwrap();
        for header in [
            "x-maia-memories-used",
            "x-maia-tokens-injected",
            "x-request-id",
            "retry-after",
            "x-ratelimit-reset",
        ] {
            assert!(exposed.split(", ").any(|name| name == header), "{exposed}");
        }
    }
    let request = &backend.requests()[0];
    assert!(!request.to_lowercase().contains("origin:"), "{request}");
}

#[test]
fn maia_own_address_is_no_foreign_origin() {
    let maia = Served::start();
    let own = format!("http://{}", maia.address());
    let reply = maia.send(&Call::get("/v1/namespaces").header("Origin", &own));
    assert_eq!(reply.status, 200, "{reply}");
}

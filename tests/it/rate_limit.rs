//! The rate limit: what is refused, what the client is told, and that it cannot be talked around.

use serde_json::json;

use crate::support_raw::{Call, Reply, StubBackend};
use crate::support_served::Served;

/// One request a second, `burst` at once.
fn limited(burst: u32) -> Served {
    Served::with(|config| {
        config.security.rate_limit_rps = 1;
        config.security.rate_limit_burst = burst;
    })
}

fn number(reply: &Reply, header: &str) -> u64 {
    reply.header(header).unwrap().parse().unwrap()
}

/// Sends calls made by `call` until one is refused; there must be one soon.
fn until_refused(maia: &Served, mut call: impl FnMut(u32) -> Call) -> (u32, Reply) {
    (0..60)
        .map(|attempt| (attempt, maia.send(&call(attempt))))
        .find(|(_, reply)| reply.status == 429)
        .unwrap()
}

#[test]
fn one_too_many_is_a_429_that_says_when_to_come_back() {
    let maia = limited(3);
    let first = maia.get("/v1/namespaces");
    assert_eq!(first.status, 200);
    assert_eq!(number(&first, "x-ratelimit-limit"), 3);
    assert_eq!(number(&first, "x-ratelimit-remaining"), 2);
    assert_eq!(number(&first, "x-ratelimit-reset"), 1);
    let (attempts, refused) = until_refused(&maia, |_| Call::get("/v1/namespaces"));
    assert!(attempts >= 2, "{attempts}");
    let body = refused.expect(429);
    let expected = json!({
        "error": { "message": "Rate limit exceeded", "type": "rate_limit_error", "param": null, "code": "rate_limited" }
    });
    assert_eq!(body, expected);
    assert_eq!(number(&refused, "retry-after"), 1);
    assert_eq!(number(&refused, "x-ratelimit-limit"), 3);
    assert_eq!(number(&refused, "x-ratelimit-remaining"), 0);
    assert_eq!(number(&refused, "x-ratelimit-reset"), 3);
    let metrics = maia.get("/metrics").text();
    assert!(metrics.contains("\nmaia_rate_limited_total 1\n"), "{metrics}");
}

#[test]
fn what_a_client_says_of_itself_does_not_help() {
    let maia = limited(3);
    let (_, refused) = until_refused(&maia, |attempt| {
        let address = format!("10.0.0.{attempt}");
        Call::get("/v1/namespaces")
            .header("X-Forwarded-For", &address)
            .header("Forwarded", &format!("for={address}"))
            .header("X-Real-IP", &address)
            .header("X-API-Key", &format!("key-{attempt}"))
            .header("Authorization", &format!("Bearer key-{attempt}"))
            .header("User-Agent", &address)
    });
    refused.expect_error(429, "rate_limited", None);
}

#[test]
fn the_proxy_and_refused_keys_count_too() {
    let backend = StubBackend::chatting();
    let maia = Served::with(|config| {
        config.proxy.backend = backend.url();
        config.security.rate_limit_rps = 1;
        config.security.rate_limit_burst = 3;
        config.security.api_key = Some("right".into());
    });
    let (attempts, _) = until_refused(&maia, |attempt| {
        let path = if attempt % 2 == 0 {
            "/proxy/v1/models"
        } else {
            "/v1/namespaces"
        };
        Call::get(path).header("X-API-Key", "guess")
    });
    assert!(attempts >= 3, "{attempts}");
    assert_eq!(backend.requests(), [""; 0]);
    until_refused(&maia, |_| Call::get("/proxy/v1/models").header("X-API-Key", "right"));
    let metrics = maia.get("/metrics").text();
    let series = "maia_proxy_requests_total{route=\"relay\",status=\"4xx\"} ";
    let count = metrics.lines().find_map(|line| line.strip_prefix(series)).unwrap();
    assert!(count.parse::<u32>().unwrap() > attempts / 2, "{metrics}");
}

#[test]
fn operations_are_never_limited() {
    let maia = limited(1);
    until_refused(&maia, |_| Call::get("/v1/namespaces"));
    for path in ["/health", "/ready", "/metrics"].repeat(5) {
        assert_eq!(maia.get(path).status, 200, "{path}");
    }
}

#[test]
fn zero_a_second_is_no_limit() {
    let maia = Served::with(|config| {
        config.security.rate_limit_rps = 0;
        config.security.rate_limit_burst = 1;
    });
    for _ in 0..50 {
        let reply = maia.get("/v1/namespaces");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-ratelimit-limit"), None);
    }
    assert_eq!(maia.get("/health").header("x-ratelimit-limit"), None);
}

#[test]
fn the_backends_own_figures_are_kept() {
    let backend = StubBackend::with(|stream| {
        let head = "HTTP/1.1 200 OK\r\nX-RateLimit-Limit: 777\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let _ = std::io::Write::write_all(stream, head.as_bytes());
    });
    let maia = Served::with(|config| {
        config.proxy.backend = backend.url();
        config.security.rate_limit_rps = 100;
    });
    let reply = maia.get("/proxy/v1/models");
    assert_eq!(number(&reply, "x-ratelimit-limit"), 777);
    assert!(number(&reply, "x-ratelimit-remaining") < 150, "{reply}");
}

/// A limited server with an owner's key and two named ones.
fn with_keys(burst: u32) -> (Served, [String; 2]) {
    let maia = Served::with(|config| {
        config.security.api_key = Some("owner".into());
        config.security.rate_limit_rps = 1;
        config.security.rate_limit_burst = burst;
    });
    let keys = ["one", "two"].map(|name| {
        let body = json!({ "name": name, "namespaces": ["default"], "rights": ["read"] });
        let call = Call::json("POST", "/v1/keys", &body).header("X-API-Key", "owner");
        maia.send(&call).expect(201)["key"].as_str().unwrap().to_owned()
    });
    (maia, keys)
}

#[test]
fn each_named_key_has_a_limit_of_its_own_and_wrong_keys_share_one() {
    let (maia, keys) = with_keys(20);
    let by = |key: &str| Call::get("/v1/namespaces").header("X-API-Key", key);
    let (attempts, _) = until_refused(&maia, |attempt| by(&format!("wrong-{attempt}")));
    assert!(attempts >= 18, "{attempts}");
    // What strangers do at the same address does not count for a key, nor what another key does.
    for key in &keys {
        let reply = maia.send(&by(key));
        assert_eq!((reply.status, number(&reply, "x-ratelimit-remaining")), (200, 19));
        until_refused(&maia, |_| by(key));
    }
}

#[test]
fn every_answer_says_how_it_stands() {
    let backend = StubBackend::chatting();
    let maia = Served::with(|config| {
        config.proxy.backend = backend.url();
        config.security.api_key = Some("owner".into());
        config.security.rate_limit_rps = 100;
        config.security.rate_limit_burst = 90;
    });
    let memories = "/v1/namespaces/default/memories";
    let etag = maia
        .send(&Call::get("/v1/namespaces/default").header("X-API-Key", "owner"))
        .header("etag")
        .unwrap()
        .to_owned();
    let chat = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    let calls = [
        (200, Call::get("/v1/namespaces")),
        (200, Call::new("HEAD", "/v1/namespaces")),
        (204, Call::new("OPTIONS", "/v1/namespaces")),
        (201, Call::json("POST", memories, &json!({ "content": "x" }))),
        (304, Call::get("/v1/namespaces/default").header("If-None-Match", &etag)),
        (400, Call::get("/v1/namespaces?limit=0")),
        (400, Call::get("/v1/namespaces?key=x")),
        (404, Call::get("/v1/nothing")),
        (404, Call::get("/proxy/v1")),
        (404, Call::get("/v1/namespaces/missing")),
        (405, Call::new("DELETE", "/v1/namespaces")),
        (
            412,
            Call::new("DELETE", "/v1/namespaces/default").header("If-Match", "\"x\""),
        ),
        (
            413,
            Call::json("POST", memories, &json!({ "content": "x".repeat(2 << 20) })),
        ),
        (415, Call::new("POST", memories).body("x")),
        (200, Call::get("/proxy/v1/models")),
        (200, Call::json("POST", "/proxy/v1/chat/completions", &chat)),
        (
            400,
            Call::json("POST", "/proxy/v1/chat/completions", &chat).header("X-MAIA-Token-Budget", "x"),
        ),
    ];
    for (status, call) in calls {
        let reply = maia.send(&call.clone().header("X-API-Key", "owner"));
        assert_eq!(reply.status, status, "{call}: {reply}");
        for header in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
            assert!(reply.header(header).is_some(), "{header} of {call}: {reply}");
        }
    }
    let refused = maia.send(&Call::get("/v1/namespaces").header("X-API-Key", "wrong"));
    assert_eq!(refused.status, 401);
    assert_eq!(number(&refused, "x-ratelimit-limit"), 90);
}

#[test]
fn what_costs_nothing_says_how_it_stands_too() {
    let maia = Served::with(|config| {
        config.server.allowed_origins = vec!["https://app.example".into()];
        config.security.api_key = Some("owner".into());
        config.security.rate_limit_rps = 1;
        config.security.rate_limit_burst = 1_000;
    });
    let preflight = Call::new("OPTIONS", "/v1/namespaces")
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "POST");
    let free = [
        (200, Call::get("/health")),
        (200, Call::new("HEAD", "/health")),
        (200, Call::get("/ready")),
        (200, Call::get("/metrics")),
        (200, Call::get("/openapi.json")),
        (200, Call::get("/docs")),
        (200, Call::get("/docs/style.css")),
        (204, Call::new("OPTIONS", "/health")),
        (405, Call::new("POST", "/health")),
        (404, Call::get("/nothing")),
        (403, Call::get("/v1/namespaces").header("Host", "evil.example")),
        (
            403,
            Call::get("/v1/namespaces").header("Origin", "https://evil.example"),
        ),
        (400, Call::get("/v1/namespaces").header("Host", "not a host")),
        (431, Call::get("/v1/namespaces").header("X-Long", &"x".repeat(65 << 10))),
        (204, preflight),
    ];
    for (status, call) in &free {
        let reply = maia.send(call);
        assert_eq!(reply.status, *status, "{call}: {reply}");
        let standing = ["limit", "remaining", "reset"].map(|name| number(&reply, &format!("x-ratelimit-{name}")));
        assert_eq!(standing, [1_000, 1_000, 0], "{call}");
    }
    let counted = maia.get("/v1/namespaces");
    assert_eq!((counted.status, number(&counted, "x-ratelimit-remaining")), (401, 999));
    for (_, call) in free.iter().chain(&free) {
        let left = number(&maia.send(call), "x-ratelimit-remaining");
        assert!((999..=1_000).contains(&left), "{left} left after {call}");
    }
}

#[test]
fn an_answer_that_costs_nothing_shows_what_is_used_up() {
    let maia = limited(3);
    until_refused(&maia, |_| Call::get("/v1/namespaces"));
    let reply = maia.get("/health");
    assert_eq!(reply.status, 200);
    assert_eq!(number(&reply, "x-ratelimit-limit"), 3);
    assert!(number(&reply, "x-ratelimit-remaining") <= 1, "{reply}");
    assert!(number(&reply, "x-ratelimit-reset") >= 2, "{reply}");
    assert_eq!(reply.header("retry-after"), None);
}

/// Otherwise keys could be tried there without being counted.
#[test]
fn an_answer_that_costs_nothing_tells_nothing_of_a_key() {
    let (maia, [key, _]) = with_keys(200);
    let by_key = |path: &str| Call::get(path).header("X-API-Key", &key);
    for _ in 0..100 {
        maia.send(&by_key("/v1/namespaces")).expect(200);
    }
    let left = |call: &Call| number(&maia.send(call), "x-ratelimit-remaining");
    assert!(left(&by_key("/v1/namespaces")) < 190);
    assert!(left(&by_key("/health")) > 190);
    assert!(left(&by_key("/health").header("Host", "evil.example")) > 190);
}

#[test]
fn a_trusted_proxy_says_whose_requests_these_are() {
    let maia = Served::with(|config| {
        config.security.rate_limit_rps = 1;
        config.security.rate_limit_burst = 50;
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    });
    // How many requests of the burst are used up for whoever sends this.
    let used = |forwarded: &[&str]| {
        let call = forwarded.iter().fold(Call::get("/v1/namespaces"), |call, value| {
            call.header("X-Forwarded-For", value)
        });
        50 - number(&maia.send(&call), "x-ratelimit-remaining")
    };
    assert_eq!(used(&["192.0.2.1"]), 1);
    assert_eq!(used(&["192.0.2.2"]), 1);
    // The rightmost that is no proxy: what stands before it may be made up.
    assert_eq!(used(&["192.0.2.9, 192.0.2.1"]), 2);
    assert_eq!(used(&["192.0.2.8", "192.0.2.1, 10.1.2.3"]), 3);
    assert_eq!(used(&["192.0.2.1:4711"]), 4);
    assert_eq!(used(&["::ffff:192.0.2.1"]), 5);
    // One IPv6 network is one client.
    assert_eq!(used(&["2001:db8::1"]), 1);
    assert_eq!(used(&["[2001:db8::2]:443"]), 2);
    // Where nothing can be read, the last that is known counts: here the proxy itself.
    assert_eq!(used(&[]), 1);
    assert_eq!(used(&["unknown"]), 2);
    assert_eq!(used(&["10.9.9.9"]), 1);
    assert_eq!(used(&["192.0.2.1, garbage, 10.9.9.9"]), 2);
}

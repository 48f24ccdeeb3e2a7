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
    assert_eq!(number(&refused, "x-ratelimit-reset"), 1);
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

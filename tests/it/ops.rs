//! For those who run maia: health, readiness, figures, logs and request ids.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support_process::Program;
use crate::support_raw::{Call, StubBackend, eventually, gate};
use crate::support_served::Served;

const MEMORIES: &str = "/v1/namespaces/default/memories";
/// Metrics whose names are promised.
const PROMISED: [&str; 5] = [
    "maia_proxy_requests_total",
    "maia_proxy_request_duration_seconds",
    "maia_proxy_backend_errors_total",
    "maia_proxy_context_injections_total",
    "maia_proxy_memory_extractions_total",
];

fn chat_with(text: &str) -> Call {
    let body = json!({ "model": "m", "messages": [{ "role": "user", "content": text }] });
    Call::json("POST", "/proxy/v1/chat/completions", &body)
}

fn serving(backend: &StubBackend) -> Served {
    Served::with(|config| config.proxy.backend = backend.url())
}

/// The value of a series, as it stands in the exposition.
fn value(maia: &Served, series: &str) -> f64 {
    let text = maia.get("/metrics").text();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

fn all_series(maia: &Served) -> BTreeSet<String> {
    let text = maia.get("/metrics").text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

#[test]
fn health_is_alive() {
    let maia = Served::start();
    let reply = maia.get("/health");
    assert_eq!(reply.expect(200), json!({ "status": "ok", "service": "maia" }));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    maia.send(&Call::new("POST", "/health"))
        .expect_error(405, "method_not_allowed", None);
    assert_eq!(maia.send(&Call::new("HEAD", "/health")).status, 200);
}

#[test]
fn ready_is_a_store_that_reads_and_writes() {
    let backend = StubBackend::chatting();
    let maia = serving(&backend);
    assert_eq!(
        maia.get("/ready").expect(200),
        json!({ "status": "ready", "store": "ok" })
    );
    let before = maia.get("/v1/namespaces/default").expect(200);
    // From here on the database refuses every write, as a full or broken disk would.
    let connection = Connection::open(maia.path()).unwrap();
    connection
        .execute_batch(
            "CREATE TRIGGER broken BEFORE UPDATE ON namespaces BEGIN SELECT raise(ABORT, 'the disk is broken'); END;
             CREATE TRIGGER broken_too BEFORE INSERT ON extraction_queue BEGIN SELECT raise(ABORT, 'the disk is broken'); END;",
        )
        .unwrap();
    let not_ready = maia.get("/ready").expect(503);
    assert_eq!(not_ready["status"], "not ready");
    assert!(
        not_ready["store"].as_str().unwrap().contains("the disk is broken"),
        "{not_ready}"
    );
    let message = maia
        .post(MEMORIES, &json!({ "content": "User likes tea" }))
        .expect_error(503, "storage_error", None);
    assert!(message.ends_with("nothing was changed"), "{message}");
    assert_eq!(maia.get("/health").status, 200);
    assert_eq!(maia.get("/v1/namespaces/default").expect(200), before);
    maia.send(&chat_with("I am vegetarian.")).expect(200);
    connection
        .execute_batch("DROP TRIGGER broken; DROP TRIGGER broken_too")
        .unwrap();
    maia.get("/ready").expect(200);
    maia.memory("User likes tea");
}

#[test]
fn without_a_store_chat_goes_on() {
    let backend = StubBackend::chatting();
    let maia = serving(&backend);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(maia.store.close());
    assert_eq!(maia.get("/ready").expect(503)["status"], "not ready");
    assert_eq!(maia.get("/health").status, 200);
    maia.get(MEMORIES).expect_error(503, "storage_unavailable", None);
    maia.get("/v1/namespaces")
        .expect_error(503, "storage_unavailable", None);
    let reply = maia.send(&chat_with("Hi"));
    assert_eq!(reply.expect(200)["id"], "c1");
    assert_eq!(reply.header("x-maia-memories-used"), Some("0"));
    assert!(value(&maia, "maia_memory_errors_total{operation=\"recall\"}") >= 1.0);
}

#[test]
fn promised_metrics_are_there_from_the_start() {
    let maia = Served::start();
    let reply = maia.get("/metrics");
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4"),
        "{reply}"
    );
    let text = reply.text();
    for name in PROMISED {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} is missing");
        assert!(text.contains(&format!("# HELP {name} ")), "{name} is not explained");
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} has no series");
    }
}

#[test]
fn requests_are_counted() {
    let backend = StubBackend::answering(
        "200 OK",
        r#"{"id":"c1","choices":[{"index":0,"message":{"role":"assistant","content":"I'll remember that you prefer dark mode."},"finish_reason":"stop"}]}"#,
    );
    let maia = serving(&backend);
    let chat_requests = "maia_proxy_requests_total{route=\"chat\",status=\"2xx\"}";
    let injected = "maia_proxy_context_injections_total{result=\"injected\"}";
    let nothing = "maia_proxy_context_injections_total{result=\"nothing\"}";
    let stored = "maia_proxy_memory_extractions_total{result=\"stored\"}";
    let known = "maia_proxy_memory_extractions_total{result=\"known\"}";
    maia.send(&chat_with("Hello there")).expect(200);
    eventually("the fact is stored", || value(&maia, stored) >= 1.0);
    assert!((value(&maia, chat_requests) - 1.0).abs() < 0.1);
    assert!((value(&maia, nothing) - 1.0).abs() < 0.1);
    assert!((value(&maia, injected)).abs() < 0.1);
    maia.send(&chat_with("Is dark mode better?")).expect(200);
    eventually("the fact is known", || value(&maia, known) >= 1.0);
    assert!((value(&maia, chat_requests) - 2.0).abs() < 0.1);
    assert!((value(&maia, injected) - 1.0).abs() < 0.1);
    assert!((value(&maia, stored) - 1.0).abs() < 0.1);
    assert!(value(&maia, "maia_proxy_context_tokens_total{kind=\"new\"}") > 5.0);
    assert!((value(&maia, "maia_proxy_request_duration_seconds_count{route=\"chat\"}") - 2.0).abs() < 0.1);
    maia.get("/proxy/v1/models").expect(200);
    assert!((value(&maia, "maia_proxy_requests_total{route=\"relay\",status=\"2xx\"}") - 1.0).abs() < 0.1);
    let calls = "maia_api_requests_total{status=\"2xx\"}";
    let before = value(&maia, calls);
    maia.get("/v1/namespaces").expect(200);
    assert!((value(&maia, calls) - before - 1.0).abs() < 0.1);
    maia.get("/v1/namespaces/missing").expect(404);
    assert!((value(&maia, "maia_api_requests_total{status=\"4xx\"}") - 1.0).abs() < 0.1);
}

#[test]
fn failures_of_the_backend_are_counted_by_kind() {
    let errors =
        |maia: &Served, kind: &str| value(maia, &format!("maia_proxy_backend_errors_total{{kind=\"{kind}\"}}"));
    let maia = Served::start();
    maia.send(&chat_with("Hi")).expect_error(502, "backend_error", None);
    assert!((errors(&maia, "unreachable") - 1.0).abs() < 0.1);
    let failing = StubBackend::answering("500 Internal Server Error", r#"{"error":{"message":"out of memory"}}"#);
    let maia = serving(&failing);
    let message = maia.send(&chat_with("Hi")).expect_error(500, "backend_error", None);
    assert_eq!(
        message,
        "Backend returned error: 500 Internal Server Error: out of memory"
    );
    assert!((errors(&maia, "status") - 1.0).abs() < 0.1);
    assert!((value(&maia, "maia_proxy_requests_total{route=\"chat\",status=\"5xx\"}") - 1.0).abs() < 0.1);
    let (open, wait) = gate();
    let hanging = StubBackend::with(move |_| wait());
    let maia = Served::with(|config| {
        config.proxy.backend = hanging.url();
        config.proxy.timeout_first_byte = Some(Duration::from_millis(50));
    });
    maia.send(&chat_with("Hi")).expect_error(504, "backend_timeout", None);
    assert!((errors(&maia, "timeout") - 1.0).abs() < 0.1);
    open.send(()).unwrap();
}

#[test]
fn series_do_not_grow_with_what_clients_send() {
    let backend = StubBackend::chatting();
    let maia = serving(&backend);
    for warm_up in [
        chat_with("Hi"),
        Call::get("/proxy/v1/models"),
        Call::get("/v1/namespaces"),
        Call::get("/v1/namespaces/missing"),
    ] {
        maia.send(&warm_up);
    }
    let before = all_series(&maia);
    for number in 0..50 {
        let name = format!("space-{number}");
        maia.namespace(&name);
        let body = json!({ "model": format!("model-{number}"), "messages": [{ "role": "user", "content": "Hi" }] });
        let chat = Call::json("POST", "/proxy/v1/chat/completions", &body)
            .header("X-MAIA-Namespace", &format!("other-{number}"));
        maia.send(&chat).expect(200);
        maia.send(&Call::new(
            &format!("METHOD{number}"),
            &format!("/proxy/v1/path-{number}"),
        ))
        .expect(200);
        maia.send(&Call::new(
            &format!("METHOD{number}"),
            &format!("/v1/path-{number}?a={number}"),
        ));
        maia.get(&format!("/v1/namespaces/{name}/memories?limit=1")).expect(200);
    }
    assert_eq!(all_series(&maia), before);
    let text = maia.get("/metrics").text();
    for word in ["space-", "other-", "model-", "METHOD", "path-"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn logs_hold_no_texts_keys_or_header_values() {
    let backend = StubBackend::with(|stream| {
        let body = r#"{"error":{"message":"cannot answer 'canary-quoted-by-backend' with key canary-backend-key"}}"#;
        let _ = write!(
            stream,
            "HTTP/1.1 500 Oh\r\nContent-Type: application/json\r\nX-Secret: canary-answer-header\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
    });
    for (level, format) in [("info", "text"), ("debug", "json")] {
        let folder = tempfile::tempdir().unwrap();
        let (level, format) = (format!("logging.level={level}"), format!("logging.format={format}"));
        let url = backend.url();
        let arguments = [
            "--backend",
            url.as_str(),
            "--set",
            &level,
            "--set",
            &format,
            "--set",
            "security.api_key=canary-own-key",
            "--set",
            "proxy.backend_api_key=canary-backend-key",
            "--set",
            "proxy.headers=x-extra=canary-extra-header",
        ];
        let maia = Program::start(folder.path(), &arguments);
        let send = |call: Call| {
            let call = call
                .header("X-API-Key", "canary-own-key")
                .header("Authorization", "Bearer canary-client-token")
                .header("User-Agent", "canary-agent")
                .header("Cookie", "canary-cookie");
            call.send(maia.address()).status
        };
        assert_eq!(
            send(Call::json(
                "POST",
                MEMORIES,
                &json!({ "content": "User canary-content" })
            )),
            201
        );
        assert_eq!(
            send(Call::json(
                "POST",
                MEMORIES,
                &json!({ "content": "x", "canary-field": 1 })
            )),
            400
        );
        assert_eq!(
            send(Call::json("POST", "/v1/namespaces", &json!({ "name": "canary-space" }))),
            201
        );
        assert_eq!(
            send(Call::get("/v1/namespaces/canary-space/memories?tag=canary-tag")),
            200
        );
        assert_eq!(send(Call::get("/canary-path?api_key=canary-query")), 404);
        let search = Call::json(
            "POST",
            &format!("{MEMORIES}/search"),
            &json!({ "query": "canary-content" }),
        );
        assert_eq!(send(search), 200);
        assert_eq!(send(chat_with("I like canary-content")), 500);
        assert_eq!(send(chat_with("x").header("X-MAIA-Token-Budget", "canary-budget")), 400);
        assert_eq!(send(Call::get("/proxy/v1/canary-file?key=canary-query")), 500);
        let wrong = Call::get("/v1/namespaces").header("X-API-Key", "canary-wrong-key");
        assert_eq!(wrong.send(maia.address()).status, 401);
        assert_eq!(
            Call::get("/")
                .header("Host", "canary.example")
                .send(maia.address())
                .status,
            403
        );
        let log = maia.stop();
        let lines = log
            .lines()
            .filter(|line| line.contains("/v1/namespaces/{namespace}/memories"));
        assert!(lines.count() >= 3, "requests are logged by route:\n{log}");
        let leaks: Vec<&str> = log
            .lines()
            .filter(|line| line.to_lowercase().contains("canary"))
            .collect();
        assert_eq!(leaks, [""; 0]);
        if format.contains("json") {
            for line in log.lines() {
                serde_json::from_str::<Value>(line).unwrap();
            }
        }
    }
}

#[test]
fn every_answer_has_a_request_id() {
    let backend = StubBackend::chatting();
    let maia = serving(&backend);
    for call in [
        Call::get("/health"),
        Call::get("/nothing"),
        Call::get("/v1/namespaces/missing"),
        Call::get("/").header("Host", "evil.example"),
        Call::json("POST", MEMORIES, &json!({})),
        chat_with("Hi"),
        Call::get("/proxy/v1/models"),
    ] {
        let reply = maia.send(&call);
        let id = reply.header("x-request-id").unwrap();
        assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7, "{reply}");
        let reply = maia.send(&call.clone().header("X-Request-Id", "my-own-id.1"));
        assert_eq!(reply.header("x-request-id"), Some("my-own-id.1"));
        for unusable in ["", "a b", "é", &"x".repeat(129)] {
            let reply = maia.send(&call.clone().header("X-Request-Id", unusable));
            assert!(
                uuid::Uuid::parse_str(reply.header("x-request-id").unwrap()).is_ok(),
                "{reply}"
            );
        }
    }
}

#[test]
fn the_request_id_of_the_backend_is_kept() {
    let backend = StubBackend::with(|stream| {
        let answer = "HTTP/1.1 200 OK\r\nX-Request-Id: req_backend\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        let _ = stream.write_all(answer.as_bytes());
    });
    let maia = serving(&backend);
    for call in [chat_with("Hi"), Call::get("/proxy/v1/models")] {
        let reply = maia.send(&call.header("X-Request-Id", "mine"));
        assert_eq!(reply.header("x-request-id"), Some("req_backend"));
    }
}

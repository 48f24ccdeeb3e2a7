//! What the backend gets besides the body, and what becomes of its answers: addresses, keys, headers, failures.

use maia::proxy::Address;

use crate::support::{Answer, Backend, Call, End, Reply, TestApp};

const ASK: &str = r#"{"messages":[{"role":"user","content":"Hi"}]}"#;

async fn ok() -> Backend {
    Backend::replying(Reply::says("Yes.")).await
}

/// What a maia with these settings makes of a backend's reply.
async fn answer_to(reply: Reply) -> Answer {
    let backend = Backend::replying(reply).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    app.chat(ASK).await
}

#[tokio::test]
async fn addresses_may_be_written_as_people_write_them() {
    let backend = ok().await;
    let deployment = "/openai/deployments/gpt?api-version=2024-10-21";
    for (written, path, expected) in [
        ("", "auto", "/v1/chat/completions?x=1&y=%2F"),
        ("/", "auto", "/v1/chat/completions?x=1&y=%2F"),
        ("/v1", "auto", "/v1/chat/completions?x=1&y=%2F"),
        ("/v1/", "auto", "/v1/chat/completions?x=1&y=%2F"),
        ("//v1//", "auto", "/v1/chat/completions?x=1&y=%2F"),
        ("/api", "auto", "/api/v1/chat/completions?x=1&y=%2F"),
        ("/api/v1/", "auto", "/api/v1/chat/completions?x=1&y=%2F"),
        ("/api/paas/v4", "auto", "/api/paas/v4/chat/completions?x=1&y=%2F"),
        ("/v1beta/openai/", "auto", "/v1beta/openai/chat/completions?x=1&y=%2F"),
        ("/openai/v1", "auto", "/openai/v1/chat/completions?x=1&y=%2F"),
        (
            deployment,
            "auto",
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21&x=1&y=%2F",
        ),
        (
            deployment,
            "/",
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21&x=1&y=%2F",
        ),
        ("", "/", "/chat/completions?x=1&y=%2F"),
        ("/inference", "/", "/inference/chat/completions?x=1&y=%2F"),
        ("", "/api/v3/", "/api/v3/chat/completions?x=1&y=%2F"),
    ] {
        let address = format!("{}{written}", backend.url());
        let app = TestApp::with_backend(&address, &[("proxy.backend_path", path)]).await;
        let answer = app.send(Call::post("/proxy/v1/chat/completions?x=1&y=%2F", ASK)).await;
        assert_eq!(answer.status, 200, "{written}");
        let request = backend.last();
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            ("POST", expected),
            "{written:?} {path:?}"
        );
        assert_eq!(request.headers.all("host"), [backend.address.to_string()]);
        app.send(Call::get("/proxy/v1/models")).await;
        let (before, after) = expected.split_once("/chat/completions").unwrap();
        let query = after.split_once("&x=1").map_or("", |(query, _)| query);
        assert_eq!(backend.last().target, format!("{before}/models{query}"), "{written:?}");
    }
}

#[tokio::test]
async fn a_backend_key_takes_the_place_of_the_clients() {
    let backend = ok().await;
    let app = TestApp::with_backend(&backend.url(), &[("proxy.backend_api_key", "sk-backend")]).await;
    for call in [Call::chat(ASK), Call::get("/proxy/v1/models")] {
        let call = call
            .header("authorization", "Bearer sk-client")
            .header("api-key", "sk-client");
        let answer = app.send(call).await;
        let request = backend.last();
        assert_eq!(request.headers.all("authorization"), ["Bearer sk-backend"]);
        assert!(!format!("{request:?}").contains("sk-client"), "{request:?}");
        assert!(!format!("{answer:?}").contains("sk-backend"), "{answer:?}");
    }
}

/// Azure by its own names is where no test can go, so what is asked of it is told from the address alone.
#[test]
fn azure_is_known_by_its_names() {
    for (written, expected) in [
        ("https://NAME.openai.azure.com", "/openai/v1/chat/completions?x=1"),
        ("https://NAME.openai.azure.com/", "/openai/v1/chat/completions?x=1"),
        (
            "https://NAME.openai.azure.com/openai/v1/",
            "/openai/v1/chat/completions?x=1",
        ),
        (
            "https://NAME.openai.azure.com/openai/v1?api-version=preview",
            "/openai/v1/chat/completions?api-version=preview&x=1",
        ),
        (
            "https://NAME.OpenAI.Azure.com/openai/deployments/gpt?api-version=2024-10-21",
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21&x=1",
        ),
        ("https://NAME.services.ai.azure.com", "/openai/v1/chat/completions?x=1"),
        (
            "https://NAME.cognitiveservices.azure.com:443",
            "/openai/v1/chat/completions?x=1",
        ),
    ] {
        let address = Address::parse(written, None).unwrap();
        let call = address.of_call("/chat/completions", Some("x=1"));
        assert_eq!(call, format!("{}{expected}", address.origin()), "{written}");
        assert!(written.starts_with(address.origin()), "{}", address.origin());
        assert!(address.is_azure(), "{written}");
    }
    for other in [
        "https://api.openai.com",
        "https://openai.azure.com.example.org",
        "http://localhost/openai/v1",
    ] {
        assert!(!Address::parse(other, None).unwrap().is_azure(), "{other}");
    }
}

#[tokio::test]
async fn azure_gets_its_key_in_a_header_of_its_own() {
    let backend = ok().await;
    let address = format!("{}/openai/deployments/gpt?api-version=2024-10-21", backend.url());
    let app = TestApp::with_backend(&address, &[("proxy.backend_api_key", "sk-azure")]).await;
    let call = Call::chat(ASK)
        .header("authorization", "Bearer sk-client")
        .header("api-key", "sk-client");
    assert_eq!(app.send(call).await.status, 200);
    let request = backend.last();
    assert_eq!(
        request.target,
        "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    );
    assert_eq!(request.headers.all("api-key"), ["sk-azure"]);
    assert_eq!(request.headers.get("authorization"), None);
}

#[tokio::test]
async fn without_a_backend_key_the_clients_is_forwarded() {
    let backend = ok().await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    app.send(Call::chat(ASK).header("Authorization", "Bearer sk-client"))
        .await;
    assert_eq!(backend.last().headers.all("authorization"), ["Bearer sk-client"]);
    app.send(Call::chat(ASK).header("api-key", "azure")).await;
    assert_eq!(backend.last().headers.all("api-key"), ["azure"]);
    assert_eq!(backend.last().headers.get("authorization"), None);
}

#[tokio::test]
async fn maias_own_key_never_reaches_the_backend() {
    let backend = ok().await;
    let with_key = [("security.api_key", "sk-maia"), ("proxy.backend_api_key", "sk-backend")];
    for settings in [&with_key[..1], &with_key[..]] {
        let app = TestApp::with_backend(&backend.url(), settings).await;
        let both = settings.len() == 2;
        for (target, body) in [("/proxy/v1/chat/completions", ASK), ("/proxy/v1/embeddings", "{}")] {
            let call = || Call::post(target, body);
            let calls = [
                (call().header("X-API-Key", "sk-maia"), true),
                (
                    call()
                        .header("X-API-Key", "sk-maia")
                        .header("Authorization", "Bearer sk-client"),
                    true,
                ),
                (call().header("Authorization", "Bearer sk-maia"), both),
                (call().header("X-API-Key", "wrong"), false),
                (call().header("Authorization", "Bearer sk-client"), false),
                (call(), false),
            ];
            for (call, allowed) in calls {
                let before = backend.requests().len();
                let answer = app.send(call.clone()).await;
                if !allowed {
                    answer.error(401, "unauthorized");
                    assert_eq!(backend.requests().len(), before, "{call:?}");
                    continue;
                }
                assert_eq!(answer.status, 200, "{call:?}");
                let request = backend.last();
                assert!(
                    !format!("{:?}", request.headers).contains("sk-maia"),
                    "{call:?}: {request:?}"
                );
                if both {
                    assert_eq!(request.headers.all("authorization"), ["Bearer sk-backend"]);
                }
            }
        }
    }
}

#[tokio::test]
async fn headers_are_forwarded_but_for_those_of_maia_and_of_the_connection() {
    let backend = ok().await;
    let settings = [("proxy.headers", "HTTP-Referer=https://example.org,X-Title=maia")];
    let app = TestApp::with_backend(&backend.url(), &settings).await;
    for target in ["/proxy/v1/chat/completions", "/proxy/v1/embeddings"] {
        let call = Call::post(target, ASK)
            .of("default")
            .header("X-MAIA-Skip-Memory", "true")
            .header("x-maia-anything", "1")
            .header("Connection", "close, X-Hop")
            .header("X-Hop", "1")
            .header("Keep-Alive", "timeout=5")
            .header("Proxy-Authorization", "Basic x")
            .header("Proxy-Connection", "keep-alive")
            .header("TE", "trailers")
            .header("OpenAI-Organization", "org")
            .header("x-stainless-lang", "python")
            .header("Accept-Encoding", "gzip, br")
            .header("User-Agent", "test/1")
            .header("X-Title", "client")
            .header("X-Twice", "1")
            .header("X-Twice", "2");
        assert_eq!(app.send(call).await.status, 200);
        let headers = backend.last().headers;
        for (name, expected) in [
            ("openai-organization", &["org"][..]),
            ("x-stainless-lang", &["python"]),
            ("accept-encoding", &["gzip, br"]),
            ("user-agent", &["test/1"]),
            ("x-twice", &["1", "2"]),
            ("http-referer", &["https://example.org"]),
            ("x-title", &["maia"]),
            ("content-type", &["application/json"]),
            ("content-length", &[ASK.len().to_string().as_str()]),
            ("transfer-encoding", &[]),
            ("x-hop", &[]),
            ("keep-alive", &[]),
            ("proxy-authorization", &[]),
            ("proxy-connection", &[]),
        ] {
            assert_eq!(headers.all(name), expected, "{target}: {name}");
        }
        let own = headers
            .0
            .iter()
            .filter(|(name, _)| name.to_ascii_lowercase().starts_with("x-maia-"));
        assert_eq!(own.count(), 0, "{headers:?}");
        let connection = headers.all("connection").concat().to_ascii_lowercase();
        assert!(
            !connection.contains("x-hop") && !connection.contains("close"),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn headers_and_trailers_of_the_answer_are_relayed_but_for_those_of_the_connection() {
    let reply = Reply::stream(["data: [DONE]\n\n"])
        .header("Connection", "keep-alive, X-Hop")
        .header("X-Hop", "1")
        .header("Keep-Alive", "timeout=5")
        .header("Proxy-Authenticate", "Basic")
        .header("Trailer", "x-checksum")
        .header("openai-processing-ms", "7")
        .header("x-request-id", "req_backend")
        .header("x-ratelimit-remaining", "3")
        .header("set-cookie", "a=1")
        .header("set-cookie", "b=2")
        .trailer("x-checksum", "abc");
    let backend = Backend::replying(reply).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    for target in ["/proxy/v1/chat/completions", "/proxy/v1/completions"] {
        let answer = app.send(Call::post(target, ASK).header("TE", "trailers")).await;
        assert_eq!(answer.text(), "data: [DONE]\n\n");
        assert_eq!(answer.headers.all("openai-processing-ms"), ["7"]);
        assert_eq!(answer.headers.all("x-request-id"), ["req_backend"]);
        assert_eq!(answer.headers.all("x-ratelimit-remaining"), ["3"]);
        assert_eq!(answer.headers.all("set-cookie"), ["a=1", "b=2"]);
        for name in ["x-hop", "keep-alive", "proxy-authenticate"] {
            assert_eq!(answer.headers.get(name), None, "{name}");
        }
        assert_eq!(answer.trailers.all("x-checksum"), ["abc"], "{target}");
    }
}

#[tokio::test]
async fn a_compressed_answer_is_relayed_compressed() {
    let gzip: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xabV*K-*\xce\xcc\xcfS\xb22\xd4Q\xca\x00\x00";
    let answer = answer_to(Reply::json("200 OK", gzip).header("content-encoding", "gzip")).await;
    assert_eq!(answer.body, gzip);
    assert_eq!(answer.headers.all("content-encoding"), ["gzip"]);
    let refused = answer_to(Reply::json("400 Bad Request", gzip).header("content-encoding", "gzip")).await;
    assert_eq!((refused.status, refused.body.as_slice()), (400, gzip));
}

#[tokio::test]
async fn a_refusal_in_json_is_relayed_untouched_with_its_headers() {
    let body = "{ \"error\" : {\"message\":\"slow down\", \"n\":1.0} }\n";
    for status in [
        "400 Bad Request",
        "401 Unauthorized",
        "404 Not Found",
        "422 Unprocessable Content",
        "429 Too Many Requests",
    ] {
        let reply = Reply::json(status, body)
            .header("Retry-After", "7")
            .header("x-ratelimit-remaining-requests", "0")
            .header("x-request-id", "req_1");
        let answer = answer_to(reply).await;
        assert_eq!(answer.status.to_string(), status[..3]);
        assert_eq!(answer.text(), body);
        assert_eq!(answer.headers.all("retry-after"), ["7"]);
        assert_eq!(answer.headers.all("x-ratelimit-remaining-requests"), ["0"]);
        assert_eq!(answer.headers.all("x-request-id"), ["req_1"]);
    }
}

#[tokio::test]
async fn a_failure_keeps_its_status_and_gets_our_shape() {
    let html = "<html><body>502 nginx</body></html>";
    for (status, kind, body, expected) in [
        (
            "500 Internal Server Error",
            "application/json",
            r#"{"error":{"message":"boom"}}"#,
            "500 Internal Server Error: boom",
        ),
        (
            "503 Service Unavailable",
            "application/json",
            r#"{"error":"loading"}"#,
            "503 Service Unavailable: loading",
        ),
        ("502 Bad Gateway", "text/html", html, "502 Bad Gateway"),
        (
            "529 Overloaded",
            "text/plain",
            "too\nmany",
            "529 <unknown status code>: too many",
        ),
        ("403 Forbidden", "text/html", html, "403 Forbidden"),
        (
            "404 Not Found",
            "text/plain",
            "404 page not found",
            "404 Not Found: 404 page not found",
        ),
    ] {
        let reply = Reply::whole(status, kind, body)
            .header("Retry-After", "9")
            .header("x-ratelimit-limit-tokens", "5");
        let answer = answer_to(reply).await;
        let message = answer.error(status[..3].parse().unwrap(), "backend_error");
        assert_eq!(message, format!("Backend returned error: {expected}"));
        assert_eq!(answer.json()["error"]["type"], "api_error");
        assert_eq!(answer.headers.all("retry-after"), ["9"]);
        assert_eq!(answer.headers.all("x-ratelimit-limit-tokens"), ["5"]);
        assert_eq!(answer.header("x-maia-memories-used"), "0");
    }
}

#[tokio::test]
async fn without_an_answer_it_is_a_bad_gateway() {
    for reply in [
        Reply::raw("", End::Close),
        Reply::raw("", End::Reset),
        Reply::raw("hello, who are you?\r\n\r\n", End::Close),
        Reply::raw("\x16\x03\x01\x02\x00", End::Close),
        Reply::raw("HTTP/1.1 200 OK\r\ncontent-ty", End::Close),
        Reply::raw("HTTP/1.1 abc\r\n\r\n", End::Close),
    ] {
        let message = answer_to(reply.clone()).await.error(502, "backend_error");
        assert!(message.starts_with("Backend returned error: "), "{reply:?}: {message}");
    }
    let app = TestApp::start(&[]).await;
    for call in [Call::chat(ASK), Call::get("/proxy/v1/models")] {
        let message = app.send(call).await.error(502, "backend_error");
        assert!(
            message.starts_with("Backend returned error: no connection to http://127.0.0.1:9: "),
            "{message}"
        );
    }
}

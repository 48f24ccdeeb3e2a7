//! Too many requests.

use serde_json::json;

use crate::support::{Backend, Call, Reply, TestApp};

const ASK: &str = r#"{"messages":[{"role":"user","content":"Hi"}]}"#;

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let backend = Backend::replying(Reply::says("Yes.")).await;
    let settings = [("security.rate_limit_rps", "1"), ("security.rate_limit_burst", "3")];
    for path in ["/proxy/v1/chat/completions", "/proxy/v1/embeddings"] {
        let app = TestApp::with_backend(&backend.url(), &settings).await;
        let before = backend.requests().len();
        for remaining in ["2", "1", "0"] {
            let answer = app.send(Call::post(path, ASK)).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("x-ratelimit-limit"), "3");
            assert_eq!(answer.header("x-ratelimit-remaining"), remaining);
        }
        // What a client says of itself makes no other client of it.
        let again = Call::post(path, ASK)
            .header("X-Forwarded-For", "203.0.113.9")
            .header("Authorization", "Bearer other");
        let answer = app.send(again).await;
        assert_eq!(answer.error(429, "rate_limited"), "Rate limit exceeded");
        let shape = json!({"error": {"message": "Rate limit exceeded", "type": "rate_limit_error", "param": null, "code": "rate_limited"}});
        assert_eq!(answer.json(), shape);
        assert_eq!(answer.headers.all("retry-after"), ["1"]);
        assert_eq!(answer.headers.all("x-ratelimit-limit"), ["3"]);
        assert_eq!(answer.headers.all("x-ratelimit-remaining"), ["0"]);
        assert_eq!(answer.headers.all("x-ratelimit-reset"), ["1"]);
        assert_eq!(backend.requests().len() - before, 3);
        // The memory API counts too; whether maia lives can always be asked.
        app.send(Call::get("/v1/namespaces")).await.error(429, "rate_limited");
        assert_eq!(app.send(Call::get("/health")).await.status, 200);
    }
}

#[tokio::test]
async fn the_backends_own_figures_stay() {
    let reply = Reply::says("Yes.").header("x-ratelimit-remaining", "41");
    let backend = Backend::replying(reply).await;
    let app = TestApp::with_backend(&backend.url(), &[("security.rate_limit_rps", "100")]).await;
    let answer = app.chat(ASK).await;
    assert_eq!(answer.headers.all("x-ratelimit-remaining"), ["41"]);
    assert_eq!(answer.headers.all("x-ratelimit-limit"), ["150"]);
}

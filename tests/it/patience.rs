//! How long maia waits for a backend, and that it asks only once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpSocket;

use crate::support::{Backend, Call, End, Incoming, ManualBackend, Reply, TestApp, connect, soon, within};

const ASK: &str = r#"{"messages":[{"role":"user","content":"Hi"}]}"#;

#[tokio::test]
async fn a_backend_that_does_not_answer_in_time_is_a_gateway_timeout() {
    let backend = Backend::replying(Reply::raw("", End::Hang)).await;
    let app = TestApp::with_backend(&backend.url(), &[("proxy.timeout", "200ms")]).await;
    for call in [Call::chat(ASK), Call::get("/proxy/v1/models")] {
        let answer = app.send(call).await;
        assert_eq!(answer.error(504, "backend_timeout"), "Backend request timed out");
        assert_eq!(answer.json()["error"]["type"], "timeout_error");
    }
    // A head that never ends is no answer either.
    let backend = Backend::replying(Reply::raw("HTTP/1.1 200 OK\r\n", End::Hang)).await;
    let app = TestApp::with_backend(&backend.url(), &[("proxy.timeout_first_byte", "200ms")]).await;
    app.chat(ASK).await.error(504, "backend_timeout");
}

#[tokio::test]
async fn a_stream_that_stalls_is_cut_off_and_one_that_drips_is_not() {
    let settings = [("proxy.timeout", "60s"), ("proxy.timeout_idle", "1s")];
    let mut backend = ManualBackend::start().await;
    let app = TestApp::with_backend(&backend.url(), &settings).await;
    let begin = async {
        let mut exchange = backend.next().await;
        exchange.read_body().await;
        exchange.begin_stream().await;
        exchange
    };
    let (mut client, mut exchange) = tokio::join!(app.open(Call::chat(ASK)), begin);
    for _ in 0..5 {
        // In all longer than the time-out.
        let gone = tokio::time::timeout(Duration::from_millis(300), exchange.closed()).await;
        assert!(gone.is_err(), "the stream was cut off although it lives");
        exchange.chunk(": ping\n\n").await;
        assert_eq!(client.at_least(8).await, b": ping\n\n");
    }
    let cut_off = client.until_cut_off();
    let (rest, ()) = tokio::join!(cut_off, within(Duration::from_secs(5), "the close", exchange.closed()));
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn redirects_are_relayed_and_not_followed() {
    let elsewhere = Backend::replying(Reply::says("Yes.")).await;
    let location = elsewhere.url();
    let reply = Reply::whole("307 Temporary Redirect", "text/plain", "moved").header("location", &location);
    let backend = Backend::replying(reply).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    for call in [Call::chat(ASK), Call::get("/proxy/v1/models")] {
        let answer = app.send(call.header("Authorization", "Bearer sk-client")).await;
        assert_eq!((answer.status, answer.text()), (307, "moved"));
        assert_eq!(answer.header("location"), location);
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn nothing_is_tried_twice() {
    for reply in [Reply::json("503 Service Unavailable", "{}"), Reply::raw("", End::Close)] {
        let backend = Backend::replying(reply).await;
        let app = TestApp::with_backend(&backend.url(), &[]).await;
        app.chat(ASK).await;
        assert_eq!(backend.requests().len(), 1);
    }
}

/// A backend that takes the request off a connection that is kept alive, and then goes away: nobody knows what it has done with it.
#[tokio::test]
async fn nothing_is_sent_twice_over_a_kept_connection() {
    for end in [End::Close, End::Reset] {
        let asked = AtomicUsize::new(0);
        let backend = Backend::start(move |_| {
            if asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
                Reply::json("200 OK", "{}")
            } else {
                Reply::raw("", end)
            }
        })
        .await;
        let app = TestApp::with_backend(&backend.url(), &[]).await;
        // One connection of the client's, so that one thread of maia serves it and its connection to the backend is used again.
        let mut wire = connect(app.address).await;
        let calls = [
            Call::chat(ASK),
            Call::get("/proxy/v1/models"),
            Call::new("DELETE", "/proxy/v1/files/1"),
            Call::new("PUT", "/proxy/v1/files/1").body("x"),
        ];
        for (number, call) in calls.iter().flat_map(|call| [call, call]).enumerate() {
            let call = call.clone().header("connection", "keep-alive");
            wire.write(call.bytes(app.address)).await.unwrap();
            let (answer, kept) = soon("an answer", Incoming::read(wire, "POST"))
                .await
                .whole_keeping()
                .await;
            wire = kept;
            if number % 2 == 0 {
                assert_eq!(answer.status, 200, "{end:?}");
            } else {
                answer.error(502, "backend_error");
            }
            assert_eq!(backend.requests().len(), number + 1, "{end:?}");
        }
    }
}

/// Its queue of connections is full, so that one more is neither taken nor refused.
#[tokio::test]
async fn a_backend_that_takes_no_connection_is_a_gateway_timeout() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(wire) = tokio::time::timeout(Duration::from_millis(200), connect(address)).await {
        waiting.push(wire);
        assert!(waiting.len() < 64, "the queue has no end");
    }
    let settings = [("proxy.timeout", "60s"), ("proxy.timeout_connect", "200ms")];
    let app = TestApp::with_backend(&format!("http://{address}"), &settings).await;
    let answer = within(Duration::from_secs(5), "the time-out", app.chat(ASK)).await;
    assert_eq!(answer.error(504, "backend_timeout"), "Backend request timed out");
}

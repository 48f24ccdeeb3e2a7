//! Requests whose end is in doubt: whatever they hide, the backend never sees a second one (RFC 9112, section 11.2).

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::{Backend, Incoming, Reply, TestApp, connect, soon};

const HIDDEN: &str = "GET /proxy/v1/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// How long a connection that is kept open is watched for a second answer.
const WATCHED: Duration = Duration::from_millis(500);

/// Heads and bodies; `{hidden}` stands for the second request and `{length}` for its length.
const DOUBTFUL: &[&str] = &[
    // Two lengths of different kinds.
    "Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{hidden}",
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
    // Two lengths of the same kind.
    "Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{hidden}",
    "Content-Length: {length}\r\nContent-Length: 0\r\n\r\n{hidden}",
    "Content-Length: {length}\r\nContent-Length: {length}\r\n\r\n{hidden}",
    "Content-Length: 0, {length}\r\n\r\n{hidden}",
    // Lengths that are read in two ways.
    "Content-Length: +0\r\n\r\n{hidden}",
    "Content-Length: 0x0\r\n\r\n{hidden}",
    "Content-Length: -1\r\n\r\n{hidden}",
    "Content-Length : {length}\r\n\r\n{hidden}",
    "Content-Length:\r\n {length}\r\n\r\n{hidden}",
    "Content-Length: 18446744073709551616\r\n\r\n{hidden}",
    // Codings that are read in two ways.
    "Transfer-Encoding : chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: xchunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked, identity\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: identity\r\nContent-Length: {length}\r\n\r\n{hidden}",
    "Transfer-Encoding: \u{b}chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding:\r\n chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{hidden}",
    "X: y\nTransfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{hidden}",
    "X: y\rTransfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{hidden}",
    // Chunks that are read in two ways.
    "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n-0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n1;a=\"\r\n0\r\n\r\n{hidden}\"\r\nx\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n0\r\n\r\n{hidden}",
    "Transfer-Encoding: chunked\r\n\r\n1\r\nxx0\r\n\r\n{hidden}",
    // Ends of the head that are read in two ways.
    "X: y\n\nContent-Length: {length}\r\n\r\n{hidden}",
    "Content-Length: {length}\n\n{hidden}",
];

async fn backend() -> Backend {
    Backend::replying(Reply::json("200 OK", "{}")).await
}

/// Sends bytes on one connection, and waits until it is closed or has been quiet for long enough.
async fn exchange(address: SocketAddr, bytes: String) {
    let mut wire = connect(address).await;
    // It may be refused before it was sent in full.
    let _ = wire.write(bytes).await;
    let _ = tokio::time::timeout(WATCHED, wire.closed()).await;
}

#[tokio::test]
async fn the_backend_never_sees_the_hidden_request() {
    let backend = backend().await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let length = HIDDEN.len().to_string();
    let requests: Vec<String> = DOUBTFUL
        .iter()
        .enumerate()
        .map(|(number, doubtful)| {
            let rest = doubtful.replace("{hidden}", HIDDEN).replace("{length}", &length);
            format!("POST /proxy/v1/case-{number} HTTP/1.1\r\nHost: localhost\r\n{rest}")
        })
        .collect();
    let exchanges: tokio::task::JoinSet<()> = requests
        .iter()
        .map(|request| exchange(app.address, request.clone()))
        .collect();
    exchanges.join_all().await;
    let seen: Vec<String> = backend.requests().into_iter().map(|request| request.target).collect();
    assert!(!seen.iter().any(|target| target.contains("hidden")), "{seen:?}");
    for (number, doubtful) in DOUBTFUL.iter().enumerate() {
        let target = format!("/v1/case-{number}");
        let times = seen.iter().filter(|seen| **seen == target).count();
        assert!(times <= 1, "{doubtful}: {times} times");
    }
    // Most are refused; those with one meaning only need not be.
    assert!(seen.len() <= 12, "{seen:?}");
}

/// The test above would also pass with a server that never reads a second request.
#[tokio::test]
async fn two_requests_that_are_meant_are_two() {
    let backend = backend().await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let first = "POST /proxy/v1/case HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}";
    exchange(app.address, format!("{first}{HIDDEN}")).await;
    let seen: Vec<String> = backend.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(seen, ["/v1/case", "/v1/hidden"]);
}

#[tokio::test]
async fn one_body_behind_the_other_is_told_apart() {
    let backend = backend().await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let mut wire = connect(app.address).await;
    for number in 0..3 {
        let body = HIDDEN.repeat(number);
        let length = body.len();
        let head = format!("POST /proxy/v1/{number} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        wire.write(head + &body).await.unwrap();
        let answer = soon("an answer", Incoming::read(wire, "POST")).await;
        let (answer, kept) = answer.whole_keeping().await;
        assert_eq!(answer.status, 200);
        wire = kept;
        assert_eq!(backend.last().text(), body);
    }
    assert_eq!(backend.requests().len(), 3);
}

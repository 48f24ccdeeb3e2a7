//! A client that goes away takes its request to the backend with it, at once and without a trace.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use crate::support::{Call, Exchange, ManualBackend, Process, TestApp, connect, eventually, scale, within};

const LIMIT: Duration = Duration::from_secs(1);
const TOLD: &str = r#"{"stream":true,"messages":[{"role":"user","content":"I'm vegetarian."}]}"#;
/// Clients that leave before the first byte, and as many that leave in mid-stream.
const ROUNDS: usize = 500;

async fn abandoned(exchange: &mut Exchange) {
    within(LIMIT, "the close at the backend", exchange.closed()).await;
}

#[tokio::test]
async fn before_the_first_byte() {
    let mut backend = ManualBackend::start().await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    for call in [Call::chat(TOLD), Call::get("/proxy/v1/models")] {
        let mut client = connect(app.address).await;
        client.write(call.bytes(app.address)).await.unwrap();
        let mut exchange = backend.next().await;
        exchange.read_body().await;
        drop(client);
        abandoned(&mut exchange).await;
    }
    // Without an answer there was no exchange to remember.
    assert_eq!(app.restart().await.memories("default").await, [""; 0]);
}

#[tokio::test]
async fn in_mid_stream_and_what_the_user_said_is_remembered() {
    let mut backend = ManualBackend::start().await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let piece = format!(
        "data: {}\n\n",
        json!({"choices": [{"delta": {"content": "I'll remember that you prefer dark mode."}}]})
    );
    let begin = async {
        let mut exchange = backend.next().await;
        exchange.begin_stream().await;
        exchange.chunk(&piece).await;
        exchange
    };
    let (mut client, mut exchange) = tokio::join!(app.open(Call::chat(TOLD)), begin);
    assert_eq!(client.at_least(piece.len()).await, piece.as_bytes());
    drop(client);
    exchange.read_body().await;
    abandoned(&mut exchange).await;
    // Half an answer is not taken for a whole one.
    assert_eq!(app.restart().await.memories("default").await, ["User is vegetarian"]);
}

#[tokio::test]
async fn in_the_middle_of_an_upload() {
    let mut backend = ManualBackend::start().await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let mut client = connect(app.address).await;
    let head = Call::new("POST", "/proxy/v1/files").header("content-length", "1000");
    client.write(head.bytes(app.address)).await.unwrap();
    client.write("half").await.unwrap();
    let mut exchange = backend.next().await;
    assert_eq!(exchange.read_piece().await.unwrap().unwrap(), b"half");
    drop(client);
    abandoned(&mut exchange).await;
}

#[tokio::test]
async fn many_times_without_leaving_anything_open() {
    let mut backend = ManualBackend::start().await;
    let directory = tempfile::tempdir().unwrap();
    let settings = ["--backend", &backend.url(), "--set", "security.rate_limit_rps=0"];
    let maia = Process::start(directory.path(), &settings).await;
    let idle = maia.sockets();
    // The first requests open what stays open: connections to the database, threads, and what each thread keeps of the patterns that it has used.
    for round in 0..96 {
        leave(maia.address, &mut backend, round % 2 == 0).await;
    }
    let baseline = eventually("a quiet process", || async {
        (maia.sockets() <= idle).then(|| maia.descriptors())
    })
    .await;
    let resident = maia.resident();
    for round in 0..2 * ROUNDS * scale() {
        leave(maia.address, &mut backend, round % 2 == 0).await;
    }
    eventually("descriptors back at the baseline", || async {
        (maia.descriptors() <= baseline).then_some(())
    })
    .await;
    // A task that was left behind holds what it works on.
    let growth = maia.resident().saturating_sub(resident);
    assert!(growth < 8 << 20, "{growth} bytes more than before");
    let health = Call::get("/health").send(maia.address).await;
    assert_eq!(health.status, 200);
    maia.signal("TERM").await;
    assert!(maia.ended().await.0.success());
}

/// One client that leaves, before or after its answer has begun.
async fn leave(maia: SocketAddr, backend: &mut ManualBackend, early: bool) {
    let mut client = connect(maia).await;
    client.write(Call::chat(TOLD).bytes(maia)).await.unwrap();
    let mut exchange = backend.next().await;
    exchange.read_body().await;
    if !early {
        exchange.begin_stream().await;
        exchange.chunk(": ping\n\n").await;
        client.read_head().await.unwrap().expect("an answer");
    }
    drop(client);
    abandoned(&mut exchange).await;
}

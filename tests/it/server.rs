//! Clients that are slow, many, or large; and what they must not do to the others.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::support::{
    Backend, Call, End, Incoming, ManualBackend, Process, Reply, TestApp, connect, eventually, soon, within,
};

/// What a client may take in these tests, and when a connection must be gone.
const PATIENCE: (&str, &str) = ("server.read_timeout", "300ms");
const GONE: Duration = Duration::from_secs(5);
const ASK: &str = r#"{"messages":[{"role":"user","content":"Hi"}]}"#;
/// Below the patience.
const DRIP: Duration = Duration::from_millis(100);

/// Lets a moment pass in which nothing may happen to the future.
async fn nothing_for<T>(moment: Duration, what: &str, future: impl Future<Output = T>) {
    let happened = tokio::time::timeout(moment, future).await;
    assert!(happened.is_err(), "{what}");
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_headers_is_let_go() {
    let app = TestApp::start(&[PATIENCE]).await;
    for begun in [
        "",
        "P",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n",
        "GET /hea",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow",
    ] {
        let mut wire = connect(app.address).await;
        wire.write(begun).await.unwrap();
        within(GONE, begun, wire.closed()).await;
    }
    // One after the other is no way round it.
    let mut wire = connect(app.address).await;
    let dripping = async {
        for byte in "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".bytes() {
            if wire.write([byte]).await.is_err() {
                return;
            }
            if tokio::time::timeout(DRIP, wire.closed()).await.is_ok() {
                return;
            }
        }
        panic!("the headers took several times the time that they have");
    };
    within(GONE, "an end of the drip", dripping).await;
}

#[tokio::test]
async fn a_body_that_stops_is_given_up_and_others_are_served() {
    let mut backend = ManualBackend::start().await;
    let app = TestApp::with_backend(&backend.url(), &[PATIENCE]).await;
    let memories = "/v1/namespaces/default/memories";
    for path in ["/proxy/v1/chat/completions", memories, "/proxy/v1/files"] {
        let call = Call::new("POST", path)
            .header("content-type", "application/json")
            .header("content-length", "1000");
        let mut wire = connect(app.address).await;
        wire.write(call.bytes(app.address)).await.unwrap();
        wire.write("{\"messages\":").await.unwrap();
        assert_eq!(app.send(Call::get("/health")).await.status, 200);
        let answer = soon("a refusal", Incoming::read(wire, "POST")).await.whole().await;
        let message = answer.error(408, "request_timeout");
        assert_eq!(
            message, "the request body did not arrive: nothing came for 0.3 s",
            "{path}"
        );
    }
    // Only the upload had begun at the backend.
    let mut exchange = backend.next().await;
    assert_eq!(exchange.request.target, "/v1/files");
    within(Duration::from_secs(1), "the close at the backend", exchange.closed()).await;
}

#[tokio::test]
async fn a_body_that_drips_is_waited_for() {
    let backend = Backend::replying(Reply::says("Yes.")).await;
    let app = TestApp::with_backend(&backend.url(), &[PATIENCE]).await;
    let call = Call::new("POST", "/proxy/v1/chat/completions")
        .header("content-type", "application/json")
        .header("content-length", &ASK.len().to_string());
    let mut wire = connect(app.address).await;
    wire.write(call.bytes(app.address)).await.unwrap();
    for piece in ASK.as_bytes().chunks(ASK.len().div_ceil(8)) {
        nothing_for(DRIP, "it was given up although it lives", wire.closed()).await;
        wire.write(piece).await.unwrap();
    }
    let answer = soon("an answer", Incoming::read(wire, "POST")).await.whole().await;
    assert_eq!(answer.status, 200);
    assert_eq!(backend.last().text(), ASK);
}

#[tokio::test]
async fn an_upload_that_the_backend_takes_slowly_is_not_the_clients_fault() {
    let mut backend = ManualBackend::start().await;
    let app = TestApp::with_backend(&backend.url(), &[PATIENCE]).await;
    let large = vec![b'x'; 24 << 20];
    let call = Call::new("POST", "/proxy/v1/files").header("content-length", &large.len().to_string());
    let (head, mut wire, body) = (call.bytes(app.address), connect(app.address).await, large.clone());
    let mut sending = tokio::spawn(async move {
        wire.write(head).await.unwrap();
        wire.write(body).await.unwrap();
        Incoming::read(wire, "POST").await.status
    });
    let mut exchange = backend.next().await;
    // Several times as long as a client may be silent.
    nothing_for(Duration::from_secs(1), "the client got the blame", &mut sending).await;
    exchange.read_body().await;
    exchange.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(soon("the answer", sending).await.unwrap(), 200);
    assert!(exchange.request.body == large, "the bytes differ");
}

#[tokio::test]
async fn headers_have_a_limit() {
    let backend = Backend::replying(Reply::json("200 OK", "{}")).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let with = |bytes: usize| Call::get("/proxy/v1/models").header("X-Large", &"x".repeat(bytes));
    assert_eq!(app.send(with(60 << 10)).await.status, 200);
    let message = app.send(with(70 << 10)).await.error(431, "headers_too_large");
    assert_eq!(message, "the headers of the request are larger than 65536 bytes");
    // Beyond what the server reads at all there is only the status.
    let mut wire = connect(app.address).await;
    // It is refused before it was sent in full.
    let _ = wire.write(with(1 << 20).bytes(app.address)).await;
    if let Ok(Some(head)) = wire.read_head().await {
        assert!(head.first.starts_with("HTTP/1.1 431 "), "{head:?}");
    }
    let many = (0..200).fold(Call::get("/health"), |call, number| {
        call.header(&format!("x-{number}"), "1")
    });
    assert_eq!(app.send(many).await.status, 431);
    assert_eq!(app.send(Call::get("/health")).await.status, 200);
    assert_eq!(backend.requests().len(), 1);
}

/// A client that is still sending when it is refused must be able to read why.
#[tokio::test]
async fn a_refused_body_is_refused_in_words() {
    let backend = Backend::replying(Reply::says("Yes.")).await;
    let app = TestApp::with_backend(&backend.url(), &[("proxy.max_body_bytes", "1048576")]).await;
    for _ in 0..2 {
        let message = app.chat(vec![b' '; 24 << 20]).await.error(413, "too_large");
        assert_eq!(message, "the body is larger than 1048576 bytes");
    }
    assert_eq!(backend.requests().len(), 0);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let app = TestApp::start(&[("server.max_connections", "2")]).await;
    let request = Call::get("/health")
        .header("connection", "keep-alive")
        .bytes(app.address);
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut wire = connect(app.address).await;
        wire.write(&request).await.unwrap();
        let answer = soon("an answer", Incoming::read(wire, "GET")).await;
        kept.push(answer.whole_keeping().await.1);
    }
    let mut waiting = connect(app.address).await;
    waiting.write(&request).await.unwrap();
    let mut answer = std::pin::pin!(Incoming::read(waiting, "GET"));
    nothing_for(DRIP, "a third connection is served", &mut answer).await;
    // A place that is given back is taken; those that have one keep it.
    drop(kept.pop());
    assert_eq!(soon("an answer", answer).await.status, 200);
    let mut wire = kept.pop().unwrap();
    wire.write(&request).await.unwrap();
    assert_eq!(soon("an answer", Incoming::read(wire, "GET")).await.status, 200);
}

#[tokio::test]
async fn out_of_descriptors_it_recovers() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Process::command(directory.path());
    let (program, arguments) = (
        command.as_std().get_program().to_owned(),
        "serve --port 0 --set security.rate_limit_rps=0",
    );
    command = tokio::process::Command::new("/bin/sh");
    command
        .args(["-c", &format!("ulimit -n 64 && exec \"$0\" {arguments}")])
        .arg(program)
        .current_dir(directory.path())
        .env_clear()
        .kill_on_drop(true);
    let maia = Process::run(command).await;
    // More than the system keeps waiting for maia: the last of them try again and again, so nobody waits for all to be connected.
    let mut rush = JoinSet::new();
    for _ in 0..200 {
        let address = maia.address;
        rush.spawn(async move {
            let _wire = connect(address).await;
            std::future::pending::<()>().await;
        });
    }
    eventually("it has no descriptor left", || async {
        (maia.descriptors() >= 64).then_some(())
    })
    .await;
    rush.shutdown().await;
    let answer = soon("an answer after the rush", Call::get("/health").send(maia.address)).await;
    assert_eq!(answer.status, 200);
    let memory = Call::post("/v1/namespaces/default/memories", r#"{"content":"User likes tea"}"#);
    assert_eq!(memory.send(maia.address).await.status, 201);
    maia.signal("TERM").await;
    assert!(maia.ended().await.0.success());
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_not_used() {
    let backend = Backend::replying(Reply::says("Yes.")).await;
    let proxy = Backend::replying(Reply::raw("", End::Close)).await;
    let directory = tempfile::tempdir().unwrap();
    let mut command = Process::command(directory.path());
    command.args(["serve", "--port", "0", "--backend", &backend.url()]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        command.env(name, proxy.url());
    }
    let maia = Process::run(command).await;
    assert_eq!(Call::chat(ASK).send(maia.address).await.status, 200);
    assert_eq!(Call::get("/proxy/v1/models").send(maia.address).await.status, 200);
    assert_eq!((backend.requests().len(), proxy.requests().len()), (2, 0));
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_more_stops_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let maia = Process::start(directory.path(), &["--set", "security.rate_limit_rps=0"]).await;
    maia.close_log();
    for _ in 0..50 {
        assert_eq!(Call::get("/health").send(maia.address).await.status, 200);
    }
}

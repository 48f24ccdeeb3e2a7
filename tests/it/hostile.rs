//! Bodies and paths that are meant to hurt: refused or relayed, at no cost.

use std::io::Write as _;

use flate2::Compression;

use crate::support::{Backend, Call, Incoming, Process, Reply, TestApp, connect, soon};

const MEMORIES: &str = "/v1/namespaces/default/memories";
const CHAT: &str = "/proxy/v1/chat/completions";
/// Most that the whole of it may cost, in bytes of resident memory.
const COST: usize = 32 << 20;

fn bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..64 {
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test]
async fn large_deep_and_broken_bodies_are_refused_at_no_cost() {
    let backend = Backend::replying(Reply::says("Yes.")).await;
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--backend", &backend.url(), "--set", "security.rate_limit_rps=0"];
    let maia = Process::start(directory.path(), &arguments).await;
    let open = "[".repeat(100_000);
    let mut cases: Vec<(String, Vec<u8>)> = [
        b"\xff\xfe{}".to_vec(),
        b"\0".to_vec(),
        b"{\"messages\":[\0]}".to_vec(),
        b"{\"content\":\"\x00\"}".to_vec(),
        b"{\"content\":\"\xc3\x28\"}".to_vec(),
        open.clone().into_bytes(),
        format!("{{\"messages\":{open}").into_bytes(),
        format!("{{\"messages\":[{{\"role\":\"user\",\"content\":{open}").into_bytes(),
        format!("{{\"content\":{open}").into_bytes(),
        "{\"a\":".repeat(100_000).into_bytes(),
        b"{\"messages\":[{\"role\":\"user\",\"content\":\"half".to_vec(),
        b"1e999999".to_vec(),
    ]
    .into_iter()
    .flat_map(|body| [(CHAT.to_owned(), body.clone()), (MEMORIES.to_owned(), body)])
    .collect();
    cases.push((MEMORIES.to_owned(), vec![b' '; 100 << 20]));
    let warm_up = Call::chat(r#"{"messages":[{"role":"user","content":"I like tea."}]}"#);
    warm_up.send(maia.address).await;
    let before = maia.resident();
    for (path, body) in &cases {
        let answer = Call::post(path, body.clone()).send(maia.address).await;
        assert!(matches!(answer.status, 400 | 413), "{path}: {}", answer.text());
    }
    // The length alone says that it is too much.
    let whole = Call::post(CHAT, vec![b' '; 100 << 20]).send(maia.address).await;
    assert_eq!(whole.error(413, "too_large"), "the body is larger than 67108864 bytes");
    for path in [CHAT, MEMORIES] {
        let call = Call::post(path, bomb()).header("Content-Encoding", "gzip");
        let answer = call.send(maia.address).await;
        answer.error(415, "unsupported_media_type");
        assert_eq!(answer.header("accept-encoding"), "identity");
    }
    let cost = maia.resident().saturating_sub(before);
    assert!(cost < COST, "{cost} bytes more than before");
    assert_eq!(backend.requests().len(), 1);
    assert_eq!(Call::get("/health").send(maia.address).await.status, 200);
}

#[tokio::test]
async fn no_path_leads_out_of_the_backends_own() {
    let backend = Backend::replying(Reply::json("200 OK", "{}")).await;
    let app = TestApp::with_backend(&format!("{}/inside/v1", backend.url()), &[]).await;
    for path in [
        "/../x",
        "/a/../../x",
        "/./x",
        "/%2e%2e/x",
        "/a/%2E./x",
        "/..\\x",
        "/a/..",
        "/.",
    ] {
        let answer = app.send(Call::get(&format!("/proxy/v1{path}"))).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
    }
    assert_eq!(backend.requests().len(), 0);
    for path in [
        "/a..b/...",
        "//x",
        "/a%2Fb/..c",
        "/@elsewhere.example/x",
        "/http://elsewhere.example/",
    ] {
        assert_eq!(
            app.send(Call::get(&format!("/proxy/v1{path}"))).await.status,
            200,
            "{path}"
        );
        assert_eq!(backend.last().target, format!("/inside/v1{path}"));
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let backend = Backend::replying(Reply::json("200 OK", "{}")).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    for request in [
        "GET\r\n\r\n",
        "\r\n\r\nnonsense\r\n\r\n",
        "GET /proxy/v1/models HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET /proxy/v1/mo dels HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /proxy/v1/models HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
        "CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET http://elsewhere.example/proxy/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}",
    ] {
        let mut wire = connect(app.address).await;
        wire.write(request).await.unwrap();
        let head = soon("an end", wire.read_head()).await;
        if let Ok(Some(head)) = head {
            let status = head.first.split(' ').nth(1).unwrap().to_owned();
            assert!(
                status.starts_with('4') || status == "505",
                "{request:?}: {}",
                head.first
            );
        }
    }
    assert_eq!(backend.requests().len(), 0);
}

/// What a browser or a WebSocket library sends: no tunnel is opened, and the request goes on without it.
#[tokio::test]
async fn an_upgrade_is_not_made() {
    let upgrade = || {
        Call::get("/proxy/v1/realtime")
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    let backend = Backend::replying(Reply::json("426 Upgrade Required", "{}")).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    assert_eq!(app.send(upgrade()).await.status, 426);
    assert_eq!(backend.last().headers.get("upgrade"), None);
    // A backend that does it all the same gets no tunnel either.
    let switching = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nbytes";
    let backend = Backend::replying(Reply::raw(switching, crate::support::End::Close)).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    app.send(upgrade()).await.error(502, "backend_error");
}

#[tokio::test]
async fn expectations_and_interim_answers_are_kept_apart_from_the_answer() {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let backend = Backend::replying(Reply::raw(interim, crate::support::End::Close)).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    for path in [CHAT, "/proxy/v1/files"] {
        let call = Call::new("POST", path)
            .header("content-type", "application/json")
            .header("content-length", "2")
            .header("expect", "100-continue");
        let mut wire = connect(app.address).await;
        wire.write(call.bytes(app.address)).await.unwrap();
        let head = soon("a go-ahead", wire.read_head()).await.unwrap().unwrap();
        assert_eq!(head.first, "HTTP/1.1 100 Continue");
        wire.write("{}").await.unwrap();
        let answer = soon("the answer", Incoming::read(wire, "POST")).await.whole().await;
        assert_eq!((answer.status, answer.text()), (200, "{}"), "{path}");
        assert_eq!(backend.last().headers.get("expect"), None);
    }
}

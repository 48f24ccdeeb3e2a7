//! Everything that is no chat completion goes to the backend and back as it is.

use crate::support::{Backend, Call, Incoming, ManualBackend, Reply, TestApp, connect, soon};

#[tokio::test]
async fn calls_are_relayed_with_their_method_query_and_body() {
    let backend = Backend::start(|request| {
        if request.target.contains("missing") {
            return Reply::json("404 Not Found", r#"{"error":{"message":"no such model"}}"#);
        }
        Reply::json("200 OK", r#"{ "data" : [ 1.0 ] }"#).header("x-backend", "1")
    })
    .await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    app.remember("default", ["User prefers dark mode"]).await;
    for (method, path, body) in [
        ("GET", "/models?limit=2&after=a%20b%2Fc&x", ""),
        ("GET", "/models/org%2Fname", ""),
        ("POST", "/embeddings", "{ \"input\" : \"dark mode\", \"n\":1.0 }"),
        ("POST", "/completions", r#"{"prompt":"dark mode?"}"#),
        (
            "POST",
            "/responses",
            r#"{"input":[{"role":"user","content":"dark mode?"}]}"#,
        ),
        (
            "POST",
            "/chat/completions/abc",
            r#"{"messages":[{"role":"user","content":"dark mode?"}]}"#,
        ),
        ("PUT", "/files/1", "x"),
        ("PATCH", "/files/1", "{}"),
        ("DELETE", "/files/file-1", ""),
        ("OPTIONS", "/files", ""),
    ] {
        let call = Call::new(method, &format!("/proxy/v1{path}"));
        let call = if body.is_empty() { call } else { call.body(body) };
        let answer = app.send(call.header("content-type", "application/json")).await;
        assert_eq!(
            (answer.status, answer.text()),
            (200, r#"{ "data" : [ 1.0 ] }"#),
            "{method} {path}"
        );
        assert_eq!(answer.header("x-backend"), "1");
        let request = backend.last();
        assert_eq!(
            (request.method.as_str(), request.target.as_str()),
            (method, format!("/v1{path}").as_str())
        );
        assert_eq!(request.text(), body, "{method} {path}");
        if body.is_empty() {
            assert_eq!(request.headers.get("transfer-encoding"), None, "{method} {path}");
        }
    }
    let answer = app.send(Call::get("/proxy/v1/models/missing")).await;
    assert_eq!(
        (answer.status, answer.text()),
        (404, r#"{"error":{"message":"no such model"}}"#)
    );
    // Nothing of all that was remembered.
    assert_eq!(
        app.restart().await.memories("default").await,
        ["User prefers dark mode"]
    );
}

#[tokio::test]
async fn what_the_backend_says_is_not_judged() {
    for (status, body) in [
        ("500 Internal Server Error", "<html>"),
        ("418 I'm a teapot", "short"),
        ("204 No Content", ""),
    ] {
        let backend = Backend::replying(Reply::whole(status, "text/html", body)).await;
        let app = TestApp::with_backend(&backend.url(), &[]).await;
        let answer = app.send(Call::get("/proxy/v1/models")).await;
        assert_eq!(answer.status.to_string(), status[..3]);
        assert_eq!(answer.text(), body);
    }
}

#[tokio::test]
async fn head_gets_the_headers_alone() {
    let backend = Backend::replying(Reply::whole("200 OK", "audio/mpeg", "x".repeat(77))).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let answer = app.send(Call::new("HEAD", "/proxy/v1/files/1/content")).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.headers.all("content-length"), ["77"]);
    assert_eq!(answer.header("content-type"), "audio/mpeg");
    assert_eq!(backend.last().method, "HEAD");
}

#[tokio::test]
async fn a_part_of_a_binary_file_is_relayed() {
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let part = bytes.clone();
    let backend = Backend::start(move |request| {
        assert_eq!(request.headers.all("range"), ["bytes=0-99999"]);
        Reply::whole("206 Partial Content", "application/octet-stream", part.clone())
            .header("content-range", "bytes 0-99999/200000")
            .header("etag", "\"e\"")
    })
    .await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let call = Call::get("/proxy/v1/files/1/content").header("Range", "bytes=0-99999");
    let answer = app.send(call).await;
    assert_eq!(answer.status, 206);
    assert!(answer.body == bytes, "the bytes differ");
    assert_eq!(answer.header("content-range"), "bytes 0-99999/200000");
    assert_eq!(answer.header("accept-ranges"), "");
    assert_eq!(answer.header("etag"), "\"e\"");
}

/// The backend has the first part before the client sends the second, and the client has the first of the answer before the rest is written.
#[tokio::test]
async fn uploads_and_downloads_are_streams() {
    let mut backend = ManualBackend::start().await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let parts = [
        "--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n\0\u{1}",
        "rest\r\n--b--\r\n",
    ];
    let length = parts.concat().len().to_string();
    for chunked in [false, true] {
        let call = Call::new("POST", "/proxy/v1/files").header("content-type", "multipart/form-data; boundary=b");
        let call = if chunked {
            call.header("transfer-encoding", "chunked")
        } else {
            call.header("content-length", &length)
        };
        let framed = |part: &str| {
            if chunked {
                format!("{:x}\r\n{part}\r\n", part.len())
            } else {
                part.to_owned()
            }
        };
        let mut client = connect(app.address).await;
        client.write(call.bytes(app.address)).await.unwrap();
        client.write(framed(parts[0])).await.unwrap();

        let mut exchange = backend.next().await;
        let mut seen = Vec::new();
        while seen.len() < parts[0].len() {
            seen.extend(exchange.read_piece().await.unwrap().expect("the first part"));
        }
        assert_eq!(seen, parts[0].as_bytes());
        let headers = &exchange.request.headers;
        assert_eq!(headers.all("content-type"), ["multipart/form-data; boundary=b"]);
        let expected = if chunked { vec![] } else { vec![length.as_str()] };
        assert_eq!(headers.all("content-length"), expected);

        client.write(framed(parts[1])).await.unwrap();
        if chunked {
            client.write("0\r\n\r\n").await.unwrap();
        }
        exchange.request.body = seen;
        exchange.read_body().await;
        assert_eq!(exchange.request.text(), parts.concat());

        exchange.begin_stream().await;
        let mut answer = soon("the head of the answer", Incoming::read(client, "POST")).await;
        for piece in ["{\"id\":", "\"file-1\"}"] {
            exchange.chunk(piece).await;
            assert_eq!(answer.at_least(piece.len()).await, piece.as_bytes());
        }
        exchange.end_stream().await;
        assert_eq!(answer.next().await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_body_larger_than_any_limit_of_chat_is_relayed() {
    let backend = Backend::replying(Reply::json("200 OK", "{}")).await;
    let app = TestApp::with_backend(&backend.url(), &[("proxy.max_body_bytes", "1024")]).await;
    let large = vec![b'x'; 3 << 20];
    let upload = Call::new("POST", "/proxy/v1/files").body(large.clone());
    assert_eq!(app.send(upload).await.status, 200);
    assert!(backend.last().body == large, "the bytes differ");
    // A chat has its limit, and it is not forwarded beyond it.
    let body = format!(r#"{{"messages":[{{"role":"user","content":"{}"}}]}}"#, "x".repeat(1024));
    let message = app.chat(body).await.error(413, "too_large");
    assert_eq!(message, "the body is larger than 1024 bytes");
    assert_eq!(backend.requests().len(), 1);
}

#[tokio::test]
async fn a_chat_completion_is_a_post_of_json() {
    let backend = Backend::replying(Reply::says("Yes.")).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let path = "/proxy/v1/chat/completions";
    let answer = app.send(Call::new("DELETE", path)).await;
    answer.error(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), "POST,OPTIONS");
    let plain = Call::new("POST", path).header("content-type", "text/plain").body("{}");
    app.send(plain).await.error(415, "unsupported_media_type");
    app.send(Call::new("POST", path).body("{}"))
        .await
        .error(415, "unsupported_media_type");
    assert_eq!(backend.requests().len(), 0);
}

//! TLS and HTTP/2: to the backend, and in the clear on maia's own side.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::NamedTempFile;
use tokio::net::TcpStream;

use crate::support::{Backend, Call, Certificates, Incoming, Reply, SecureBackend, TestApp, connect, soon};

const ASK: &str = r#"{ "messages" : [{"role":"user","content":"Hi"}], "seed": 9007199254740993 }"#;

/// A file with an authority, as `proxy.ca_file` names it.
fn file_of(certificates: &Certificates) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &certificates.authority).unwrap();
    file
}

/// A maia that trusts the authority and speaks to the backend by this name.
async fn trusting(certificates: &Certificates, backend: &SecureBackend, name: &str) -> TestApp {
    let file = file_of(certificates);
    let settings = [("proxy.ca_file", file.path().to_str().unwrap())];
    TestApp::with_backend(&backend.url(name), &settings).await
}

#[tokio::test]
async fn the_backend_chooses_http_2_or_1() {
    let certificates = Certificates::new();
    for (protocols, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let backend = SecureBackend::start(&certificates, protocols).await;
        let app = trusting(&certificates, &backend, "localhost").await;
        for call in [Call::chat(ASK), Call::post("/proxy/v1/completions", ASK)] {
            let answer = app.send(call.header("TE", "trailers")).await;
            assert_eq!((answer.status, answer.text()), (200, SecureBackend::ANSWER));
            let (name, value) = SecureBackend::TRAILER;
            assert_eq!(answer.trailers.all(name), [value], "{protocols:?}");
            let request = backend.last();
            assert_eq!(request.version, version, "{protocols:?}");
            assert_eq!(request.body, ASK);
            assert_eq!(request.headers["content-length"], ASK.len().to_string().as_str());
        }
    }
}

#[tokio::test]
async fn a_backend_that_nobody_vouches_for_is_not_spoken_to() {
    let certificates = Certificates::new();
    let backend = SecureBackend::start(&certificates, &["h2", "http/1.1"]).await;
    let strangers = Certificates::new();
    let unknown = TestApp::with_backend(&backend.url("localhost"), &[]).await;
    let other = trusting(&strangers, &backend, "localhost").await;
    let misnamed = trusting(&certificates, &backend, "127.0.0.1").await;
    for (app, reason) in [
        (unknown, "UnknownIssuer"),
        (other, "BadSignature"),
        (misnamed, "not valid for name"),
    ] {
        let message = app.chat(ASK).await.error(502, "backend_error");
        assert!(
            message.starts_with("Backend returned error: no connection to https://"),
            "{message}"
        );
        assert!(message.contains(reason), "{message}");
    }
    assert_eq!(backend.requests().len(), 0);
}

/// A connection of HTTP/2 without TLS, as gRPC tools and some gateways open it.
async fn h2c(app: &TestApp) -> hyper::client::conn::http2::SendRequest<UploadBody> {
    let stream = TcpStream::connect(app.address).await.unwrap();
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = handshake.await.unwrap();
    // It ends with the last of its senders.
    tokio::spawn(connection);
    sender
}

type UploadBody = http_body_util::combinators::UnsyncBoxBody<Bytes, std::convert::Infallible>;

fn checksum() -> HeaderMap {
    HeaderMap::from_iter([("x-upload".parse().unwrap(), HeaderValue::from_static("def"))])
}

#[tokio::test]
async fn http_2_on_our_side_with_and_without_it_on_the_other() {
    let certificates = Certificates::new();
    for protocols in [&["h2"][..], &["http/1.1"]] {
        let backend = SecureBackend::start(&certificates, protocols).await;
        let app = trusting(&certificates, &backend, "localhost").await;
        let mut client = h2c(&app).await;
        for path in ["/proxy/v1/chat/completions", "/proxy/v1/files"] {
            // Of unknown length: a body with a length has no trailers in HTTP/1.1.
            let body = StreamBody::new(async_stream::stream! {
                yield Ok(Frame::data(Bytes::from(ASK)));
                yield Ok(Frame::trailers(checksum()));
            });
            let request = Request::post(format!("http://{}{path}", app.address))
                .header("content-type", "application/json")
                .header("te", "trailers")
                .header("trailer", "x-upload")
                .body(body.boxed_unsync())
                .unwrap();
            let response = soon("an answer over HTTP/2", client.send_request(request))
                .await
                .unwrap();
            assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
            let body = soon("its body", response.into_body().collect()).await.unwrap();
            let (name, value) = SecureBackend::TRAILER;
            assert_eq!(body.trailers().expect("trailers")[name], value);
            assert_eq!(body.to_bytes(), SecureBackend::ANSWER);
            let request = backend.last();
            assert_eq!(request.body, ASK, "{path}");
            // A chat is read whole before it is sent on; what else is sent is a stream.
            if path.ends_with("files") {
                assert_eq!(request.trailers, Some(checksum()), "{protocols:?}");
            }
        }
    }
}

#[tokio::test]
async fn names_are_checked_over_http_2_too() {
    let backend = Backend::replying(Reply::says("Yes.")).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let mut client = h2c(&app).await;
    let request = Request::get("http://evil.example/proxy/v1/models")
        .body(Full::default().boxed_unsync())
        .unwrap();
    let response = soon("a refusal", client.send_request(request)).await.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(backend.requests().len(), 0);
}

#[tokio::test]
async fn trailers_of_an_upload_reach_a_backend_of_http_1() {
    let backend = Backend::replying(Reply::json("200 OK", "{}")).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let call = Call::new("POST", "/proxy/v1/files")
        .header("Transfer-Encoding", "chunked")
        .header("Trailer", "x-upload");
    let mut wire = connect(app.address).await;
    wire.write(call.bytes(app.address)).await.unwrap();
    wire.write("3\r\nabc\r\n0\r\nx-upload: def\r\n\r\n").await.unwrap();
    let answer = soon("an answer", Incoming::read(wire, "POST")).await.whole().await;
    assert_eq!(answer.status, 200);
    let request = backend.last();
    assert_eq!((request.text(), request.trailers.all("x-upload")), ("abc", vec!["def"]));
}

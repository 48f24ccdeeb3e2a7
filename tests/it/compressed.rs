//! Compressed answers: relayed as they came, while the copy is decoded and read.

use std::io::Write as _;

use flate2::Compression;
use serde_json::json;

use crate::support::{Backend, Call, Reply, TestApp};

const TOLD: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"I'm vegetarian."}]}"#;
const OF_USER: &str = "User is vegetarian";
const BOTH: &[&str] = &[OF_USER, "User prefers dark mode"];

fn stream() -> String {
    let events = ["I'll remember", " that you prefer dark mode."]
        .map(|text| json!({"choices": [{"index": 0, "delta": {"content": text}}]}).to_string());
    let [first, second] = events;
    format!("data: {first}\n\ndata: {second}\n\ndata: [DONE]\n\n")
}

fn document() -> String {
    let message = json!({"role": "assistant", "content": "I'll remember that you prefer dark mode."});
    json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).to_string()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn bare_deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 1, 22);
    encoder.write_all(plain).unwrap();
    encoder.into_inner()
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    zstd::encode_all(plain, 1).unwrap()
}

/// Each coding of a text by the names that it goes by.
fn encoded(plain: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let two_members = [gzip(&plain[..20]), gzip(&plain[20..])].concat();
    vec![
        ("gzip", gzip(plain)),
        ("GZip", gzip(plain)),
        ("x-gzip", gzip(plain)),
        ("gzip", two_members),
        ("deflate", zlib(plain)),
        ("deflate", bare_deflate(plain)),
        ("br", brotli(plain)),
        ("zstd", zstd(plain)),
        ("identity", plain.to_vec()),
        ("gzip, br", brotli(&gzip(plain))),
        ("zstd,identity , deflate", zlib(&zstd(plain))),
    ]
}

/// The number of answers that could not be read for this reason.
async fn unread(app: &TestApp, reason: &str) -> String {
    let metrics = app.send(Call::get("/metrics")).await;
    let series = format!("maia_proxy_unread_answers_total{{reason=\"{reason}\"}} ");
    let line = metrics
        .text()
        .lines()
        .find_map(|line| line.strip_prefix(series.as_str()));
    line.expect("a counter that begins at zero").to_owned()
}

#[tokio::test]
async fn every_coding_is_relayed_as_it_is_and_read() {
    for (plain, content_type) in [(stream(), "text/event-stream"), (document(), "application/json")] {
        let cases = encoded(plain.as_bytes());
        let script = cases.clone();
        let backend = Backend::start(move |request| {
            let (coding, body) = &script[request.headers.get("x-case").unwrap().parse::<usize>().unwrap()];
            let reply = if request.headers.get("x-bytes").is_some() {
                Reply::stream(body.iter().map(|byte| vec![*byte])).header("x-split", "1")
            } else {
                Reply::whole("200 OK", content_type, body.clone())
            };
            reply.header("content-encoding", coding)
        })
        .await;
        let app = TestApp::with_backend(&backend.url(), &[]).await;
        for (number, (coding, body)) in cases.iter().enumerate() {
            let case = number.to_string();
            let call = Call::chat(TOLD).header("x-case", &case).of(&format!("whole-{case}"));
            let answer = app.send(call.clone()).await;
            assert!(answer.body == *body, "{coding}: the bytes differ");
            assert_eq!(answer.headers.all("content-encoding"), [*coding]);
            if content_type == "text/event-stream" {
                let call = Call::chat(TOLD).header("x-case", &case).header("x-bytes", "1");
                let answer = app.send(call.of(&format!("split-{case}"))).await;
                assert!(answer.body == *body, "{coding}: the bytes differ, byte by byte");
            }
        }
        for reason in ["encoding", "too_large", "format"] {
            assert_eq!(unread(&app, reason).await, "0", "{reason}");
        }
        let app = app.restart().await;
        for (number, (coding, _)) in cases.iter().enumerate() {
            let memories = app.memories(&format!("whole-{number}")).await;
            assert_eq!(memories, BOTH, "{coding} {content_type}");
            if content_type == "text/event-stream" {
                assert_eq!(app.memories(&format!("split-{number}")).await, BOTH, "{coding}, split");
            }
        }
    }
}

/// An answer that cannot be read is an answer all the same.
#[tokio::test]
async fn what_cannot_be_decoded_is_relayed_counted_and_not_read() {
    let plain = stream();
    let plain = plain.as_bytes();
    let mut damaged = gzip(plain);
    damaged[12..20].fill(0xff);
    for (coding, body) in [
        ("snappy", plain.to_vec()),
        ("gzip, br", gzip(&brotli(plain))),
        ("gzip", plain.to_vec()),
        ("gzip", damaged),
        ("deflate", plain.to_vec()),
        ("br", vec![0x11; 64]),
        ("zstd", plain.to_vec()),
        ("gzip, gzip, gzip, gzip", gzip(&gzip(&gzip(&gzip(plain))))),
    ] {
        let reply = Reply::whole("200 OK", "text/event-stream", body.clone()).header("content-encoding", coding);
        let backend = Backend::replying(reply).await;
        let app = TestApp::with_backend(&backend.url(), &[]).await;
        let answer = app.chat(TOLD).await;
        assert!(answer.body == body, "{coding}: the bytes differ");
        assert_eq!(unread(&app, "encoding").await, "1", "{coding}");
        assert_eq!(app.restart().await.memories("default").await, [OF_USER], "{coding}");
    }
}

#[tokio::test]
async fn a_bomb_is_relayed_and_given_up() {
    // 64 MB that no single event of is too long, and one event of 64 MB.
    let comments = format!(": {}\n\n", "x".repeat(1020)).repeat(1 << 16).into_bytes();
    let line = [b"data: ".as_slice(), &vec![b'x'; 64 << 20]].concat();
    for (coding, body) in [
        ("gzip", gzip(&comments)),
        ("br", brotli(&comments)),
        ("zstd", zstd(&comments)),
        ("gzip", gzip(&line)),
        ("gzip, gzip", gzip(&gzip(&line))),
    ] {
        assert!(body.len() < 1 << 20, "{coding}: {} bytes are no bomb", body.len());
        let reply = Reply::whole("200 OK", "text/event-stream", body.clone()).header("content-encoding", coding);
        let backend = Backend::replying(reply).await;
        let app = TestApp::with_backend(&backend.url(), &[]).await;
        assert!(app.chat(TOLD).await.body == body, "{coding}: the bytes differ");
        assert_eq!(unread(&app, "too_large").await, "1", "{coding}");
        assert_eq!(app.restart().await.memories("default").await, [OF_USER], "{coding}");
    }
}

#[tokio::test]
async fn what_is_larger_than_is_read_is_relayed_counted_and_not_read() {
    let delta = |text: &str| format!("data: {}\n\n", json!({"choices": [{"delta": {"content": text}}]}));
    let much = delta(&"word ".repeat(1 << 10)).repeat(60);
    let note = delta("I'll remember that you prefer dark mode.");
    let large = document().replace("I'll", &format!("{} I'll", "word ".repeat(1 << 16)));
    for (content_type, body, reason) in [
        (
            "text/event-stream",
            format!("{much}{note}data: [DONE]\n\n"),
            "too_large",
        ),
        ("application/json", large, "too_large"),
        ("application/json", " ".repeat(2 << 20) + &document(), "too_large"),
        ("text/html", "<p>Hello</p>".to_owned(), "format"),
    ] {
        let backend = Backend::replying(Reply::whole("200 OK", content_type, body.clone())).await;
        let app = TestApp::with_backend(&backend.url(), &[]).await;
        assert!(app.chat(TOLD).await.text() == body, "{content_type}: the bytes differ");
        assert_eq!(unread(&app, reason).await, "1", "{content_type}");
        assert_eq!(app.restart().await.memories("default").await, [OF_USER]);
    }
}

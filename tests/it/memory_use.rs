//! What passes through costs no memory, however much of it there is.

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Call, Exchange, Incoming, ManualBackend, Process, connect, scale, soon};

const TOLD: &str = r#"{"stream":true,"messages":[{"role":"user","content":"I'm vegetarian."}]}"#;
const STREAMS: usize = 50;
/// One piece of a stream, in bytes.
const PIECE: usize = 64 << 10;
/// Most that memory may grow by while something passes, in bytes: what buffers and an allocator make of the same load.
const GROWTH: usize = 16 << 20;

async fn maia(backend: &ManualBackend) -> (Process, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["--backend", &backend.url(), "--set", "security.rate_limit_rps=0"];
    (Process::start(directory.path(), &arguments).await, directory)
}

/// What a stream consists of: events that are read, comments, or one line that never ends.
fn pieces() -> [Vec<u8>; 3] {
    let event = json!({"choices": [{"index": 0, "delta": {"content": "word ".repeat(200)}}]});
    let fill = |unit: String| unit.bytes().cycle().take(PIECE).collect();
    [
        fill(format!("data: {event}\n\n")),
        fill(format!(": {}\n\n", "ping ".repeat(20))),
        vec![b'x'; PIECE],
    ]
}

/// Sends a piece on every stream, and reads it at the other end.
async fn pass(streams: &mut [(Incoming, Exchange)], pieces: &[Vec<u8>; 3]) {
    for (number, (client, exchange)) in streams.iter_mut().enumerate() {
        let piece = &pieces[number % pieces.len()];
        let (got, ()) = tokio::join!(client.at_least(piece.len()), exchange.chunk(piece));
        assert!(got == *piece, "the bytes differ");
    }
}

#[tokio::test]
async fn endless_streams() {
    let mut backend = ManualBackend::start().await;
    let (maia, _directory) = maia(&backend).await;
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let answering = async {
            let mut exchange = backend.next().await;
            exchange.read_body().await;
            exchange.begin_stream().await;
            exchange
        };
        let call = Call::chat(TOLD);
        streams.push(tokio::join!(call.open(maia.address), answering));
    }
    let pieces = pieces();
    // Until each copy is as large as it gets.
    for _ in 0..8 {
        pass(&mut streams, &pieces).await;
    }
    let before = maia.resident();
    // All in all 10 MB a stream, in one line where it is one.
    for _ in 0..160 * scale() {
        pass(&mut streams, &pieces).await;
    }
    let growth = maia.resident().saturating_sub(before);
    assert!(growth < GROWTH, "{growth} bytes more than before");
}

#[tokio::test]
async fn uploads_and_downloads() {
    let mut backend = ManualBackend::start().await;
    let (maia, _directory) = maia(&backend).await;
    let piece = vec![b'x'; 1 << 20];
    let count = 64 * scale();
    let length = (piece.len() * count).to_string();
    let call = Call::new("POST", "/proxy/v1/files").header("content-length", &length);
    let mut client = connect(maia.address).await;
    client.write(call.bytes(maia.address)).await.unwrap();
    let mut exchange = backend.next().await;
    let before = maia.resident();
    let sending = async {
        for _ in 0..count {
            client.write(&piece).await.unwrap();
        }
    };
    let receiving = async {
        let mut received = 0;
        while let Some(part) = exchange.read_piece().await.unwrap() {
            received += part.len();
        }
        received
    };
    let ((), received) = tokio::join!(sending, receiving);
    assert_eq!(received.to_string(), length);
    let growth = maia.resident().saturating_sub(before);
    assert!(growth < GROWTH, "an upload cost {growth} bytes");

    exchange
        .write(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"))
        .await;
    let mut answer = soon("the head", Incoming::read(client, "POST")).await;
    assert_eq!(answer.headers.all("content-length"), [length.as_str()]);
    let sending = async {
        for _ in 0..count {
            exchange.write(&piece).await;
        }
    };
    let receiving = async {
        let mut received = 0;
        while let Some(part) = answer.next().await.unwrap() {
            received += part.len();
        }
        received
    };
    let ((), received) = tokio::join!(sending, receiving);
    assert_eq!(received.to_string(), length);
    let growth = maia.resident().saturating_sub(before);
    assert!(growth < GROWTH, "a download cost {growth} bytes");
}

//! Answers pass through byte for byte, as they come, while a copy is read for memories.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Backend, Call, End, Exchange, Incoming, ManualBackend, Reply, TestApp, soon};

/// What the user says of themselves in these tests, and the note that the assistant takes.
const OF_USER: &str = "User is vegetarian";
const OF_ASSISTANT: &str = "User prefers dark mode";
const BOTH: &[&str] = &[OF_USER, OF_ASSISTANT];
const TOLD: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"I'm vegetarian."}]}"#;
/// The note in pieces, as deltas of an answer.
const NOTE: [&str; 4] = ["I'll remember", " that you pre", "fer dark mo", "de."];

fn event(chunk: &Value) -> String {
    format!("data: {chunk}\n\n")
}

fn delta(text: &str) -> String {
    event(&json!({"id": "c", "choices": [{"index": 0, "delta": {"content": text}}]}))
}

fn note() -> String {
    NOTE.map(delta).concat()
}

fn stop() -> String {
    event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
}

const DONE: &str = "data: [DONE]\n\n";

/// Begins a streamed answer: both of its ends.
async fn begin(app: &TestApp, backend: &mut ManualBackend, call: Call) -> (Incoming, Exchange) {
    let answering = async {
        let mut exchange = backend.next().await;
        exchange.read_body().await;
        exchange.begin_stream().await;
        exchange
    };
    tokio::join!(app.open(call), answering)
}

#[tokio::test]
async fn two_thousand_chunks_are_the_same_as_from_the_backend_itself() {
    let chunks = (0..2_000).map(|number| delta(&format!(" word{number} é😀\\\" \u{7}")));
    let chunks: Vec<String> = chunks.chain([stop(), DONE.to_owned()]).collect();
    let whole = chunks.concat();
    let backend = Backend::replying(Reply::stream(chunks)).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let direct = backend.send(Call::chat(TOLD)).await;
    let through = app.chat(TOLD).await;
    assert_eq!(direct.body, whole.as_bytes());
    assert!(through.body == direct.body, "the bodies differ");
    assert_eq!(through.status, direct.status);
    for header in ["content-type", "transfer-encoding"] {
        assert_eq!(through.headers.all(header), direct.headers.all(header));
    }
    assert_eq!(app.restart().await.memories("default").await, [OF_USER]);
}

#[tokio::test]
async fn the_head_and_every_chunk_arrive_before_the_next_is_sent() {
    let mut backend = ManualBackend::start().await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    // That the head arrives although no chunk was sent is what `begin` returning means.
    let (mut client, mut exchange) = begin(&app, &mut backend, Call::chat(TOLD)).await;
    assert_eq!(client.headers.get("content-type"), Some("text/event-stream"));
    // Half events and single bytes too: nothing waits for an event to be whole.
    let pieces = [
        "data: {\"choi",
        "c",
        "es\":[]}\r\n",
        "\r\n",
        ": ping\n\n",
        "data: x\n\n",
        "\u{1F600}",
    ];
    for piece in pieces {
        exchange.chunk(piece).await;
        assert_eq!(client.at_least(piece.len()).await, piece.as_bytes());
    }
    exchange.end_stream().await;
    assert_eq!(client.next().await.unwrap(), None);
}

/// Streams that are legal and awkward, and what is remembered of each.
fn awkward() -> Vec<(&'static str, String, &'static [&'static str])> {
    let whole = format!("{}{}{DONE}", note(), stop());
    let (head, tail) = whole.split_once("\n\n").unwrap();
    let with_usage = event(&json!({"choices": [], "usage": {"total_tokens": 9}}));
    let azure = event(&json!({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}));
    let no_delta = event(&json!({"choices": [{"index": 0, "finish_reason": null, "content_filter_results": {}}]}));
    let role = event(&json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": null}}]}));
    let tool = event(
        &json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "t", "type": "function",
        "function": {"name": "f", "arguments": "{\"a\":\"I'll remember that you prefer tabs.\"}"}}]}}]}),
    );
    let tools_end = event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}));
    let thought = event(
        &json!({"choices": [{"index": 0, "delta": {"reasoning_content": "I'll remember that you prefer tabs.",
        "reasoning": "I'll remember that you prefer tabs.", "refusal": null}}]}),
    );
    let second =
        event(&json!({"choices": [{"index": 1, "delta": {"content": "I'll remember that you prefer tabs."}}]}));
    let parts =
        event(&json!({"choices": [{"index": 0, "delta": {"content": [{"type": "text", "text": NOTE.concat()}]}}]}));
    let failed = event(&json!({"error": {"message": "overloaded", "code": 529}}));
    let length = event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}));
    let folded = format!(
        "data: {{\"choices\":\ndata: [{{\"delta\":{{\"content\":{}}}}}]}}\n\n",
        json!(NOTE.concat())
    );
    vec![
        ("plain", whole.clone(), BOTH),
        ("CRLF", whole.replace('\n', "\r\n"), BOTH),
        ("CR", whole.replace('\n', "\r"), BOTH),
        ("no space behind the colon", whole.replace("data: ", "data:"), BOTH),
        ("a byte order mark", format!("\u{feff}{whole}"), BOTH),
        (
            "comments",
            format!(": OPENROUTER PROCESSING\n\n{head}\n\n: ping\n\n{tail}"),
            BOTH,
        ),
        (
            "other fields",
            whole.replace("data: ", "id: 7\nevent: message\nretry: 1\ndata: "),
            BOTH,
        ),
        (
            "one event over two data lines",
            format!("{folded}{}{DONE}", stop()),
            BOTH,
        ),
        ("no choices first", format!("{azure}{whole}"), BOTH),
        ("no delta", format!("{role}{no_delta}{whole}"), BOTH),
        ("usage last", format!("{}{}{with_usage}{DONE}", note(), stop()), BOTH),
        ("several choices", format!("{second}{head}\n\n{second}{tail}"), BOTH),
        ("thoughts", format!("{thought}{whole}"), BOTH),
        ("content in parts", format!("{parts}{}{DONE}", stop()), BOTH),
        ("no last line end", whole.trim_end().to_owned(), BOTH),
        ("no [DONE] but an end", format!("{}{}", note(), stop()), BOTH),
        (
            "broken events between",
            format!("data: {{\"choices\":7}}\n\ndata: {{\n\n\n\n{whole}"),
            BOTH,
        ),
        ("tool calls", format!("{tool}{tools_end}{DONE}"), &[OF_USER]),
        ("an error in mid-stream", format!("{}{failed}", note()), &[OF_USER]),
        (
            "an error before the end",
            format!("{}{failed}{}{DONE}", note(), stop()),
            &[OF_USER],
        ),
        ("no end of any kind", note(), &[OF_USER]),
        ("cut off by length", format!("{}{length}{DONE}", note()), &[OF_USER]),
        ("nothing", String::new(), &[OF_USER]),
    ]
}

#[tokio::test]
async fn awkward_streams_are_relayed_as_they_are_and_read_as_they_are_meant() {
    let streams = awkward();
    let script: Vec<String> = streams.iter().map(|(_, stream, _)| stream.clone()).collect();
    let backend = Backend::start(move |request| {
        let number: usize = request.headers.get("x-case").unwrap().parse().unwrap();
        Reply::stream([script[number].as_str()].into_iter().filter(|piece| !piece.is_empty()))
    })
    .await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    for (number, (name, stream, _)) in streams.iter().enumerate() {
        let number = number.to_string();
        let call = Call::chat(TOLD).header("x-case", &number).of(&format!("case-{number}"));
        assert_eq!(app.send(call).await.text(), stream, "{name}");
    }
    let app = app.restart().await;
    for (number, (name, _, expected)) in streams.iter().enumerate() {
        assert_eq!(app.memories(&format!("case-{number}")).await, *expected, "{name}");
    }
}

#[tokio::test]
async fn a_stream_byte_by_byte_is_the_same_stream() {
    let stream = format!("{}{}{DONE}", note(), stop()).replace('\n', "\r\n");
    let backend = Backend::replying(Reply::stream(stream.bytes().map(|byte| vec![byte]))).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    assert_eq!(app.chat(TOLD).await.text(), stream);
    assert_eq!(app.restart().await.memories("default").await, BOTH);
}

#[tokio::test]
async fn a_stream_that_is_cut_off_is_cut_off_for_the_client_and_half_an_answer_is_no_answer() {
    for end in [End::Close, End::Reset] {
        let backend = Backend::replying(Reply::stream([note()]).cut_off(end)).await;
        let app = TestApp::with_backend(&backend.url(), &[]).await;
        let client = app.open(Call::chat(TOLD)).await;
        let got = client.until_cut_off().await;
        // A reset may overtake what was sent before it; nothing may be invented.
        assert!(
            note().as_bytes().starts_with(&got),
            "{:?}",
            String::from_utf8_lossy(&got)
        );
        if end == End::Close {
            assert_eq!(got, note().as_bytes());
        }
        assert_eq!(app.restart().await.memories("default").await, [OF_USER], "{end:?}");
    }
}

#[tokio::test]
async fn a_line_of_ten_megabytes_is_relayed() {
    let long = delta(&"x".repeat(10 << 20));
    let stream = format!("{long}{}{}{DONE}", note(), stop());
    let backend = Backend::replying(Reply::stream([stream.as_str()])).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let answer = app.chat(TOLD).await;
    assert_eq!(answer.body.len(), stream.len());
    assert!(answer.body == stream.as_bytes(), "the bodies differ");
    let app = app.restart().await;
    assert!(app.memories("default").await.contains(&OF_USER.to_owned()));
}

#[tokio::test]
async fn a_slow_reader_slows_the_backend_down_and_loses_nothing() {
    let mut backend = ManualBackend::start().await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let (mut client, mut exchange) = begin(&app, &mut backend, Call::chat(TOLD)).await;
    let filler = format!(": {}\n\n", "x".repeat(1 << 16));
    let mut sent = 0;
    // Until nothing more is taken: what lies between is full.
    while tokio::time::timeout(Duration::from_millis(300), exchange.chunk(&filler))
        .await
        .is_ok()
    {
        sent += filler.len();
        assert!(sent < 64 << 20, "maia takes everything, although nobody reads");
    }
    let mut got = client.at_least(sent).await;
    // The rest of the chunk that was waiting was not sent.
    drop(exchange);
    got.extend(client.until_cut_off().await);
    let pattern = filler.as_bytes().iter().cycle();
    assert!(
        got.iter().zip(pattern).all(|(got, sent)| got == sent),
        "the bytes differ"
    );
}

#[tokio::test]
async fn a_slow_reader_is_remembered_once_the_answer_is_complete() {
    let mut backend = ManualBackend::start().await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    let (client, mut exchange) = begin(&app, &mut backend, Call::chat(TOLD)).await;
    let filler = format!(": {}\n\n", "x".repeat(1 << 16));
    let writing = async {
        for _ in 0..64 {
            exchange.chunk(&filler).await;
        }
        for piece in [note(), stop(), DONE.to_owned()] {
            exchange.chunk(&piece).await;
        }
        exchange.end_stream().await;
    };
    let (answer, ()) = tokio::join!(soon("the whole answer", client.whole()), writing);
    assert_eq!(
        answer.text(),
        format!("{}{}{}{DONE}", filler.repeat(64), note(), stop())
    );
    assert_eq!(app.restart().await.memories("default").await, BOTH);
}

#[tokio::test]
async fn answers_that_are_not_streamed_are_relayed_and_read_too() {
    let message = |content: Value| json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]});
    let parts =
        json!([{"type": "text", "text": "Fine. "}, {"type": "image", "n": 1}, {"type": "text", "text": NOTE.concat()}]);
    let mut two = message(json!("Fine."));
    two["choices"]
        .as_array_mut()
        .unwrap()
        .push(json!({"index": 1, "message": {"content": NOTE.concat()}}));
    let mut short = message(json!(NOTE.concat()));
    short["choices"][0]["finish_reason"] = json!("length");
    let cases: [(String, &[&str]); 9] = [
        (message(json!(NOTE.concat())).to_string(), BOTH),
        (
            serde_json::to_string_pretty(&message(json!(NOTE.concat()))).unwrap(),
            BOTH,
        ),
        (message(parts).to_string(), BOTH),
        (message(Value::Null).to_string(), &[OF_USER]),
        (two.to_string(), &[OF_USER]),
        (short.to_string(), &[OF_USER]),
        (r#"{"choices":[]}"#.to_owned(), &[OF_USER]),
        ("not JSON at all".to_owned(), &[OF_USER]),
        (String::new(), &[OF_USER]),
    ];
    for (body, expected) in cases {
        let backend = Backend::replying(Reply::json("200 OK", body.as_str())).await;
        let app = TestApp::with_backend(&backend.url(), &[]).await;
        let answer = app.chat(TOLD).await;
        assert_eq!(answer.text(), body);
        assert_eq!(answer.header("content-length"), body.len().to_string());
        assert_eq!(app.restart().await.memories("default").await, expected, "{body}");
    }
}

#[tokio::test]
async fn a_fact_is_kept_once_with_where_it_came_from() {
    let mut stream = note();
    write!(stream, "{}{DONE}", stop()).unwrap();
    let backend = Backend::replying(Reply::stream([stream])).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    for id in ["first", "second"] {
        app.send(Call::chat(TOLD).header("x-request-id", id)).await;
    }
    let app = app.restart().await;
    assert_eq!(app.memories("default").await, BOTH);
    let page = app.send(Call::get("/v1/namespaces/default/memories")).await.json();
    for memory in page["data"].as_array().unwrap() {
        assert_eq!(memory["source"], "extracted");
        assert_eq!(memory["type"], "semantic");
        let metadata = &memory["metadata"];
        assert_eq!(metadata["request_id"], "first");
        assert!(metadata["rule"].is_string());
        let role = if memory["content"] == OF_USER {
            "user"
        } else {
            "assistant"
        };
        assert_eq!(metadata["role"], role);
    }
}

#[tokio::test]
async fn nothing_is_remembered_that_is_not_wanted() {
    let stream = || Reply::stream([format!("{}{}{DONE}", note(), stop())]);
    let backend = Backend::replying(stream()).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    app.send(Call::chat(TOLD).header("X-MAIA-Skip-Extract", "true")).await;
    // Earlier turns and injected context are no news.
    app.chat(r#"{"messages":[{"role":"user","content":"I'm vegetarian."},{"role":"assistant","content":"I'll remember that you prefer tabs."},{"role":"user","content":"Thanks!"}]}"#).await;
    let app = app.restart().await;
    assert_eq!(app.memories("default").await, [OF_ASSISTANT]);

    let backend = Backend::replying(stream()).await;
    let app = TestApp::with_backend(&backend.url(), &[("proxy.auto_remember", "false")]).await;
    app.chat(TOLD).await;
    assert_eq!(app.restart().await.memories("default").await, [""; 0]);

    let refusal = Reply::json("400 Bad Request", r#"{"error":{"message":"no"}}"#);
    let backend = Backend::replying(refusal).await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    app.chat(TOLD).await;
    assert_eq!(app.restart().await.memories("default").await, [""; 0]);
}

//! One stream that has everything in it, cut anywhere: the same bytes for the client, and the same words for memory.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::{Backend, Call, Reply, TestApp};

const TOLD: &str = r#"{"stream":true,"messages":[{"role":"user","content":"I'm vegetarian."}]}"#;
const BOTH: &[&str] = &["User is vegetarian", "User prefers dark mode"];
/// Requests at once.
const AT_ONCE: usize = 8;

/// A byte order mark, all three line ends, comments, missing spaces, other fields, chunks without choices or delta, several choices, thoughts, tool
/// calls, an event over two lines, characters of two to four bytes, and usage behind the end.
const STREAM: &str = concat!(
    "\u{feff}: OPENROUTER PROCESSING\r\n\r\n",
    "data:{\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}\r\n\r\n",
    "event: message\rid: 7\rdata: {\"choices\":[{\"index\":0,\"finish_reason\":null}]}\r\r",
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"I'll note that you like tabs.\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"I'll remember that you prefer tabs.\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"Größe 😀. I'll remember\"}}]}\r\n\r\n",
    ": ping\n\n",
    "data: {\"choices\":\ndata: [{\"index\":0,\"delta\":{\"content\":\" that you pre\\u0066er dark mode.\"}}]}\n\n",
    "data:{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"total_tokens\":9}}\n\n",
    "data: [DONE]\n\n",
);

/// The stream in pieces that end at these places.
fn cut(ends: &[usize]) -> Vec<Vec<u8>> {
    let mut begin = 0;
    let mut pieces = Vec::new();
    for end in ends.iter().copied().chain([STREAM.len()]) {
        if end > begin {
            pieces.push(STREAM.as_bytes()[begin..end].to_vec());
            begin = end;
        }
    }
    pieces
}

async fn maia() -> (Backend, TestApp) {
    let backend = Backend::start(|request| {
        let ends = request.headers.get("x-ends").unwrap();
        let ends: Vec<usize> = ends.split(' ').map(|end| end.parse().unwrap()).collect();
        Reply::stream(cut(&ends))
    })
    .await;
    let app = TestApp::with_backend(&backend.url(), &[]).await;
    (backend, app)
}

#[tokio::test]
async fn at_every_place() {
    let (_backend, app) = maia().await;
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut asked = JoinSet::new();
    for end in 1..STREAM.len() {
        let (turns, address) = (Arc::clone(&turns), app.address);
        asked.spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            let call = Call::chat(TOLD)
                .header("x-ends", &end.to_string())
                .of(&format!("at-{end}"));
            assert!(call.send(address).await.text() == STREAM, "cut at {end}");
        });
    }
    asked.join_all().await;
    let mut app = app.restart().await;
    for end in 1..STREAM.len() {
        let name = format!("at-{end}");
        let mut memories = app.memories(&name).await;
        if memories.is_empty() {
            // The machine was so busy that the request went on without memory, which says nothing about the stream.
            let call = Call::chat(TOLD).header("x-ends", &end.to_string()).of(&name);
            app.send(call).await;
            app = app.restart().await;
            memories = app.memories(&name).await;
        }
        assert_eq!(memories, BOTH, "cut at {end}");
    }
}

#[test]
fn at_many_places_at_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_backend, app) = runtime.block_on(maia());
    let mut runner = TestRunner::new(Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    });
    let places = prop::collection::btree_set(1..STREAM.len(), 1..40);
    let names = std::cell::RefCell::new(Vec::new());
    let counter = std::cell::Cell::new(0);
    let run = runner.run(&places, |ends| {
        counter.set(counter.get() + 1);
        let name = format!("cut-{}", counter.get());
        let ends: Vec<String> = ends.iter().map(usize::to_string).collect();
        let call = Call::chat(TOLD).header("x-ends", &ends.join(" ")).of(&name);
        let answer = runtime.block_on(app.send(call));
        prop_assert_eq!(answer.text(), STREAM);
        names.borrow_mut().push((name, ends));
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
    let app = runtime.block_on(app.restart());
    for (name, ends) in names.take() {
        assert_eq!(runtime.block_on(app.memories(&name)), BOTH, "{ends:?}");
    }
}

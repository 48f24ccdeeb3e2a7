//! What it adds to a request to know its conversation again: 100 messages, of which every turn got a block.
//!
//!     cargo bench --locked --bench replay
//!
//! Prints the median and the 99th percentile of each step, in microseconds. Recall is not a part of it: it costs the same with and without.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement ends where something is wrong, and says what it found"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use maia::memory::history::History;
use maia::memory::inject::inject;
use maia::memory::recall::{Budget, Recall};
use maia::memory::replay::{Context, Terms};
use maia::memory::unwritten::UnwrittenBlocks;
use maia::model::{self, ChatRequest, ContextPosition, NamespaceName, NamespaceNumber};
use maia::store::{HistoryHash, InjectedBlock, NewInjectedBlock, Store};
use serde_json::json;

/// Messages of the conversation, the newest one of the user not counted.
const MESSAGES: usize = 100;
/// Times that each step is done.
const ROUNDS: usize = 2_000;
/// Rows of other conversations.
const OTHERS: usize = 5_000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let store = Store::open(&folder.path().join("maia.db")).unwrap();
    let namespace = runtime
        .block_on(store.ensure_namespace(NamespaceName::default()))
        .unwrap();
    let body = conversation();
    let chat = ChatRequest::parse(body.as_bytes()).unwrap();
    let history = History::of(&chat).unwrap();
    println!("{} messages, {} bytes", chat.messages.len(), body.len());

    let keep = |id, history, before: &[uuid::Uuid]| block(namespace.number, id, history, before);
    runtime.block_on(async {
        for number in 0..OTHERS {
            let other = u128::try_from(number).unwrap().to_be_bytes();
            let new = keep(uuid::Uuid::now_v7(), other, &[]);
            store.keep_injected(vec![Arc::new(new)], model::now()).await.unwrap();
        }
    });

    let budget = Budget {
        total: 4_000,
        profile: 0,
        turns: 2_000,
    };
    for (what, blocks) in [
        ("no turn known", 0),
        ("10 blocks", 10),
        ("20 blocks", 20),
        ("50 blocks", 50),
    ] {
        let turns = &history.turns[..history.turns.len() - 1];
        let first = turns.len() - blocks;
        let mut before = Vec::new();
        for turn in &turns[first..] {
            let id = uuid::Uuid::now_v7();
            let new = keep(id, turn.history, &before);
            runtime
                .block_on(store.keep_injected(vec![Arc::new(new)], model::now()))
                .unwrap();
            before.push(id);
        }
        let unwritten = UnwrittenBlocks::default();
        let terms = Terms {
            namespace: namespace.number,
            position: ContextPosition::LastUser,
            budget: 4_000,
            refresh: 1.5,
        };
        let mut hashing = Vec::with_capacity(ROUNDS);
        let mut looking = Vec::with_capacity(ROUNDS);
        let mut injecting = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let history = black_box(History::of(black_box(&chat))).unwrap();
            hashing.push(begun.elapsed());
            let (context, took) = store
                .glance(|reader| {
                    let mut recalling = Duration::ZERO;
                    let begun = Instant::now();
                    let recall = || {
                        let begun = Instant::now();
                        let recall = Recall::of(reader, &namespace, ["x"], None, budget);
                        recalling = begun.elapsed();
                        recall
                    };
                    let context = Context::of_turn(reader, &unwritten, &history, terms, recall)?;
                    Ok(Some((context, begun.elapsed().saturating_sub(recalling))))
                })
                .unwrap();
            assert_eq!(context.blocks.len(), blocks);
            looking.push(took);
            let begun = Instant::now();
            black_box(inject(&chat, &context.blocks)).unwrap();
            injecting.push(begun.elapsed());
        }
        for (step, times) in [
            ("hash", &mut hashing),
            ("look up", &mut looking),
            ("put in", &mut injecting),
        ] {
            times.sort_unstable();
            let micros = |index: usize| times[index].as_secs_f64() * 1e6;
            println!(
                "{what:>14}, {step:<8} median {:6.1} µs, 99th percentile {:6.1} µs",
                micros(ROUNDS / 2),
                micros(ROUNDS * 99 / 100)
            );
        }
    }
}

fn conversation() -> String {
    let text = "It depends on what you have at hand: with a \"sharp\" knife it takes five minutes,\nwithout one a little more. ".repeat(3);
    let mut messages: Vec<_> = (0..MESSAGES)
        .map(|number| {
            let role = if number % 2 == 0 { "user" } else { "assistant" };
            json!({"role": role, "content": format!("{number}. {text}")})
        })
        .collect();
    messages.push(json!({"role": "user", "content": "And how long without any knife?"}));
    json!({"model": "m", "messages": messages}).to_string()
}

fn block(namespace: NamespaceNumber, id: uuid::Uuid, history: HistoryHash, before: &[uuid::Uuid]) -> NewInjectedBlock {
    NewInjectedBlock {
        namespace,
        position: ContextPosition::LastUser,
        block: Arc::new(InjectedBlock {
            id,
            history,
            answered: None,
            begins: before.is_empty(),
            begun_at_bytes: 300,
            before: before.to_vec(),
            text: "## Relevant Context\n\nUser's oven is from 1987\nUser has no microwave".into(),
            tokens: 20,
            memories: vec![1 << 32, 2 << 32],
        }),
        seen: Vec::new(),
        rewrites: 0,
    }
}

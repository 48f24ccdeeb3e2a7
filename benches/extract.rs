//! How long extraction takes for an exchange, beside the SHA-256 of the same text, which every exchange costs anyway.
//!
//!     cargo bench --bench extract
//!
//! Each message of `data/extraction.jsonl` and each prompt is read together with an answer of `data/assistant_answers.txt`, as in a chat, and then what
//! is long or strange: the longest side that is read, of one kind of text each. The aim is 1 ms for an exchange. On a busy machine trust the ratio.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for people, whose output is a table, whose figures are approximate and whose every failure ends it"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::Utc;
use maia::memory::extract::{Exchange, Extractor};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const MESSAGES: &str = include_str!("data/extraction.jsonl");
const PROMPTS: &str = concat!(
    include_str!("data/general_prompts.txt"),
    "\n",
    include_str!("data/unrelated_prompts.txt")
);
const ANSWERS: &str = include_str!("data/assistant_answers.txt");

/// How often each exchange is read; the fastest counts, for what disturbs it is not extraction.
const ROUNDS: usize = 5;
/// What is read of a side, in bytes.
const SIDE: usize = 64 * 1024;

fn main() {
    let extractor = Extractor::default();
    let messages: Vec<String> = MESSAGES
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"))
        .map(|case| {
            case.get("message")
                .and_then(Value::as_str)
                .expect("a case has a message")
                .to_owned()
        })
        .chain(PROMPTS.lines().filter(|line| !line.is_empty()).map(str::to_owned))
        .collect();
    let answers: Vec<&str> = ANSWERS.split("\n\n").collect();
    let exchanges: Vec<(String, &str)> = messages.into_iter().zip(answers.into_iter().cycle()).collect();
    // Patterns are compiled on their first use.
    for (message, answer) in &exchanges {
        read(&extractor, message, answer);
    }

    println!(
        "{:<42}{:>10}{:>10}{:>10}{:>14}",
        "", "median", "99th", "longest", "of SHA-256"
    );
    report("exchanges of the evaluation", &extractor, &exchanges);
    let repeated = |text: &str| text.repeat(SIDE / text.len());
    for (name, text) in [
        (
            "64 KiB of plain sentences",
            "I live in Oslo and my dog is called Biscuit. ",
        ),
        (
            "64 KiB of code",
            "let total = items.iter().map(|item| item.price).sum::<f64>();\n",
        ),
        ("64 KiB without a space", "a"),
        ("64 KiB of opening tags", "<a<b"),
        ("64 KiB of quotation marks", "\" \u{201C}"),
        ("64 KiB of Chinese", "我住在上海。"),
    ] {
        report(name, &extractor, &[(repeated(text), "Good to know.")]);
    }
}

fn read(extractor: &Extractor, message: &str, answer: &str) {
    let exchange = Exchange {
        user: Some(message),
        assistant: Some(answer),
        at: Utc::now(),
    };
    black_box(extractor.extract(black_box(&exchange)));
}

fn fastest(mut work: impl FnMut()) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn report(name: &str, extractor: &Extractor, exchanges: &[(String, &str)]) {
    let mut times: Vec<Duration> = exchanges
        .iter()
        .map(|(message, answer)| fastest(|| read(extractor, message, answer)))
        .collect();
    let hashing: Duration = exchanges
        .iter()
        .map(|(message, answer)| {
            fastest(|| {
                black_box(Sha256::digest(black_box(message)));
                black_box(Sha256::digest(black_box(answer)));
            })
        })
        .sum();
    let total: Duration = times.iter().sum();
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get((times.len() * share / 100).min(times.len() - 1))
            .copied()
            .unwrap_or_default()
    };
    let ms = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1_000.0);
    println!(
        "{name:<42}{:>10}{:>10}{:>10}{:>13.0}x",
        ms(at(50)),
        ms(at(99)),
        ms(at(100)),
        total.as_secs_f64() / hashing.as_secs_f64()
    );
}

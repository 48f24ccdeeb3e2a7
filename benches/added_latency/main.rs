//! What maia adds to a request, measured against the same backend asked directly.
//!
//! A static backend answers every request with the same few bytes. The real binary stands between it and one keep-alive connection, with a namespace of
//! 10,000 memories that were written through its own API. All variants take turns in the same run, so that a busy machine is as busy for each of them:
//! the ratios can be trusted, the microseconds only roughly. Nothing here fails for being slow. Run it with `cargo bench --bench added_latency`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a program for people, whose output is a table and whose every failure ends it"
)]

mod backend;
mod chats;
mod client;
mod maia;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use backend::CHUNKS;
use chats::{QUESTIONS, chat_body};
use client::{Client, request};
use maia::Maia;

/// Memories in the namespace.
const MEMORIES: usize = 10_000;
/// Turns that each variant gets, and requests in a turn.
const ROUNDS: usize = 8;
const TURN: usize = 200;
/// Streams of each kind.
const STREAMS: usize = 40;
/// Size of the small and of the big body, in bytes, and messages in each.
const BODIES: [(&str, usize, usize); 2] = [("0.5 KB", 500, 1), ("114 KB", 114 << 10, 51)];

fn main() {
    // Test runners start benchmarks too, to see that they build; only `cargo bench` asks for figures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let backend = backend::start();
    let maia = Maia::start(backend);
    let idle = maia.resident_memory();
    let begun = Instant::now();
    maia::load(maia.address, MEMORIES);
    println!(
        "{MEMORIES} memories written through the API in {:.1} s\n",
        begun.elapsed().as_secs_f64()
    );

    println!(
        "one keep-alive connection, {} requests of each kind, in turns of {TURN}",
        ROUNDS * TURN
    );
    println!("body    variant                      median       p95     added   × direct   memories injected");
    for (name, size, messages) in BODIES {
        let bodies: Vec<String> = QUESTIONS
            .iter()
            .map(|question| chat_body(question, size, messages, false))
            .collect();
        measure_requests(name, &bodies, backend, maia.address);
    }
    println!("\n{STREAMS} streams of each kind, {CHUNKS} chunks each, every chunk sent by itself");
    println!("body    variant                  first byte       p95     added      total     added");
    measure_streams(backend, maia.address);
    println!(
        "\nresident memory of maia: {idle} at start, {} at the end",
        maia.resident_memory()
    );
}

/// A way to the backend.
struct Variant {
    name: &'static str,
    client: Client,
    requests: Vec<Vec<u8>>,
    times: Vec<Duration>,
    /// Memories in each request, as the answer says.
    used: Vec<usize>,
}

impl Variant {
    fn new(name: &'static str, address: SocketAddr, path: &str, headers: &str, bodies: &[String]) -> Self {
        Self {
            name,
            client: Client::connect(address),
            requests: bodies
                .iter()
                .map(|body| request(address, path, headers, body))
                .collect(),
            times: Vec::new(),
            used: Vec::new(),
        }
    }

    fn all(backend: SocketAddr, maia: SocketAddr, bodies: &[String]) -> [Self; 3] {
        let skip = "X-MAIA-Skip-Memory: true\r\nX-MAIA-Skip-Extract: true\r\n";
        [
            Self::new("direct", backend, "/v1/chat/completions", "", bodies),
            Self::new("maia, memory skipped", maia, "/proxy/v1/chat/completions", skip, bodies),
            Self::new(
                "maia, recall and injection",
                maia,
                "/proxy/v1/chat/completions",
                "",
                bodies,
            ),
        ]
    }

    fn turn(&mut self, requests: usize, measured: bool) {
        for request in self.requests.iter().cycle().take(requests) {
            let begun = Instant::now();
            let answer = self.client.exchange(request);
            let time = begun.elapsed();
            assert!(answer.head.starts_with("HTTP/1.1 200"), "{}", answer.head);
            if measured {
                self.times.push(time);
                self.used.push(answer.memories_used());
            }
        }
    }

    fn quantile(&mut self, part: f64) -> f64 {
        quantile(&mut self.times, part)
    }
}

fn measure_requests(body: &str, bodies: &[String], backend: SocketAddr, maia: SocketAddr) {
    let mut variants = Variant::all(backend, maia, bodies);
    for variant in &mut variants {
        variant.turn(TURN, false);
    }
    for _ in 0..ROUNDS {
        for variant in &mut variants {
            variant.turn(TURN, true);
        }
        // Nobody always comes after the same neighbour's full caches.
        variants.swap(1, 2);
    }
    variants.sort_by_key(|variant| variant.name);
    let mut direct = 0.0;
    for variant in &mut variants {
        let (median, p95) = (variant.quantile(0.5), variant.quantile(0.95));
        if variant.name == "direct" {
            direct = median;
        }
        let injected = variant.used.iter().filter(|used| **used > 0).count();
        let most = variant.used.iter().max().copied().unwrap_or_default();
        let recalls = variant.name.contains("recall");
        assert_eq!(
            injected > 0,
            recalls,
            "{}: {injected} requests had memories",
            variant.name
        );
        println!(
            "{body:7} {:26} {median:6.0} µs {p95:6.0} µs {:6.0} µs {:9.1}   {}",
            variant.name,
            median - direct,
            median / direct,
            if recalls {
                let mean = variant.used.iter().sum::<usize>() / variant.used.len();
                format!(
                    "in {injected} of {} requests, {mean} on average, {most} at most",
                    variant.used.len()
                )
            } else {
                "none".to_owned()
            },
        );
    }
}

fn measure_streams(backend: SocketAddr, maia: SocketAddr) {
    for (name, size, messages) in BODIES {
        let bodies: Vec<String> = QUESTIONS
            .iter()
            .map(|question| chat_body(question, size, messages, true))
            .collect();
        let mut variants = Variant::all(backend, maia, &bodies);
        let mut totals: [Vec<Duration>; 3] = Default::default();
        for stream in 0..STREAMS + 4 {
            for (variant, totals) in variants.iter_mut().zip(&mut totals) {
                let request = variant.requests.get(stream % QUESTIONS.len()).expect("a request");
                let (first, total) = variant.client.stream(request);
                if stream >= 4 {
                    variant.times.push(first);
                    totals.push(total);
                }
            }
        }
        let mut direct = (0.0, 0.0);
        for (variant, totals) in variants.iter_mut().zip(&mut totals) {
            let (first, p95, total) = (variant.quantile(0.5), variant.quantile(0.95), quantile(totals, 0.5));
            if variant.name == "direct" {
                direct = (first, total);
            }
            println!(
                "{name:7} {:26} {first:6.0} µs {p95:6.0} µs {:6.0} µs {total:7.0} µs {:6.0} µs",
                variant.name,
                first - direct.0,
                total - direct.1,
            );
        }
    }
}

/// In microseconds.
fn quantile(times: &mut [Duration], part: f64) -> f64 {
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an index into a few thousand times"
    )]
    let index = (times.len() as f64 * part) as usize;
    times.get(index).expect("times").as_secs_f64() * 1e6
}

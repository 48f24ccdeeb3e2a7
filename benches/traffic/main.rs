//! Both ends of the benchmark of the proxy: a backend that always says the same, and a client that measures. `benches/bench_proxy.py` builds and runs it.
//!
//! It needs no crate, so that the compiler alone builds it: a build by Cargo would build the rest of maia's dependencies for it, with other features.
//!
//! - `traffic backend`: serves, prints its port, and ends when its input does.
//! - `traffic load ADDRESS REQUESTS CONNECTIONS SECONDS`: asks for so long, and waits for the last answers; prints the nanoseconds that this took, then a
//!   line for each request: nanoseconds to the first byte of the answer's body, to its last, and the memories that maia says it injected, or `-`.
//! - `traffic hold ADDRESS REQUESTS STREAMS`: opens streams, prints `open`, and closes them when its input ends.
//!
//! A file of requests holds whole requests, each after its length in four bytes, the lowest first.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "one end of a measurement: what goes wrong ends it, and what it prints is its result"
)]

mod backend;
mod http;
mod load;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read as _, stdin};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["backend"] => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            println!("{}", listener.local_addr()?.port());
            thread::spawn(move || backend::serve(&listener).expect("connections to accept"));
            stdin().read_to_end(&mut Vec::new())?;
        }
        ["load", address, requests, connections, seconds] => {
            let file = std::fs::read(requests)?;
            let time = Duration::from_secs_f64(seconds.parse()?);
            let (took, samples) = load::run(address.parse()?, &split(&file), connections.parse()?, time)?;
            let mut lines = format!("{}\n", took.as_nanos());
            for sample in samples {
                let used = sample.memories_used.map_or("-".to_owned(), |used| used.to_string());
                writeln!(lines, "{} {} {used}", sample.first.as_nanos(), sample.total.as_nanos())?;
            }
            print!("{lines}");
        }
        ["hold", address, requests, streams] => {
            let file = std::fs::read(requests)?;
            let _streams = load::hold(address.parse()?, split(&file)[0], streams.parse()?)?;
            println!("open");
            stdin().read_to_end(&mut Vec::new())?;
        }
        // Cargo runs every benchmark, and this is none by itself.
        _ => println!("`make bench-proxy` runs this"),
    }
    Ok(())
}

/// The requests in a file.
fn split(mut file: &[u8]) -> Vec<&[u8]> {
    let mut requests = Vec::new();
    while let Some((length, rest)) = file.split_first_chunk() {
        let (request, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        requests.push(request);
        file = rest;
    }
    requests
}

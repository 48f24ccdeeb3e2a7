//! Connections that ask, each on a thread of its own, one request after the other.

use std::io::{Error, Result};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::Connection;

/// What was measured of a request.
pub(crate) struct Sample {
    /// From the first byte sent to the first byte of the answer's body.
    pub(crate) first: Duration,
    /// To its last.
    pub(crate) total: Duration,
    pub(crate) memories_used: Option<usize>,
}

/// So many connections ask for so long, and then wait for their last answers. Each begins at another of the requests.
pub(crate) fn run(
    address: SocketAddr,
    requests: &[&[u8]],
    connections: usize,
    time: Duration,
) -> Result<(Duration, Vec<Sample>)> {
    let clients = (0..connections).map(|_| connect(address)).collect::<Result<Vec<_>>>()?;
    let begun = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(number, mut client)| {
                scope.spawn(move || -> Result<Vec<Sample>> {
                    let mut samples = Vec::with_capacity(1 << 12);
                    let from = number * requests.len() / connections;
                    for request in requests.iter().cycle().skip(from) {
                        samples.push(exchange(&mut client, request)?);
                        if begun.elapsed() >= time {
                            break;
                        }
                    }
                    Ok(samples)
                })
            })
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            all.append(&mut thread.join().expect("a thread that does not panic")?);
        }
        Ok((begun.elapsed(), all))
    })
}

/// Opens so many streams and reads the beginning of each. They stay open until they are dropped.
pub(crate) fn hold(address: SocketAddr, request: &[u8], streams: usize) -> Result<Vec<Connection>> {
    (0..streams)
        .map(|_| {
            let mut client = connect(address)?;
            client.write(request)?;
            let head = client.head()?.ok_or_else(|| Error::other("closed without an answer"))?;
            client.body(&head, |_| false)?;
            Ok(client)
        })
        .collect()
}

fn connect(address: SocketAddr) -> Result<Connection> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    Connection::new(stream)
}

fn exchange(client: &mut Connection, request: &[u8]) -> Result<Sample> {
    let begun = Instant::now();
    client.write(request)?;
    let head = client.head()?.ok_or_else(|| Error::other("closed without an answer"))?;
    if !head.first_line.starts_with("HTTP/1.1 200") {
        return Err(Error::other(head.first_line));
    }
    let mut first = None;
    client.body(&head, |_| {
        first.get_or_insert_with(|| begun.elapsed());
        true
    })?;
    let total = begun.elapsed();
    Ok(Sample {
        first: first.unwrap_or(total),
        total,
        memories_used: head.memories_used,
    })
}

//! The least that speaks HTTP/1.1, so that the client costs next to nothing.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use memchr::memmem;

/// One keep-alive connection.
pub(crate) struct Client {
    stream: TcpStream,
    /// What has come and was not taken yet.
    received: Vec<u8>,
}

/// The head of an answer.
pub(crate) struct Answer {
    pub(crate) head: String,
}

impl Answer {
    fn content_length(&self) -> usize {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        length.map_or(0, |(_, value)| value.parse().expect("a length"))
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a time-out");
        Self {
            stream,
            received: Vec::with_capacity(16 << 10),
        }
    }

    pub(crate) fn send(&mut self, request: &[u8]) {
        self.stream.write_all(request).expect("a request that is sent");
    }

    /// Waits for an answer and takes it.
    pub(crate) fn receive(&mut self) -> Answer {
        let head = loop {
            if let Some(end) = memmem::find(&self.received, b"\r\n\r\n") {
                break self.received.drain(..end + 4).collect();
            }
            self.read();
        };
        let answer = Answer {
            head: String::from_utf8(head).expect("a head"),
        };
        let length = answer.content_length();
        while self.received.len() < length {
            self.read();
        }
        self.received.drain(..length);
        answer
    }

    /// Sends a request and takes its answer.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Answer {
        self.send(request);
        self.receive()
    }

    fn read(&mut self) {
        let mut bytes = [0; 16 << 10];
        let count = self.stream.read(&mut bytes).expect("an answer");
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&self.received));
        self.received.extend(bytes.iter().take(count));
    }
}

/// A whole request, ready to be sent.
pub(crate) fn request(host: SocketAddr, path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

//! The least that speaks HTTP/1.1, so that the client costs next to nothing.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One keep-alive connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// The head of an answer.
pub(crate) struct Answer {
    pub(crate) head: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value.trim()))
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
            stream: BufReader::with_capacity(64 << 10, stream),
        }
    }

    fn send(&mut self, request: &[u8]) -> Answer {
        self.stream
            .get_mut()
            .write_all(request)
            .expect("a request that is sent");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(
                self.stream.read_line(&mut head).expect("a head") > 0,
                "closed after {head:?}"
            );
        }
        Answer { head }
    }

    /// Sends a request and reads its whole answer, which has a length.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Answer {
        let answer = self.send(request);
        let length = answer
            .header("content-length")
            .map(|length| length.parse().expect("a length"));
        let mut body = vec![0; length.unwrap_or_default()];
        self.stream.read_exact(&mut body).expect("a body");
        answer
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

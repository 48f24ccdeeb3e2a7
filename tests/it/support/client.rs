//! A client that says exactly what it is told to, and shows exactly what comes back.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::net::TcpStream;

use super::soon;
use super::wire::{Framing, Headers, Wire};

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Call {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A `POST` with a JSON body, sent as it is given.
    pub(crate) fn post(target: &str, json: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", target)
            .header("content-type", "application/json")
            .body(json)
    }

    /// A chat completion through the proxy.
    pub(crate) fn chat(json: impl Into<Vec<u8>>) -> Self {
        Self::post("/proxy/v1/chat/completions", json)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// In a namespace.
    pub(crate) fn of(self, namespace: &str) -> Self {
        self.header("X-MAIA-Namespace", namespace)
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The bytes of the request.
    pub(crate) fn bytes(&self, host: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let mut line = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
        if !self.has("host") {
            line("host", &host.to_string());
        }
        if !self.has("connection") {
            line("connection", "close");
        }
        for (name, value) in &self.headers {
            line(name, value);
        }
        if let Some(body) = self.body.as_ref().filter(|_| !self.has("transfer-encoding")) {
            line("content-length", &body.len().to_string());
        }
        let mut bytes = format!("{head}\r\n").into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// Sends the request and returns when the head of the answer is there.
    pub(crate) async fn open(&self, address: SocketAddr) -> Incoming {
        let mut wire = connect(address).await;
        wire.write(self.bytes(address)).await.unwrap();
        soon("the head of the answer", Incoming::read(wire, &self.method)).await
    }

    /// Sends the request and reads the whole answer.
    pub(crate) async fn send(&self, address: SocketAddr) -> Answer {
        let incoming = self.open(address).await;
        soon("the whole answer", incoming.whole()).await
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// A connection on which nothing was said yet.
pub(crate) async fn connect(address: SocketAddr) -> Wire {
    Wire::new(TcpStream::connect(address).await.unwrap())
}

/// An answer whose body is still to be read. Dropping it closes the connection.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) trailers: Headers,
    wire: Wire,
    framing: Framing,
}

impl Incoming {
    /// Reads the head of the answer to a request that was written already.
    pub(crate) async fn read(mut wire: Wire, method: &str) -> Self {
        let head = wire.read_head().await.unwrap().expect("an answer");
        let status = head.first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {:?}", head.first));
        let framing = if method == "HEAD" || matches!(status, 204 | 304) {
            Framing::Length(0)
        } else {
            Framing::of(&head.headers, Framing::UntilClose)
        };
        Self {
            status,
            headers: head.headers,
            trailers: Headers::default(),
            wire,
            framing,
        }
    }

    /// The next piece of the body; `None` at its end, an error where it is cut off.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let piece = self.wire.read_piece(&mut self.framing, &mut self.trailers);
        soon("the next piece of the answer", piece).await
    }

    /// Reads until so many bytes of the body are there.
    pub(crate) async fn at_least(&mut self, bytes: usize) -> Vec<u8> {
        let mut body = Vec::new();
        while body.len() < bytes {
            body.extend(self.next().await.unwrap().expect("more of the body"));
        }
        body
    }

    pub(crate) async fn whole(self) -> Answer {
        self.whole_keeping().await.0
    }

    /// The whole answer, and its connection for the next request.
    pub(crate) async fn whole_keeping(mut self) -> (Answer, Wire) {
        let mut body = Vec::new();
        while let Some(piece) = self.next().await.unwrap() {
            body.extend(piece);
        }
        let answer = Answer {
            status: self.status,
            headers: self.headers,
            trailers: self.trailers,
            body,
        };
        (answer, self.wire)
    }

    /// What came of the body until it was cut off.
    pub(crate) async fn until_cut_off(mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(piece)) => body.extend(piece),
                Ok(None) => panic!(
                    "the answer came to an orderly end: {:?}",
                    String::from_utf8_lossy(&body)
                ),
                Err(_) => return body,
            }
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) trailers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// The header of that name; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_default()
    }

    /// The message of an error of maia's own, whose status, code and shape must be right.
    #[track_caller]
    pub(crate) fn error(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/json");
        let body = self.json();
        let error = body["error"]
            .as_object()
            .unwrap_or_else(|| panic!("no error in {body}"));
        assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
        let mut keys: Vec<&str> = error.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["code", "message", "param", "type"], "{body}");
        assert_eq!(error["code"], code, "{body}");
        assert!(error["type"].is_string(), "{body}");
        error["message"].as_str().unwrap().to_owned()
    }
}

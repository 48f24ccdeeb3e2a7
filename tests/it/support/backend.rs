//! Backends on real sockets: one that follows a script, and one whose every byte the test sends by hand.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use super::client::{Answer, Call};
use super::soon;
use super::wire::{Framing, Headers, Wire};

/// A request as a backend saw it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Headers,
}

impl Received {
    fn new(first: &str, headers: Headers) -> Self {
        let mut words = first.split(' ');
        Self {
            method: words.next().unwrap_or_default().to_owned(),
            target: words.next().unwrap_or_default().to_owned(),
            headers,
            body: Vec::new(),
            trailers: Headers::default(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }
}

/// What happens to a connection after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    KeepAlive,
    Close,
    Reset,
    /// Nothing, until the client goes away.
    Hang,
}

/// An answer, byte by byte.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: &'static str,
    headers: Vec<(String, String)>,
    body: Body,
    end: End,
}

#[derive(Clone, Debug)]
enum Body {
    Whole(Vec<u8>),
    Chunks(Vec<Vec<u8>>, String),
    /// The reply is these bytes and nothing else.
    Raw(Vec<u8>),
}

impl Reply {
    /// A body of known length.
    pub(crate) fn whole(status: &'static str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), content_type.into())],
            body: Body::Whole(body.into()),
            end: End::KeepAlive,
        }
    }

    /// A JSON document.
    pub(crate) fn json(status: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self::whole(status, "application/json", body)
    }

    /// A completion that is not streamed and says `text`.
    pub(crate) fn says(text: &str) -> Self {
        let message = serde_json::json!({"role": "assistant", "content": text});
        let choice = serde_json::json!({"index": 0, "message": message, "finish_reason": "stop"});
        let body = serde_json::json!({"id": "c1", "object": "chat.completion", "choices": [choice]});
        Self::json("200 OK", body.to_string())
    }

    /// An event stream, one chunk of the transfer coding for each piece.
    pub(crate) fn stream<T: Into<Vec<u8>>>(pieces: impl IntoIterator<Item = T>) -> Self {
        Self {
            status: "200 OK",
            headers: vec![("content-type".into(), "text/event-stream".into())],
            body: Body::Chunks(pieces.into_iter().map(Into::into).collect(), String::new()),
            end: End::KeepAlive,
        }
    }

    /// Bytes in place of a whole answer, then an end.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>, end: End) -> Self {
        Self {
            status: "",
            headers: Vec::new(),
            body: Body::Raw(bytes.into()),
            end,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A trailer behind the chunks.
    pub(crate) fn trailer(mut self, name: &str, value: &str) -> Self {
        if let Body::Chunks(_, trailers) = &mut self.body {
            trailers.extend([name, ": ", value, "\r\n"]);
        }
        self
    }

    /// The chunks are cut off: their end is not sent, and the connection ends this way.
    pub(crate) fn cut_off(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    async fn write(&self, wire: &mut Wire, is_head: bool) -> io::Result<()> {
        if let Body::Raw(bytes) = &self.body {
            return wire.write(bytes).await;
        }
        let mut head = format!("HTTP/1.1 {}\r\n", self.status);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        match &self.body {
            Body::Whole(body) => {
                let mut bytes = format!("{head}content-length: {}\r\n\r\n", body.len()).into_bytes();
                bytes.extend(body.iter().filter(|_| !is_head));
                wire.write(bytes).await
            }
            Body::Chunks(pieces, trailers) => {
                wire.write(format!("{head}transfer-encoding: chunked\r\n\r\n")).await?;
                for piece in pieces {
                    wire.write(chunk(piece)).await?;
                }
                if self.end == End::KeepAlive {
                    wire.write(format!("0\r\n{trailers}\r\n")).await?;
                }
                Ok(())
            }
            Body::Raw(_) => Ok(()),
        }
    }
}

/// A chunk of the transfer coding.
pub(crate) fn chunk(piece: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
    bytes.extend(piece);
    bytes.extend(b"\r\n");
    bytes
}

/// A backend that answers every request by its script and remembers what it was asked.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Received>>>,
    accepting: JoinHandle<()>,
}

impl Backend {
    /// Gives this answer to everything.
    pub(crate) async fn replying(reply: Reply) -> Self {
        Self::start(move |_| reply.clone()).await
    }

    /// Answers as the script says.
    pub(crate) async fn start(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Received>>> = Arc::default();
        let script = Arc::new(script);
        let log = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (script, log) = (Arc::clone(&script), Arc::clone(&log));
                // A client that goes away is none of the script's concern.
                connections.spawn(async move { converse(Wire::new(stream), &*script, &log).await.ok() });
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            seen,
            accepting,
        }
    }

    /// Its address, without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.seen.lock().unwrap().clone()
    }

    /// The newest request.
    #[track_caller]
    pub(crate) fn last(&self) -> Received {
        self.requests().pop().expect("a request at the backend")
    }

    /// Sends a call straight to the backend.
    pub(crate) async fn send(&self, call: Call) -> Answer {
        call.send(self.address).await
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn converse(
    mut wire: Wire,
    script: &(dyn Fn(&Received) -> Reply + Send + Sync),
    log: &Mutex<Vec<Received>>,
) -> io::Result<()> {
    while let Some(head) = wire.read_head().await? {
        let mut request = Received::new(&head.first, head.headers);
        let mut framing = Framing::of(&request.headers, Framing::Length(0));
        while let Some(piece) = wire.read_piece(&mut framing, &mut request.trailers).await? {
            request.body.extend(piece);
        }
        log.lock().unwrap().push(request.clone());
        let reply = script(&request);
        reply.write(&mut wire, request.method == "HEAD").await?;
        match reply.end {
            End::KeepAlive => {}
            End::Close => return Ok(()),
            End::Reset => {
                wire.reset();
                return Ok(());
            }
            End::Hang => wire.closed().await,
        }
    }
    Ok(())
}

/// A backend whose answers the test sends piece by piece, when it wants.
pub(crate) struct ManualBackend {
    address: SocketAddr,
    arriving: mpsc::UnboundedReceiver<Exchange>,
    accepting: JoinHandle<()>,
}

impl ManualBackend {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (arrived, arriving) = mpsc::unbounded_channel();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let arrived = arrived.clone();
                connections.spawn(async move {
                    let mut wire = Wire::new(stream);
                    if let Ok(Some(head)) = wire.read_head().await {
                        let request = Received::new(&head.first, head.headers);
                        let framing = Framing::of(&request.headers, Framing::Length(0));
                        // A test that has ended wants no more of them.
                        let _ = arrived.send(Exchange { request, wire, framing });
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            address,
            arriving,
            accepting,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request, as soon as its head is there.
    pub(crate) async fn next(&mut self) -> Exchange {
        soon("a request at the backend", self.arriving.recv()).await.unwrap()
    }
}

impl Drop for ManualBackend {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A request whose body is still to be read, and its connection. Dropping it closes the connection.
pub(crate) struct Exchange {
    pub(crate) request: Received,
    wire: Wire,
    framing: Framing,
}

impl Exchange {
    /// The next piece of the request's body, as it arrives.
    pub(crate) async fn read_piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut trailers = Headers::default();
        let piece = self.wire.read_piece(&mut self.framing, &mut trailers);
        soon("the next piece of the request", piece).await
    }

    /// Reads the request to its end.
    pub(crate) async fn read_body(&mut self) {
        while let Some(piece) = self.read_piece().await.unwrap() {
            self.request.body.extend(piece);
        }
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.wire.write(bytes).await.unwrap();
    }

    /// Begins a streamed answer.
    pub(crate) async fn begin_stream(&mut self) {
        self.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n")
            .await;
    }

    /// Sends a chunk of a streamed answer.
    pub(crate) async fn chunk(&mut self, piece: impl AsRef<[u8]>) {
        self.write(chunk(piece.as_ref())).await;
    }

    /// Ends a streamed answer.
    pub(crate) async fn end_stream(&mut self) {
        self.write("0\r\n\r\n").await;
    }

    /// Returns when maia has closed the connection.
    pub(crate) async fn closed(&mut self) {
        self.wire.closed().await;
    }
}

//! A client and a backend of a few lines each, on blocking sockets: they send and show exactly the bytes that a test means.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before a test gives up on it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A request. What it does not say is filled in so that the server takes it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Call {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn json(method: &str, path: &str, body: &Value) -> Self {
        Self::new(method, path)
            .header("Content-Type", "application/json")
            .body(body.to_string())
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(crate) fn send(&self, address: SocketAddr) -> Reply {
        self.try_send(address)
            .unwrap_or_else(|error| panic!("{} {}: {error}", self.method, self.path))
            .unwrap_or_else(|| panic!("{} {}: no answer", self.method, self.path))
    }

    /// As [`Self::send`], for a server that may be gone: `None` where it went before it had answered in full.
    pub(crate) fn try_send(&self, address: SocketAddr) -> std::io::Result<Option<Reply>> {
        let mut stream = self.begin(address)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(Reply::parse(&answer, self.method != "HEAD"))
    }

    /// Sends the request and leaves the reading of the answer to the caller.
    pub(crate) fn begin(&self, address: SocketAddr) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let mut head = vec![format!("{} {} HTTP/1.1\r\nConnection: close", self.method, self.path)];
        let has = |name: &str| self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if !has("Host") {
            head.push(format!("Host: {address}"));
        }
        if let (Some(body), false) = (&self.body, has("Content-Length")) {
            head.push(format!("Content-Length: {}", body.len()));
        }
        head.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        stream.write_all((head.join("\r\n") + "\r\n\r\n").as_bytes())?;
        if let Some(body) = &self.body {
            // A server that refuses a large body need not read it to its end.
            let _ = stream.write_all(body);
        }
        Ok(stream)
    }
}

/// A request as it is sent, for a test to say and to look through.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(self.body.as_deref().unwrap_or_default());
        write!(f, "{} {} {:?} {body}", self.method, self.path, self.headers)
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Reads an answer; `None` where it is not whole.
    fn parse(bytes: &[u8], has_body: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let (head, body) = bytes.split_at(end + 4);
        let head = String::from_utf8(head.to_vec()).unwrap();
        let mut lines = head.trim_end().lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let chunked = headers.contains(&("transfer-encoding".into(), "chunked".into()));
        let length = headers.iter().find(|(name, _)| name == "content-length");
        if has_body && length.is_some_and(|(_, length)| body.len() < length.parse().unwrap()) {
            return None;
        }
        Some(Self {
            status: status.parse().unwrap(),
            body: if chunked { joined(body) } else { body.to_vec() },
            headers,
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} stands twice in {self}");
        value
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        self.json()
    }

    /// The message of an error that must have this status, code and parameter, and exactly the four fields of every error.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, code: &str, param: Option<&str>) -> String {
        let body = self.expect(status);
        let error = body["error"].as_object().unwrap_or_else(|| panic!("{self}"));
        assert_eq!(error["code"], code, "{self}");
        assert_eq!(error["param"].as_str(), param, "{self}");
        assert!(error["type"].is_string(), "{self}");
        assert_eq!(error.len(), 4, "{self}");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "{self}");
        error["message"].as_str().unwrap_or_else(|| panic!("{self}")).to_owned()
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {:?} {}",
            self.status,
            self.headers,
            String::from_utf8_lossy(&self.body)
        )
    }
}

/// A chunked body without its chunk sizes.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|two| two == b"\r\n") {
        let (size, rest) = chunks.split_at(end);
        let size = usize::from_str_radix(std::str::from_utf8(size).unwrap(), 16).unwrap();
        let (chunk, rest) = rest.split_at(2).1.split_at(size);
        body.extend_from_slice(chunk);
        chunks = rest.split_at(2).1;
    }
    body
}

/// What a [`StubBackend`] does with a connection whose request it has read.
type Script = dyn Fn(&mut TcpStream) + Send + Sync;

/// A backend that keeps what it was sent and answers every request by the same script, one request a connection.
pub(crate) struct StubBackend {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl StubBackend {
    /// Answers with a status line's rest (`200 OK`) and a JSON body.
    pub(crate) fn answering(status: &'static str, body: &'static str) -> Self {
        Self::with(move |stream| {
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        })
    }

    /// Answers a chat request in full.
    pub(crate) fn chatting() -> Self {
        Self::answering(
            "200 OK",
            r#"{"id":"c1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}]}"#,
        )
    }

    pub(crate) fn with(script: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, script): (_, Arc<Script>) = (Arc::clone(&requests), Arc::new(script));
        // Ends with the process; nothing joins it.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, script) = (Arc::clone(&kept), Arc::clone(&script));
                thread::spawn(move || serve_one(stream, &kept, &*script));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Heads and bodies of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve_one(mut stream: TcpStream, kept: &Mutex<Vec<String>>, script: &Script) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request).unwrap_or(0) == 0 {
            return;
        }
    }
    let length = request
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    request.push_str(&String::from_utf8(body).unwrap());
    kept.lock().unwrap().push(request);
    script(&mut stream);
}

/// A gate that a script waits at until the test opens it.
pub(crate) fn gate() -> (mpsc::Sender<()>, impl Fn() + Send + Sync) {
    let (open, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    (open, move || {
        wait.lock()
            .unwrap()
            .recv_timeout(DEADLINE)
            .expect("the test opens the gate");
    })
}

/// Waits until something holds; fails where it does not in time.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "in vain: {what}");
        thread::park_timeout(Duration::from_millis(2));
    }
}

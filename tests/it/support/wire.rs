//! HTTP/1.1 as it stands on the wire: heads with their headers in order, and bodies as they arrive.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Room for what is read at once, in bytes.
const READ: usize = 64 << 10;

/// Headers in their order, names as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers(pub(crate) Vec<(String, String)>);

impl Headers {
    /// The first value of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Every value of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// The first line and the headers of a message.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) first: String,
    pub(crate) headers: Headers,
}

/// How much of a body is still to come.
#[derive(Debug)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

impl Framing {
    /// How the body of a message with these headers is framed; without a length or chunks it is `otherwise`.
    pub(crate) fn of(headers: &Headers, otherwise: Self) -> Self {
        if headers
            .get("transfer-encoding")
            .is_some_and(|coding| coding.contains("chunked"))
        {
            Self::Chunked
        } else if let Some(length) = headers.get("content-length") {
            Self::Length(length.parse().expect("a content length"))
        } else {
            otherwise
        }
    }
}

/// One end of a connection, with what was read too far.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Closes with a reset instead of an orderly end.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// The head of the next message; `None` where the connection ended before it began.
    pub(crate) async fn read_head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
                return Ok(Some(parse_head(&head[..end])));
            }
            if self.fill().await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// The next piece of a body; `None` at its end. Trailers are added to `trailers`.
    pub(crate) async fn read_piece(
        &mut self,
        framing: &mut Framing,
        trailers: &mut Headers,
    ) -> io::Result<Option<Vec<u8>>> {
        match framing {
            Framing::Length(0) => Ok(None),
            Framing::Length(left) => {
                if self.buffer.is_empty() && self.fill().await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let taken = self.buffer.len().min(*left);
                *left -= taken;
                Ok(Some(self.buffer.drain(..taken).collect()))
            }
            Framing::UntilClose => {
                if self.buffer.is_empty() && self.fill().await? == 0 {
                    return Ok(None);
                }
                Ok(Some(std::mem::take(&mut self.buffer)))
            }
            Framing::Chunked => {
                let size = self.read_line().await?;
                let size = size.split(';').next().unwrap_or_default();
                let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
                if size == 0 {
                    loop {
                        let line = self.read_line().await?;
                        if line.is_empty() {
                            *framing = Framing::Length(0);
                            return Ok(None);
                        }
                        trailers.0.push(parse_header(&line));
                    }
                }
                while self.buffer.len() < size + 2 {
                    if self.fill().await? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                let chunk = self.buffer.drain(..size).collect();
                self.buffer.drain(..2);
                Ok(Some(chunk))
            }
        }
    }

    /// Returns when the other side has closed or reset the connection.
    pub(crate) async fn closed(&mut self) {
        while self.fill().await.is_ok_and(|read| read > 0) {}
    }

    async fn read_line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.fill().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.buffer.reserve(READ);
        self.stream.read_buf(&mut self.buffer).await
    }
}

fn parse_head(head: &[u8]) -> Head {
    let text = String::from_utf8_lossy(head).into_owned();
    let mut lines = text.split("\r\n");
    Head {
        first: lines.next().unwrap_or_default().to_owned(),
        headers: Headers(lines.map(parse_header).collect()),
    }
}

fn parse_header(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').expect("a header line");
    (name.to_owned(), value.trim().to_owned())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

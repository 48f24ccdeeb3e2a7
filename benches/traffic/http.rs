//! The least of HTTP/1.1 that both ends need, so that neither costs what is to be measured.

use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::net::TcpStream;

/// One connection, and what was read from it but not yet asked for.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

/// What the head of a message says about its body, and what maia says that it injected.
#[derive(Default)]
pub(crate) struct Head {
    pub(crate) first_line: String,
    length: usize,
    chunked: bool,
    pub(crate) closes: bool,
    pub(crate) memories_used: Option<usize>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 64 << 10],
            start: 0,
            end: 0,
        })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes)
    }

    /// Waits for more; false where the other end has closed.
    fn fill(&mut self) -> Result<bool> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let read = self.stream.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read > 0)
    }

    /// A line without its end; nothing where the other end has closed.
    fn line(&mut self) -> Result<Option<&[u8]>> {
        let mut seen = 0;
        loop {
            let unread = &self.buffer[self.start..self.end];
            if let Some(length) = unread[seen..].iter().position(|byte| *byte == b'\n') {
                let from = self.start;
                self.start += seen + length + 1;
                return Ok(Some(self.buffer[from..self.start].trim_ascii_end()));
            }
            seen = unread.len();
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The head of the next message; nothing where the other end has closed.
    pub(crate) fn head(&mut self) -> Result<Option<Head>> {
        let Some(line) = self.line()? else { return Ok(None) };
        let mut head = Head {
            first_line: String::from_utf8_lossy(line).into_owned(),
            ..Head::default()
        };
        while let Some(line) = self.line()? {
            if line.is_empty() {
                return Ok(Some(head));
            }
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let (name, value) = line.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            if name.eq_ignore_ascii_case(b"content-length") {
                head.length = number(value, 10)?;
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                head.chunked = value.eq_ignore_ascii_case(b"chunked");
            } else if name.eq_ignore_ascii_case(b"connection") {
                head.closes = value.eq_ignore_ascii_case(b"close");
            } else if name.eq_ignore_ascii_case(b"x-maia-memories-used") {
                head.memories_used = Some(number(value, 10)?);
            }
        }
        Ok(None)
    }

    /// Hands over the body piece by piece, until it ends or the receiver has had enough.
    pub(crate) fn body(&mut self, head: &Head, mut take: impl FnMut(&[u8]) -> bool) -> Result<()> {
        if !head.chunked {
            self.pieces(head.length, &mut take)?;
            return Ok(());
        }
        loop {
            let size = number(self.line()?.ok_or_else(cut_off)?, 16)?;
            if size > 0 && !self.pieces(size, &mut take)? {
                return Ok(());
            }
            // What follows each chunk, and the whole body: trailers are not expected.
            self.line()?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn pieces(&mut self, mut left: usize, take: &mut impl FnMut(&[u8]) -> bool) -> Result<bool> {
        while left > 0 {
            if self.start == self.end && !self.fill()? {
                return Err(cut_off());
            }
            let length = left.min(self.end - self.start);
            let piece = &self.buffer[self.start..self.start + length];
            self.start += length;
            left -= length;
            if !take(piece) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn cut_off() -> Error {
    Error::new(ErrorKind::UnexpectedEof, "the body was cut off")
}

fn number(digits: &[u8], radix: u32) -> Result<usize> {
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| usize::from_str_radix(digits, radix).ok())
        .ok_or_else(|| Error::new(ErrorKind::InvalidData, format!("{digits:?} is no number")))
}

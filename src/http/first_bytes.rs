//! A connection whose client must say soon which protocol it speaks.
//!
//! The server waits for the first bytes to tell HTTP/1.1 from HTTP/2, and has no time-out of its own until it knows.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::listener::Stream;

/// What a client of HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection that fails where its protocol is not known in time.
pub(super) struct FirstBytes {
    stream: Stream,
    /// What is left of the preface, and the time for it; gone once the protocol is known.
    unknown: Option<(&'static [u8], Pin<Box<Sleep>>)>,
}

impl FirstBytes {
    pub(super) fn within(limit: Duration, stream: Stream) -> Self {
        Self {
            stream,
            unknown: Some((PREFACE, Box::pin(tokio::time::sleep(limit)))),
        }
    }

    /// Compares what was read with the preface.
    fn look_at(&mut self, read: &[u8]) {
        if let Some((left, _)) = &mut self.unknown {
            match left.strip_prefix(read) {
                Some(rest) if !rest.is_empty() => *left = rest,
                _ => self.unknown = None,
            }
        }
    }
}

impl AsyncRead for FirstBytes {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.unknown.is_none() {
            return read;
        }
        if read.is_ready() {
            let read = buffer.filled().get(before..).unwrap_or_default();
            self.look_at(read);
        } else if let Some((_, timer)) = &mut self.unknown
            && timer.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for FirstBytes {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

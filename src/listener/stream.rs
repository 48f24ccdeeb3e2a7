//! The bytes of a connection, whatever they came through.

use std::io;
use std::net::TcpStream as StdTcpStream;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// The answer to plain HTTP where TLS is expected.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 49\r\nconnection: close\r\n\r\n\
this port speaks TLS: use https:// in the address";

/// Bytes of such a request that are read to be thrown away.
const MOST_DISCARDED: usize = 64 << 10;

/// A connection on its way to the thread that serves it.
pub(crate) enum Connection {
    Tcp(StdTcpStream, Option<Arc<ServerConfig>>),
    Socket(StdUnixStream),
}

impl Connection {
    /// Its stream, watched by the runtime of this thread.
    pub(crate) fn open(self) -> io::Result<Stream> {
        match self {
            Self::Tcp(stream, tls) => {
                let stream = TcpStream::from_std(stream)?;
                // Without it the first bytes of a stream wait for the acknowledgement of those before.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                Ok(match tls {
                    None => Stream::Tcp(stream),
                    Some(tls) => Stream::Handshake(Box::new(Handshake {
                        accept: TlsAcceptor::from(tls).accept(stream),
                        begun: false,
                    })),
                })
            }
            Self::Socket(stream) => Ok(Stream::Socket(UnixStream::from_std(stream)?)),
        }
    }
}

/// The handshake of TLS is made by the first read, so that whoever waits for a client's first bytes waits for both together.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Socket(UnixStream),
    Handshake(Box<Handshake>),
    Tls(Box<TlsStream<TcpStream>>),
}

pub(crate) struct Handshake {
    accept: Accept<TcpStream>,
    /// Whether the client's first byte was seen.
    begun: bool,
}

impl Stream {
    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Self::Handshake(handshake) = self {
            if !handshake.begun {
                ready!(handshake.poll_begin(cx))?;
            }
            let stream = ready!(Pin::new(&mut handshake.accept).poll(cx))
                .map_err(|error| io::Error::new(error.kind(), format!("no TLS with this client: {error}")))?;
            *self = Self::Tls(Box::new(stream));
        }
        Poll::Ready(Ok(()))
    }
}

impl Handshake {
    /// Looks at the first byte: a client that speaks plain HTTP is told so in its own language.
    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(stream) = self.accept.get_ref() {
            let mut first = [0];
            let read = ready!(stream.poll_peek(cx, &mut ReadBuf::new(&mut first)))?;
            // Methods are letters, and no message of TLS begins with one.
            if read == 1 && first.iter().all(u8::is_ascii_alphabetic) {
                // With bytes unread, the client would see a reset instead of the answer.
                let mut request = vec![0; MOST_DISCARDED];
                let _ = stream.try_read(&mut request);
                stream.try_write(PLAIN_HTTP)?;
                return Poll::Ready(Err(io::Error::other("a client spoke plain HTTP instead of TLS")));
            }
        }
        self.begun = true;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_handshake(cx))?;
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Socket(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Handshake(_) => Poll::Pending,
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_handshake(cx))?;
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Socket(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Handshake(_) => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Socket(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Handshake(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Socket(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            // The connection closes when it is dropped.
            Self::Handshake(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_handshake(cx))?;
        match &mut *self {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Socket(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Handshake(_) => Poll::Pending,
        }
    }

    /// All of them gather their writes.
    fn is_write_vectored(&self) -> bool {
        true
    }
}

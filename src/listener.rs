//! Where clients come in: a TCP port, with TLS or without, or a Unix socket.

mod socket;
mod stream;
mod tls;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::config::Server;
use socket::SocketFile;
pub(crate) use stream::{Connection, Stream};
pub use tls::Tls;

/// The address of a client of a Unix socket, which has none.
const NO_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Takes connections.
pub struct Listener {
    way: Way,
}

enum Way {
    Tcp {
        listener: TcpListener,
        tls: Option<Arc<Tls>>,
    },
    Socket(SocketFile),
}

/// Why maia cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The port or the socket cannot be had.
    #[error("{0}")]
    Address(String),
    /// The files of `server.tls_cert` and `server.tls_key` cannot be used.
    #[error("{0}")]
    Tls(String),
}

impl Listener {
    /// Listens as the settings say.
    ///
    /// # Errors
    /// The address is taken or cannot be had, or there is no TLS with these files.
    pub async fn bind(settings: &Server) -> Result<Self, ListenError> {
        if let Some(path) = &settings.socket {
            let socket = SocketFile::bind(path).map_err(ListenError::Address)?;
            return Ok(Self {
                way: Way::Socket(socket),
            });
        }
        let tls = match (&settings.tls_cert, &settings.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(Tls::load(certificate.clone(), key.clone()).map_err(ListenError::Tls)?)
            }
            _ => None,
        };
        let address = SocketAddr::new(settings.host, settings.port);
        let cannot = |error: io::Error| {
            ListenError::Address(format!(
                "cannot listen on {address}: {error}; stop the program that has the address, or choose another with --port"
            ))
        };
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        Ok(Self {
            way: Way::Tcp {
                listener,
                tls: tls.map(Arc::new),
            },
        })
    }

    /// The certificate that it shows, where it speaks TLS.
    #[must_use]
    pub fn tls(&self) -> Option<Arc<Tls>> {
        match &self.way {
            Way::Tcp { tls, .. } => tls.clone(),
            Way::Socket(_) => None,
        }
    }

    /// Waits for a client.
    pub(crate) async fn accept(&self) -> io::Result<(Connection, SocketAddr)> {
        match &self.way {
            Way::Tcp { listener, tls } => {
                let (stream, peer) = listener.accept().await?;
                let tls = tls.as_ref().map(|tls| tls.now());
                Ok((Connection::Tcp(stream.into_std()?, tls), peer))
            }
            Way::Socket(socket) => Ok((Connection::Socket(socket.accept().await?), NO_ADDRESS)),
        }
    }
}

impl From<TcpListener> for Listener {
    /// A port that is bound already, without TLS.
    fn from(listener: TcpListener) -> Self {
        Self {
            way: Way::Tcp { listener, tls: None },
        }
    }
}

/// Where clients find it.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Tcp { listener, tls } => {
                let address = listener.local_addr();
                let address = address.map_or_else(|error| error.to_string(), |address| address.to_string());
                let scheme = if tls.is_some() { "https" } else { "http" };
                write!(f, "{scheme}://{address} (proxy: {scheme}://{address}/proxy/v1)")
            }
            Way::Socket(socket) => write!(f, "{socket} (proxy: /proxy/v1)"),
        }
    }
}

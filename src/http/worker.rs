//! A thread that serves connections, each from its first byte to its last.
//!
//! Whatever a request needs runs on the thread that took it: reading it, a short look at the database, the connection to the backend, the answer. To hand
//! work to another thread costs more than most of that work, above all on a machine that has nothing else to do and must first be woken.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::ServiceExt as _;

use super::first_bytes::FirstBytes;
use super::methods;
use crate::config::Server;
use crate::listener::Connection;

/// How often a silent client of HTTP/2 is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// Largest headers of a request, in bytes.
pub(super) const MAX_HEADERS: usize = 64 << 10;

/// A client that has connected.
pub(super) struct Arrival {
    pub(super) connection: Connection,
    pub(super) peer: SocketAddr,
    /// Given back when the connection ends.
    pub(super) place: OwnedSemaphorePermit,
}

/// A serving thread. It ends when it is told that no more connections come, and those it has are finished.
pub(crate) struct Worker {
    arrivals: UnboundedSender<Arrival>,
    open: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Starts a thread that answers with `router`.
    pub(super) fn start(router: Router, settings: &Server) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (arrivals, arrived) = unbounded_channel();
        let open = Arc::new(AtomicUsize::new(0));
        let connections = Connections::new(router, settings, Arc::clone(&open));
        let patience = settings.shutdown_timeout;
        let thread = thread::Builder::new()
            .name("maia-http".into())
            .spawn(move || runtime.block_on(connections.serve(arrived, patience)))?;
        Ok(Self { arrivals, open, thread })
    }

    /// How many connections it has.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn take(&self, arrival: Arrival) {
        self.open.fetch_add(1, Ordering::Relaxed);
        if self.arrivals.send(arrival).is_err() {
            self.open.fetch_sub(1, Ordering::Relaxed);
            tracing::error!("a serving thread has ended; its connections are refused");
        }
    }

    /// Says that no more connections come; returns the thread that finishes those it has.
    pub(super) fn finish(self) -> JoinHandle<()> {
        self.thread
    }
}

struct Connections {
    router: Router,
    builder: auto::Builder<TokioExecutor>,
    graceful: GracefulShutdown,
    open: Arc<AtomicUsize>,
    /// How long a client may take until its first bytes are there, and for the headers of a request.
    read_timeout: Duration,
}

impl Connections {
    fn new(router: Router, settings: &Server, open: Arc<AtomicUsize>) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.read_timeout)
            .max_buf_size(MAX_HEADERS + (64 << 10));
        let header_list = u32::try_from(MAX_HEADERS).unwrap_or(u32::MAX);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(header_list)
            .keep_alive_interval(PING_INTERVAL);
        Self {
            router,
            builder,
            graceful: GracefulShutdown::new(),
            open,
            read_timeout: settings.read_timeout,
        }
    }

    async fn serve(self, mut arrived: UnboundedReceiver<Arrival>, patience: Duration) {
        while let Some(arrival) = arrived.recv().await {
            self.handle(arrival);
        }
        if tokio::time::timeout(patience, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("some connections did not finish in time and were closed");
        }
    }

    fn handle(
        &self,
        Arrival {
            connection,
            peer,
            place,
        }: Arrival,
    ) {
        let open = Open {
            count: Arc::clone(&self.open),
            _place: place,
        };
        let stream = match connection.open() {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be watched");
                return;
            }
        };
        let router = self.router.clone();
        let router = router.map_request(move |mut request: hyper::Request<_>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            methods::without_trailing_slash(request.uri_mut());
            request
        });
        let service = TowerToHyperService::new(router.map_response(methods::allow_options));
        let connection = self
            .builder
            .serve_connection(TokioIo::new(FirstBytes::within(self.read_timeout, stream)), service)
            .into_owned();
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended");
            }
            drop(open);
        });
    }
}

/// Counts as an open connection until it is dropped.
struct Open {
    count: Arc<AtomicUsize>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

//! Takes connections and lets them go: with limits on slow and on many clients, and a shutdown that lets answers finish.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::config::Server;

/// How long a client may take to send the headers of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest headers of a request, in bytes.
const MAX_HEADERS: usize = 64 << 10;
/// Pause after a failed accept: with no descriptors left, trying again at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` completes, then takes no more connections and gives those that are open their time to finish.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    settings: &Server,
    shutdown: impl Future<Output = ()>,
) {
    let server = Connections::new(settings);
    tokio::pin!(shutdown);
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&server.places).acquire_owned() => permit,
            () = &mut shutdown => break,
        };
        // The semaphore is never closed.
        let Ok(permit) = permit else { break };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => server.handle(stream, peer, router.clone(), permit),
                Err(error) => pause_after(&error).await,
            },
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(settings.shutdown_timeout, server.graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some connections did not finish in time and were closed");
    }
    // What was said on those that are cut off is still to be remembered, so they are gone before this returns.
    server.cut_off.cancel();
    server.open.close();
    server.open.wait().await;
}

struct Connections {
    builder: auto::Builder<TokioExecutor>,
    graceful: GracefulShutdown,
    /// A place for each connection that may be open.
    places: Arc<Semaphore>,
    open: TaskTracker,
    cut_off: CancellationToken,
}

impl Connections {
    fn new(settings: &Server) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADERS + (64 << 10));
        let header_list = u32::try_from(MAX_HEADERS).unwrap_or(u32::MAX);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(header_list)
            .keep_alive_interval(HEADER_TIMEOUT);
        Self {
            builder,
            graceful: GracefulShutdown::new(),
            places: Arc::new(Semaphore::new(settings.max_connections)),
            open: TaskTracker::new(),
            cut_off: CancellationToken::new(),
        }
    }

    fn handle(&self, stream: TcpStream, peer: SocketAddr, router: Router, place: OwnedSemaphorePermit) {
        // Without it the first bytes of a stream wait for the acknowledgement of those before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let service = TowerToHyperService::new(router.map_request(move |mut request: hyper::Request<_>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            request
        }));
        let connection = self
            .builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let connection = self.graceful.watch(connection);
        let cut_off = self.cut_off.clone();
        self.open.spawn(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(error, "a connection ended");
                },
                () = cut_off.cancelled() => {}
            }
            drop(place);
        });
    }
}

async fn pause_after(error: &io::Error) {
    let of_client = matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if !of_client {
        tracing::warn!(%error, "no connection could be taken");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

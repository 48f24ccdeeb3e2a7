//! Takes connections, hands each to the worker that has fewest, and at a shutdown lets answers finish.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use tokio::sync::Semaphore;

use super::worker::{Arrival, Worker};
use crate::config::Server;
use crate::listener::Listener;

/// Fewest workers: one that looks something up for long must not hold all others up.
const MIN_WORKERS: usize = 2;
/// Most workers. A worker serves thousands of requests a second, more than any model behind it.
const MAX_WORKERS: usize = 8;
/// Pause after a failed accept: with no descriptors left, trying again at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many workers suit this machine.
pub(crate) fn worker_count() -> usize {
    thread::available_parallelism().map_or(MIN_WORKERS, |cores| cores.get().clamp(MIN_WORKERS, MAX_WORKERS))
}

/// Starts a worker for each router.
pub(crate) fn start_workers(routers: Vec<Router>, settings: &Server) -> io::Result<Vec<Worker>> {
    routers
        .into_iter()
        .map(|router| Worker::start(router, settings))
        .collect()
}

/// Serves until `shutdown` completes, then takes no more connections and gives those that are open their time to finish.
pub(crate) async fn serve(
    listener: Listener,
    workers: Vec<Worker>,
    settings: &Server,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(settings.max_connections));
    tokio::pin!(shutdown);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut shutdown => break,
        };
        // The semaphore is never closed.
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((connection, peer)) => {
                let arrival = Arrival {
                    connection,
                    peer,
                    place,
                };
                if let Some(worker) = workers.iter().min_by_key(|worker| worker.open()) {
                    worker.take(arrival);
                }
            }
            Err(error) => pause_after(&error).await,
        }
    }
    drop(listener);
    // All are told before the first is waited for.
    let threads: Vec<_> = workers.into_iter().map(Worker::finish).collect();
    let finished = tokio::task::spawn_blocking(|| threads.into_iter().all(|thread| thread.join().is_ok()));
    if !finished.await.unwrap_or(false) {
        tracing::error!("a serving thread panicked");
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

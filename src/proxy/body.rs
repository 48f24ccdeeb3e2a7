//! Bodies that watch the clock.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Nothing came for too long.
    #[error("the backend sent nothing for {}s", .0.as_secs())]
    Idle(Duration),
    /// The connection broke.
    #[error("{0}")]
    Broken(String),
}

/// The body of the backend's answer, as it arrives: every frame, trailers included. Ends with an error when nothing comes for too long.
pub struct BackendBody {
    inner: reqwest::Body,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
}

impl BackendBody {
    pub(super) fn new(inner: reqwest::Body, idle: Duration) -> Self {
        Self {
            inner,
            idle,
            timer: Box::pin(tokio::time::sleep(idle)),
        }
    }
}

impl Body for BackendBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            let next = Instant::now() + this.idle;
            this.timer.as_mut().reset(next);
            return Poll::Ready(
                frame.map(|frame| frame.map_err(|error| BodyError::Broken(super::error::chain(&error)))),
            );
        }
        ready!(this.timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyError::Idle(this.idle))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// When the last piece of an upload was taken, so that a long upload does not count as a slow answer.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    begun: Instant,
    /// Milliseconds after `begun`.
    last: Arc<AtomicU64>,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self {
            begun: Instant::now(),
            last: Arc::default(),
        }
    }

    fn note(&self) {
        let elapsed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(elapsed, Ordering::Relaxed);
    }

    /// Returns when nothing was noted for as long as `limit`.
    pub(super) async fn stalled_for(&self, limit: Duration) {
        loop {
            let last = self.begun + Duration::from_millis(self.last.load(Ordering::Relaxed));
            if last.elapsed() >= limit {
                return;
            }
            tokio::time::sleep_until(last + limit).await;
        }
    }
}

/// A client's upload, on its way to the backend.
///
/// The client wants a body that is `Sync`, and a server's body is not; the mutex makes it so, and nobody ever waits for it.
pub(super) struct Upload<B> {
    inner: Mutex<B>,
    progress: Progress,
}

impl<B> Upload<B> {
    pub(super) fn new(inner: B, progress: Progress) -> Self {
        Self {
            inner: Mutex::new(inner),
            progress,
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Upload<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let frame = ready!(Pin::new(inner).poll_frame(cx));
        self.progress.note();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}

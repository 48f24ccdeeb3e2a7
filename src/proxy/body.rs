//! Bodies that watch the clock.

use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::sync::lock;

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Nothing came for too long.
    #[error("nothing came for {} s", .0.as_secs_f32())]
    Idle(Duration),
    /// The connection broke.
    #[error("{0}")]
    Broken(String),
}

/// The body of the backend's answer.
pub type BackendBody = TimedBody<reqwest::Body>;

/// A body as it arrives, every frame, trailers included. Ends with an error when nothing comes for too long.
///
/// Only time counts that somebody waited: where the reader is the slow one, the sender is not to blame.
pub struct TimedBody<B> {
    inner: B,
    idle: Duration,
    /// Made when it is waited for the first time: most bodies are there at once.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl<B> TimedBody<B> {
    /// `idle` is the longest wait for the next frame.
    pub fn new(inner: B, idle: Duration) -> Self {
        Self {
            inner,
            idle,
            timer: None,
            waiting: false,
        }
    }
}

impl<B> Body for TimedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Error,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            this.waiting = false;
            return Poll::Ready(
                frame.map(|frame| frame.map_err(|error| BodyError::Broken(super::error::chain(&error)))),
            );
        }
        let idle = this.idle;
        let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        if !std::mem::replace(&mut this.waiting, true) {
            timer.as_mut().reset(Instant::now() + idle);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyError::Idle(idle))))
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
        lock(&self.inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.inner).size_hint()
    }
}

//! Relays the backend's answer untouched while a copy is read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};

use super::answer::Answer;
use super::body::{BackendBody, BodyError};
use super::copy::AnswerCopy;

/// Passes an answer through; calls `on_end` once, when its body has ended, broken off, or been dropped because the client went away.
///
/// Frames are handed on as they come: nothing waits for the copy, and dropping the body drops the request to the backend with it.
pub fn tee<F>(response: Response<BackendBody>, on_end: F) -> Response<impl Body<Data = Bytes, Error = BodyError>>
where
    F: FnOnce(Answer) + Send + Unpin + 'static,
{
    let copy = AnswerCopy::new(response.headers());
    response.map(|inner| Tee {
        inner,
        copy: Some((copy, on_end)),
    })
}

struct Tee<F: FnOnce(Answer)> {
    inner: BackendBody,
    /// Gone once the answer was handed over.
    copy: Option<(AnswerCopy, F)>,
}

impl<F: FnOnce(Answer)> Tee<F> {
    fn finish(&mut self, ended: bool) {
        if let Some((copy, on_end)) = self.copy.take() {
            on_end(copy.finish(ended));
        }
    }
}

impl<F: FnOnce(Answer) + Unpin> Body for Tee<F> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(bytes), Some((copy, _))) = (frame.data_ref(), &mut self.copy) {
                    copy.feed(bytes);
                }
                // The server may not ask again for a body that has said that it is at its end.
                if self.inner.is_end_stream() {
                    self.finish(true);
                }
            }
            Some(Err(_)) => self.finish(false),
            None => self.finish(true),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<F: FnOnce(Answer)> Drop for Tee<F> {
    fn drop(&mut self) {
        let ended = self.inner.is_end_stream();
        self.finish(ended);
    }
}

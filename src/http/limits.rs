//! What a request may take: room for its headers, and time for its body.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::error::ApiError;
use super::worker::MAX_HEADERS;
use crate::app::AppState;
use crate::proxy::TimedBody;

/// Bytes that a header line has besides its name and its value.
const OF_LINE: usize = ": \r\n".len();

pub(super) async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let lines = request.headers().iter();
    let size: usize = lines
        .map(|(name, value)| name.as_str().len() + value.len() + OF_LINE)
        .sum();
    // The server has a limit of its own, above this one, at which it can say no more than a status.
    if size > MAX_HEADERS {
        return ApiError::headers_too_large(MAX_HEADERS).into_response();
    }
    let timeout = state.read_timeout;
    next.run(request.map(|body| Body::new(TimedBody::new(body, timeout))))
        .await
}

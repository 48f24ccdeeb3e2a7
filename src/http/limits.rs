//! What a request may take: room for its headers, and time for its body.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;

use super::error::ApiError;
use super::worker::MAX_HEADERS;
use crate::proxy::TimedBody;

/// Bytes that a header line has besides its name and its value.
const OF_LINE: usize = ": \r\n".len();

/// The request with its limits, unless it is over one already.
pub(super) fn limit(request: Request, read_timeout: Duration) -> Result<Request, ApiError> {
    let lines = request.headers().iter();
    let size: usize = lines
        .map(|(name, value)| name.as_str().len() + value.len() + OF_LINE)
        .sum();
    // The server has a limit of its own, above this one, at which it can say no more than a status.
    if size > MAX_HEADERS {
        return Err(ApiError::headers_too_large(MAX_HEADERS));
    }
    Ok(request.map(|body| Body::new(TimedBody::new(body, read_timeout))))
}

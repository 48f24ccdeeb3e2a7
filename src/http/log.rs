//! One line a request, and the id that ties it to what the client saw. Never message text, keys or paths: a path can hold a namespace.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use super::error::ErrorMark;

/// The header of request ids, in both directions.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from a client, in bytes.
const MAX_ID: usize = 128;

/// The id of a request: the client's own where it sent a usable one.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) String);

pub(super) async fn log(mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("-".to_owned(), |path| path.as_str().to_owned());
    let id = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= MAX_ID && id.chars().all(|c| c.is_ascii_graphic()))
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    let status = response.status().as_u16();
    let milliseconds = (begun.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
    let error = response.extensions().get::<ErrorMark>().cloned();
    match error {
        Some(ErrorMark {
            code,
            detail: Some(detail),
        }) => {
            tracing::warn!(%method, route, status, milliseconds, request_id = id, code, detail, "request failed");
        }
        Some(ErrorMark { code, detail: None }) => {
            tracing::info!(%method, route, status, milliseconds, request_id = id, code, "request refused");
        }
        None => tracing::info!(%method, route, status, milliseconds, request_id = id, "request"),
    }
    // A backend's own id is what its support asks for, so it stays.
    if let (false, Ok(id)) = (response.headers().contains_key(REQUEST_ID), HeaderValue::from_str(&id)) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

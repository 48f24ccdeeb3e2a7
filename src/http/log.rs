//! One line a request, and the id that ties it to what the client saw. Never message text, keys or paths: a path can hold a namespace.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method};
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

/// The line of a request that is not answered yet.
pub(super) struct Line {
    begun: Instant,
    method: Method,
    route: Option<MatchedPath>,
    id: String,
}

impl Line {
    /// Begins it, and gives the request its id.
    pub(super) fn begin(request: &mut Request) -> Self {
        let id = request
            .headers()
            .get(REQUEST_ID)
            .and_then(|id| id.to_str().ok())
            .filter(|id| !id.is_empty() && id.len() <= MAX_ID && id.chars().all(|c| c.is_ascii_graphic()))
            .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
        request.extensions_mut().insert(RequestId(id.clone()));
        Self {
            begun: Instant::now(),
            method: request.method().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            id,
        }
    }

    /// Writes it, and gives the answer the id of its request.
    pub(super) fn end(self, response: &mut Response) {
        let Self {
            begun,
            method,
            route,
            id,
        } = self;
        let route = route.as_ref().map_or("-", MatchedPath::as_str);
        let status = response.status().as_u16();
        let milliseconds = (begun.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
        match response.extensions().get::<ErrorMark>() {
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
        if !response.headers().contains_key(REQUEST_ID)
            && let Ok(id) = HeaderValue::try_from(id)
        {
            response.headers_mut().insert(REQUEST_ID, id);
        }
    }
}

//! Everything else under `/proxy/v1`: relayed to the backend as it is, both ways as streams.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;

use super::backend_answer;
use super::error::ApiError;
use crate::app::AppState;
use crate::metrics::ProxyRoute;

pub(super) async fn relay(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let path = (parts.uri.path(), parts.uri.query());
    let sent = state
        .backend
        .send(parts.method, path, parts.headers, state.own_key, body)
        .await;
    let status = sent.as_ref().map_or(502, |response| response.status().as_u16());
    state.metrics.proxied(ProxyRoute::Relay, status, begun.elapsed());
    let response = sent.inspect_err(|error| backend_answer::count(&state.metrics, error))?;
    Ok(response.map(Body::new))
}

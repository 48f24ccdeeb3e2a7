//! For those who run maia: alive, ready, and in figures.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::error::ApiError;
use crate::app::AppState;

pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok", "service": "maia" }))
}

/// Whether the store can be read and written. The backend is not asked: memory works without it.
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    match state.store.check().await {
        Ok(()) => Json(json!({ "status": "ready", "store": "ok" })).into_response(),
        Err(error) => {
            let body = json!({ "status": "not ready", "store": error.to_string() });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

pub(super) async fn metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
    let (text, content_type) = state
        .metrics
        .render()
        .map_err(|error| ApiError::bad_request(format!("the metrics cannot be written: {error}")))?;
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}

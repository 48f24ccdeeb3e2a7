//! For those who run maia: alive, ready, and in figures.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use crate::app::AppState;

/// What an answering maia says.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({"status": "ok", "service": "maia"})))]
pub(super) struct Health {
    status: &'static str,
    service: &'static str,
}

/// Whether the store works.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({"status": "ready", "store": "ok"})))]
pub(super) struct Readiness {
    /// `ready` or `not ready`.
    status: &'static str,
    /// `ok`, or what is wrong.
    store: String,
}

/// Whether maia is alive
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "get_health",
    tag = "operations",
    responses((status = 200, description = "It is", body = Health))
)]
pub(super) async fn health() -> Json<Health> {
    Json(Health {
        status: "ok",
        service: "maia",
    })
}

/// Whether the store can be read and written
///
/// The backend is not asked: memory works without it.
#[utoipa::path(
    get,
    path = "/ready",
    operation_id = "get_readiness",
    tag = "operations",
    responses(
        (status = 200, description = "It can", body = Readiness),
        (status = 503, description = "It cannot; `store` says why", body = Readiness),
    )
)]
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    let (code, status, store) = match state.store.check().await {
        Ok(()) => (StatusCode::OK, "ready", "ok".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, "not ready", error.to_string()),
    };
    (code, Json(Readiness { status, store })).into_response()
}

/// Metrics for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    tag = "operations",
    responses((status = 200, description = "In the text format", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(State(state): State<AppState>) -> Result<Response, ApiError> {
    let (text, content_type) = state
        .metrics
        .render()
        .map_err(|error| ApiError::bad_request(format!("the metrics cannot be written: {error}")))?;
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}

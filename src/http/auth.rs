//! maia's own key.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use super::error::ApiError;
use crate::app::AppState;
use crate::proxy::OwnKey;

/// `/v1` takes the key as a bearer token or in `X-API-Key`.
pub(super) async fn require_for_api(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if is_valid(&state, request.headers(), true) {
        next.run(request).await
    } else {
        ApiError::unauthorized().into_response()
    }
}

/// `/proxy` takes the key in `X-API-Key`; as a bearer token only where that is not the client's key for the backend.
pub(super) async fn require_for_proxy(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if is_valid(&state, request.headers(), state.own_key == OwnKey::InBearer) {
        next.run(request).await
    } else {
        ApiError::unauthorized().into_response()
    }
}

fn is_valid(state: &AppState, headers: &HeaderMap, bearer_counts: bool) -> bool {
    let Some(key) = &state.api_key else {
        return true;
    };
    let matches = |given: &[u8]| bool::from(given.ct_eq(key.expose_secret().as_bytes()));
    let in_header = headers.get("x-api-key").is_some_and(|given| matches(given.as_bytes()));
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().split_at_checked(7));
    let in_bearer = bearer.is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case(b"bearer ") && matches(given));
    in_header || bearer_counts && in_bearer
}

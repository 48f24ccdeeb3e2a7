//! maia's own key.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use super::error::ApiError;
use crate::app::AppState;
use crate::proxy::OwnKey;

/// Names that people give to a key in a query.
const KEY_NAMES: [&str; 7] = [
    "api_key",
    "api-key",
    "apikey",
    "x-api-key",
    "key",
    "token",
    "access_token",
];

/// `/v1` takes the key as a bearer token or in `X-API-Key`.
pub(super) async fn require_for_api(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if let Some(name) = key_in_query(&state, request.uri(), &KEY_NAMES) {
        refused(&name)
    } else if is_valid(&state, request.headers(), true) {
        next.run(request).await
    } else {
        ApiError::unauthorized().into_response()
    }
}

/// `/proxy` takes the key in `X-API-Key`; as a bearer token only where that is not the client's key for the backend.
pub(super) async fn require_for_proxy(State(state): State<AppState>, request: Request, next: Next) -> Response {
    // A backend may take its own key there; maia's would reach it.
    if let Some(name) = key_in_query(&state, request.uri(), &[]) {
        refused(&name)
    } else if is_valid(&state, request.headers(), state.own_key == OwnKey::InBearer) {
        next.run(request).await
    } else {
        ApiError::unauthorized().into_response()
    }
}

/// The parameter of a query that has one of these names or holds maia's key. Addresses end up in histories and in the logs of everything on the way.
fn key_in_query(state: &AppState, uri: &Uri, names: &[&str]) -> Option<String> {
    let mut parameters = form_urlencoded::parse(uri.query()?.as_bytes());
    let key = state.api_key.as_ref().map(|key| key.expose_secret().as_bytes());
    let found = parameters.find(|(name, value)| {
        names.iter().any(|known| name.eq_ignore_ascii_case(known))
            || key.is_some_and(|key| bool::from(value.as_bytes().ct_eq(key)))
    });
    found.map(|(name, _)| name.into_owned())
}

fn refused(parameter: &str) -> Response {
    let problem = "a key must not stand in an address; send it in the header X-API-Key";
    ApiError::bad_value(parameter, problem).into_response()
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

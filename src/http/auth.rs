//! Who calls: maia's own key, the named keys, or anybody where none is asked for.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::access::Access;
use super::error::ApiError;
use super::key_ring::Holder;
use crate::app::AppState;
use crate::model::Key;
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

/// Marks a request that comes from this very process: who can open the file needs no key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromWithin;

/// Where a call comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// `/v1` takes the key as a bearer token or in `X-API-Key`.
    Api,
    /// `/proxy` takes the key in `X-API-Key`; as a bearer token only where that is not the client's key for the backend.
    Proxy,
}

/// Who calls.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// Somebody who may do everything.
    Owner,
    Key(Arc<Key>),
    /// Somebody whose key is missing or wrong.
    Nobody,
}

/// Finds out who calls. Nobody is refused yet: the rate limit counts wrong keys too.
pub(super) async fn identify(
    State((state, door)): State<(AppState, Door)>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_within = request.extensions().get::<FromWithin>().is_some();
    let own_key = match () {
        () if is_within || !state.keys.asks() => OwnKey::None,
        () if state.backend.has_key() => OwnKey::InBearer,
        () => OwnKey::InHeader,
    };
    let caller = if own_key == OwnKey::None {
        Caller::Owner
    } else {
        let bearer_counts = door == Door::Api || own_key == OwnKey::InBearer;
        match holder(&state, request.headers(), bearer_counts) {
            Some(Holder::Owner) => Caller::Owner,
            Some(Holder::Named(key)) => Caller::Key(key),
            None => Caller::Nobody,
        }
    };
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(own_key);
    next.run(request).await
}

/// Lets in who may do what the route is for.
pub(super) async fn authorize(
    State((state, door)): State<(AppState, Door)>,
    mut request: Request,
    next: Next,
) -> Response {
    let names: &[&str] = match door {
        Door::Api => &KEY_NAMES,
        // A backend may take its own key there; maia's would reach it.
        Door::Proxy => &[],
    };
    if let Some(name) = key_in_query(&state, request.uri(), names) {
        return refused(&name);
    }
    let key = match request.extensions().get::<Caller>() {
        Some(Caller::Owner) => None,
        Some(Caller::Key(key)) => Some(Arc::clone(key)),
        Some(Caller::Nobody) | None => return ApiError::unauthorized().into_response(),
    };
    let own_key = request
        .extensions()
        .get::<OwnKey>()
        .copied()
        .unwrap_or(OwnKey::InBearer);
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    match Access::to(request.method(), path, key, own_key) {
        Ok(access) => {
            request.extensions_mut().insert(access);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

/// The parameter of a query that has one of these names or holds a key of maia. Addresses end up in histories and in the logs of everything on the way.
fn key_in_query(state: &AppState, uri: &Uri, names: &[&str]) -> Option<String> {
    let mut parameters = form_urlencoded::parse(uri.query()?.as_bytes());
    let found = parameters.find(|(name, value)| {
        names.iter().any(|known| name.eq_ignore_ascii_case(known)) || state.keys.find(value.as_bytes()).is_some()
    });
    found.map(|(name, _)| name.into_owned())
}

fn refused(parameter: &str) -> Response {
    let problem = "a key must not stand in an address; send it in the header X-API-Key";
    ApiError::bad_value(parameter, problem).into_response()
}

/// Whose key the headers hold.
fn holder(state: &AppState, headers: &HeaderMap, bearer_counts: bool) -> Option<Holder> {
    let in_header = headers
        .get("x-api-key")
        .and_then(|given| state.keys.find(given.as_bytes()));
    in_header.or_else(|| {
        let value = headers.get(header::AUTHORIZATION).filter(|_| bearer_counts)?;
        let (scheme, given) = value.as_bytes().split_at_checked(7)?;
        scheme
            .eq_ignore_ascii_case(b"bearer ")
            .then(|| state.keys.find(given))
            .flatten()
    })
}

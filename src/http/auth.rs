//! Who calls: maia's own key, the named keys, or anybody where none is asked for.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Uri, header};

use super::access::Access;
use super::error::ApiError;
use super::key_ring::Holder;
use super::relay;
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

impl Door {
    /// The one that a path leads to; `None` for what is open to all.
    pub(super) fn of(path: &str) -> Option<Self> {
        let leads_to = |prefix| {
            path.strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match () {
            () if leads_to("/v1") => Some(Self::Api),
            () if leads_to(relay::PREFIX) => Some(Self::Proxy),
            () => None,
        }
    }
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

/// Finds out who calls, and where its key is. Nobody is refused yet.
pub(super) fn identify(state: &AppState, door: Door, request: &Request) -> (Caller, OwnKey) {
    let is_within = request.extensions().get::<FromWithin>().is_some();
    let own_key = match () {
        () if is_within || !state.keys.asks() => return (Caller::Owner, OwnKey::None),
        () if state.backend.has_key() => OwnKey::InBearer,
        () => OwnKey::InHeader,
    };
    let bearer_counts = door == Door::Api || own_key == OwnKey::InBearer;
    let caller = match holder(state, request.headers(), bearer_counts) {
        Some(Holder::Owner) => Caller::Owner,
        Some(Holder::Named(key)) => Caller::Key(key),
        None => Caller::Nobody,
    };
    (caller, own_key)
}

/// Refuses who may not do what the route is for; the handler of one who may finds its [`Access`] in the request.
pub(super) fn authorize(
    state: &AppState,
    door: Door,
    (caller, own_key): (Caller, OwnKey),
    request: &mut Request,
) -> Result<(), ApiError> {
    let names: &[&str] = match door {
        Door::Api => &KEY_NAMES,
        // A backend may take its own key there; maia's would reach it.
        Door::Proxy => &[],
    };
    if let Some(name) = key_in_query(state, request.uri(), names) {
        let problem = "a key must not stand in an address; send it in the header X-API-Key";
        return Err(ApiError::bad_value(&name, problem));
    }
    let key = match caller {
        Caller::Owner => None,
        Caller::Key(key) => Some(key),
        Caller::Nobody => return Err(ApiError::unauthorized()),
    };
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let access = Access::to(request.method(), path, key, own_key)?;
    request.extensions_mut().insert(access);
    Ok(())
}

/// The parameter of a query that has one of these names or holds a key of maia. Addresses end up in histories and in the logs of everything on the way.
fn key_in_query(state: &AppState, uri: &Uri, names: &[&str]) -> Option<String> {
    let mut parameters = form_urlencoded::parse(uri.query()?.as_bytes());
    let found = parameters.find(|(name, value)| {
        names.iter().any(|known| name.eq_ignore_ascii_case(known)) || state.keys.find(value.as_bytes()).is_some()
    });
    found.map(|(name, _)| name.into_owned())
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

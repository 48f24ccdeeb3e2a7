//! What stands before every route, in this order: the line in the log, the limits of a request, whom maia answers, and before the API and the proxy who
//! calls, how often, and whether they may. One layer for all: Axum clones what stands behind a layer for every request, so that each costs as much as all
//! those behind it together.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::audience::{self, Origin};
use super::auth::{self, Caller, Door};
use super::error::ApiError;
use super::log::Line;
use super::rate_limit::{self, Client};
use super::{CHAT, limits};
use crate::app::AppState;
use crate::metrics::ProxyRoute;

/// Leads a request to its route, or says why not.
pub(super) async fn pass(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let line = Line::begin(&mut request);
    let client = Client::at(peer, request.headers(), &state.trusted_proxies);
    let mut response = answer_audience(&state, client, request, next).await;
    if let Some(rate_limit) = &state.rate_limit {
        rate_limit.show(client, response.headers_mut());
    }
    line.end(&mut response);
    response
}

/// Answers those whom maia is there for.
async fn answer_audience(state: &AppState, client: Client, request: Request, next: Next) -> Response {
    let admitted = limits::limit(request, state.read_timeout)
        .and_then(|request| Ok((state.audience.origin_of(&request)?, request)));
    let (origin, request) = match admitted {
        Ok(admitted) => admitted,
        Err(error) => return error.into_response(),
    };
    match origin {
        Origin::Own => open_door(state, client, request, next).await,
        Origin::Allowed(origin) => {
            let mut response = match audience::preflight(&request) {
                Some(response) => response,
                None => open_door(state, client, request, next).await,
            };
            audience::allow(origin, response.headers_mut());
            response
        }
    }
}

/// Counts what comes to the API and to the proxy, what is refused there too.
async fn open_door(state: &AppState, client: Client, request: Request, next: Next) -> Response {
    let Some(door) = Door::of(request.uri().path()) else {
        return next.run(request).await;
    };
    let begun = Instant::now();
    let route = match request.extensions().get::<MatchedPath>() {
        Some(path) if path.as_str() == CHAT => ProxyRoute::Chat,
        _ => ProxyRoute::Relay,
    };
    let response = let_in(state, door, client, request, next)
        .await
        .unwrap_or_else(ApiError::into_response);
    let status = response.status().as_u16();
    match door {
        Door::Api => state.metrics.api_call(status),
        Door::Proxy => state.metrics.proxied(route, status, begun.elapsed()),
    }
    response
}

/// Lets in who may do what the route is for. The rate limit counts wrong keys too.
async fn let_in(
    state: &AppState,
    door: Door,
    client: Client,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (caller, own_key) = auth::identify(state, door, &request);
    // Many use the one key of `security.api_key`, each with a limit of its own. Who tries wrong keys has one for all of them.
    let client = match &caller {
        Caller::Key(key) => Client::Key(key.id),
        Caller::Owner | Caller::Nobody => client,
    };
    let standing = match &state.rate_limit {
        Some(rate_limit) => rate_limit.check(client).map_err(|headers| {
            state.metrics.rate_limited.inc();
            ApiError::rate_limited(headers)
        })?,
        None => HeaderMap::new(),
    };
    let mut response = match auth::authorize(state, door, (caller, own_key), &mut request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    // The backend's own figures, where it sends some, are what its client acts on.
    rate_limit::add(&standing, response.headers_mut());
    Ok(response)
}

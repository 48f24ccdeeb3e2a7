//! Whom maia answers. It listens on the machine of somebody who also browses the web, so a page must not be able to talk to it: not through a name
//! that it points at this machine (DNS rebinding), and not by a request from another origin.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::error::ApiError;
use crate::app::AppState;
use crate::config::Server;

/// How long a browser may keep the answer to a preflight, in seconds.
const PREFLIGHT_AGE: &str = "600";
/// Response headers that a page may read.
const EXPOSED: &str = "x-maia-memories-used, x-maia-tokens-injected, x-maia-memory-ids, x-request-id, retry-after, \
     x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset";

/// The names and origins that maia answers to.
#[derive(Clone, Debug)]
pub struct Audience {
    /// Whether any name will do: maia is reachable from elsewhere, and its owner has named none.
    any_host: bool,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Audience {
    /// Reads the settings.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        Self {
            any_host: !server.is_local() && server.allowed_hosts.is_empty(),
            hosts: server.allowed_hosts.clone(),
            origins: server.allowed_origins.clone(),
        }
    }

    /// Whether a `Host` is one of ours. An address is always ours: a page cannot make an address point elsewhere.
    fn knows_host(&self, authority: &Authority) -> bool {
        let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&host);
        self.any_host
            || host == "localhost"
            || host.ends_with(".localhost")
            || bare.parse::<std::net::IpAddr>().is_ok()
            || self.hosts.iter().any(|allowed| match allowed.strip_prefix('*') {
                Some(suffix) => host.ends_with(suffix),
                None => host == *allowed,
            })
    }
}

/// What an `Origin` header says about a request.
enum Origin {
    /// There is none, or it is maia's own address.
    Own,
    /// One that the settings allow.
    Allowed(HeaderValue),
    Foreign,
}

pub(super) async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let authority = match request.uri().authority() {
        Some(authority) => Some(authority.clone()),
        None => request
            .headers()
            .get(header::HOST)
            .and_then(|host| Authority::try_from(host.as_bytes()).ok()),
    };
    let Some(authority) = authority else {
        return ApiError::bad_request("the header Host is missing or is no host").into_response();
    };
    if !state.audience.knows_host(&authority) {
        let message = "this host name is not allowed; add it to server.allowed_hosts if it is yours";
        return ApiError::forbidden(message).with_param("Host").into_response();
    }
    match origin(&state.audience, request.headers(), &authority) {
        Origin::Own => next.run(request).await,
        Origin::Foreign => {
            let message = "this origin is not allowed; add it to server.allowed_origins if the page is yours";
            ApiError::forbidden(message).with_param("Origin").into_response()
        }
        Origin::Allowed(origin) => {
            let is_preflight = request.method() == Method::OPTIONS
                && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
            let mut response = if is_preflight {
                preflight(request.headers())
            } else {
                next.run(request).await
            };
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
            headers.append(header::VARY, HeaderValue::from_static("origin"));
            response
        }
    }
}

fn origin(audience: &Audience, headers: &HeaderMap, own: &Authority) -> Origin {
    let Some(value) = headers.get(header::ORIGIN) else {
        return Origin::Own;
    };
    let origin = value.to_str().unwrap_or_default().to_ascii_lowercase();
    let is_own = origin
        .split_once("://")
        .is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(own.as_str()));
    if is_own {
        Origin::Own
    } else if audience.origins.contains(&origin) {
        Origin::Allowed(value.clone())
    } else {
        Origin::Foreign
    }
}

/// SDKs send a changing set of `x-stainless-*` headers, so what a page asks for is reflected.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    for (from, to) in [
        (
            header::ACCESS_CONTROL_REQUEST_METHOD,
            header::ACCESS_CONTROL_ALLOW_METHODS,
        ),
        (
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
        ),
    ] {
        if let Some(value) = asked.get(from) {
            headers.insert(to, value.clone());
        }
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_AGE));
    response
}

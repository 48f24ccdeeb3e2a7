//! Whom maia answers. It listens on the machine of somebody who also browses the web, so a page must not be able to talk to it: not through a name
//! that it points at this machine (DNS rebinding), and not by a request from another origin.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::Authority};
use axum::response::{IntoResponse as _, Response};

use super::error::ApiError;
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

    /// Where a request comes from, where maia answers it.
    pub(super) fn origin_of(&self, request: &Request) -> Result<Origin, ApiError> {
        let headers = request.headers();
        let in_header = || Authority::try_from(headers.get(header::HOST)?.as_bytes()).ok();
        let authority = request.uri().authority().cloned().or_else(in_header);
        let authority = authority.ok_or_else(|| ApiError::bad_request("the header Host is missing or is no host"))?;
        if !self.knows_host(&authority) {
            let message = "this host name is not allowed; add it to server.allowed_hosts if it is yours";
            return Err(ApiError::forbidden(message).with_param("Host"));
        }
        let Some(value) = headers.get(header::ORIGIN) else {
            return Ok(Origin::Own);
        };
        let origin = value.to_str().unwrap_or_default().to_ascii_lowercase();
        let is_own = origin
            .split_once("://")
            .is_some_and(|(_, own)| own.eq_ignore_ascii_case(authority.as_str()));
        if is_own {
            Ok(Origin::Own)
        } else if self.origins.contains(&origin) {
            Ok(Origin::Allowed(value.clone()))
        } else {
            let message = "this origin is not allowed; add it to server.allowed_origins if the page is yours";
            Err(ApiError::forbidden(message).with_param("Origin"))
        }
    }
}

/// Where a request that is answered comes from.
pub(super) enum Origin {
    /// No page, or one of maia's own address.
    Own,
    /// A page of an origin that the settings allow.
    Allowed(HeaderValue),
}

/// Lets a page of an origin read an answer.
pub(super) fn allow(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

/// The answer to a request of a page that asks whether it may send another one.
/// SDKs send a changing set of `x-stainless-*` headers, so what it asks for is reflected.
pub(super) fn preflight(request: &Request) -> Option<Response> {
    let asked = request.headers();
    if request.method() != Method::OPTIONS || !asked.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
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
    Some(response)
}

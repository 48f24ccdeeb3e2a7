//! `ETag`, `If-Match` and `If-None-Match` (RFC 9110, section 13): nobody overwrites what he has not seen.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::error::ApiError;
use crate::record::{MemoryView, NamespaceView};

/// What a client knows of the thing that it asks for.
#[derive(Clone, Debug)]
pub(super) struct Conditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self {
            if_match: list(&parts.headers, &header::IF_MATCH),
            if_none_match: list(&parts.headers, &header::IF_NONE_MATCH),
        })
    }
}

/// All values of a header that holds a list, as one.
fn list(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Whether a list of tags names this one. None of our tags holds a comma.
fn names(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| one == "*" || one == etag)
}

impl Conditions {
    /// Refuses to change what the client has not seen as it is.
    pub(super) fn allow_change(&self, etag: &str) -> Result<(), ApiError> {
        let seen = self.if_match.as_ref().is_none_or(|list| names(list, etag));
        if seen && !self.is_known(etag) {
            Ok(())
        } else {
            Err(ApiError::precondition_failed(etag))
        }
    }

    /// Whether the client has what it asks for.
    fn is_known(&self, etag: &str) -> bool {
        let weakly = |list: &String| names(&list.replace("W/", ""), etag);
        self.if_none_match.as_ref().is_some_and(weakly)
    }

    /// The answer to somebody who reads.
    pub(super) fn shown<T: Tagged>(&self, view: T) -> Response {
        let etag = view.etag();
        if self.is_known(&etag) {
            (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()
        } else {
            tagged(view)
        }
    }
}

/// A view that has versions.
pub(super) trait Tagged: Serialize {
    fn etag(&self) -> String;
}

impl Tagged for MemoryView {
    fn etag(&self) -> String {
        self.etag()
    }
}

impl Tagged for NamespaceView {
    fn etag(&self) -> String {
        self.etag()
    }
}

/// A view with its tag.
pub(super) fn tagged<T: Tagged>(view: T) -> Response {
    ([(header::ETAG, view.etag())], Json(view)).into_response()
}

//! Tells answers of the backend that a client can read from those that it cannot.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use serde_json::Value;

use super::error::ApiError;
use crate::metrics::Metrics;
use crate::proxy::{BackendBody, BackendError};

/// Largest error body that is read, in bytes.
const MAX_ERROR_BODY: usize = 1 << 20;
/// Longest part of a backend's own words in an error of maia, in characters.
const MAX_QUOTE: usize = 500;

/// An answer of the backend.
pub(super) enum Answered {
    /// It did what was asked: relay it as it arrives.
    Good(Response<BackendBody>),
    /// It refused in a way that the client's SDK reads: relay it.
    Relayed(Response),
    /// It failed, or said something that is no error body of the protocol.
    Error(ApiError),
}

/// Counts a request that got no answer.
pub(super) fn count(metrics: &Metrics, error: &BackendError) {
    match error {
        BackendError::TimedOut => metrics.backend_failed("timeout"),
        BackendError::Unreachable(_) => metrics.backend_failed("unreachable"),
        BackendError::SlowUpload(_) | BackendError::RequestBody(_) => {}
    }
}

/// Judges an answer by its status and, where that is an error, by its body.
pub(super) async fn judge(response: Response<BackendBody>) -> Answered {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Answered::Good(response);
    }
    let (parts, body) = response.into_parts();
    let body = match Limited::new(body, MAX_ERROR_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            let message = format!("{status}, and its error body could not be read: {error}");
            return Answered::Error(ApiError::backend_answered(status, &message, HeaderMap::new()));
        }
    };
    if status.is_client_error() && is_json(&parts.headers, &body) {
        return Answered::Relayed(Response::from_parts(parts, Body::from(body)));
    }
    let error = ApiError::backend_answered(status, &quote(status, &body), acted_upon(&parts.headers));
    // A backend may quote the request in its own words, so they are for the client, not for the log.
    Answered::Error(error.with_detail(format!("the backend answered {status}")))
}

/// A compressed body is believed what its type says.
fn is_json(headers: &HeaderMap, body: &[u8]) -> bool {
    if headers.contains_key(header::CONTENT_ENCODING) {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        return kind.contains("json");
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// What the backend said, for a person: the message of a JSON error, the text of a plain one, else the status alone.
fn quote(status: StatusCode, body: &Bytes) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(object)) => {
            let error = object.get("error").unwrap_or(&Value::Null);
            [
                error.get("message"),
                Some(error),
                object.get("message"),
                object.get("detail"),
            ]
            .into_iter()
            .flatten()
            .find_map(Value::as_str)
            .map(str::to_owned)
        }
        Ok(_) => None,
        Err(_) => std::str::from_utf8(body)
            .ok()
            .filter(|text| !text.trim_start().starts_with('<'))
            .map(str::to_owned),
    };
    let text: Vec<_> = text.iter().flat_map(|text| text.split_whitespace()).collect();
    let text: String = text
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_QUOTE)
        .collect();
    if text.is_empty() {
        status.to_string()
    } else {
        format!("{status}: {text}")
    }
}

/// Headers that clients act on.
fn acted_upon(headers: &HeaderMap) -> HeaderMap {
    let wanted = |name: &HeaderName| {
        *name == header::RETRY_AFTER
            || matches!(name.as_str(), "retry-after-ms" | "x-should-retry" | "x-request-id")
            || name.as_str().starts_with("x-ratelimit-")
    };
    headers
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

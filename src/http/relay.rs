//! Everything else under `/proxy/v1`: relayed to the backend as it is, both ways as streams.

use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::response::Response;

use super::access::Access;
use super::backend_answer;
use super::error::ApiError;
use super::openapi::bodies::BackendAnswer;
use crate::app::AppState;

/// Where the proxy is.
pub(super) const PREFIX: &str = "/proxy/v1";

/// Ask the backend anything else
///
/// Models, embeddings, completions, files: relayed to the backend as it is, both ways as a stream.
#[utoipa::path(
    method(get, put, post, delete, options, head, patch, trace),
    path = "/proxy/v1/{path}",
    operation_id = "relay",
    tag = "proxy",
    responses((status = "default", description = "What the backend answered", body = BackendAnswer, content_type = "*/*"))
)]
pub(super) async fn relay(
    State(state): State<AppState>,
    access: Access,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    // As the client wrote it: what the routes see of a path has its double slashes folded.
    let path = uri.path().strip_prefix(PREFIX).unwrap_or_else(|| uri.path());
    let path = (path, uri.query());
    if leaves_its_folder(path.0) {
        return Err(ApiError::bad_request("the path must not hold . or .. as a segment"));
    }
    let sent = state
        .backend
        .send(parts.method, path, parts.headers, access.own_key, body)
        .await;
    let response = sent.inspect_err(|error| backend_answer::count(&state.metrics, error))?;
    Ok(response.map(Body::new))
}

/// Whether a path has segments that an address is resolved by: with `..` a client would come out of the path that `proxy.backend` ends in.
/// A backslash counts as a slash and `%2e` as a dot, as browsers and servers read them (WHATWG URL, section 4.4).
fn leaves_its_folder(path: &str) -> bool {
    path.split(['/', '\\']).any(|segment| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    })
}

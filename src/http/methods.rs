//! What is said of addresses and methods that lead nowhere, and what they may look like.

use axum::extract::OriginalUri;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::error::ApiError;
use super::relay;

pub(super) async fn no_such_route(OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::not_found(format!(
        "there is nothing at {}; the API is under /v1/namespaces, the proxy under /proxy/v1",
        uri.path()
    ))
}

/// Axum says in `Allow` what is possible.
pub(super) async fn not_allowed(method: Method) -> Response {
    if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        ApiError::method_not_allowed(&method).into_response()
    }
}

/// `OPTIONS` is possible wherever something else is. Axum fills in `Allow` behind every layer, so this comes last.
pub(super) fn allow_options(mut response: Response) -> Response {
    let allow = response.headers().get(header::ALLOW).map(HeaderValue::as_bytes);
    if let Some(allow) = allow
        && let Ok(allow) = HeaderValue::from_bytes(&[allow, b",OPTIONS"].concat())
        && matches!(
            response.status(),
            StatusCode::NO_CONTENT | StatusCode::METHOD_NOT_ALLOWED
        )
    {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// The address without slashes at its end, which mean nothing here. What is relayed stays as it is.
pub(super) fn without_trailing_slash(uri: &mut Uri) {
    let path = uri.path();
    let bare = path.trim_end_matches('/');
    if bare.len() == path.len() || bare.is_empty() || path.starts_with(relay::PREFIX) {
        return;
    }
    let text = match uri.query() {
        Some(query) => format!("{bare}?{query}"),
        None => bare.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    if let Ok(path) = text.parse::<PathAndQuery>() {
        parts.path_and_query = Some(path);
        if let Ok(changed) = Uri::from_parts(parts) {
            *uri = changed;
        }
    }
}

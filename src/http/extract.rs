//! Reads request bodies, with errors that name the field.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::app::AppState;
use crate::model::{MemoryId, Namespace};
use crate::record::Object;

/// Largest body of a call to the memory API, in bytes.
const MAX_BODY: usize = 1 << 20;

/// A JSON body: an object, whose fields are given by name.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<AppState> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, ApiError> {
        require_json(request.headers())?;
        let body = read_body(request.into_body(), MAX_BODY).await?;
        let mut deserializer = serde_json::Deserializer::from_slice(&body);
        let Object(value) = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            // A question mark stands for a field whose name was still being read.
            let path = path.trim_end_matches(['.', '?']).to_owned();
            let error = error.into_inner();
            if path.is_empty() {
                ApiError::bad_request(format!("the body: {error}"))
            } else {
                ApiError::bad_value(&path, error)
            }
        })?;
        deserializer
            .end()
            .map_err(|error| ApiError::bad_request(format!("the body: {error}")))?;
        Ok(Self(value))
    }
}

/// Refuses a body that is not said to be JSON. A web page may send any other kind anywhere without asking.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json");
    if is_json {
        Ok(())
    } else {
        Err(ApiError::unsupported_media_type())
    }
}

/// A whole body of at most `limit` bytes.
pub(super) async fn read_body(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    to_bytes(body, limit).await.map_err(|error| {
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = source {
            if error.is::<http_body_util::LengthLimitError>() {
                return ApiError::too_large(limit);
            }
            source = error.source();
        }
        ApiError::bad_request(format!("the body could not be read: {error}"))
    })
}

/// The namespace that the path names.
pub(super) struct InNamespace(pub(super) Namespace);

impl FromRequestParts<AppState> for InNamespace {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let params = path_params(parts, state).await?;
        let name = params
            .into_iter()
            .find(|(key, _)| key == "namespace")
            .map(|(_, value)| value)
            .unwrap_or_default();
        let namespace = state.store.namespace(name.clone()).await?;
        namespace.map(Self).ok_or_else(|| no_such_namespace(&name))
    }
}

/// The memory id that the path names.
pub(super) struct WithId(pub(super) MemoryId);

impl FromRequestParts<AppState> for WithId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let params = path_params(parts, state).await?;
        let id = params
            .into_iter()
            .find(|(key, _)| key == "id")
            .map(|(_, value)| value)
            .unwrap_or_default();
        MemoryId::try_parse(&id)
            .map(Self)
            .map_err(|_| ApiError::bad_value("id", "must be a UUID"))
    }
}

async fn path_params(parts: &mut Parts, state: &AppState) -> Result<Vec<(String, String)>, ApiError> {
    Path::from_request_parts(parts, state)
        .await
        .map(|Path(params)| params)
        .map_err(|error| ApiError::bad_request(format!("the path: {error}")))
}

pub(super) fn no_such_namespace(name: &str) -> ApiError {
    ApiError::not_found(format!("there is no namespace {name:?}")).with_param("namespace")
}

//! Reads request bodies, with errors that name the field.

use std::error::Error;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::access::Access;
use super::error::ApiError;
use crate::app::AppState;
use crate::model::{MemoryId, Namespace};
use crate::proxy::BodyError;
use crate::record::Object;

/// Largest body of a call to the memory API, in bytes.
pub(super) const MAX_BODY: usize = 1 << 20;
const JSON: &str = "application/json";
/// RFC 7396.
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";
/// How much of a body is read that is refused, in bytes.
const MAX_DISCARDED: usize = 256 << 20;

/// A JSON body: an object, whose fields are given by name.
pub(super) struct JsonBody<T, const LIMIT: usize = MAX_BODY>(pub(super) T);

impl<T: DeserializeOwned, const LIMIT: usize> FromRequest<AppState> for JsonBody<T, LIMIT> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, ApiError> {
        let body = read_json(request, LIMIT).await?;
        parse_object(&body, "").map(Self)
    }
}

/// The bytes of a body that is said to be JSON; a patch may be said to be a merge patch.
pub(super) async fn read_json(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let is_patch = request.method() == Method::PATCH;
    let kinds: &[&str] = if is_patch { &[JSON, MERGE_PATCH] } else { &[JSON] };
    require_plain(request.headers())?;
    if !kinds.contains(&kind(request.headers()).as_str()) {
        let error = ApiError::unsupported_media_type();
        return Err(if is_patch { error.accepting_patches() } else { error });
    }
    read_body(request.into_body(), limit).await
}

/// An object that is written as JSON. Errors name its fields as fields of `name`, which is empty for a whole body.
pub(super) fn parse_object<T: DeserializeOwned>(json: &[u8], name: &str) -> Result<T, ApiError> {
    let refused = |path: &str, error: serde_json::Error| {
        let text = error.to_string();
        // What is not there has no path, so the message says its name.
        let missing = text
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split_once('`'));
        if let Some((field, _)) = missing {
            let outer = [name, path.trim_end_matches(['.', '?'])];
            let path = outer.into_iter().chain([field]).filter(|part| !part.is_empty());
            return ApiError::bad_value(&path.collect::<Vec<_>>().join("."), "is missing");
        }
        // A question mark stands for a field whose name was still being read.
        let path = match (name, path.trim_end_matches(['.', '?'])) {
            (name, "") => name.to_owned(),
            ("", path) => path.to_owned(),
            (name, path) => format!("{name}.{path}"),
        };
        if path.is_empty() {
            ApiError::bad_request(format!("the body: {error}"))
        } else {
            ApiError::bad_value(&path, error)
        }
    };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let Object(value) = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refused(&error.path().to_string(), error.into_inner()))?;
    deserializer.end().map_err(|error| refused("", error))?;
    Ok(value)
}

/// What a body is said to be, without parameters.
fn kind(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// Refuses a compressed body.
fn require_plain(headers: &HeaderMap) -> Result<(), ApiError> {
    let coding = headers.get(header::CONTENT_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(ApiError::compressed());
    }
    Ok(())
}

/// Refuses a body that is not said to be JSON, plain and not compressed. A web page may send any other kind anywhere without asking.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    require_plain(headers)?;
    let kind = kind(headers);
    let is_json = kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json");
    if is_json {
        Ok(())
    } else {
        Err(ApiError::unsupported_media_type())
    }
}

/// A whole body of at most `limit` bytes.
pub(super) async fn read_body(mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    if usize::try_from(body.size_hint().lower()).is_ok_and(|length| length <= limit) {
        let error = match Limited::new(&mut body, limit).collect().await {
            Ok(body) => return Ok(body.to_bytes()),
            Err(error) => error,
        };
        if !error.is::<LengthLimitError>() {
            return Err(unreadable(&*error));
        }
    }
    discard(body).await;
    Err(ApiError::too_large(limit))
}

fn unreadable(error: &(dyn Error + 'static)) -> ApiError {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(slow @ BodyError::Idle(_)) = error.downcast_ref() {
            return ApiError::request_timeout(slow);
        }
        source = error.source();
    }
    ApiError::bad_request(format!("the body could not be read: {error}"))
}

/// Reads the rest of a body that is refused. A client that is still sending when the connection is closed sees a reset, and never the reason.
async fn discard(mut body: Body) {
    let mut room = MAX_DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        let Some(left) = room.checked_sub(size) else {
            return;
        };
        room = left;
    }
}

/// The namespace that the path names, where the caller may do there what the route is for.
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
        let access = Access::from_request_parts(parts, state).await?;
        find_namespace(state, &access, &name).await.map(Self)
    }
}

/// The namespace of a name or an id that a client gave.
pub(super) async fn find_namespace(state: &AppState, access: &Access, name: &str) -> Result<Namespace, ApiError> {
    let namespace = look_for_namespace(state, access, name).await?;
    namespace.ok_or_else(|| no_such_namespace(name))
}

/// The same, where it need not be there.
pub(super) async fn look_for_namespace(
    state: &AppState,
    access: &Access,
    name: &str,
) -> Result<Option<Namespace>, ApiError> {
    let namespace = state.store.namespace(name.to_owned()).await?;
    let own_name = namespace.as_ref().map_or(name, |namespace| namespace.name.as_str());
    if access.is_allowed(own_name) {
        Ok(namespace)
    } else {
        Err(access.refusal(name))
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

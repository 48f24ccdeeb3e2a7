//! `/v1/memories`, `/v1/context`: the routes of the original MAIA, whose clients name the namespace in the body, or not at all.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::access::Access;
use super::conditions::Conditions;
use super::context::{self, ContextBody, ContextView};
use super::error::ApiError;
use super::extract::{InNamespace, JsonBody, WithId, find_namespace, look_for_namespace, no_such_namespace};
use super::memories::{self, no_such_memory};
use super::once::OnceBody;
use super::page::Params;
use super::search::{self, SearchBody};
use crate::app::AppState;
use crate::model::{MemoryId, Namespace, NamespaceName};
use crate::record::{MemoryBody, PatchBody};

pub(super) async fn create(
    State(state): State<AppState>,
    access: Access,
    params: Params,
    OnceBody(mut body, once): OnceBody<MemoryBody>,
) -> Result<Response, ApiError> {
    params.finish()?;
    let name = body.take_namespace();
    let namespace = if let Some(namespace) = named(&state, &access, name.as_deref()).await? {
        namespace
    } else {
        let name = NamespaceName::parse(name.as_deref().unwrap_or(state.memory.default_namespace.as_str()));
        let name = name.map_err(|problem| ApiError::bad_value("namespace", problem))?;
        state.store.ensure_namespace(name).await?
    };
    memories::create_in(&state, &namespace, body, once).await
}

pub(super) async fn read(
    state: State<AppState>,
    access: Access,
    WithId(id): WithId,
    conditions: Conditions,
    mut params: Params,
) -> Result<Response, ApiError> {
    let namespace = located(&state, &access, id, params.one("namespace")?).await?;
    memories::read(state, InNamespace(namespace), WithId(id), conditions, params).await
}

/// Changes the fields that are there, for PUT too: that is what the clients of the original send.
pub(super) async fn change(
    state: State<AppState>,
    access: Access,
    WithId(id): WithId,
    conditions: Conditions,
    mut params: Params,
    JsonBody(mut body): JsonBody<PatchBody>,
) -> Result<Response, ApiError> {
    let name = match (params.one("namespace")?, body.take_namespace()) {
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_value(
                "namespace",
                "stands in the address and in the body",
            ));
        }
        (in_address, in_body) => in_address.or(in_body),
    };
    let namespace = located(&state, &access, id, name).await?;
    memories::change(
        state,
        InNamespace(namespace),
        WithId(id),
        conditions,
        params,
        JsonBody(body),
    )
    .await
}

pub(super) async fn delete(
    state: State<AppState>,
    access: Access,
    WithId(id): WithId,
    conditions: Conditions,
    mut params: Params,
) -> Result<Json<Value>, ApiError> {
    let namespace = located(&state, &access, id, params.one("namespace")?).await?;
    memories::delete(state, InNamespace(namespace), WithId(id), conditions, params).await
}

pub(super) async fn search(
    State(state): State<AppState>,
    access: Access,
    params: Params,
    JsonBody(mut body): JsonBody<SearchBody>,
) -> Result<Response, ApiError> {
    params.finish()?;
    let namespace = named(&state, &access, body.take_namespace().as_deref()).await?;
    Ok(search::search_in(&state, namespace, body).await?.into_response())
}

pub(super) async fn context(
    State(state): State<AppState>,
    access: Access,
    params: Params,
    JsonBody(mut body): JsonBody<ContextBody>,
) -> Result<Json<ContextView>, ApiError> {
    params.finish()?;
    let namespace = named(&state, &access, body.take_namespace().as_deref()).await?;
    context::context_in(&state, namespace, body).await
}

/// The namespace of a name, or of requests that name none; `None` where there is none yet and its first use makes it.
async fn named(state: &AppState, access: &Access, name: Option<&str>) -> Result<Option<Namespace>, ApiError> {
    let name = name.unwrap_or(state.memory.default_namespace.as_str());
    let namespace = look_for_namespace(state, access, name).await?;
    if namespace.is_none() && !state.memory.auto_create_namespace {
        return Err(no_such_namespace(name));
    }
    Ok(namespace)
}

/// The namespace of a memory: the one that is named, or the one that it is in. A memory that the caller may not reach is not there.
async fn located(state: &AppState, access: &Access, id: MemoryId, name: Option<String>) -> Result<Namespace, ApiError> {
    if let Some(name) = name {
        return find_namespace(state, access, &name).await;
    }
    let found = state.store.namespace_of(id).await?;
    let reached = found.filter(|namespace| access.is_allowed(namespace.name.as_str()));
    reached.ok_or_else(|| no_such_memory(id))
}

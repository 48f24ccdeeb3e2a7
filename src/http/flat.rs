//! `/v1/memories`, `/v1/context`: the routes of the original MAIA, whose clients name the namespace in the body, or not at all.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use super::access::Access;
use super::conditions::Conditions;
use super::context::{self, ContextBody, ContextView};
use super::error::ApiError;
use super::extract::{InNamespace, JsonBody, WithId, find_namespace, look_for_namespace, no_such_namespace};
use super::memories::{self, DeletedMemory, no_such_memory};
use super::once::OnceBody;
use super::openapi::bodies::{FlatContextRequest, FlatMemoryPatch, FlatNewMemory, FlatSearch};
use super::openapi::params::{IfMatch, IfNoneMatch, InNamespaceOf, Once, Restoring};
use super::page::{Page, Params};
use super::search::{self, HitView, SearchBody};
use crate::app::AppState;
use crate::model::{MemoryId, Namespace, NamespaceName};
use crate::record::{MemoryBody, MemoryView, PatchBody};

/// Make a memory where the body says
///
/// Without `namespace` in the default one. A namespace that is not there yet is made, unless `memory.auto_create_namespace` is `false`.
#[utoipa::path(
    post,
    path = "/v1/memories",
    operation_id = "create_memory_flat",
    tag = "flat",
    params(Once),
    request_body = FlatNewMemory,
    responses(
        (status = 201, description = "The memory", body = MemoryView),
        (status = 404, description = "There is no such namespace, and it must not be made"),
    )
)]
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

/// Read a memory by its id
#[utoipa::path(
    get,
    path = "/v1/memories/{id}",
    operation_id = "get_memory_flat",
    tag = "flat",
    params(IfNoneMatch, InNamespaceOf),
    responses(
        (status = 200, description = "The memory", body = MemoryView),
        (status = 304, description = "It is as the client has it"),
    )
)]
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

/// Change a memory by its id
///
/// Changes the fields that are named, for PUT too: that is what the clients of the original send. `namespace` stands in the body or in the address.
#[utoipa::path(
    method(put, patch),
    path = "/v1/memories/{id}",
    operation_id = "change_memory_flat",
    tag = "flat",
    params(IfMatch, InNamespaceOf),
    request_body = FlatMemoryPatch,
    responses((status = 200, description = "The memory", body = MemoryView))
)]
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

/// Delete a memory by its id
#[utoipa::path(
    delete,
    path = "/v1/memories/{id}",
    operation_id = "delete_memory_flat",
    tag = "flat",
    params(IfMatch, Restoring, InNamespaceOf),
    responses((status = 200, description = "It is gone", body = DeletedMemory))
)]
pub(super) async fn delete(
    state: State<AppState>,
    access: Access,
    WithId(id): WithId,
    conditions: Conditions,
    mut params: Params,
) -> Result<Json<DeletedMemory>, ApiError> {
    let namespace = located(&state, &access, id, params.one("namespace")?).await?;
    memories::delete(state, InNamespace(namespace), WithId(id), conditions, params).await
}

/// Search memories where the body says
///
/// Without `query` the newest memories, with a score of 0.
#[utoipa::path(
    post,
    path = "/v1/memories/search",
    operation_id = "search_memories_flat",
    tag = "flat",
    request_body = FlatSearch,
    responses(
        (status = 200, description = "A page of memories with their scores", body = Page<HitView>),
        (status = 404, description = "There is no such namespace, and it must not be made"),
    )
)]
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

/// See the context from the namespace that the body names
#[utoipa::path(
    post,
    path = "/v1/context",
    operation_id = "get_context_flat",
    tag = "flat",
    request_body = FlatContextRequest,
    responses(
        (status = 200, description = "The block, and the memories in it", body = ContextView),
        (status = 404, description = "There is no such namespace, and it must not be made"),
    )
)]
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
    if namespace.is_none() {
        NamespaceName::parse(name).map_err(|problem| ApiError::bad_value("namespace", problem))?;
        if !state.memory.auto_create_namespace {
            return Err(no_such_namespace(name));
        }
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

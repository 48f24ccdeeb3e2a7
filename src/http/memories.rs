//! `/v1/namespaces/{namespace}/memories`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::conditions::{Conditions, tagged};
use super::error::ApiError;
use super::extract::{InNamespace, JsonBody, WithId, no_such_namespace};
use super::filters::{filter, start};
use super::once::{self, OnceBody};
use super::openapi::bodies::ReplacedMemory;
use super::openapi::params::{Filtered, IfMatch, IfNoneMatch, Once as OnceParam, Paged, Restoring, Sorted};
use super::page::{Page, Params};
use crate::app::AppState;
use crate::model::{Memory, MemoryId, Namespace, NamespaceName, NewMemory};
use crate::record::{MemoryBody, MemoryView, PatchBody};
use crate::store::{Cursor, MemoryFilter, MemoryUpdate, Once, Restore};

/// The answer to the deletion of a memory.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({"deleted": true})))]
pub(super) struct DeletedMemory {
    deleted: bool,
    /// With `restore=true`: what it had taken the place of, and what is valid again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Uuid>>, nullable = false)]
    restored: Option<Vec<MemoryId>>,
}

/// List memories
///
/// Newest first, unless `sort` says otherwise. The filters have to hold all together.
#[utoipa::path(
    get,
    path = "/v1/namespaces/{namespace}/memories",
    operation_id = "list_memories",
    tag = "memories",
    params(Paged, Sorted, Filtered),
    responses((status = 200, description = "A page of memories", body = Page<MemoryView>))
)]
pub(super) async fn list(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    mut params: Params,
) -> Result<Page<MemoryView>, ApiError> {
    let filter = MemoryFilter {
        include_superseded: params.flag("include_superseded")?,
        ..filter(&mut params)?
    };
    let paging = params.paging()?;
    let start = start(&mut params, &paging)?;
    params.finish()?;
    if paging.count_only {
        let total = state.store.count_memories(namespace.number, filter).await?;
        return Ok(Page::counted(total));
    }
    let page = state
        .store
        .memories(namespace.number, filter, start, paging.limit)
        .await?;
    let views: Vec<_> = page
        .memories
        .into_iter()
        .map(|memory| MemoryView::new(memory, &namespace.name))
        .collect();
    Ok(Page::of_list(views, page.total, &paging, page.next.map(Cursor::encode)))
}

/// Make a memory
#[utoipa::path(
    post,
    path = "/v1/namespaces/{namespace}/memories",
    operation_id = "create_memory",
    tag = "memories",
    params(OnceParam),
    request_body = MemoryBody,
    responses((status = 201, description = "The memory", body = MemoryView))
)]
pub(super) async fn create(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    OnceBody(body, once): OnceBody<MemoryBody>,
) -> Result<Response, ApiError> {
    create_in(&state, &namespace, body, once).await
}

/// Makes a memory, once where it has a key.
pub(super) async fn create_in(
    state: &AppState,
    namespace: &Namespace,
    body: MemoryBody,
    once: Option<Once>,
) -> Result<Response, ApiError> {
    let memories = vec![body.into_new()?];
    let made = state.store.create_memories(namespace.number, memories, once).await?;
    let (replayed, memories) = once::made(made.ok_or_else(|| no_such_namespace(namespace.name.as_str()))?)?;
    let memory = memories.into_iter().next().ok_or_else(once::gone)?;
    let location = format!("/v1/namespaces/{}/memories/{}", namespace.id, memory.id);
    let view = MemoryView::new(memory, &namespace.name);
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, replayed, headers, tagged(view)).into_response())
}

/// Read a memory
#[utoipa::path(
    get,
    path = "/v1/namespaces/{namespace}/memories/{id}",
    operation_id = "get_memory",
    tag = "memories",
    params(IfNoneMatch),
    responses(
        (status = 200, description = "The memory", body = MemoryView),
        (status = 304, description = "It is as the client has it"),
    )
)]
pub(super) async fn read(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
    conditions: Conditions,
    params: Params,
) -> Result<Response, ApiError> {
    params.finish()?;
    let memory = state.store.memory(namespace.number, id).await?;
    let memory = memory.ok_or_else(|| no_such_memory(id))?;
    Ok(conditions.shown(MemoryView::new(memory, &namespace.name)))
}

/// Replace a memory
///
/// Fields that are not named get their default. `conversation_id`, `role`, `speaker` and `created_at` stay as they are, and are refused.
#[utoipa::path(
    put,
    path = "/v1/namespaces/{namespace}/memories/{id}",
    operation_id = "replace_memory",
    tag = "memories",
    params(IfMatch),
    request_body = ReplacedMemory,
    responses((status = 200, description = "The memory", body = MemoryView))
)]
pub(super) async fn replace(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
    conditions: Conditions,
    params: Params,
    JsonBody(body): JsonBody<MemoryBody>,
) -> Result<Response, ApiError> {
    params.finish()?;
    body.refuse_fixed()?;
    let NewMemory {
        content,
        kind,
        source,
        tags,
        metadata,
        confidence,
        pinned,
        fact,
        ..
    } = body.into_new()?;
    let update = MemoryUpdate {
        content: Some(content),
        kind: Some(kind),
        source: Some(source),
        tags: Some(tags),
        metadata: Some(metadata),
        confidence: Some(confidence),
        pinned: Some(pinned),
        fact,
    };
    update_with(&state, namespace, id, conditions, |_| Ok(update)).await
}

/// Change a memory
///
/// A merge patch (RFC 7396): what is not named stays, `null` sets a field back to its default.
#[utoipa::path(
    patch,
    path = "/v1/namespaces/{namespace}/memories/{id}",
    operation_id = "change_memory",
    tag = "memories",
    params(IfMatch),
    request_body = PatchBody,
    responses((status = 200, description = "The memory", body = MemoryView))
)]
pub(super) async fn change(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
    conditions: Conditions,
    params: Params,
    JsonBody(body): JsonBody<PatchBody>,
) -> Result<Response, ApiError> {
    params.finish()?;
    let patch = body.validate()?;
    update_with(&state, namespace, id, conditions, |memory| Ok(patch.apply(memory)?)).await
}

/// Changes a memory where the client has seen it as it is.
async fn update_with(
    state: &AppState,
    namespace: Namespace,
    id: MemoryId,
    conditions: Conditions,
    change: impl FnOnce(&Memory) -> Result<MemoryUpdate, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    let name = namespace.name.clone();
    let change = move |memory: &Memory| {
        allow_change(&conditions, memory, &name)?;
        change(memory)
    };
    let updated = state.store.update_memory(namespace.number, id, change).await?;
    let memory = updated.ok_or_else(|| no_such_memory(id))??;
    Ok(tagged(MemoryView::new(memory, &namespace.name)))
}

fn allow_change(conditions: &Conditions, memory: &Memory, namespace: &NamespaceName) -> Result<(), ApiError> {
    conditions.allow_change(&MemoryView::new(memory.clone(), namespace).etag())
}

/// Delete a memory
#[utoipa::path(
    delete,
    path = "/v1/namespaces/{namespace}/memories/{id}",
    operation_id = "delete_memory",
    tag = "memories",
    params(IfMatch, Restoring),
    responses((status = 200, description = "It is gone", body = DeletedMemory))
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
    conditions: Conditions,
    mut params: Params,
) -> Result<Json<DeletedMemory>, ApiError> {
    let restore = restore(&mut params)?;
    params.finish()?;
    let name = namespace.name;
    let check = move |memory: &Memory| allow_change(&conditions, memory, &name);
    let deleted = state.store.delete_memory(namespace.number, id, restore, check).await?;
    let restored = deleted.ok_or_else(|| no_such_memory(id))??;
    Ok(Json(DeletedMemory {
        deleted: true,
        restored: (restore == Restore::Yes).then_some(restored),
    }))
}

pub(super) fn restore(params: &mut Params) -> Result<Restore, ApiError> {
    Ok(if params.flag("restore")? {
        Restore::Yes
    } else {
        Restore::No
    })
}

/// Read what a memory took the place of
///
/// The whole chain, oldest first.
#[utoipa::path(
    get,
    path = "/v1/namespaces/{namespace}/memories/{id}/history",
    operation_id = "get_memory_history",
    tag = "memories",
    responses((status = 200, description = "The chain", body = Page<MemoryView>))
)]
pub(super) async fn history(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
) -> Result<Page<MemoryView>, ApiError> {
    let chain = state.store.history(namespace.number, id).await?;
    if chain.is_empty() {
        return Err(no_such_memory(id));
    }
    let views: Vec<_> = chain
        .into_iter()
        .map(|memory| MemoryView::new(memory, &namespace.name))
        .collect();
    Ok(Page::whole(views))
}

pub(super) fn no_such_memory(id: MemoryId) -> ApiError {
    ApiError::not_found(format!("there is no memory {id} in this namespace")).with_param("id")
}

//! `/v1/namespaces/{namespace}/memories`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::error::ApiError;
use super::extract::{InNamespace, JsonBody, WithId, no_such_namespace};
use super::filters::{filter, start};
use super::page::{Page, Params};
use crate::app::AppState;
use crate::model::{MemoryId, NewMemory};
use crate::record::{MemoryBody, MemoryView};
use crate::store::{Cursor, MemoryFilter, MemoryUpdate, Restore};

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

pub(super) async fn create(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    JsonBody(body): JsonBody<MemoryBody>,
) -> Result<impl IntoResponse, ApiError> {
    let created = state.store.create_memory(namespace.number, body.into_new()?).await?;
    let memory = created.ok_or_else(|| no_such_namespace(namespace.name.as_str()))?;
    let location = format!("/v1/namespaces/{}/memories/{}", namespace.id, memory.id);
    let view = MemoryView::new(memory, &namespace.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)))
}

pub(super) async fn read(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
) -> Result<Json<MemoryView>, ApiError> {
    let memory = state.store.memory(namespace.number, id).await?;
    memory
        .map(|memory| Json(MemoryView::new(memory, &namespace.name)))
        .ok_or_else(|| no_such_memory(id))
}

pub(super) async fn replace(
    state: State<AppState>,
    namespace: InNamespace,
    id: WithId,
    JsonBody(body): JsonBody<MemoryBody>,
) -> Result<Json<MemoryView>, ApiError> {
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
    update_with(state, namespace, id, update).await
}

pub(super) async fn change(
    state: State<AppState>,
    namespace: InNamespace,
    id: WithId,
    JsonBody(body): JsonBody<MemoryBody>,
) -> Result<Json<MemoryView>, ApiError> {
    update_with(state, namespace, id, body.validate()?).await
}

async fn update_with(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
    update: MemoryUpdate,
) -> Result<Json<MemoryView>, ApiError> {
    let memory = state.store.update_memory(namespace.number, id, update).await?;
    memory
        .map(|memory| Json(MemoryView::new(memory, &namespace.name)))
        .ok_or_else(|| no_such_memory(id))
}

pub(super) async fn delete(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
    mut params: Params,
) -> Result<Json<Value>, ApiError> {
    let restore = restore(&mut params)?;
    params.finish()?;
    let deleted = state.store.delete_memory(namespace.number, id, restore).await?;
    let restored = deleted.ok_or_else(|| no_such_memory(id))?;
    Ok(Json(match restore {
        Restore::No => json!({ "deleted": true }),
        Restore::Yes => json!({ "deleted": true, "restored": restored }),
    }))
}

pub(super) fn restore(params: &mut Params) -> Result<Restore, ApiError> {
    Ok(if params.flag("restore")? {
        Restore::Yes
    } else {
        Restore::No
    })
}

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

//! `DELETE /v1/namespaces/{namespace}/memories`: what came from somewhere is deleted together. `POST /v1/namespaces/{namespace}/clear`: everything is.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::error::ApiError;
use super::extract::InNamespace;
use super::filters::filter;
use super::memories::restore;
use super::page::Params;
use crate::app::AppState;
use crate::store::{MemoryFilter, Restore};

/// Deletes every memory that a filter means, superseded ones too.
pub(super) async fn purge(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    mut params: Params,
) -> Result<Json<Value>, ApiError> {
    let (dry_run, restore) = (params.flag("dry_run")?, restore(&mut params)?);
    let filter = filter(&mut params)?;
    params.finish()?;
    if filter == MemoryFilter::default() {
        return Err(ApiError::bad_request(
            "name at least one of type, source, tag, any_tag, metadata.NAME, q, created_after, created_before, conversation_id, request_id and \
             rule; all memories of a namespace are deleted by POST to its /clear",
        ));
    }
    let filter = MemoryFilter {
        include_superseded: true,
        ..filter
    };
    if dry_run {
        let count = state.store.count_memories(namespace.number, filter).await?;
        return Ok(Json(json!({ "deleted": count, "dry_run": true })));
    }
    let purged = state.store.delete_memories(namespace.number, filter, restore).await?;
    Ok(Json(
        json!({ "deleted": purged.deleted, "restored": purged.restored, "dry_run": false }),
    ))
}

/// Deletes every memory of a namespace; its settings stay.
pub(super) async fn clear(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    mut params: Params,
) -> Result<Json<Value>, ApiError> {
    let dry_run = params.flag("dry_run")?;
    params.finish()?;
    let deleted = if dry_run {
        namespace.stats.memory_count.unsigned_abs() + namespace.stats.superseded_count.unsigned_abs()
    } else {
        let everything = MemoryFilter {
            include_superseded: true,
            ..MemoryFilter::default()
        };
        let purged = state
            .store
            .delete_memories(namespace.number, everything, Restore::No)
            .await?;
        purged.deleted as u64
    };
    Ok(Json(json!({ "deleted": deleted, "dry_run": dry_run })))
}

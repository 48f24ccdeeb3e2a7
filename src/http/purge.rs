//! `DELETE /v1/namespaces/{namespace}/memories`: what came from somewhere is deleted together.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::error::ApiError;
use super::extract::InNamespace;
use super::memories::{filter, restore};
use super::page::Params;
use crate::app::AppState;
use crate::store::MemoryFilter;

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
            "name at least one of type, source, tag, created_after, created_before, conversation_id, request_id and rule: all memories of a \
             namespace are deleted with the namespace",
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

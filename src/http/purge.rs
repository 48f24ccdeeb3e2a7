//! `DELETE /v1/namespaces/{namespace}/memories`: what came from somewhere is deleted together. `POST /v1/namespaces/{namespace}/clear`: everything is.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::extract::InNamespace;
use super::filters::filter;
use super::memories::restore;
use super::openapi::params::{DryRun, Filtered, Restoring};
use super::page::Params;
use crate::app::AppState;
use crate::store::{MemoryFilter, Restore};

/// How many memories were deleted.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({"deleted": 3, "dry_run": true})))]
pub(super) struct Purged {
    deleted: u64,
    /// How many are valid again, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    restored: Option<usize>,
    /// Whether they were only counted.
    dry_run: bool,
}

/// Delete what a filter means
///
/// Superseded memories too. At least one filter must be there.
#[utoipa::path(
    delete,
    path = "/v1/namespaces/{namespace}/memories",
    operation_id = "delete_memories",
    tag = "memories",
    params(Filtered, DryRun, Restoring),
    responses((status = 200, description = "How many are gone", body = Purged))
)]
pub(super) async fn purge(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    mut params: Params,
) -> Result<Json<Purged>, ApiError> {
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
        return Ok(Json(Purged {
            deleted: count.unsigned_abs(),
            restored: None,
            dry_run,
        }));
    }
    let purged = state.store.delete_memories(namespace.number, filter, restore).await?;
    Ok(Json(Purged {
        deleted: purged.deleted as u64,
        restored: Some(purged.restored),
        dry_run,
    }))
}

/// Delete every memory of a namespace
///
/// Its settings stay.
#[utoipa::path(
    post,
    path = "/v1/namespaces/{namespace}/clear",
    operation_id = "clear_namespace",
    tag = "namespaces",
    params(DryRun),
    responses((status = 200, description = "How many are gone", body = Purged))
)]
pub(super) async fn clear(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    mut params: Params,
) -> Result<Json<Purged>, ApiError> {
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
    Ok(Json(Purged {
        deleted,
        restored: None,
        dry_run,
    }))
}

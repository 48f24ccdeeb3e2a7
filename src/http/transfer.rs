//! `POST /v1/namespaces/{namespace}/memories/move` and `…/copy`: memories that go elsewhere, named or by a filter.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Access;
use super::error::ApiError;
use super::extract::{InNamespace, JsonBody, find_namespace, no_such_namespace};
use super::filters::filter;
use super::memories::no_such_memory;
use super::openapi::params::{DryRun, Filtered};
use super::page::Params;
use crate::app::AppState;
use crate::model::{MemoryId, Namespace, Right};
use crate::store::{Carried, MemoryFilter, NotCarried, Transfer};

/// Most memories that may be named at once.
const MAX_IDS: usize = 1_000;

/// Where memories are to go, and which.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Transfer, examples(json!({"to": "archive", "ids": ["01a206a4-8860-7092-9989-745facfe1cd3"]})))]
pub(super) struct TransferBody {
    /// The name or id of the namespace that they go to.
    to: String,
    /// Which memories; left out where a filter says that.
    #[schema(value_type = Option<Vec<Uuid>>, min_items = 1, max_items = 1000)]
    ids: Option<Vec<String>>,
}

/// What was moved or copied.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({"moved": 1, "dry_run": false, "ids": [
    {"from": "01a206a4-8860-7092-9989-745facfe1cd3", "to": "01a206a4-8860-7092-9989-745facfe1cd3"}
]})))]
pub(super) struct Transferred {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    moved: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    copied: Option<usize>,
    /// Whether they were only counted.
    dry_run: bool,
    /// Of memories that were named: each id, and the new one.
    ids: Vec<Pair>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TransferredMemory)]
struct Pair {
    #[schema(value_type = Uuid)]
    from: MemoryId,
    #[schema(value_type = Uuid)]
    to: MemoryId,
}

/// Move memories to another namespace
///
/// By up to 1,000 ids, all or none; or by a filter, in steps of 500. One of the two must be there.
#[utoipa::path(
    post,
    path = "/v1/namespaces/{namespace}/memories/move",
    operation_id = "move_memories",
    tag = "memories",
    params(Filtered, DryRun),
    request_body = TransferBody,
    responses((status = 200, description = "How many were moved", body = Transferred))
)]
pub(super) async fn move_to(
    state: State<AppState>,
    access: Access,
    namespace: InNamespace,
    params: Params,
    body: JsonBody<TransferBody>,
) -> Result<Json<Transferred>, ApiError> {
    transfer(state, access, namespace, params, body, Transfer::Move).await
}

/// Copy memories to another namespace
///
/// By up to 1,000 ids, all or none; or by a filter, in steps of 500. One of the two must be there.
#[utoipa::path(
    post,
    path = "/v1/namespaces/{namespace}/memories/copy",
    operation_id = "copy_memories",
    tag = "memories",
    params(Filtered, DryRun),
    request_body = TransferBody,
    responses((status = 200, description = "How many were copied", body = Transferred))
)]
pub(super) async fn copy_to(
    state: State<AppState>,
    access: Access,
    namespace: InNamespace,
    params: Params,
    body: JsonBody<TransferBody>,
) -> Result<Json<Transferred>, ApiError> {
    transfer(state, access, namespace, params, body, Transfer::Copy).await
}

async fn transfer(
    State(state): State<AppState>,
    access: Access,
    InNamespace(from): InNamespace,
    mut params: Params,
    JsonBody(body): JsonBody<TransferBody>,
    transfer: Transfer,
) -> Result<Json<Transferred>, ApiError> {
    let dry_run = params.flag("dry_run")?;
    let filter = filter(&mut params)?;
    params.finish()?;
    let to = find_namespace(&state, &access.asking(Right::Write), &body.to)
        .await
        .map_err(|error| error.with_param("to"))?;
    if to.number == from.number && transfer == Transfer::Move {
        return Err(ApiError::bad_value("to", "is the namespace that they are in"));
    }
    let is_filtered = filter != MemoryFilter::default();
    match body.ids {
        Some(_) if is_filtered => Err(ApiError::bad_value(
            "ids",
            "stands beside a filter; give one of the two",
        )),
        Some(ids) => named(&state, (&from, &to), parse_ids(&ids)?, transfer, dry_run).await,
        None if is_filtered => filtered(&state, (&from, &to), filter, transfer, dry_run).await,
        None => Err(ApiError::bad_value(
            "ids",
            "is missing; name the memories, or give a filter as parameters: type, source, tag, …",
        )),
    }
}

fn parse_ids(ids: &[String]) -> Result<Vec<MemoryId>, ApiError> {
    if !(1..=MAX_IDS).contains(&ids.len()) {
        let problem = format!("must hold 1 to {MAX_IDS} ids (got {})", ids.len());
        return Err(ApiError::bad_value("ids", problem));
    }
    let parse = |(index, id): (usize, &String)| {
        MemoryId::try_parse(id).map_err(|_| ApiError::bad_value(&format!("ids[{index}]"), "must be a UUID"))
    };
    ids.iter().enumerate().map(parse).collect()
}

async fn named(
    state: &AppState,
    (from, to): (&Namespace, &Namespace),
    ids: Vec<MemoryId>,
    transfer: Transfer,
    dry_run: bool,
) -> Result<Json<Transferred>, ApiError> {
    if dry_run {
        for id in &ids {
            let found = state.store.memory(from.number, *id).await?;
            found.ok_or_else(|| no_such_memory(*id).with_param("ids"))?;
        }
        return Ok(answer(transfer, ids.len(), true, &[]));
    }
    match state
        .store
        .transfer_named((from.number, to.number), ids, transfer)
        .await?
    {
        Ok(carried) => Ok(answer(transfer, carried.len(), false, &carried)),
        Err(NotCarried::NoMemory(id)) => Err(no_such_memory(id).with_param("ids")),
        Err(NotCarried::NoTarget) => Err(no_such_namespace(to.name.as_str()).with_param("to")),
    }
}

async fn filtered(
    state: &AppState,
    (from, to): (&Namespace, &Namespace),
    filter: MemoryFilter,
    transfer: Transfer,
    dry_run: bool,
) -> Result<Json<Transferred>, ApiError> {
    let count = if dry_run {
        let count = state.store.count_memories(from.number, filter).await?;
        usize::try_from(count).unwrap_or_default()
    } else {
        let carried = state.store.transfer((from.number, to.number), filter, transfer).await?;
        carried.ok_or_else(|| no_such_namespace(to.name.as_str()).with_param("to"))?
    };
    Ok(answer(transfer, count, dry_run, &[]))
}

fn answer(transfer: Transfer, count: usize, dry_run: bool, ids: &[Carried]) -> Json<Transferred> {
    let ids = ids.iter().map(|(from, to)| Pair { from: *from, to: *to });
    Json(Transferred {
        moved: (transfer == Transfer::Move).then_some(count),
        copied: (transfer == Transfer::Copy).then_some(count),
        dry_run,
        ids: ids.collect(),
    })
}

//! `GET /v1/namespaces/{namespace}/activity`: what each chat request was given from memory, and what was learned from it.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::extract::InNamespace;
use super::openapi::params::{OfRequest, Paged};
use super::page::{Page, Paging, Params};
use crate::app::AppState;
use crate::record::serialize_time;
use crate::store::{Activity, Extraction, Injected};

/// A chat request; never its words.
#[derive(Serialize, ToSchema)]
#[schema(as = Activity, examples(json!({
    "request_id": "job-17", "created_at": "2026-01-31T12:00:00.000Z", "model": "llama3.2", "status": 200, "recall_ms": 0.41, "latency_ms": 182.6,
    "token_count": 8,
    "injected": [{"id": "01a206a4-8860-7092-9989-745facfe1cd3", "position": "match", "score": 1.2, "token_count": 5}],
    "extracted": [{"rule": "home", "result": "stored", "id": "01a206a4-8860-7092-9989-745facfe1cd3", "superseded": [], "forgotten": []}]
})))]
pub(super) struct ActivityView {
    request_id: String,
    #[serde(serialize_with = "serialize_time")]
    created_at: DateTime<Utc>,
    #[schema(required = true)]
    model: Option<String>,
    status: u16,
    /// Time until memory had answered; null where it was not asked.
    #[schema(required = true)]
    recall_ms: Option<f64>,
    /// Time until the answer began.
    latency_ms: f64,
    token_count: u32,
    injected: Vec<Injected>,
    extracted: Vec<Extraction>,
}

/// List chat requests
///
/// What each was given from memory and what was learned from it, newest first. Ids and figures, never words.
#[utoipa::path(
    get,
    path = "/v1/namespaces/{namespace}/activity",
    operation_id = "list_activity",
    tag = "namespaces",
    params(Paged, OfRequest),
    responses((status = 200, description = "A page of requests", body = Page<ActivityView>))
)]
pub(super) async fn list(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    mut params: Params,
) -> Result<Page<ActivityView>, ApiError> {
    let request_id = params.one("request_id")?;
    let paging = params.paging()?;
    params.finish()?;
    let before = paging.cursor.as_deref().map(parse_cursor).transpose()?;
    let window = (paging.limit, paging.offset);
    let page = state
        .store
        .activity(namespace.number, request_id, before, window)
        .await?;
    if paging.count_only {
        return Ok(Page::counted(page.total));
    }
    let last = page.requests.last().map(|(number, _)| format!("{number:x}"));
    let next = last.filter(|_| page.more);
    let views = page
        .requests
        .into_iter()
        .map(|(_, request)| ActivityView::from(request));
    Ok(Page::of_list(views.collect(), page.total, &paging, next))
}

fn parse_cursor(cursor: &str) -> Result<i64, ApiError> {
    i64::from_str_radix(cursor, 16).map_err(|_| Paging::bad_cursor())
}

impl From<Activity> for ActivityView {
    fn from(request: Activity) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "times of requests are far below 2^52 microseconds"
        )]
        let milliseconds = |microseconds: i64| microseconds as f64 / 1_000.0;
        Self {
            request_id: request.request_id,
            created_at: request.at,
            model: request.model,
            status: request.status,
            recall_ms: request.recall_time.map(milliseconds),
            latency_ms: milliseconds(request.latency),
            token_count: request.token_count,
            injected: request.injected,
            extracted: request.extracted,
        }
    }
}

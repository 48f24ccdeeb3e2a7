//! `POST /v1/namespaces/{namespace}/memories/search`.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::extract::{InNamespace, JsonBody};
use super::page::{DEFAULT_LIMIT, Page, check_limit, limit_rule};
use crate::app::AppState;
use crate::memory::query::Query;
use crate::model::{MemoryType, Source};
use crate::record::{MemoryView, parse_named, parse_time};
use crate::store::{Cut, MemoryFilter, Reader, Window};

/// Longest query, in bytes.
pub(super) const MAX_QUERY_BYTES: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchBody {
    query: String,
    r#type: Option<String>,
    #[serde(default)]
    types: Vec<String>,
    source: Option<String>,
    tag: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    created_after: Option<String>,
    created_before: Option<String>,
    limit: Option<u32>,
    #[serde(default)]
    offset: u64,
}

#[derive(Serialize)]
struct HitView {
    memory: MemoryView,
    score: f64,
}

pub(super) async fn search(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    JsonBody(body): JsonBody<SearchBody>,
) -> Result<impl IntoResponse, ApiError> {
    check_query(&body.query)?;
    let limit = match body.limit {
        None => DEFAULT_LIMIT,
        Some(limit) => check_limit(Some(limit)).ok_or_else(|| ApiError::bad_value("limit", limit_rule(limit)))?,
    };
    let mut kinds = Vec::new();
    kinds.extend(parse_named("type", body.r#type.as_deref(), MemoryType::parse)?);
    for name in &body.types {
        kinds.extend(parse_named("types", Some(name), MemoryType::parse)?);
    }
    let filter = MemoryFilter {
        kinds,
        source: parse_named("source", body.source.as_deref(), Source::parse)?,
        tags: body.tag.into_iter().chain(body.tags).collect(),
        created_after: parse_named("created_after", body.created_after.as_deref(), parse_time)?,
        created_before: parse_named("created_before", body.created_before.as_deref(), parse_time)?,
        ..MemoryFilter::default()
    };
    let offset = usize::try_from(body.offset).unwrap_or(usize::MAX);
    let window = Window {
        limit: limit as usize,
        offset,
        depth: Window::DEPTH,
        explain: false,
    };
    let query = Query::search(&body.query);
    let number = namespace.number;
    let look = move |reader: &Reader<'_>| reader.search(number, &query, &filter, Cut::default(), window);
    let found = state.store.reading(look).await?;
    let hits = found
        .hits
        .into_iter()
        .map(|hit| HitView {
            memory: MemoryView::new(hit.memory, &namespace.name),
            score: hit.score,
        })
        .collect();
    Ok(Json(Page::new(hits, found.total as u64, limit, body.offset)))
}

pub(super) fn check_query(query: &str) -> Result<(), ApiError> {
    let bytes = query.len();
    if query.trim().is_empty() {
        Err(ApiError::bad_value("query", "must not be empty"))
    } else if bytes > MAX_QUERY_BYTES {
        Err(ApiError::bad_value(
            "query",
            format!("may have at most {MAX_QUERY_BYTES} bytes (got {bytes})"),
        ))
    } else {
        Ok(())
    }
}

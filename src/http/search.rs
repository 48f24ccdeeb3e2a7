//! `POST /v1/namespaces/{namespace}/memories/search`.

use std::time::Instant;

use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::consult::GLANCE_MEMORIES;
use super::error::ApiError;
use super::extract::{InNamespace, JsonBody};
use super::page::{DEFAULT_LIMIT, Page, Params, check_limit, limit_rule};
use crate::app::AppState;
use crate::memory::query::Query;
use crate::model::{Memory, MemoryType, Metadata, Namespace, Source};
use crate::record::{MemoryView, parse_named, parse_time};
use crate::store::{Cut, MemoryFilter, Order, Reader, SearchHit, Start, Window};

/// Longest query, in bytes.
pub(super) const MAX_QUERY_BYTES: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchBody {
    namespace: Option<String>,
    query: Option<String>,
    r#type: Option<String>,
    #[serde(default)]
    types: Vec<String>,
    source: Option<String>,
    #[serde(default)]
    sources: Vec<String>,
    tag: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    any_tags: Vec<String>,
    #[serde(default)]
    metadata: Metadata,
    q: Option<String>,
    created_after: Option<String>,
    created_before: Option<String>,
    conversation_id: Option<String>,
    request_id: Option<String>,
    rule: Option<String>,
    limit: Option<u32>,
    #[serde(default)]
    offset: u64,
}

#[derive(Serialize)]
pub(super) struct HitView {
    memory: MemoryView,
    score: f64,
}

pub(super) async fn search(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    params: Params,
    JsonBody(body): JsonBody<SearchBody>,
) -> Result<impl IntoResponse, ApiError> {
    params.finish()?;
    refuse_namespace(body.namespace.as_ref())?;
    if body.query.is_none() {
        return Err(ApiError::bad_value("query", "is missing"));
    }
    search_in(&state, Some(namespace), body).await
}

/// The path says where to look.
pub(super) fn refuse_namespace(namespace: Option<&String>) -> Result<(), ApiError> {
    match namespace {
        None => Ok(()),
        Some(_) => Err(ApiError::bad_value(
            "namespace",
            "does not belong here; the path names it",
        )),
    }
}

/// Searches a namespace, which may not be there yet. Without a query everything matches, newest first.
pub(super) async fn search_in(
    state: &AppState,
    namespace: Option<Namespace>,
    mut body: SearchBody,
) -> Result<Page<HitView>, ApiError> {
    let (query, offset) = (body.query.take(), body.offset);
    if let Some(query) = &query {
        check_query(query)?;
    }
    let limit = match body.limit {
        None => DEFAULT_LIMIT,
        Some(limit) => check_limit(Some(limit)).ok_or_else(|| ApiError::bad_value("limit", limit_rule(limit)))?,
    };
    let filter = body.filter()?;
    let Some(namespace) = namespace else {
        return Ok(Page::new(Vec::new(), 0, limit, offset));
    };
    let number = namespace.number;
    let Some(query) = query else {
        let start = Start::Offset(Order::default(), offset);
        let page = state.store.memories(number, filter, start, limit).await?;
        let hit = |memory| HitView::new(memory, 0.0, &namespace);
        let hits = page.memories.into_iter().map(hit).collect();
        return Ok(Page::new(hits, page.total.unsigned_abs(), limit, offset));
    };
    let window = Window {
        limit: limit as usize,
        offset: usize::try_from(offset).unwrap_or(usize::MAX),
        depth: Window::DEPTH,
        explain: false,
    };
    let begun = Instant::now();
    let query = Query::search(&query);
    let look = move |reader: &Reader<'_>| reader.search(number, &query, &filter, Cut::default(), window);
    let at_once = namespace.stats.memory_count <= GLANCE_MEMORIES;
    let glanced = at_once.then(|| state.store.glance(|reader| look(reader).map(Some)));
    let found = match glanced.flatten() {
        Some(found) => found,
        None => state.store.reading(look).await?,
    };
    state.searches.took(number, begun.elapsed());
    let hit = |hit: SearchHit| HitView::new(hit.memory, hit.score, &namespace);
    let hits = found.hits.into_iter().map(hit).collect();
    Ok(Page::new(hits, found.total as u64, limit, offset))
}

impl HitView {
    fn new(memory: Memory, score: f64, namespace: &Namespace) -> Self {
        Self {
            memory: MemoryView::new(memory, &namespace.name),
            score,
        }
    }
}

impl SearchBody {
    /// Takes out the name or id of the namespace.
    pub(super) fn take_namespace(&mut self) -> Option<String> {
        self.namespace.take()
    }

    fn filter(self) -> Result<MemoryFilter, ApiError> {
        let mut kinds = Vec::new();
        kinds.extend(parse_named("type", self.r#type.as_deref(), MemoryType::parse)?);
        for (index, name) in self.types.iter().enumerate() {
            kinds.extend(parse_named(&format!("types[{index}]"), Some(name), MemoryType::parse)?);
        }
        let mut sources = Vec::new();
        sources.extend(parse_named("source", self.source.as_deref(), Source::parse)?);
        for (index, name) in self.sources.iter().enumerate() {
            sources.extend(parse_named(&format!("sources[{index}]"), Some(name), Source::parse)?);
        }
        if self.q.as_deref() == Some("") {
            return Err(ApiError::bad_value(
                "q",
                "must not be empty; leave it out to filter by other things",
            ));
        }
        Ok(MemoryFilter {
            kinds,
            sources,
            tags: self.tag.into_iter().chain(self.tags).collect(),
            any_tags: self.any_tags,
            metadata: fields(self.metadata)?,
            text: self.q,
            created_after: parse_named("created_after", self.created_after.as_deref(), parse_time)?,
            created_before: parse_named("created_before", self.created_before.as_deref(), parse_time)?,
            conversation_id: self.conversation_id,
            request_id: self.request_id,
            rule: self.rule,
            include_superseded: false,
        })
    }
}

/// Free fields and how their values are written.
fn fields(metadata: Metadata) -> Result<Vec<(String, String)>, ApiError> {
    let written = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Number(_) | Value::Bool(_) | Value::Null => Ok((name, value.to_string())),
        Value::Array(_) | Value::Object(_) => Err(ApiError::bad_value(
            &format!("metadata.{name}"),
            "must be a string, a number, true, false or null; arrays and objects cannot be looked for",
        )),
    };
    metadata.into_iter().map(written).collect()
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

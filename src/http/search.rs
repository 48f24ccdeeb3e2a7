//! `POST /v1/namespaces/{namespace}/memories/search`.

use std::time::Instant;

use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use super::consult::GLANCE_MEMORIES;
use super::error::ApiError;
use super::extract::{InNamespace, JsonBody};
use super::openapi::params::whole_number;
use super::page::{DEFAULT_LIMIT, MAX_OFFSET, Page, Params, check_limit, check_offset, limit_rule, offset_rule};
use crate::app::AppState;
use crate::memory::query::Query;
use crate::model::{Memory, MemoryType, Metadata, Namespace, Source};
use crate::record::{MemoryView, Whole, parse_named, parse_time};
use crate::store::{Cut, MemoryFilter, Order, Reader, SearchHit, Start, Window};

/// Longest query, in bytes.
pub(super) const MAX_QUERY_BYTES: usize = 100_000;

/// What to look for. The filters have to hold all together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Search, examples(json!({
    "query": "which mode for the display", "types": ["semantic"], "metadata": {"project": "atlas"}, "limit": 10, "offset": 0
})))]
pub(super) struct SearchBody {
    #[schema(ignore)]
    namespace: Option<String>,
    /// Words to look for: text, up to 100,000 bytes of UTF-8 that are not only white space.
    #[schema(required = true, schema_with = query_schema)]
    query: Option<String>,
    /// Only memories of this type.
    #[schema(value_type = Option<MemoryType>)]
    r#type: Option<String>,
    /// Only memories of one of these types.
    #[serde(default)]
    #[schema(value_type = Vec<MemoryType>)]
    types: Vec<String>,
    /// Only memories from this source.
    #[schema(value_type = Option<Source>)]
    source: Option<String>,
    /// Only memories from one of these sources.
    #[serde(default)]
    #[schema(value_type = Vec<Source>)]
    sources: Vec<String>,
    /// Only memories with this tag.
    tag: Option<String>,
    /// Only memories with all of these tags.
    #[serde(default)]
    tags: Vec<String>,
    /// Only memories with one of these tags at least.
    #[serde(default)]
    any_tags: Vec<String>,
    /// Only memories whose `metadata` has these values: strings, numbers, `true`, `false` or `null`.
    #[serde(default)]
    #[schema(schema_with = metadata_schema)]
    metadata: Metadata,
    /// Only memories whose `content` holds this text, letter case ignored.
    #[schema(min_length = 1)]
    q: Option<String>,
    /// Only memories from this moment on.
    #[schema(format = DateTime)]
    created_after: Option<String>,
    /// Only memories before this moment.
    #[schema(format = DateTime)]
    created_before: Option<String>,
    /// Only memories that were said or found in this conversation.
    conversation_id: Option<String>,
    /// Only memories that were found in this request.
    request_id: Option<String>,
    /// Only memories that were found by this rule.
    rule: Option<String>,
    /// Items on a page; 50 where nothing is said.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<Whole>,
    /// Items to pass over.
    #[serde(default)]
    #[schema(schema_with = offset_schema)]
    offset: Whole,
}

/// A memory that was found.
#[derive(Serialize, ToSchema)]
#[schema(as = Hit)]
pub(super) struct HitView {
    memory: MemoryView,
    /// Comparable within one answer only.
    score: f64,
}

/// Words that are not only white space.
pub(super) fn query_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_QUERY_BYTES))
        .pattern(Some(
            "[^\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]",
        ))
        .description(Some(
            "Words: text, up to 100,000 bytes of UTF-8 that are not only white space.",
        ))
        .build()
}

fn offset_schema() -> Object {
    whole_number(0, MAX_OFFSET)
        .description(Some("Items to pass over."))
        .build()
}

fn metadata_schema() -> Object {
    let value = ObjectBuilder::new().schema_type(SchemaType::from_iter([
        Type::String,
        Type::Number,
        Type::Boolean,
        Type::Null,
    ]));
    ObjectBuilder::new()
        .additional_properties(Some(value))
        .description(Some("Only memories whose `metadata` has these values."))
        .build()
}

/// Search memories by words
///
/// Best first. `query` is text, not a query language.
#[utoipa::path(
    post,
    path = "/v1/namespaces/{namespace}/memories/search",
    operation_id = "search_memories",
    tag = "memories",
    request_body = SearchBody,
    responses((status = 200, description = "A page of memories with their scores", body = Page<HitView>))
)]
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
    let query = body.query.take();
    let Whole(offset) = body.offset;
    if check_offset(Some(offset)).is_none() {
        return Err(ApiError::bad_value("offset", offset_rule(offset)));
    }
    if let Some(query) = &query {
        check_query(query)?;
    }
    let limit = match body.limit {
        None => DEFAULT_LIMIT,
        Some(Whole(limit)) => {
            check_limit(u32::try_from(limit).ok()).ok_or_else(|| ApiError::bad_value("limit", limit_rule(limit)))?
        }
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
        reads: Window::READS,
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

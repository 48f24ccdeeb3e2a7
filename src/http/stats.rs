//! `GET /v1/stats` and `/v1/namespaces/{namespace}/stats`: what is there, and what it is used for, in figures.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::Access;
use super::error::ApiError;
use super::extract::InNamespace;
use super::page::Params;
use crate::app::AppState;
use crate::memory::activity::Percentiles;
use crate::record::{serialize_optional_time, serialize_time};
use crate::store::{Tally, Usage};

/// What is known of all namespaces together. Clients of the original read the first four fields.
#[derive(Serialize, ToSchema)]
#[schema(as = Stats, examples(json!({
    "total_memories": 2, "total_namespaces": 1, "storage_size_bytes": 81920, "last_compaction": "2026-01-31T12:00:00.000Z",
    "superseded_count": 0, "token_count": 10, "content_bytes": 44,
    "by_type": {"episodic": 0, "semantic": 2, "working": 0}, "by_source": {"extracted": 1, "imported": 0, "inferred": 0, "user": 1},
    "last_write_at": "2026-01-31T12:00:00.000Z", "injections": {"requests": 40, "injected": 12, "memories": 15, "tokens": 96},
    "extractions": {"stored": 1, "known": 3, "superseded": 0, "forgotten": 0},
    "search_latency": {"count": 40, "p50_ms": 0.31, "p90_ms": 0.52, "p99_ms": 1.9}
})))]
pub(super) struct WholeStats {
    total_memories: i64,
    total_namespaces: i64,
    storage_size_bytes: i64,
    /// When the write-ahead log was last folded into the database; before the first time, when the server opened it.
    #[serde(serialize_with = "serialize_time")]
    last_compaction: DateTime<Utc>,
    #[serde(flatten)]
    figures: Figures,
}

/// What is known of one namespace.
#[derive(Serialize, ToSchema)]
#[schema(as = NamespaceStatistics, examples(json!({
    "memory_count": 2, "superseded_count": 0, "token_count": 10, "content_bytes": 44,
    "by_type": {"episodic": 0, "semantic": 2, "working": 0}, "by_source": {"extracted": 1, "imported": 0, "inferred": 0, "user": 1},
    "last_write_at": "2026-01-31T12:00:00.000Z", "injections": {"requests": 40, "injected": 12, "memories": 15, "tokens": 96},
    "extractions": {"stored": 1, "known": 3, "superseded": 0, "forgotten": 0},
    "search_latency": {"count": 40, "p50_ms": 0.31, "p90_ms": 0.52, "p99_ms": 1.9}
})))]
pub(super) struct NamespaceFigures {
    memory_count: i64,
    #[serde(flatten)]
    figures: Figures,
}

/// What is known of either.
#[derive(Serialize, ToSchema)]
struct Figures {
    /// Memories whose place something newer has taken.
    superseded_count: i64,
    /// Tokens of the valid memories, as lines of a context.
    token_count: i64,
    /// Bytes of their words.
    content_bytes: i64,
    by_type: BTreeMap<&'static str, i64>,
    by_source: BTreeMap<&'static str, i64>,
    #[serde(serialize_with = "serialize_optional_time")]
    #[schema(required = true)]
    last_write_at: Option<DateTime<Utc>>,
    injections: Injections,
    extractions: Extractions,
    /// Of the newest 4,096 searches since the server started; null before the first.
    #[schema(required = true)]
    search_latency: Option<Latency>,
}

/// What chat requests were given.
#[derive(Serialize, ToSchema)]
struct Injections {
    requests: i64,
    injected: i64,
    memories: i64,
    tokens: i64,
}

/// What was learned from them.
#[derive(Serialize, ToSchema)]
struct Extractions {
    stored: i64,
    known: i64,
    superseded: i64,
    forgotten: i64,
}

/// Of so many searches, in milliseconds.
#[derive(Serialize, ToSchema)]
struct Latency {
    count: usize,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
}

/// Count everything
#[utoipa::path(
    get,
    path = "/v1/stats",
    operation_id = "get_stats",
    tag = "operations",
    responses((status = 200, description = "Figures of all namespaces together", body = WholeStats))
)]
pub(super) async fn of_all(
    State(state): State<AppState>,
    access: Access,
    params: Params,
) -> Result<Json<WholeStats>, ApiError> {
    params.finish()?;
    let visible = access.visible();
    let sees_all = visible.is_none();
    let tally = state.store.tally(None, visible).await?;
    let searches = state
        .searches
        .percentiles(|number| sees_all || tally.namespaces.contains(&number));
    Ok(Json(WholeStats {
        total_memories: tally.memories,
        total_namespaces: i64::try_from(tally.namespaces.len()).unwrap_or(i64::MAX),
        // The size of the file would tell of what else is in it.
        storage_size_bytes: if sees_all {
            tally.file_bytes
        } else {
            tally.content_bytes
        },
        last_compaction: state.store.folded_at(),
        figures: Figures::new(tally, searches),
    }))
}

/// Count what is in a namespace
#[utoipa::path(
    get,
    path = "/v1/namespaces/{namespace}/stats",
    operation_id = "get_namespace_stats",
    tag = "namespaces",
    responses((status = 200, description = "Figures of the namespace", body = NamespaceFigures))
)]
pub(super) async fn of_namespace(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    params: Params,
) -> Result<Json<NamespaceFigures>, ApiError> {
    params.finish()?;
    let number = namespace.number;
    let tally = state.store.tally(Some(number), None).await?;
    Ok(Json(NamespaceFigures {
        memory_count: tally.memories,
        figures: Figures::new(tally, state.searches.percentiles(|searched| searched == number)),
    }))
}

impl Figures {
    fn new(tally: Tally, searches: Option<Percentiles>) -> Self {
        let Usage {
            requests,
            injections,
            injected_memories,
            injected_tokens,
            stored,
            known,
            superseded,
            forgotten,
        } = tally.usage;
        Self {
            superseded_count: tally.superseded,
            token_count: tally.tokens,
            content_bytes: tally.content_bytes,
            by_type: tally.kinds,
            by_source: tally.sources,
            last_write_at: tally.last_write,
            injections: Injections {
                requests,
                injected: injections,
                memories: injected_memories,
                tokens: injected_tokens,
            },
            extractions: Extractions {
                stored,
                known,
                superseded,
                forgotten,
            },
            search_latency: searches.map(Latency::new),
        }
    }
}

impl Latency {
    fn new(searches: Percentiles) -> Self {
        Self {
            count: searches.count,
            p50_ms: milliseconds(searches.p50),
            p90_ms: milliseconds(searches.p90),
            p99_ms: milliseconds(searches.p99),
        }
    }
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

//! `POST /v1/namespaces/{namespace}/context`: the block that a chat request would get.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::extract::{InNamespace, JsonBody};
use super::search::check_query;
use crate::app::AppState;
use crate::memory::recall::{Budget, Recall};
use crate::model::{MemoryId, MemoryType};
use crate::store::Reader;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContextBody {
    query: String,
    token_budget: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct ContextView {
    content: String,
    memories: Vec<ContextMemory>,
    token_count: u32,
    token_budget: u32,
    truncated: bool,
    query_time: String,
}

#[derive(Serialize)]
struct ContextMemory {
    id: MemoryId,
    content: String,
    r#type: MemoryType,
    score: f64,
    /// `match`: it shares words with the query; `profile`: a fact about the user.
    position: &'static str,
    token_count: u32,
    /// A memory is in the block whole or not at all.
    truncated: bool,
}

pub(super) async fn context(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    JsonBody(body): JsonBody<ContextBody>,
) -> Result<Json<ContextView>, ApiError> {
    let begun = Instant::now();
    check_query(&body.query)?;
    if body.token_budget == Some(0) {
        return Err(ApiError::bad_value(
            "token_budget",
            "must be a whole number from 1 (got 0)",
        ));
    }
    let token_budget = body
        .token_budget
        .or(namespace.config.token_budget)
        .unwrap_or(state.proxy.token_budget);
    let budget = Budget {
        total: token_budget,
        profile: state.memory.profile_tokens,
    };
    let look = move |reader: &Reader<'_>| Recall::of(reader, &namespace, [&body.query], budget);
    let recall = state.store.reading(look).await?;
    let token_count = recall.block.tokens();
    let content = recall.block.text();
    let memories = recall
        .memories
        .into_iter()
        .map(|recalled| ContextMemory {
            id: recalled.memory.id,
            content: recalled.memory.content,
            r#type: recalled.memory.kind,
            score: recalled.score,
            position: if recalled.score > 0.0 { "match" } else { "profile" },
            token_count: recalled.memory.token_count,
            truncated: false,
        })
        .collect();
    let query_time = format!("{:.3}ms", begun.elapsed().as_secs_f64() * 1_000.0);
    Ok(Json(ContextView {
        content,
        memories,
        token_count,
        token_budget,
        truncated: recall.truncated,
        query_time,
    }))
}

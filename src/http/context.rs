//! `POST /v1/namespaces/{namespace}/context`: the block that a chat request would get.

use std::time::Instant;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use super::chat_options::MAX_BUDGET;
use super::error::ApiError;
use super::extract::{InNamespace, JsonBody};
use super::page::Params;
use super::search::{MAX_QUERY_BYTES, check_query, query_schema, refuse_namespace};
use crate::app::AppState;
use crate::memory::explain::Explanation;
use crate::memory::recall::{Budget, Recall};
use crate::model::{MemoryId, MemoryType, Namespace};
use crate::record::Whole;
use crate::store::{Reader, TermMatch};

/// The message that a context is wanted for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContextRequest, examples(json!({"query": "What settings should I configure?", "token_budget": 500})))]
pub(super) struct ContextBody {
    #[schema(ignore)]
    namespace: Option<String>,
    /// The message: text, up to 100,000 bytes of UTF-8 that are not only white space.
    #[schema(required = true, schema_with = query_schema)]
    query: String,
    /// Most tokens of the block; without it the namespace's own budget, or `proxy.token_budget`.
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1e6)]
    token_budget: Option<Whole>,
    /// Whether to say why each match is in or out.
    #[serde(default)]
    explain: bool,
    /// Put before the block; its tokens are not counted.
    #[schema(schema_with = system_prompt_schema)]
    system_prompt: Option<String>,
    /// Whether memories are shown with their scores; they are unless this is `false`.
    include_scores: Option<bool>,
    /// Memories with a lower score stay out.
    min_score: Option<f64>,
}

fn system_prompt_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .max_length(Some(MAX_QUERY_BYTES))
        .description(Some("Put before the block; its tokens are not counted."))
        .build()
}

impl ContextBody {
    /// Takes out the name or id of the namespace.
    pub(super) fn take_namespace(&mut self) -> Option<String> {
        self.namespace.take()
    }
}

/// A context block.
#[derive(Serialize, ToSchema)]
#[schema(as = Context, examples(json!({
    "content": "## Relevant Context\n\nUser prefers dark mode",
    "memories": [{
        "id": "01a206a4-8860-7092-9989-745facfe1cd3", "content": "User prefers dark mode", "type": "semantic", "score": 0.0,
        "position": "profile", "token_count": 5, "truncated": false
    }],
    "token_count": 8, "token_budget": 500, "truncated": false, "query_time": "0.812ms"
})))]
pub(super) struct ContextView {
    /// The block, as it would stand in a chat request; empty where nothing is relevant.
    content: String,
    memories: Vec<ContextMemory>,
    /// Tokens of the block.
    token_count: u32,
    token_budget: u32,
    /// Whether something was left out for want of room.
    truncated: bool,
    query_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    explanation: Option<ExplanationView>,
}

#[derive(Serialize, ToSchema)]
struct ContextMemory {
    #[schema(value_type = Uuid)]
    id: MemoryId,
    content: String,
    r#type: MemoryType,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    score: Option<f64>,
    /// `pinned`; `match`: it shares words with the query; `profile`: a fact about the user.
    position: &'static str,
    token_count: u32,
    /// A memory is in the block whole or not at all.
    truncated: bool,
}

/// Why each match is in or out.
#[derive(Serialize, ToSchema)]
#[schema(as = Explanation)]
struct ExplanationView {
    least_coverage: f64,
    in_doubt: bool,
    matches: Vec<ExplainedMatch>,
}

#[derive(Serialize, ToSchema)]
struct ExplainedMatch {
    #[schema(value_type = Uuid)]
    id: MemoryId,
    content: String,
    /// `in`, `by_chance`, `said_already` or `no_room`.
    outcome: &'static str,
    score: f64,
    parts: ScoreView,
    coverage: f64,
    token_count: u32,
    terms: Vec<TermView>,
}

/// `(own * length + near) * form * speaker` is the score.
#[derive(Serialize, ToSchema)]
#[schema(as = ScoreParts)]
struct ScoreView {
    own: f64,
    near: f64,
    length: f64,
    form: f64,
    speaker: f64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MatchedTerm)]
struct TermView {
    term: String,
    /// `word`, or `kind` where the memory says something of the kind that the word names.
    matches: &'static str,
    weight: f64,
    /// Turns before (negative) or after the memory where the term stands; 0: in the memory itself.
    distance: i64,
}

impl ExplanationView {
    fn new(explanation: Explanation) -> Self {
        let matches = explanation.matches.into_iter().map(|explained| ExplainedMatch {
            id: explained.memory.id,
            content: explained.memory.content,
            outcome: explained.outcome.as_str(),
            score: explained.score,
            parts: ScoreView {
                own: explained.parts.own,
                near: explained.parts.near,
                length: explained.parts.length,
                form: explained.parts.form,
                speaker: explained.parts.speaker,
            },
            coverage: explained.coverage,
            token_count: explained.memory.token_count,
            terms: explained.terms.iter().map(TermView::new).collect(),
        });
        Self {
            least_coverage: explanation.least_coverage,
            in_doubt: explanation.in_doubt,
            matches: matches.collect(),
        }
    }
}

impl TermView {
    fn new(found: &TermMatch) -> Self {
        Self {
            term: found.term.as_str().to_owned(),
            matches: if found.term.is_kind() { "kind" } else { "word" },
            weight: found.weight,
            distance: found.distance,
        }
    }
}

/// See the context that a chat request would get
#[utoipa::path(
    post,
    path = "/v1/namespaces/{namespace}/context",
    operation_id = "get_context",
    tag = "memories",
    request_body = ContextBody,
    responses((status = 200, description = "The block, and the memories in it", body = ContextView))
)]
pub(super) async fn context(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    params: Params,
    JsonBody(body): JsonBody<ContextBody>,
) -> Result<Json<ContextView>, ApiError> {
    params.finish()?;
    refuse_namespace(body.namespace.as_ref())?;
    context_in(&state, Some(namespace), body).await
}

fn check_budget(Whole(budget): Whole) -> Result<u32, ApiError> {
    let valid = u32::try_from(budget).ok();
    let valid = valid.filter(|budget| (1..=MAX_BUDGET).contains(budget));
    valid.ok_or_else(|| {
        let problem = format!("must be a whole number from 1 to {MAX_BUDGET} (got {budget})");
        ApiError::bad_value("token_budget", problem)
    })
}

/// The context from a namespace, which may not be there yet.
pub(super) async fn context_in(
    state: &AppState,
    namespace: Option<Namespace>,
    body: ContextBody,
) -> Result<Json<ContextView>, ApiError> {
    let begun = Instant::now();
    check_query(&body.query)?;
    let asked_budget = body.token_budget.map(check_budget).transpose()?;
    let length = body.system_prompt.as_ref().map_or(0, String::len);
    if length > MAX_QUERY_BYTES {
        let problem = format!("may have at most {MAX_QUERY_BYTES} bytes (got {length})");
        return Err(ApiError::bad_value("system_prompt", problem));
    }
    let own_budget = namespace.as_ref().and_then(|namespace| namespace.config.token_budget);
    let token_budget = asked_budget.or(own_budget).unwrap_or(state.proxy.token_budget);
    let budget = Budget {
        total: token_budget,
        profile: state.memory.profile_tokens,
        turns: state.memory.turns_tokens,
    };
    let (query, explain, min_score) = (body.query, body.explain, body.min_score);
    let recall = match namespace {
        None => Recall::nothing(budget),
        Some(namespace) => {
            let number = namespace.number;
            let look = move |reader: &Reader<'_>| {
                let recall = if explain {
                    Recall::explained(reader, &namespace, &query, budget)
                } else {
                    Recall::of(reader, &namespace, [&query], None, budget)
                }?;
                Ok(match min_score {
                    Some(least) => recall.scoring(least, budget),
                    None => recall,
                })
            };
            let recall = state.store.reading(look).await?;
            state.searches.took(number, begun.elapsed());
            recall
        }
    };
    let block = recall.block.text();
    let parts = [body.system_prompt.unwrap_or_default(), block];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let shows_scores = body.include_scores.unwrap_or(true);
    let memories = recall.memories.into_iter().map(|recalled| ContextMemory {
        id: recalled.memory.id,
        content: recalled.memory.content,
        r#type: recalled.memory.kind,
        score: shows_scores.then_some(recalled.score),
        position: recalled.reason.as_str(),
        token_count: recalled.memory.token_count,
        truncated: false,
    });
    Ok(Json(ContextView {
        content: parts.join("\n\n"),
        memories: memories.collect(),
        token_count: recall.block.tokens(),
        token_budget,
        truncated: recall.truncated,
        query_time: format!("{:.3}ms", begun.elapsed().as_secs_f64() * 1_000.0),
        explanation: recall.explanation.map(ExplanationView::new),
    }))
}

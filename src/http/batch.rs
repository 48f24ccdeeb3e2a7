//! `POST /v1/namespaces/{namespace}/memories/batch`: many memories at once, all or none, or each for itself.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::error::{ApiError, ErrorBody};
use super::extract::{InNamespace, no_such_namespace, parse_object};
use super::once::{self, OnceBody, Replayed};
use super::openapi::params::OnceKey;
use super::page::Page;
use crate::app::AppState;
use crate::model::{Memory, Namespace, NewMemory};
use crate::record::{MemoryBody, MemoryView};
use crate::store::Once;

/// Most memories in a batch.
const MAX_MEMORIES: usize = 1_000;
/// Largest body of a batch, in bytes.
const MAX_BODY: usize = 16 << 20;

/// Memories to be made together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Batch, examples(json!({"memories": [{"content": "User prefers dark mode"}, {"content": "User is vegetarian", "tags": ["food"]}]})))]
pub(super) struct BatchBody {
    #[schema(value_type = Vec<MemoryBody>, min_items = 1, max_items = 1000)]
    memories: Vec<Box<RawValue>>,
    /// What one bad memory means for the others; `abort` where nothing is said.
    on_error: Option<OnError>,
}

/// What one bad memory means for the others.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OnError {
    /// None of them is stored.
    #[default]
    Abort,
    /// They are stored, and the answer says which were not.
    Continue,
}

/// What became of one memory of a batch.
#[derive(Serialize, ToSchema)]
#[schema(as = BatchOutcome, examples(json!({"index": 1, "status": 400, "memory": null, "error": {
    "message": "memories[1].content: must not be empty", "type": "invalid_request_error", "param": "memories[1].content", "code": "bad_request"
}})))]
struct Outcome {
    /// Which memory of the request.
    index: usize,
    /// The status that it would have got alone.
    status: u16,
    #[schema(required = true)]
    memory: Option<MemoryView>,
    #[schema(required = true)]
    error: Option<ErrorBody>,
}

/// Make up to 1,000 memories
///
/// All or none. With `on_error: continue` the good ones in spite of the others.
#[utoipa::path(
    post,
    path = "/v1/namespaces/{namespace}/memories/batch",
    operation_id = "create_memories",
    tag = "memories",
    params(OnceKey),
    request_body = BatchBody,
    responses(
        (status = 201, description = "All of them, in their order", body = Page<MemoryView>),
        (status = 200, description = "With `on_error: continue`: what became of each", body = Page<Outcome>),
    )
)]
pub(super) async fn create(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    OnceBody(body, once): OnceBody<BatchBody, MAX_BODY>,
) -> Result<Response, ApiError> {
    let length = body.memories.len();
    if !(1..=MAX_MEMORIES).contains(&length) {
        let problem = format!("must hold 1 to {MAX_MEMORIES} memories (got {length})");
        return Err(ApiError::bad_value("memories", problem));
    }
    let parsed = body.memories.iter().enumerate().map(|(index, raw)| parse(index, raw));
    match body.on_error.unwrap_or_default() {
        OnError::Abort => {
            let memories = parsed.collect::<Result<Vec<_>, _>>()?;
            let (replayed, stored) = store(&state, &namespace, memories, once).await?;
            let views = stored
                .into_iter()
                .map(|memory| MemoryView::new(memory, &namespace.name));
            Ok((StatusCode::CREATED, replayed, Page::whole(views.collect())).into_response())
        }
        OnError::Continue => {
            let (mut memories, mut errors) = (Vec::new(), Vec::new());
            for parsed in parsed {
                errors.push(match parsed {
                    Ok(memory) => {
                        memories.push(memory);
                        None
                    }
                    Err(error) => Some(error),
                });
            }
            let (replayed, stored) = store(&state, &namespace, memories, once).await?;
            let mut stored = stored.into_iter();
            let outcomes = errors.into_iter().enumerate().map(|(index, error)| match error {
                None => Outcome {
                    index,
                    status: StatusCode::CREATED.as_u16(),
                    memory: stored.next().map(|memory| MemoryView::new(memory, &namespace.name)),
                    error: None,
                },
                Some(error) => Outcome {
                    index,
                    status: error.status().as_u16(),
                    memory: None,
                    error: Some(error.into_body()),
                },
            });
            Ok((replayed, Page::whole(outcomes.collect())).into_response())
        }
    }
}

fn parse(index: usize, raw: &RawValue) -> Result<NewMemory, ApiError> {
    let name = format!("memories[{index}]");
    let body: MemoryBody = parse_object(raw.get().as_bytes(), &name)?;
    body.into_new().map_err(|error| error.within(&name).into())
}

async fn store(
    state: &AppState,
    namespace: &Namespace,
    memories: Vec<NewMemory>,
    once: Option<Once>,
) -> Result<(Replayed, Vec<Memory>), ApiError> {
    if memories.is_empty() {
        return Ok((once::MADE_NOW, Vec::new()));
    }
    let made = state.store.create_memories(namespace.number, memories, once).await?;
    once::made(made.ok_or_else(|| no_such_namespace(namespace.name.as_str()))?)
}

//! `POST /v1/namespaces/{namespace}/extract`: what is found in a conversation, kept or only shown.

use axum::extract::{Extension, State};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::error::ApiError;
use super::extract::{InNamespace, JsonBody, no_such_namespace};
use super::log::RequestId;
use super::page::Page;
use crate::app::AppState;
use crate::memory::extract::{Exchange, Extracted};
use crate::memory::ingest::{ConversationId, Origin, lessons};
use crate::model::{self, MemoryId, MemoryType};
use crate::record::{MAX_CONVERSATION_LENGTH, Object, parse_named, parse_time};
use crate::store::{Learned, Rehearsal};

/// A conversation to be read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Extract, examples(json!({"messages": [{"role": "user", "content": "I am vegetarian and I live in Lisbon."}], "dry_run": true})))]
pub(super) struct ExtractBody {
    /// Messages as in a chat request; one of them at least is of the role `user` or `assistant`.
    #[schema(schema_with = messages_schema)]
    messages: Vec<Object<MessageBody>>,
    /// Only show what would be found.
    #[serde(default)]
    dry_run: bool,
    /// Which conversation this is; without it, those that begin with the same message of the user are one.
    #[schema(min_length = 1, max_length = 256)]
    conversation_id: Option<String>,
    /// When it was said; now where nothing is said.
    #[schema(format = DateTime)]
    created_at: Option<String>,
}

fn messages_schema() -> utoipa::openapi::Object {
    let keywords = [
        ("items", json!({"$ref": "#/components/schemas/Message"})),
        (
            "contains",
            json!({"properties": {"role": {"enum": ["user", "assistant"]}}, "required": ["role"]}),
        ),
    ];
    ObjectBuilder::new()
        .schema_type(Type::Array)
        .description(Some(
            "Messages as in a chat request; one of them at least is the user's or the assistant's.",
        ))
        .extensions(Some(Extensions::from_iter(keywords)))
        .build()
}

/// A message as in a chat request. Fields beside these say nothing here.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Message)]
pub(super) struct MessageBody {
    role: String,
    /// A text, or a list of parts.
    #[serde(default)]
    content: Option<ContentBody>,
}

#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = MessageContent)]
enum ContentBody {
    Text(String),
    Parts(Vec<PartBody>),
}

#[derive(Deserialize, ToSchema)]
#[schema(as = MessagePart)]
struct PartBody {
    r#type: String,
    text: Option<String>,
}

impl MessageBody {
    fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(ContentBody::Text(text)) => text.clone(),
            Some(ContentBody::Parts(parts)) => {
                let texts = parts.iter().filter(|part| part.r#type == "text");
                texts
                    .filter_map(|part| part.text.as_deref())
                    .collect::<Vec<_>>()
                    .join("\n")
            }
        }
    }
}

/// Something found, and what comes of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Found, examples(json!({
    "content": "User lives in Lisbon", "type": "semantic", "confidence": 0.9, "rule": "home", "role": "user",
    "sentence": "I am vegetarian and I live in Lisbon.", "result": "stored", "id": null, "superseded": [], "forgotten": []
})))]
struct FoundView {
    content: String,
    r#type: MemoryType,
    confidence: f64,
    rule: String,
    role: &'static str,
    sentence: String,
    /// `stored`, `known` or `forgotten`.
    result: &'static str,
    /// The memory that was made or that says so already. None of one that would be made.
    #[schema(value_type = Option<Uuid>, required = true)]
    id: Option<MemoryId>,
    #[schema(value_type = Vec<Uuid>)]
    superseded: Vec<MemoryId>,
    #[schema(value_type = Vec<Uuid>)]
    forgotten: Vec<MemoryId>,
}

impl FoundView {
    fn new(found: Extracted, learned: Learned, dry_run: bool) -> Self {
        let mut view = Self {
            content: found.content,
            r#type: found.kind,
            confidence: found.confidence,
            rule: found.rule.into_owned(),
            role: found.speaker.as_str(),
            sentence: found.sentence,
            result: "",
            id: None,
            superseded: Vec::new(),
            forgotten: Vec::new(),
        };
        match learned {
            Learned::Stored(id, superseded) => {
                view.result = "stored";
                view.id = Some(id).filter(|_| !dry_run);
                view.superseded = superseded;
            }
            Learned::Confirmed(id) => {
                view.result = "known";
                view.id = Some(id);
            }
            Learned::Forgotten(memories) => {
                view.result = "forgotten";
                view.forgotten = memories;
            }
            Learned::Kept => view.result = "stored",
        }
        view
    }
}

/// Find facts in a conversation
///
/// Reads the newest message of the user and the newest answer to it, and keeps what is found unless `dry_run` is `true`.
#[utoipa::path(
    post,
    path = "/v1/namespaces/{namespace}/extract",
    operation_id = "extract_facts",
    tag = "memories",
    request_body = ExtractBody,
    responses((status = 200, description = "What was found, and what came of it", body = Page<FoundView>))
)]
pub(super) async fn extract(
    State(state): State<AppState>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    InNamespace(namespace): InNamespace,
    JsonBody(body): JsonBody<ExtractBody>,
) -> Result<impl IntoResponse, ApiError> {
    let at = parse_named("created_at", body.created_at.as_deref(), parse_time)?.unwrap_or_else(model::now);
    let length = body.conversation_id.as_ref().map_or(1, |id| id.chars().count());
    if !(1..=MAX_CONVERSATION_LENGTH).contains(&length) {
        let problem = format!("must have 1 to {MAX_CONVERSATION_LENGTH} characters (got {length})");
        return Err(ApiError::bad_value("conversation_id", problem));
    }
    let (user, assistant) = newest_exchange(&body.messages)?;
    let first = body.messages.iter().find(|message| message.0.role == "user");
    let first = first.map(|message| message.0.text()).unwrap_or_default();
    let conversation = match &body.conversation_id {
        Some(id) => ConversationId::Given(id),
        None => ConversationId::BeginsWith(&first),
    };

    let found = found(&state, user.as_deref(), assistant.as_deref(), at);
    let exchange = Exchange {
        user: user.as_deref(),
        assistant: assistant.as_deref(),
        at,
    };
    let origin = Origin {
        request_id: &request_id,
        conversation,
    };
    let lessons = lessons(&found, &exchange, origin);
    let rehearsal = if body.dry_run { Rehearsal::Yes } else { Rehearsal::No };
    let learned = if lessons.is_empty() {
        Vec::new()
    } else {
        let learned = state.store.learn(namespace.number, lessons, rehearsal).await?;
        learned.ok_or_else(|| no_such_namespace(namespace.name.as_str()))?
    };
    let views = found
        .into_iter()
        .zip(learned)
        .map(|(found, learned)| FoundView::new(found, learned, body.dry_run))
        .collect();
    Ok(Page::whole(views))
}

fn found(state: &AppState, user: Option<&str>, assistant: Option<&str>, at: DateTime<Utc>) -> Vec<Extracted> {
    state.extractor.extract(&Exchange { user, assistant, at })
}

/// The newest message of the user, and the newest answer to it.
fn newest_exchange(messages: &[Object<MessageBody>]) -> Result<(Option<String>, Option<String>), ApiError> {
    let newest_user = messages.iter().rposition(|message| message.0.role == "user");
    let answer = messages
        .iter()
        .skip(newest_user.map_or(0, |at| at + 1))
        .rfind(|message| message.0.role == "assistant");
    if newest_user.is_none() && answer.is_none() {
        return Err(ApiError::bad_value(
            "messages",
            "must hold a message whose role is user or assistant",
        ));
    }
    let user = newest_user
        .and_then(|at| messages.get(at))
        .map(|message| message.0.text());
    Ok((user, answer.map(|message| message.0.text())))
}

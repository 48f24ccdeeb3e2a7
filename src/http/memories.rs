//! `/v1/namespaces/{namespace}/memories`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::error::ApiError;
use super::extract::{InNamespace, JsonBody, WithId, no_such_namespace};
use super::page::{Page, Params, time};
use crate::app::AppState;
use crate::memory::extract::fact;
use crate::model::{
    MAX_CONTENT_BYTES, Memory, MemoryId, MemoryType, Metadata, NamespaceName, NewMemory, Source, Tags, Turn,
};
use crate::store::{MemoryFilter, MemoryUpdate, Restore};

/// Most tags of a memory.
const MAX_TAGS: usize = 64;
/// Longest tag, in characters.
const MAX_TAG_LENGTH: usize = 128;
/// Largest metadata of a memory, in bytes of JSON.
const MAX_METADATA_BYTES: usize = 16_384;

/// Longest id of a conversation, in characters.
pub(super) const MAX_CONVERSATION_LENGTH: usize = 256;
/// Longest role and longest name of a speaker, in characters.
const MAX_NAME_LENGTH: usize = 128;

/// A memory as the API shows it.
#[derive(Serialize)]
pub(super) struct MemoryView {
    id: MemoryId,
    namespace: NamespaceName,
    content: String,
    r#type: MemoryType,
    source: Source,
    tags: Tags,
    metadata: Metadata,
    confidence: f64,
    pinned: bool,
    #[serde(flatten)]
    turn: Option<TurnView>,
    #[serde(serialize_with = "serialize_time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "serialize_time")]
    updated_at: DateTime<Utc>,
    /// When it was made, until it is first injected.
    #[serde(serialize_with = "serialize_time")]
    accessed_at: DateTime<Utc>,
    access_count: i64,
    /// When it was made, until it is first said again.
    #[serde(serialize_with = "serialize_time")]
    last_confirmed_at: DateTime<Utc>,
    confirmation_count: i64,
    #[serde(serialize_with = "serialize_optional_time")]
    superseded_at: Option<DateTime<Utc>>,
    superseded_by: Option<MemoryId>,
}

/// The fields of a memory that is a piece of a conversation.
#[derive(Serialize)]
struct TurnView {
    conversation_id: String,
    role: Option<String>,
    speaker: Option<String>,
}

impl MemoryView {
    pub(super) fn new(memory: Memory, namespace: &NamespaceName) -> Self {
        Self {
            id: memory.id,
            namespace: namespace.clone(),
            content: memory.content,
            r#type: memory.kind,
            source: memory.source,
            tags: memory.tags,
            metadata: memory.metadata,
            confidence: memory.confidence,
            pinned: memory.pinned,
            turn: memory.turn.map(
                |Turn {
                     conversation_id,
                     role,
                     speaker,
                 }| TurnView {
                    conversation_id,
                    role,
                    speaker,
                },
            ),
            created_at: memory.created_at,
            updated_at: memory.updated_at,
            accessed_at: memory.accessed_at.unwrap_or(memory.created_at),
            access_count: memory.access_count,
            last_confirmed_at: memory.last_confirmed_at,
            confirmation_count: memory.confirmation_count,
            superseded_at: memory.superseded_at,
            superseded_by: memory.superseded_by,
        }
    }
}

/// RFC 3339 in UTC, to the millisecond.
pub(super) fn serialize_time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn serialize_optional_time<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize_time(time, serializer),
        None => serializer.serialize_none(),
    }
}

/// The fields of a memory that a client may set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemoryBody {
    content: Option<String>,
    r#type: Option<String>,
    source: Option<String>,
    tags: Option<Tags>,
    metadata: Option<Metadata>,
    confidence: Option<f64>,
    pinned: Option<bool>,
    conversation_id: Option<String>,
    role: Option<String>,
    speaker: Option<String>,
    created_at: Option<String>,
}

impl MemoryBody {
    /// Refuses fields that never change.
    fn refuse_fixed(&self) -> Result<(), ApiError> {
        let fixed = [
            ("conversation_id", &self.conversation_id),
            ("role", &self.role),
            ("speaker", &self.speaker),
            ("created_at", &self.created_at),
        ];
        if let Some((name, _)) = fixed.into_iter().find(|(_, value)| value.is_some()) {
            return Err(ApiError::bad_value(
                name,
                "is set when a memory is made, and stays as it is",
            ));
        }
        Ok(())
    }

    /// The fields, once every one that is there is valid.
    fn validate(self) -> Result<MemoryUpdate, ApiError> {
        self.refuse_fixed()?;
        if let Some(content) = &self.content {
            check_content(content)?;
        }
        if let Some(tags) = &self.tags {
            check_tags(tags)?;
        }
        if let Some(metadata) = &self.metadata {
            let bytes = json!(metadata).to_string().len();
            if bytes > MAX_METADATA_BYTES {
                let problem = format!("may have at most {MAX_METADATA_BYTES} bytes as JSON (got {bytes})");
                return Err(ApiError::bad_value("metadata", problem));
            }
        }
        if let Some(confidence) = self.confidence.filter(|confidence| !(0.0..=1.0).contains(confidence)) {
            return Err(ApiError::bad_value(
                "confidence",
                format!("must be from 0 to 1 (got {confidence})"),
            ));
        }
        Ok(MemoryUpdate {
            fact: self.content.as_deref().and_then(fact),
            content: self.content,
            kind: parse_named("type", self.r#type.as_deref(), MemoryType::parse)?,
            source: parse_named("source", self.source.as_deref(), Source::parse)?,
            tags: self.tags,
            metadata: self.metadata,
            confidence: self.confidence,
            pinned: self.pinned,
        })
    }

    /// The whole memory: what is absent gets its default.
    fn into_new(mut self) -> Result<NewMemory, ApiError> {
        let turn = self.take_turn()?;
        let created_at = parse_named("created_at", self.created_at.take().as_deref(), time)?;
        let fields = self.validate()?;
        Ok(NewMemory {
            content: fields
                .content
                .ok_or_else(|| ApiError::bad_value("content", "is missing"))?,
            kind: fields.kind.unwrap_or(MemoryType::Semantic),
            source: fields.source.unwrap_or(Source::User),
            tags: fields.tags.unwrap_or_default(),
            metadata: fields.metadata.unwrap_or_default(),
            confidence: fields.confidence.unwrap_or(1.0),
            pinned: fields.pinned.unwrap_or(false),
            turn,
            created_at,
            fact: fields.fact,
        })
    }

    /// The conversation that the memory is a piece of.
    fn take_turn(&mut self) -> Result<Option<Turn>, ApiError> {
        let fields = [
            ("conversation_id", &self.conversation_id, MAX_CONVERSATION_LENGTH),
            ("role", &self.role, MAX_NAME_LENGTH),
            ("speaker", &self.speaker, MAX_NAME_LENGTH),
        ];
        for (name, value, most) in fields {
            let length = value.as_ref().map_or(1, |value| value.chars().count());
            if !(1..=most).contains(&length) || value.as_ref().is_some_and(|value| value.contains('\0')) {
                let problem = format!("must have 1 to {most} characters (got {length})");
                return Err(ApiError::bad_value(name, problem));
            }
        }
        let (role, speaker) = (self.role.take(), self.speaker.take());
        match self.conversation_id.take() {
            Some(conversation_id) => Ok(Some(Turn {
                conversation_id,
                role,
                speaker,
            })),
            None if role.is_some() || speaker.is_some() => Err(ApiError::bad_value(
                "conversation_id",
                "is missing; role and speaker belong to a conversation",
            )),
            None => Ok(None),
        }
    }
}

fn check_content(content: &str) -> Result<(), ApiError> {
    let bytes = content.len();
    if content.trim().is_empty() {
        Err(ApiError::bad_value("content", "must not be empty"))
    } else if bytes > MAX_CONTENT_BYTES {
        Err(ApiError::bad_value(
            "content",
            format!("may have at most {MAX_CONTENT_BYTES} bytes (got {bytes})"),
        ))
    } else if content.contains('\0') {
        Err(ApiError::bad_value("content", "must not hold the character U+0000"))
    } else {
        Ok(())
    }
}

fn check_tags(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() > MAX_TAGS {
        return Err(ApiError::bad_value(
            "tags",
            format!("may be at most {MAX_TAGS} (got {})", tags.len()),
        ));
    }
    for (index, tag) in tags.iter().enumerate() {
        let length = tag.chars().count();
        let problem = if !(1..=MAX_TAG_LENGTH).contains(&length) {
            format!("must have 1 to {MAX_TAG_LENGTH} characters (got {length})")
        } else if tag.contains('\0') {
            "must not hold the character U+0000".to_owned()
        } else {
            continue;
        };
        return Err(ApiError::bad_value(&format!("tags[{index}]"), problem));
    }
    Ok(())
}

pub(super) fn parse_named<T, E: std::fmt::Display>(
    name: &str,
    value: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, ApiError> {
    value
        .map(|value| parse(value).map_err(|problem| ApiError::bad_value(name, problem)))
        .transpose()
}

/// The filter among the parameters, apart from `include_superseded`.
pub(super) fn filter(params: &mut Params) -> Result<MemoryFilter, ApiError> {
    Ok(MemoryFilter {
        kinds: params.parsed("type", MemoryType::parse)?.into_iter().collect(),
        source: params.parsed("source", Source::parse)?,
        tags: params.all("tag"),
        created_after: params.parsed("created_after", time)?,
        created_before: params.parsed("created_before", time)?,
        conversation_id: params.one("conversation_id")?,
        request_id: params.one("request_id")?,
        rule: params.one("rule")?,
        include_superseded: false,
    })
}

pub(super) async fn list(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    mut params: Params,
) -> Result<impl IntoResponse, ApiError> {
    let filter = MemoryFilter {
        include_superseded: params.flag("include_superseded")?,
        ..filter(&mut params)?
    };
    let (limit, offset) = params.page()?;
    params.finish()?;
    let page = state.store.memories(namespace.number, filter, limit, offset).await?;
    let views: Vec<_> = page
        .memories
        .into_iter()
        .map(|memory| MemoryView::new(memory, &namespace.name))
        .collect();
    Ok(Json(Page::new(views, page.total.unsigned_abs(), limit, offset)))
}

pub(super) async fn create(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    JsonBody(body): JsonBody<MemoryBody>,
) -> Result<impl IntoResponse, ApiError> {
    let created = state.store.create_memory(namespace.number, body.into_new()?).await?;
    let memory = created.ok_or_else(|| no_such_namespace(namespace.name.as_str()))?;
    let location = format!("/v1/namespaces/{}/memories/{}", namespace.id, memory.id);
    let view = MemoryView::new(memory, &namespace.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)))
}

pub(super) async fn read(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
) -> Result<Json<MemoryView>, ApiError> {
    let memory = state.store.memory(namespace.number, id).await?;
    memory
        .map(|memory| Json(MemoryView::new(memory, &namespace.name)))
        .ok_or_else(|| no_such_memory(id))
}

pub(super) async fn replace(
    state: State<AppState>,
    namespace: InNamespace,
    id: WithId,
    JsonBody(body): JsonBody<MemoryBody>,
) -> Result<Json<MemoryView>, ApiError> {
    body.refuse_fixed()?;
    let NewMemory {
        content,
        kind,
        source,
        tags,
        metadata,
        confidence,
        pinned,
        fact,
        ..
    } = body.into_new()?;
    let update = MemoryUpdate {
        content: Some(content),
        kind: Some(kind),
        source: Some(source),
        tags: Some(tags),
        metadata: Some(metadata),
        confidence: Some(confidence),
        pinned: Some(pinned),
        fact,
    };
    update_with(state, namespace, id, update).await
}

pub(super) async fn change(
    state: State<AppState>,
    namespace: InNamespace,
    id: WithId,
    JsonBody(body): JsonBody<MemoryBody>,
) -> Result<Json<MemoryView>, ApiError> {
    update_with(state, namespace, id, body.validate()?).await
}

async fn update_with(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
    update: MemoryUpdate,
) -> Result<Json<MemoryView>, ApiError> {
    let memory = state.store.update_memory(namespace.number, id, update).await?;
    memory
        .map(|memory| Json(MemoryView::new(memory, &namespace.name)))
        .ok_or_else(|| no_such_memory(id))
}

pub(super) async fn delete(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
    mut params: Params,
) -> Result<Json<Value>, ApiError> {
    let restore = restore(&mut params)?;
    params.finish()?;
    let deleted = state.store.delete_memory(namespace.number, id, restore).await?;
    let restored = deleted.ok_or_else(|| no_such_memory(id))?;
    Ok(Json(match restore {
        Restore::No => json!({ "deleted": true }),
        Restore::Yes => json!({ "deleted": true, "restored": restored }),
    }))
}

pub(super) fn restore(params: &mut Params) -> Result<Restore, ApiError> {
    Ok(if params.flag("restore")? {
        Restore::Yes
    } else {
        Restore::No
    })
}

pub(super) async fn history(
    State(state): State<AppState>,
    InNamespace(namespace): InNamespace,
    WithId(id): WithId,
) -> Result<impl IntoResponse, ApiError> {
    let chain = state.store.history(namespace.number, id).await?;
    if chain.is_empty() {
        return Err(no_such_memory(id));
    }
    let views: Vec<_> = chain
        .into_iter()
        .map(|memory| MemoryView::new(memory, &namespace.name))
        .collect();
    Ok(Json(Page::whole(views)))
}

fn no_such_memory(id: MemoryId) -> ApiError {
    ApiError::not_found(format!("there is no memory {id} in this namespace")).with_param("id")
}

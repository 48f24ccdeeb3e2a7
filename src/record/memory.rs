//! A memory as JSON shows it, and as it is sent.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, SchemaType, Type};

use super::{FieldError, etag, parse_named, parse_time, serialize_optional_time, serialize_time};
use crate::memory::extract::fact;
use crate::model::{
    MAX_CONTENT_BYTES, Memory, MemoryId, MemoryType, Metadata, NamespaceName, NewMemory, Source, Tags, Turn,
};
use crate::store::MemoryUpdate;

/// Most tags of a memory.
const MAX_TAGS: usize = 64;
/// Longest tag, in characters.
const MAX_TAG_LENGTH: usize = 128;
/// Largest metadata of a memory, in bytes of JSON.
const MAX_METADATA_BYTES: usize = 16_384;

/// Longest id of a conversation, in characters.
pub const MAX_CONVERSATION_LENGTH: usize = 256;
/// Longest role and longest name of a speaker, in characters.
const MAX_NAME_LENGTH: usize = 128;

/// A memory as the API shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = Memory, examples(json!({
    "id": "01a206a4-8860-7092-9989-745facfe1cd3", "namespace": "default", "content": "User prefers dark mode", "type": "semantic", "source": "user",
    "tags": ["ui"], "metadata": {}, "confidence": 0.9, "pinned": false, "created_at": "2026-01-31T12:00:00.000Z", "updated_at": "2026-01-31T12:00:00.000Z",
    "accessed_at": "2026-01-31T12:00:00.000Z", "access_count": 0, "last_confirmed_at": "2026-01-31T12:00:00.000Z", "confirmation_count": 0,
    "superseded_at": null, "superseded_by": null
})))]
pub struct MemoryView {
    #[schema(value_type = Uuid)]
    id: MemoryId,
    /// The name of the namespace that it is in.
    #[schema(value_type = String)]
    namespace: NamespaceName,
    /// The words.
    content: String,
    r#type: MemoryType,
    source: Source,
    #[schema(value_type = Vec<String>)]
    tags: Tags,
    /// Free fields.
    #[schema(value_type = Object)]
    metadata: Metadata,
    /// How sure it is.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f64,
    /// Whether it is in every context.
    pinned: bool,
    #[serde(flatten)]
    #[schema(value_type = TurnView)]
    turn: Option<TurnView>,
    #[serde(serialize_with = "serialize_time")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "serialize_time")]
    updated_at: DateTime<Utc>,
    /// When it was made, until it is first injected.
    #[serde(serialize_with = "serialize_time")]
    accessed_at: DateTime<Utc>,
    /// How often it was injected.
    access_count: i64,
    /// When it was made, until it is first said again.
    #[serde(serialize_with = "serialize_time")]
    last_confirmed_at: DateTime<Utc>,
    /// How often it was said again.
    confirmation_count: i64,
    /// When something newer took its place.
    #[serde(serialize_with = "serialize_optional_time")]
    #[schema(required = true)]
    superseded_at: Option<DateTime<Utc>>,
    /// What took its place, where that is still there.
    #[schema(value_type = Option<Uuid>, required = true)]
    superseded_by: Option<MemoryId>,
}

/// The fields of a memory that is a piece of a conversation.
#[derive(Serialize, ToSchema)]
#[schema(as = Turn)]
struct TurnView {
    #[schema(required = false)]
    conversation_id: String,
    role: Option<String>,
    speaker: Option<String>,
}

impl MemoryView {
    /// The view of a stored memory.
    #[must_use]
    pub fn new(memory: Memory, namespace: &NamespaceName) -> Self {
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

impl MemoryView {
    /// Which version of the memory it is. Being used makes no other version of it.
    #[must_use]
    pub fn etag(&self) -> String {
        etag(self, &["accessed_at", "access_count"])
    }
}

/// The fields of a memory that a client may set.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMemory, examples(json!({"content": "User prefers dark mode", "tags": ["ui"], "confidence": 0.9})))]
pub struct MemoryBody {
    /// Where it is to be, where the path does not say that.
    #[schema(ignore)]
    pub(super) namespace: Option<String>,
    /// The words, one thing that is known; up to 10,000 bytes of UTF-8 that are not only white space.
    #[schema(value_type = String, required = true, min_length = 1, max_length = 10000, pattern = "^[^\\u0000]*[^\\u0000\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$")]
    pub(super) content: Option<String>,
    /// What kind of knowledge it is; `semantic` where nothing is said.
    #[schema(value_type = Option<MemoryType>)]
    pub(super) r#type: Option<String>,
    /// Where it comes from; `user` where nothing is said.
    #[schema(value_type = Option<Source>)]
    pub(super) source: Option<String>,
    /// Labels.
    #[schema(schema_with = tags_schema)]
    pub(super) tags: Option<Tags>,
    /// Free fields, up to 16,384 bytes as JSON.
    #[schema(value_type = Option<Object>)]
    pub(super) metadata: Option<Metadata>,
    /// How sure it is; 1 where nothing is said.
    #[schema(minimum = 0, maximum = 1)]
    pub(super) confidence: Option<f64>,
    /// Whether it is in every context, within `memory.profile_tokens`.
    pub(super) pinned: Option<bool>,
    /// The conversation that the memory is a piece of.
    #[schema(min_length = 1, max_length = 256, pattern = "^[^\\u0000]*$")]
    pub(super) conversation_id: Option<String>,
    /// Whose part of the conversation it is, such as `user`; only with `conversation_id`.
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\u0000]*$")]
    pub(super) role: Option<String>,
    /// Who spoke, by name; only with `conversation_id`.
    #[schema(min_length = 1, max_length = 128, pattern = "^[^\\u0000]*$")]
    pub(super) speaker: Option<String>,
    /// When it came to be, for what is imported; now where nothing is said.
    #[schema(format = DateTime)]
    pub(super) created_at: Option<String>,
}

/// The labels of a memory as they are sent, or `null` for none.
pub(super) fn tags_schema() -> Array {
    let tag = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(MAX_TAG_LENGTH))
        .pattern(Some("^[^\\u0000]*$"));
    ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(tag)
        .max_items(Some(MAX_TAGS))
        .description(Some("Labels."))
        .build()
}

impl MemoryBody {
    /// Takes out the name or id of the namespace.
    pub fn take_namespace(&mut self) -> Option<String> {
        self.namespace.take()
    }

    /// Refuses fields that never change.
    ///
    /// # Errors
    /// One of them is there.
    pub fn refuse_fixed(&self) -> Result<(), FieldError> {
        let fixed = [
            ("conversation_id", &self.conversation_id),
            ("role", &self.role),
            ("speaker", &self.speaker),
            ("created_at", &self.created_at),
        ];
        if let Some((name, _)) = fixed.into_iter().find(|(_, value)| value.is_some()) {
            return Err(FieldError::new(
                name,
                "is set when a memory is made, and stays as it is",
            ));
        }
        Ok(())
    }

    /// The fields, once every one that is there is valid.
    ///
    /// # Errors
    /// The first field that is not.
    pub fn validate(self) -> Result<MemoryUpdate, FieldError> {
        self.refuse_fixed()?;
        if self.namespace.is_some() {
            return Err(FieldError::new("namespace", "does not belong here; the path names it"));
        }
        if let Some(content) = &self.content {
            check_content(content)?;
        }
        if let Some(tags) = &self.tags {
            check_tags(tags)?;
        }
        if let Some(metadata) = &self.metadata {
            check_metadata(metadata)?;
        }
        if let Some(confidence) = self.confidence.filter(|confidence| !(0.0..=1.0).contains(confidence)) {
            return Err(FieldError::new(
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
    ///
    /// # Errors
    /// The first field that is not valid.
    pub fn into_new(mut self) -> Result<NewMemory, FieldError> {
        let turn = self.take_turn()?;
        let created_at = parse_named("created_at", self.created_at.take().as_deref(), parse_time)?;
        let fields = self.validate()?;
        Ok(NewMemory {
            content: fields.content.ok_or_else(|| FieldError::new("content", "is missing"))?,
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
    fn take_turn(&mut self) -> Result<Option<Turn>, FieldError> {
        let fields = [
            ("conversation_id", &self.conversation_id, MAX_CONVERSATION_LENGTH),
            ("role", &self.role, MAX_NAME_LENGTH),
            ("speaker", &self.speaker, MAX_NAME_LENGTH),
        ];
        for (name, value, most) in fields {
            let length = value.as_ref().map_or(1, |value| value.chars().count());
            if !(1..=most).contains(&length) || value.as_ref().is_some_and(|value| value.contains('\0')) {
                let problem = format!("must have 1 to {most} characters (got {length})");
                return Err(FieldError::new(name, problem));
            }
        }
        let (role, speaker) = (self.role.take(), self.speaker.take());
        match self.conversation_id.take() {
            Some(conversation_id) => Ok(Some(Turn {
                conversation_id,
                role,
                speaker,
            })),
            None if role.is_some() || speaker.is_some() => Err(FieldError::new(
                "conversation_id",
                "is missing; role and speaker belong to a conversation",
            )),
            None => Ok(None),
        }
    }
}

fn check_content(content: &str) -> Result<(), FieldError> {
    let bytes = content.len();
    if content.trim().is_empty() {
        Err(FieldError::new("content", "must not be empty"))
    } else if bytes > MAX_CONTENT_BYTES {
        Err(FieldError::new(
            "content",
            format!("may have at most {MAX_CONTENT_BYTES} bytes (got {bytes})"),
        ))
    } else if content.contains('\0') {
        Err(FieldError::new("content", "must not hold the character U+0000"))
    } else {
        Ok(())
    }
}

pub(super) fn check_metadata(metadata: &Metadata) -> Result<(), FieldError> {
    let bytes = json!(metadata).to_string().len();
    if bytes > MAX_METADATA_BYTES {
        let problem = format!("may have at most {MAX_METADATA_BYTES} bytes as JSON (got {bytes})");
        return Err(FieldError::new("metadata", problem));
    }
    Ok(())
}

fn check_tags(tags: &Tags) -> Result<(), FieldError> {
    if tags.len() > MAX_TAGS {
        return Err(FieldError::new(
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
        return Err(FieldError::new(&format!("tags[{index}]"), problem));
    }
    Ok(())
}

//! Changes of a memory as a merge patch (RFC 7396): what is absent stays, `null` sets a field back, and `metadata` is changed field by field.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::memory::{MemoryBody, check_metadata, tags_schema};
use super::{Change, FieldError};
use crate::model::{Memory, MemoryType, Metadata, Source, Tags};
use crate::store::MemoryUpdate;

/// A patch as it is sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemoryPatch, examples(json!({"tags": null, "metadata": {"project": "atlas", "draft": null}})))]
pub struct PatchBody {
    #[schema(ignore)]
    namespace: Option<String>,
    /// The words; up to 10,000 bytes of UTF-8 that are not only white space.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 10000, pattern = "^[^\\u0000]*[^\\u0000\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000][^\\u0000]*$")]
    #[serde(default)]
    content: Change<String>,
    /// What kind of knowledge it is; `null`: `semantic`.
    #[schema(value_type = Option<MemoryType>)]
    #[serde(default)]
    r#type: Change<String>,
    /// Where it comes from; `null`: `user`.
    #[schema(value_type = Option<Source>)]
    #[serde(default)]
    source: Change<String>,
    /// Labels, in place of those that are there; `null`: none.
    #[schema(schema_with = tags_schema)]
    #[serde(default)]
    tags: Change<Tags>,
    /// Free fields to change, name by name; `null` removes a name, and in place of the object all of them.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    metadata: Change<Metadata>,
    /// How sure it is; `null`: 1.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1)]
    #[serde(default)]
    confidence: Change<f64>,
    /// Whether it is in every context; `null`: `false`.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    pinned: Change<bool>,
    // These stay as they are, and are refused with a word about that.
    #[schema(ignore)]
    conversation_id: Option<String>,
    #[schema(ignore)]
    role: Option<String>,
    #[schema(ignore)]
    speaker: Option<String>,
    #[schema(ignore)]
    created_at: Option<String>,
}

/// A patch whose values are valid by themselves.
#[derive(Debug)]
pub struct MemoryPatch {
    update: MemoryUpdate,
    metadata: Option<Metadata>,
}

impl PatchBody {
    /// Takes out the name or id of the namespace.
    pub fn take_namespace(&mut self) -> Option<String> {
        self.namespace.take()
    }

    /// The patch, once every value that is there is valid.
    ///
    /// # Errors
    /// The first field that is not.
    pub fn validate(self) -> Result<MemoryPatch, FieldError> {
        let (metadata, patch) = match self.metadata {
            Change::Keep => (None, None),
            Change::Reset => (Some(Metadata::new()), None),
            Change::Set(patch) => (None, Some(patch)),
        };
        if matches!(self.content, Change::Reset) {
            return Err(FieldError::new("content", "must not be null: a memory has words"));
        }
        let body = MemoryBody {
            namespace: self.namespace,
            content: self.content.or(String::new()),
            r#type: self.r#type.or(MemoryType::Semantic.to_string()),
            source: self.source.or(Source::User.to_string()),
            tags: self.tags.or(Tags::new()),
            metadata,
            confidence: self.confidence.or(1.0),
            pinned: self.pinned.or(false),
            conversation_id: self.conversation_id,
            role: self.role,
            speaker: self.speaker,
            created_at: self.created_at,
        };
        Ok(MemoryPatch {
            update: body.validate()?,
            metadata: patch,
        })
    }
}

impl MemoryPatch {
    /// The change that the patch means for a memory.
    ///
    /// # Errors
    /// The metadata would become too large.
    pub fn apply(self, memory: &Memory) -> Result<MemoryUpdate, FieldError> {
        let Some(patch) = self.metadata else {
            return Ok(self.update);
        };
        let mut metadata = memory.metadata.clone();
        merge(&mut metadata, patch);
        check_metadata(&metadata)?;
        Ok(MemoryUpdate {
            metadata: Some(metadata),
            ..self.update
        })
    }
}

/// RFC 7396, section 2.
fn merge(target: &mut Metadata, patch: Metadata) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.remove(&name);
            }
            Value::Object(patch) => {
                let mut inner = match target.remove(&name) {
                    Some(Value::Object(inner)) => inner,
                    _ => Metadata::new(),
                };
                merge(&mut inner, patch);
                target.insert(name, inner.into());
            }
            value => {
                target.insert(name, value);
            }
        }
    }
}

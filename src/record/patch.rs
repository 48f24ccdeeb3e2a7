//! Changes of a memory as a merge patch (RFC 7396): what is absent stays, `null` sets a field back, and `metadata` is changed field by field.

use serde::Deserialize;
use serde_json::Value;

use super::memory::{MemoryBody, check_metadata};
use super::{Change, FieldError};
use crate::model::{Memory, MemoryType, Metadata, Source, Tags};
use crate::store::MemoryUpdate;

/// A patch as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatchBody {
    namespace: Option<String>,
    content: Change<String>,
    r#type: Change<String>,
    source: Change<String>,
    tags: Change<Tags>,
    metadata: Change<Metadata>,
    confidence: Change<f64>,
    pinned: Change<bool>,
    conversation_id: Option<String>,
    role: Option<String>,
    speaker: Option<String>,
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

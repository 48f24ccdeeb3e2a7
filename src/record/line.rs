//! A line of an export: a memory or a namespace as the API shows it.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ConfigBody, FieldError, MemoryBody, MemoryView, Object, parse_named, parse_time};
use crate::memory::extract;
use crate::model::{Fact, Memory, MemoryId, Metadata, NamespaceConfig, NamespaceName, Source, Tags};
use crate::store::{Entry, MemoryEntry, NamespaceEntry};

/// A memory as a line shows it: as the API does, and with what it says of the user where that cannot be read from its words.
#[derive(Serialize)]
pub struct MemoryLine {
    #[serde(flatten)]
    memory: MemoryView,
    #[serde(skip_serializing_if = "Option::is_none")]
    fact: Option<Fact>,
}

impl MemoryLine {
    /// The line of a stored memory.
    #[must_use]
    pub fn new(memory: Memory, fact: Option<&Fact>, namespace: &NamespaceName) -> Self {
        let fact = fact
            .filter(|fact| extract::fact(&memory.content).as_ref() != Some(*fact))
            .cloned();
        Self {
            memory: MemoryView::new(memory, namespace),
            fact,
        }
    }
}

/// The fields of both kinds of lines. A memory has `content`, a namespace has `name`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LineBody {
    id: Option<String>,
    namespace: Option<String>,
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
    updated_at: Option<String>,
    accessed_at: Option<String>,
    access_count: Option<u32>,
    last_confirmed_at: Option<String>,
    confirmation_count: Option<u32>,
    superseded_at: Option<String>,
    superseded_by: Option<String>,
    fact: Option<Fact>,
    name: Option<String>,
    config: Option<Object<ConfigBody>>,
    /// Follows from the memories.
    stats: IgnoredAny,
}

/// Reads a line. A memory that names no namespace belongs to `namespace`, where there is one.
///
/// # Errors
/// It is neither a memory nor a namespace, or a field of it is not valid.
pub fn parse_line(line: &[u8], namespace: Option<&NamespaceName>) -> Result<Entry, FieldError> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let Object(body): Object<LineBody> = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let path = path.trim_end_matches(['.', '?']).to_owned();
        json_error(&path, &error.into_inner())
    })?;
    deserializer.end().map_err(|error| json_error("", &error))?;
    if body.content.is_none() && body.name.is_some() {
        body.into_namespace().map(Entry::Namespace)
    } else {
        body.into_memory(namespace).map(|entry| Entry::Memory(Box::new(entry)))
    }
}

impl LineBody {
    fn into_namespace(self) -> Result<NamespaceEntry, FieldError> {
        let mut config = NamespaceConfig::default();
        self.config.unwrap_or_default().0.into_change()?(&mut config);
        let name = self.name.unwrap_or_default();
        Ok(NamespaceEntry {
            name: NamespaceName::parse(&name).map_err(|problem| FieldError::new("name", problem))?,
            id: parse_named("id", self.id.as_deref(), parse_id)?,
            config,
            created_at: parse_named("created_at", self.created_at.as_deref(), parse_time)?,
            updated_at: parse_named("updated_at", self.updated_at.as_deref(), parse_time)?,
        })
    }

    fn into_memory(self, namespace: Option<&NamespaceName>) -> Result<MemoryEntry, FieldError> {
        let named = parse_named("namespace", self.namespace.as_deref(), NamespaceName::parse)?;
        let namespace = named
            .or_else(|| namespace.cloned())
            .ok_or_else(|| FieldError::new("namespace", "is missing; name it in the line, or give --namespace"))?;
        let id: Option<MemoryId> = parse_named("id", self.id.as_deref(), parse_id)?;
        let updated_at = parse_named("updated_at", self.updated_at.as_deref(), parse_time)?;
        let accessed_at = parse_named("accessed_at", self.accessed_at.as_deref(), parse_time)?;
        let last_confirmed_at = parse_named("last_confirmed_at", self.last_confirmed_at.as_deref(), parse_time)?;
        let superseded_at = parse_named("superseded_at", self.superseded_at.as_deref(), parse_time)?;
        let superseded_by: Option<MemoryId> = parse_named("superseded_by", self.superseded_by.as_deref(), parse_id)?;
        if superseded_by.is_some() && superseded_at.is_none() {
            return Err(FieldError::new(
                "superseded_at",
                "is missing; it belongs to superseded_by",
            ));
        }
        if superseded_by.is_some() && superseded_by == id {
            return Err(FieldError::new("superseded_by", "must be another memory"));
        }
        let body = MemoryBody {
            namespace: None,
            content: self.content,
            r#type: self.r#type,
            source: self.source.or_else(|| Some(Source::Imported.as_str().to_owned())),
            tags: self.tags,
            metadata: self.metadata,
            confidence: self.confidence,
            pinned: self.pinned,
            conversation_id: self.conversation_id,
            role: self.role,
            speaker: self.speaker,
            created_at: self.created_at,
        };
        let mut memory = body.into_new()?;
        memory.fact = self.fact.or(memory.fact);
        Ok(MemoryEntry {
            namespace,
            id,
            memory,
            updated_at,
            accessed_at,
            access_count: self.access_count.unwrap_or_default().into(),
            last_confirmed_at,
            confirmation_count: self.confirmation_count.unwrap_or_default().into(),
            superseded_at,
            superseded_by,
        })
    }
}

/// Each line is a document of its own, so its only line has no number.
fn json_error(path: &str, error: &serde_json::Error) -> FieldError {
    let problem = error.to_string().replace(" at line 1 column ", " at column ");
    FieldError::new(if path.is_empty() { "JSON" } else { path }, problem)
}

fn parse_id(text: &str) -> Result<Uuid, &'static str> {
    Uuid::try_parse(text).map_err(|_| "must be a UUID")
}

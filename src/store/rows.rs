//! A memory as a row: what is written of it, and what follows from its words.
//!
//! What is usual takes no room: nothing is written for no tags, no metadata and a memory that never changed, and names of a few values are codes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, named_params};

use super::namespaces::to_json;
use crate::model::{self, Memory, MemoryId, MemoryType, Metadata, NamespaceNumber, NewMemory, Source, Tags, Turn};
use crate::text;

/// The memory whose id is the first parameter, as the index of ids finds it.
pub(super) const WITH_ID: &str = "substr(id, 3, 10) = substr(?1, 3, 10) AND id = ?1";

/// A row on its way into the table.
pub(super) struct NewRow<'a> {
    pub(super) row_id: i64,
    pub(super) namespace: NamespaceNumber,
    pub(super) id: MemoryId,
    pub(super) memory: &'a NewMemory,
    pub(super) derived: &'a Derived,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) accessed_at: Option<DateTime<Utc>>,
    pub(super) access_count: i64,
    pub(super) confirmed_at: Option<DateTime<Utc>>,
    pub(super) confirmation_count: i64,
}

impl NewRow<'_> {
    /// Writes it, unless there is a memory of its id; whether it did.
    pub(super) fn insert(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let memory = self.memory;
        let turn = memory.turn.as_ref();
        let fact = memory.fact.as_ref();
        let slot = fact.and_then(|fact| fact.slot.as_ref());
        connection
            .prepare_cached(
                "INSERT INTO memories (row_id, namespace, id, content, index_text, fingerprint, type_code, source_code, tags,
                     metadata, confidence, word_count, token_count, conversation_id, role, speaker, pinned, created_at, updated_at,
                     accessed_at, access_count, confirmed_at, confirmation_count, slot, slot_value, statement, ended)
                 VALUES (:row_id, :namespace, :id, :content, :index_text, :fingerprint, :type, :source, :tags,
                     :metadata, :confidence, :word_count, :token_count, :conversation_id, :role, :speaker, :pinned, :created_at,
                     nullif(:updated_at, :created_at), :accessed_at, :access_count, :confirmed_at, :confirmation_count,
                     :slot, :slot_value, :statement, :ended)",
            )?
            .execute(named_params! {
                ":row_id": self.row_id,
                ":namespace": self.namespace.0,
                ":id": self.id,
                ":content": memory.content,
                ":index_text": self.derived.index_text,
                ":fingerprint": self.derived.fingerprint,
                ":type": type_code(memory.kind),
                ":source": source_code(memory.source),
                ":tags": tags_column(&memory.tags)?,
                ":metadata": metadata_column(&memory.metadata)?,
                ":confidence": memory.confidence,
                ":word_count": self.derived.word_count,
                ":token_count": self.derived.token_count,
                ":conversation_id": turn.map(|turn| &turn.conversation_id),
                ":role": turn.and_then(|turn| turn.role.as_ref()),
                ":speaker": turn.and_then(|turn| turn.speaker.as_ref()),
                ":pinned": memory.pinned,
                ":created_at": self.created_at.timestamp_millis(),
                ":updated_at": self.updated_at.timestamp_millis(),
                ":accessed_at": self.accessed_at.map(|at| at.timestamp_millis()),
                ":access_count": self.access_count,
                ":confirmed_at": self.confirmed_at.map(|at| at.timestamp_millis()),
                ":confirmation_count": self.confirmation_count,
                ":slot": slot.map(|slot| &slot.name),
                ":slot_value": slot.map(|slot| &slot.value),
                ":statement": fact.map(|fact| &fact.statement),
                ":ended": fact.is_some_and(|fact| fact.ended),
            })
            .map(|rows| rows > 0)
    }

    /// The memory that the row of a new one reads as.
    pub(super) fn stored(&self) -> Memory {
        let memory = self.memory.clone();
        let created_at = to_milliseconds(self.created_at);
        Memory {
            row_id: self.row_id,
            id: self.id,
            content: memory.content,
            kind: memory.kind,
            source: memory.source,
            tags: memory.tags,
            metadata: memory.metadata,
            confidence: memory.confidence,
            token_count: self.derived.token_count,
            created_at,
            updated_at: to_milliseconds(self.updated_at),
            accessed_at: None,
            access_count: 0,
            turn: memory.turn,
            last_confirmed_at: created_at,
            confirmation_count: 0,
            superseded_at: None,
            superseded_by: None,
            pinned: memory.pinned,
        }
    }
}

/// As precise as a column is.
fn to_milliseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
}

/// What stands for a kind in its column; the generated column `type` has its name.
pub(super) fn type_code(kind: MemoryType) -> u8 {
    match kind {
        MemoryType::Semantic => 0,
        MemoryType::Episodic => 1,
        MemoryType::Working => 2,
    }
}

/// What stands for a source in its column; the generated column `source` has its name.
pub(super) fn source_code(source: Source) -> u8 {
    match source {
        Source::User => 0,
        Source::Extracted => 1,
        Source::Inferred => 2,
        Source::Imported => 3,
    }
}

pub(super) fn tags_column(tags: &Tags) -> rusqlite::Result<Option<String>> {
    (!tags.is_empty()).then(|| to_json(tags)).transpose()
}

pub(super) fn metadata_column(metadata: &Metadata) -> rusqlite::Result<Option<String>> {
    (!metadata.is_empty()).then(|| to_json(metadata)).transpose()
}

/// Bytes of a fingerprint that are kept: what has the same ones is looked at.
const FINGERPRINT: usize = 4;

/// What is kept of a fingerprint.
pub(super) fn fingerprint_column(fingerprint: &[u8; 16]) -> [u8; FINGERPRINT] {
    fingerprint.first_chunk().copied().unwrap_or_default()
}

/// What follows from the words of a memory.
pub(super) struct Derived {
    pub(super) index_text: Option<String>,
    pub(super) fingerprint: [u8; FINGERPRINT],
    pub(super) word_count: u32,
    pub(super) token_count: u32,
}

impl Derived {
    /// Of a memory that is new at this time.
    pub(super) fn of_new(memory: &NewMemory, now: DateTime<Utc>) -> Self {
        Self::of(&memory.content, memory.turn.as_ref(), memory.created_at.unwrap_or(now))
    }

    pub(super) fn of(content: &str, turn: Option<&Turn>, created_at: DateTime<Utc>) -> Self {
        // A question about a conversation names who spoke, and sometimes when.
        let extra = turn.map(|turn| {
            let speaker = turn.speaker.as_deref().unwrap_or_default();
            format!("{speaker} {}", created_at.format("%-d %B %Y"))
                .trim_start()
                .to_owned()
        });
        Self {
            index_text: text::index_text(content, extra.as_deref().unwrap_or_default()),
            fingerprint: fingerprint_column(&text::fingerprint(content)),
            word_count: text::word_count(content),
            token_count: text::line_cost(&text::line(&model::statement(content, turn, created_at))),
        }
    }
}

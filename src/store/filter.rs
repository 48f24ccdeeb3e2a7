//! Which memories are meant: for lists, and for deleting what came from somewhere.

use chrono::{DateTime, Utc};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use serde_json::Value as Json;

use super::facts::{Restore, remove};
use super::{Store, StoreError};
use crate::model::{Memory, MemoryType, Metadata, NamespaceNumber, Source};

/// Memories deleted in one transaction, so that other writes get their turn.
const BATCH: usize = 500;

/// Which memories of a namespace are meant. Empty: all that are valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryFilter {
    /// Of one of these kinds; none given: of any.
    pub kinds: Vec<MemoryType>,
    /// From one of these sources; none given: from any.
    pub sources: Vec<Source>,
    /// With all of these tags.
    pub tags: Vec<String>,
    /// With one of these tags at least; none given: with any or none.
    pub any_tags: Vec<String>,
    /// With these free fields, by name: a string with these characters, or a number, `true`, `false` or `null` that is written so.
    pub metadata: Vec<(String, String)>,
    /// Whose words hold this, letter case ignored.
    pub text: Option<String>,
    /// Made at this time or later.
    pub created_after: Option<DateTime<Utc>>,
    /// Made before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// A piece of this conversation, or found in it.
    pub conversation_id: Option<String>,
    /// Found in this request.
    pub request_id: Option<String>,
    /// Found by this rule.
    pub rule: Option<String>,
    /// Those too whose place something newer has taken.
    pub include_superseded: bool,
}

/// What a deletion by filter did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Memories deleted.
    pub deleted: usize,
    /// Memories that became valid again.
    pub restored: usize,
}

impl Store {
    /// How many memories a filter means.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn count_memories(&self, namespace: NamespaceNumber, filter: MemoryFilter) -> Result<i64, StoreError> {
        self.read(move |connection| {
            let (condition, values) = filter.condition(namespace);
            connection
                .prepare_cached(&format!("SELECT count(*) FROM memories WHERE {condition}"))?
                .query_row(params_from_iter(&values), |row| row.get(0))
        })
        .await
    }

    /// Deletes the memories that a filter means.
    ///
    /// # Errors
    /// The store is in trouble; what was deleted so far stays so.
    pub async fn delete_memories(
        &self,
        namespace: NamespaceNumber,
        filter: MemoryFilter,
        restore: Restore,
    ) -> Result<Purged, StoreError> {
        let mut purged = Purged::default();
        // What becomes valid again and passes the filter too must not be deleted in a later batch by its new state, so all are named before.
        let doomed: Vec<i64> = self
            .read({
                let filter = filter.clone();
                move |connection| {
                    let (condition, values) = filter.condition(namespace);
                    connection
                        .prepare_cached(&format!(
                            "SELECT row_id FROM memories WHERE {condition} ORDER BY row_id DESC"
                        ))?
                        .query_map(params_from_iter(&values), |row| row.get(0))?
                        .collect()
                }
            })
            .await?;
        for batch in doomed.chunks(BATCH) {
            let batch = batch.to_vec();
            let (deleted, restored) = self
                .write(move |connection| {
                    let (mut deleted, mut restored) = (0, 0);
                    for row_id in batch {
                        let there = connection
                            .prepare_cached("SELECT 1 FROM memories WHERE row_id = ?1")?
                            .exists(params![row_id])?;
                        if there {
                            deleted += 1;
                            restored += remove(connection, row_id, restore)?.len();
                        }
                    }
                    Ok((deleted, restored))
                })
                .await?;
            purged.deleted += deleted;
            purged.restored += restored;
        }
        Ok(purged)
    }
}

impl MemoryFilter {
    /// The filter as SQL over `memories` and its values.
    pub(super) fn condition(&self, namespace: NamespaceNumber) -> (String, Vec<Value>) {
        let (first, last) = namespace.row_ids();
        let mut condition = String::from("row_id BETWEEN ? AND ?");
        let mut values = vec![Value::from(first), Value::from(last)];
        if !self.include_superseded {
            condition.push_str(" AND superseded_at IS NULL");
        }
        if !self.kinds.is_empty() {
            let marks = vec!["?"; self.kinds.len()].join(", ");
            condition.push_str(" AND type IN (");
            condition.push_str(&marks);
            condition.push(')');
            values.extend(self.kinds.iter().map(|kind| Value::from(kind.as_str().to_owned())));
        }
        let mut add = |sql: &str, value: Value| {
            condition.push_str(sql);
            values.push(value);
        };
        if !self.sources.is_empty() {
            let names: Vec<&str> = self.sources.iter().map(|source| source.as_str()).collect();
            add(
                " AND source IN (SELECT value FROM json_each(?))",
                Json::from(names).to_string().into(),
            );
        }
        for tag in &self.tags {
            add(
                " AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)",
                tag.clone().into(),
            );
        }
        if !self.any_tags.is_empty() {
            add(
                " AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value IN (SELECT value FROM json_each(?)))",
                Json::from(self.any_tags.clone()).to_string().into(),
            );
        }
        if !self.metadata.is_empty() {
            add(
                " AND has_fields(metadata, ?)",
                serde_json::json!(self.metadata).to_string().into(),
            );
        }
        if let Some(text) = &self.text {
            add(" AND holds(content, ?)", text.to_lowercase().into());
        }
        if let Some(after) = self.created_after {
            add(" AND created_at >= ?", after.timestamp_millis().into());
        }
        if let Some(before) = self.created_before {
            add(" AND created_at < ?", before.timestamp_millis().into());
        }
        if let Some(id) = &self.conversation_id {
            add(
                " AND coalesce(conversation_id, metadata ->> '$.conversation_id') = ?",
                id.clone().into(),
            );
        }
        if let Some(id) = &self.request_id {
            add(" AND metadata ->> '$.request_id' = ?", id.clone().into());
        }
        if let Some(rule) = &self.rule {
            add(" AND metadata ->> '$.rule' = ?", rule.clone().into());
        }
        (condition, values)
    }

    /// Whether a memory that is valid is meant.
    pub(super) fn accepts(&self, memory: &Memory) -> bool {
        let noted = |key: &str| memory.metadata.get(key).and_then(serde_json::Value::as_str);
        let conversation = memory.turn.as_ref().map(|turn| turn.conversation_id.as_str());
        let same =
            |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|wanted| found == Some(wanted));
        (self.kinds.is_empty() || self.kinds.contains(&memory.kind))
            && (self.sources.is_empty() || self.sources.contains(&memory.source))
            && self.tags.iter().all(|tag| memory.tags.contains(tag))
            && (self.any_tags.is_empty() || self.any_tags.iter().any(|tag| memory.tags.contains(tag)))
            && has_fields(&memory.metadata, &self.metadata)
            && self
                .text
                .as_ref()
                .is_none_or(|text| holds(&memory.content, &text.to_lowercase()))
            && self.created_after.is_none_or(|after| memory.created_at >= after)
            && self.created_before.is_none_or(|before| memory.created_at < before)
            && same(&self.conversation_id, conversation.or_else(|| noted("conversation_id")))
            && same(&self.request_id, noted("request_id"))
            && same(&self.rule, noted("rule"))
    }
}

/// Whether a text holds another, which is in lower case.
fn holds(text: &str, wanted: &str) -> bool {
    text.to_lowercase().contains(wanted)
}

/// Whether a memory has all of these free fields.
fn has_fields(metadata: &Metadata, wanted: &[(String, String)]) -> bool {
    wanted
        .iter()
        .all(|(name, value)| metadata.get(name).is_some_and(|found| is_written(found, value)))
}

/// Whether a value is the one that is written so.
fn is_written(value: &Json, text: &str) -> bool {
    match value {
        Json::String(string) => string == text,
        Json::Number(number) => serde_json::from_str::<serde_json::Number>(text)
            .is_ok_and(|wanted| *number == wanted || number.as_f64() == wanted.as_f64()),
        Json::Bool(wanted) => text == if *wanted { "true" } else { "false" },
        Json::Null => text == "null",
        Json::Array(_) | Json::Object(_) => false,
    }
}

/// What filters need of SQL that `SQLite` does not have: its own `lower` knows ASCII only, and its JSON functions take the dots in a name for a path.
pub(super) fn add_functions(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("holds", 2, flags, |call| {
        Ok(holds(call.get_raw(0).as_str()?, call.get_raw(1).as_str()?))
    })?;
    connection.create_scalar_function("has_fields", 2, flags, |call| {
        let read = |error: serde_json::Error| rusqlite::Error::UserFunctionError(error.into());
        // A memory without free fields has no object either.
        let Some(metadata) = call.get_raw(0).as_str_or_null()? else {
            return Ok(false);
        };
        let metadata: Metadata = serde_json::from_str(metadata).map_err(read)?;
        let wanted: Vec<(String, String)> = serde_json::from_str(call.get_raw(1).as_str()?).map_err(read)?;
        Ok(has_fields(&metadata, &wanted))
    })
}

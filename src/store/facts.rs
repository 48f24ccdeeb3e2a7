//! Facts that come and go: saying the same again, saying something newer, ending, forgetting.
//!
//! Everything that an exchange brings is done in one transaction, so that of two exchanges at the same moment one sees what the other did.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::memories::{COLUMNS, from_row, insert};
use super::rows::{WITH_ID, fingerprint_column};
use super::{Store, StoreError};
use crate::model::{self, Fact, Memory, MemoryId, NamespaceNumber, NewMemory};
use crate::text;

/// What somebody said that memory is to follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Lesson {
    /// This holds from now on.
    Learn(NewMemory),
    /// What says this is to be forgotten; the words are not kept.
    Forget(Fact),
    /// A piece of a conversation: it was said, whatever is known already.
    Keep(NewMemory),
}

/// What came of a lesson.
#[derive(Debug)]
pub enum Learned {
    /// It was new. What it took the place of stands beside it.
    Stored(MemoryId, Vec<MemoryId>),
    /// A memory says the same.
    Confirmed(MemoryId),
    /// These were deleted. None: nothing is named so, or more than one thing is.
    Forgotten(Vec<MemoryId>),
    /// It was kept as a piece of a conversation.
    Kept,
}

/// Whether what is done is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehearsal {
    /// It is done.
    No,
    /// It is done, looked at, and taken back.
    Yes,
}

impl Store {
    /// Follows lessons, all in one transaction; `None` where the namespace is gone.
    ///
    /// # Errors
    /// The store is in trouble; nothing was changed.
    pub async fn learn(
        &self,
        namespace: NamespaceNumber,
        lessons: Vec<Lesson>,
        rehearsal: Rehearsal,
    ) -> Result<Option<Vec<Learned>>, StoreError> {
        self.write(move |connection| match rehearsal {
            Rehearsal::No => learn(connection, namespace, &lessons),
            Rehearsal::Yes => {
                connection.execute_batch("SAVEPOINT rehearsal")?;
                let learned = learn(connection, namespace, &lessons);
                connection.execute_batch("ROLLBACK TO rehearsal; RELEASE rehearsal")?;
                learned
            }
        })
        .await
    }

    /// All memories that took each other's place and this one among them, oldest first; empty where there is none of that id in the namespace.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn history(&self, namespace: NamespaceNumber, id: MemoryId) -> Result<Vec<Memory>, StoreError> {
        self.read(move |connection| {
            connection
                .prepare_cached(&format!(
                    "WITH RECURSIVE
                     later (row_id, next) AS (
                         SELECT row_id, superseded_by FROM memories WHERE {WITH_ID} AND namespace = ?2
                         UNION SELECT memories.row_id, memories.superseded_by FROM later JOIN memories ON memories.row_id = later.next),
                     chain (row_id) AS (
                         SELECT row_id FROM later WHERE next IS NULL
                         UNION SELECT memories.row_id FROM chain JOIN memories ON memories.superseded_by = chain.row_id)
                     SELECT {COLUMNS} FROM memories WHERE row_id IN (SELECT row_id FROM chain) ORDER BY row_id"
                ))?
                .query_map(params![id, namespace.0], from_row)?
                .collect()
        })
        .await
    }
}

/// Follows lessons within a transaction; `None` where the namespace is gone.
pub(super) fn learn(
    connection: &Connection,
    namespace: NamespaceNumber,
    lessons: &[Lesson],
) -> rusqlite::Result<Option<Vec<Learned>>> {
    let mut learned = Vec::with_capacity(lessons.len());
    for lesson in lessons {
        let one = match lesson {
            Lesson::Learn(memory) => learn_one(connection, namespace, memory)?,
            Lesson::Forget(fact) => Some(Learned::Forgotten(forget(connection, namespace, fact)?)),
            Lesson::Keep(memory) => insert(connection, namespace, memory)?.map(|_| Learned::Kept),
        };
        match one {
            Some(one) => learned.push(one),
            None => return Ok(None),
        }
    }
    Ok(Some(learned))
}

/// A memory that a new one may confirm or supersede.
struct Rival {
    row_id: i64,
    id: MemoryId,
    content: String,
    slot_value: Option<String>,
    statement: String,
    ended: bool,
}

impl Rival {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            row_id: row.get(0)?,
            id: row.get(1)?,
            content: row.get(2)?,
            slot_value: row.get(3)?,
            statement: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            ended: row.get(5)?,
        })
    }
}

const RIVAL: &str = "SELECT row_id, id, content, slot_value, statement, ended FROM memories
     WHERE namespace = ?1 AND superseded_at IS NULL";

fn learn_one(
    connection: &Connection,
    namespace: NamespaceNumber,
    memory: &NewMemory,
) -> rusqlite::Result<Option<Learned>> {
    let now = memory.created_at.unwrap_or_else(model::now);
    if let Some((row_id, id)) = saying_the_same(connection, namespace, &memory.content)? {
        confirm(connection, row_id, now)?;
        return Ok(Some(Learned::Confirmed(id)));
    }
    let mut replaced = Vec::new();
    if let Some(fact) = &memory.fact {
        for rival in rivals(connection, namespace, fact)? {
            match against(fact, &memory.content, &rival) {
                Standing::Same => {
                    confirm(connection, rival.row_id, now)?;
                    return Ok(Some(Learned::Confirmed(rival.id)));
                }
                Standing::Older => replaced.push(rival),
                Standing::Beside => {}
            }
        }
    }
    let Some(stored) = insert(connection, namespace, memory)? else {
        return Ok(None);
    };
    for rival in &replaced {
        connection
            .prepare_cached("UPDATE memories SET superseded_at = ?2, superseded_by = ?3 WHERE row_id = ?1")?
            .execute(params![rival.row_id, now.timestamp_millis(), stored.row_id])?;
    }
    let replaced = replaced.into_iter().map(|rival| rival.id).collect();
    Ok(Some(Learned::Stored(stored.id, replaced)))
}

/// The valid memory that has the same words.
fn saying_the_same(
    connection: &Connection,
    namespace: NamespaceNumber,
    content: &str,
) -> rusqlite::Result<Option<(i64, MemoryId)>> {
    let fingerprint = text::fingerprint(content);
    let mut look_up = connection.prepare_cached(
        "SELECT row_id, id, content FROM memories WHERE namespace = ?1 AND fingerprint = ?2 AND superseded_at IS NULL",
    )?;
    let mut rows = look_up.query(params![namespace.0, fingerprint_column(&fingerprint)])?;
    while let Some(row) = rows.next()? {
        if text::fingerprint(row.get_ref(2)?.as_str()?) == fingerprint {
            return Ok(Some((row.get(0)?, row.get(1)?)));
        }
    }
    Ok(None)
}

fn confirm(connection: &Connection, row_id: i64, at: DateTime<Utc>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE memories SET confirmation_count = confirmation_count + 1,
                 confirmed_at = max(coalesce(confirmed_at, created_at), ?2) WHERE row_id = ?1",
        )?
        .execute(params![row_id, at.timestamp_millis()])
        .map(|_| ())
}

/// Valid memories that speak of the same: in the same slot, or with the same statement; and for the end of something, those that say more of it.
fn rivals(connection: &Connection, namespace: NamespaceNumber, fact: &Fact) -> rusqlite::Result<Vec<Rival>> {
    if let Some(slot) = &fact.slot {
        return connection
            .prepare_cached(&format!("{RIVAL} AND slot = ?2"))?
            .query_map(params![namespace.0, slot.name], Rival::from_row)?
            .collect();
    }
    let same: Vec<Rival> = connection
        .prepare_cached(&format!("{RIVAL} AND statement = ?2 AND slot IS NULL"))?
        .query_map(params![namespace.0, fact.statement], Rival::from_row)?
        .collect::<rusqlite::Result<_>>()?;
    if !fact.ended || !same.is_empty() {
        return Ok(same);
    }
    // Where several things are more than what ended, nobody knows which of them was meant.
    let more = saying_more(connection, namespace, &fact.statement)?;
    Ok(if more.len() == 1 { more } else { Vec::new() })
}

/// Valid memories whose statement begins with this one and goes on.
fn saying_more(connection: &Connection, namespace: NamespaceNumber, statement: &str) -> rusqlite::Result<Vec<Rival>> {
    connection
        .prepare_cached(&format!(
            "{RIVAL} AND statement > ?2 || ' ' AND statement < ?2 || '!' LIMIT 2"
        ))?
        .query_map(params![namespace.0, statement], Rival::from_row)?
        .collect()
}

/// How a valid memory stands to a new one.
enum Standing {
    /// It says the same.
    Same,
    /// The new one takes its place.
    Older,
    /// Both hold.
    Beside,
}

fn against(fact: &Fact, content: &str, rival: &Rival) -> Standing {
    let same_value = match &fact.slot {
        Some(slot) => rival.slot_value.as_ref() == Some(&slot.value),
        None => rival.statement == fact.statement || fact.ended,
    };
    match (fact.ended, rival.ended, same_value) {
        // Something that was never said to be so has ended, or ended before.
        (true, _, false) => Standing::Beside,
        (true, true, true) => Standing::Same,
        (false, false, true) if fact.slot.is_some() && !says_more(content, &rival.content) => Standing::Same,
        // In other words, tense for one: both are kept.
        (false, false, true) if fact.slot.is_none() => Standing::Beside,
        (true, false, true) | (false, ..) => Standing::Older,
    }
}

/// Whether a sentence holds every word of another one, and others.
fn says_more(content: &str, than: &str) -> bool {
    let words: Vec<_> = text::words(content).collect();
    let others: Vec<_> = text::words(than).collect();
    words.len() > others.len() && others.iter().all(|word| words.contains(word))
}

/// Deletes what a fact names: what says the same, superseded or not, or else the one memory that says that and more.
fn forget(connection: &Connection, namespace: NamespaceNumber, fact: &Fact) -> rusqlite::Result<Vec<MemoryId>> {
    let (slot, value) = fact
        .slot
        .as_ref()
        .map_or((None, None), |slot| (Some(&slot.name), Some(&slot.value)));
    let mut named: Vec<i64> = connection
        .prepare_cached(
            "SELECT row_id FROM memories WHERE namespace = ?1 AND statement = ?2
             UNION SELECT row_id FROM memories WHERE namespace = ?1 AND slot = ?3 AND slot_value = ?4",
        )?
        .query_map(params![namespace.0, fact.statement, slot, value], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if named.is_empty() {
        let more = saying_more(connection, namespace, &fact.statement)?;
        if let [one] = more.as_slice() {
            named.push(one.row_id);
            // "Forget my favourite food" names the one before it too; "forget that I live in Paris" does not mean Rome.
            if fact.slot.is_none() {
                named.extend(superseded_by(connection, one.row_id)?);
            }
        }
    }
    let mut forgotten = Vec::with_capacity(named.len());
    for row_id in named {
        let id = connection
            .prepare_cached("SELECT id FROM memories WHERE row_id = ?1")?
            .query_row([row_id], |row| row.get(0))?;
        remove(connection, row_id, Restore::No)?;
        forgotten.push(id);
    }
    Ok(forgotten)
}

/// The memories whose place this one took, and those before them.
fn superseded_by(connection: &Connection, row_id: i64) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached(
            "WITH RECURSIVE earlier (row_id) AS (
                 SELECT row_id FROM memories WHERE superseded_by = ?1
                 UNION SELECT memories.row_id FROM earlier JOIN memories ON memories.superseded_by = earlier.row_id)
             SELECT row_id FROM earlier",
        )?
        .query_map([row_id], |row| row.get(0))?
        .collect()
}

/// Whether what a deleted memory took the place of becomes valid again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restore {
    /// It stays superseded.
    No,
    /// It becomes valid again, unless something newer still stands in its place.
    Yes,
}

/// Deletes a memory; returns what became valid again.
pub(super) fn remove(connection: &Connection, row_id: i64, restore: Restore) -> rusqlite::Result<Vec<MemoryId>> {
    let restored = match restore {
        Restore::No => Vec::new(),
        Restore::Yes => connection
            .prepare_cached(
                "UPDATE memories SET superseded_at = NULL, superseded_by = NULL
                 WHERE superseded_by = ?1 AND (SELECT superseded_at FROM memories WHERE row_id = ?1) IS NULL RETURNING id",
            )?
            .query_map([row_id], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?,
    };
    // The chain stays whole around the gap.
    connection
        .prepare_cached(
            "UPDATE memories SET superseded_by = (SELECT superseded_by FROM memories WHERE row_id = ?1) WHERE superseded_by = ?1",
        )?
        .execute([row_id])?;
    connection
        .prepare_cached("DELETE FROM memories WHERE row_id = ?1")?
        .execute([row_id])?;
    Ok(restored)
}

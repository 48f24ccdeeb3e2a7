//! Facts that were found in finished exchanges and are not memories yet: a queue in the database, so that a crash loses none and does none twice.
//!
//! An entry leaves the queue in the transaction that stores its facts. Whoever comes too late for an entry finds it gone, and does nothing.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::activity::{Extraction, Outcome};
use super::facts::{Learned, Lesson, learn};
use super::namespaces::{ensure, to_json};
use super::{Store, StoreError};
use crate::model::{self, NamespaceName, NamespaceNumber};

/// Most exchanges that wait in the database; where there are more, the oldest go.
const MOST: i64 = 1_024;

/// What [`probe`] writes.
const PROBE_BYTES: u32 = 64 << 10;

/// The facts of one exchange.
#[derive(Clone, Debug)]
pub struct FoundFacts {
    /// Where they belong.
    pub namespace: FactsNamespace,
    /// The request that they were found in.
    pub request_id: String,
    /// What is to be remembered.
    pub facts: Vec<Lesson>,
}

/// Where facts belong.
#[derive(Clone, Debug)]
pub enum FactsNamespace {
    /// In this one; nowhere once it is gone.
    Known(NamespaceNumber),
    /// In the one of this name, made where there is none.
    Named(NamespaceName),
}

/// What came of entries of the queue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settled {
    /// Facts that were new.
    pub stored: usize,
    /// Facts that were known already.
    pub known: usize,
    /// Memories whose place a new one took.
    pub superseded: usize,
    /// Memories deleted because the user asked for it.
    pub forgotten: usize,
    /// Entries that cannot be read.
    pub unreadable: usize,
    /// The same, request by request.
    pub outcomes: Vec<Outcome>,
}

impl Store {
    /// Puts the facts of exchanges on the queue, all or none; how many older exchanges had to go for them.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn enqueue(&self, exchanges: Vec<FoundFacts>) -> Result<usize, StoreError> {
        self.write(move |connection| {
            for exchange in &exchanges {
                let number = match &exchange.namespace {
                    FactsNamespace::Known(number) => *number,
                    FactsNamespace::Named(name) => ensure(connection, name)?.number,
                };
                connection
                    .prepare_cached(
                        "INSERT INTO extraction_queue (namespace, facts, queued_at, request_id)
                         SELECT number, ?2, ?3, ?4 FROM namespaces WHERE number = ?1",
                    )?
                    .execute(params![
                        number.0,
                        to_json(&exchange.facts)?,
                        model::now().timestamp_millis(),
                        exchange.request_id
                    ])?;
            }
            connection
                .prepare_cached(
                    "DELETE FROM extraction_queue WHERE number <=
                         (SELECT number FROM extraction_queue ORDER BY number DESC LIMIT 1 OFFSET ?1)",
                )?
                .execute([MOST])
        })
        .await
    }

    /// The entries that wait, oldest first.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn queued(&self) -> Result<Vec<i64>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT number FROM extraction_queue ORDER BY number")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
        .await
    }

    /// Stores the facts of these entries and takes the entries off the queue, in one transaction.
    ///
    /// # Errors
    /// The store is in trouble; the entries stay on the queue.
    pub async fn settle(&self, entries: Vec<i64>) -> Result<Settled, StoreError> {
        self.write(move |connection| {
            let mut settled = Settled::default();
            for entry in entries {
                settle(connection, entry, &mut settled)?;
            }
            Ok(settled)
        })
        .await
    }
}

/// Writes as much as a change needs room for, and takes it back in the same transaction. A row that is rewritten with its own values would not do:
/// `SQLite` sees that nothing changes, and writes nothing.
pub(super) fn probe(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO extraction_queue (namespace, facts, queued_at) SELECT number, json_quote(hex(zeroblob(?1))), 0
             FROM namespaces LIMIT 1 RETURNING number",
        )?
        .query_row([PROBE_BYTES / 2], |row| row.get::<_, i64>(0))
        .and_then(|number| {
            connection
                .prepare_cached("DELETE FROM extraction_queue WHERE number = ?1")?
                .execute([number])
        })
        .map(|_| ())
}

fn settle(connection: &Connection, entry: i64, settled: &mut Settled) -> rusqlite::Result<()> {
    let taken: Option<(i64, String, String)> = connection
        .prepare_cached("DELETE FROM extraction_queue WHERE number = ?1 RETURNING namespace, facts, request_id")?
        .query_row([entry], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((namespace, facts, request_id)) = taken else {
        return Ok(());
    };
    let Ok(facts) = serde_json::from_str::<Vec<Lesson>>(&facts) else {
        settled.unreadable += 1;
        return Ok(());
    };
    let namespace = NamespaceNumber(namespace);
    let learned = learn(connection, namespace, &facts)?.unwrap_or_default();
    let mut extracted = Vec::with_capacity(learned.len());
    for (lesson, learned) in facts.iter().zip(learned) {
        let mut one = Extraction {
            rule: rule(lesson),
            result: "stored".into(),
            id: None,
            superseded: Vec::new(),
            forgotten: Vec::new(),
        };
        match learned {
            Learned::Stored(id, superseded) => {
                settled.stored += 1;
                settled.superseded += superseded.len();
                (one.id, one.superseded) = (Some(id), superseded);
            }
            Learned::Confirmed(id) => {
                settled.known += 1;
                (one.result, one.id) = ("known".into(), Some(id));
            }
            Learned::Forgotten(memories) => {
                settled.forgotten += memories.len();
                (one.result, one.forgotten) = ("forgotten".into(), memories);
            }
            Learned::Kept => continue,
        }
        extracted.push(one);
    }
    settled.outcomes.push(Outcome {
        namespace,
        request_id,
        extracted,
    });
    Ok(())
}

/// The rule that a fact was found by.
fn rule(lesson: &Lesson) -> String {
    let noted = match lesson {
        Lesson::Learn(memory) | Lesson::Keep(memory) => memory.metadata.get("rule"),
        Lesson::Forget(_) => None,
    };
    noted.and_then(serde_json::Value::as_str).unwrap_or("forget").to_owned()
}

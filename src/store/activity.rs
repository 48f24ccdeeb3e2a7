//! What proxied requests were given from memory, and what was learned from them: ids and figures, never words.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::keys::VISIBLE;
use super::memories::time;
use super::namespaces::{to_json, unreadable};
use super::{Store, StoreError};
use crate::model::{MemoryId, NamespaceNumber};

/// Most requests that are kept, of all namespaces together.
const MOST: i64 = 10_000;
/// How long a request is kept.
const KEPT: TimeDelta = TimeDelta::days(30);

/// A proxied request.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Where it looked and learned.
    pub namespace: NamespaceNumber,
    /// When it came.
    pub at: DateTime<Utc>,
    /// Its id.
    pub request_id: String,
    /// The model that it asked for.
    pub model: Option<String>,
    /// The status of its answer.
    pub status: u16,
    /// Microseconds until memory had answered, where it was asked.
    pub recall_time: Option<i64>,
    /// Microseconds until the answer began.
    pub latency: i64,
    /// Tokens of the block.
    pub token_count: u32,
    /// What was in the block.
    pub injected: Vec<Injected>,
    /// What was learned.
    pub extracted: Vec<Extraction>,
}

/// A memory in a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Injected {
    /// Which.
    #[schema(value_type = Uuid)]
    pub id: MemoryId,
    /// Why: `pinned`, `match` or `profile`.
    pub position: String,
    /// Its relevance.
    pub score: f64,
    /// Its tokens.
    pub token_count: u32,
}

/// What one fact in an exchange came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Extraction {
    /// The rule that found it.
    pub rule: String,
    /// `stored`, `known` or `forgotten`.
    pub result: String,
    /// The memory that was made, or that says so already.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub id: Option<MemoryId>,
    /// Those that it took the place of.
    #[schema(value_type = Vec<Uuid>)]
    pub superseded: Vec<MemoryId>,
    /// Those that were deleted.
    #[schema(value_type = Vec<Uuid>)]
    pub forgotten: Vec<MemoryId>,
}

/// What was learned from a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Where.
    pub namespace: NamespaceNumber,
    /// From which request.
    pub request_id: String,
    /// What.
    pub extracted: Vec<Extraction>,
}

/// A page of requests, newest first.
#[derive(Debug)]
pub struct ActivityPage {
    /// Those on the page, each with its number.
    pub requests: Vec<(i64, Activity)>,
    /// How many there are in all.
    pub total: i64,
    /// Whether there are more behind them.
    pub more: bool,
}

/// What a namespace was used for since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Chat requests.
    pub requests: i64,
    /// Of these, those that were given something.
    pub injections: i64,
    /// Memories that they were given.
    pub injected_memories: i64,
    /// Tokens that they were given.
    pub injected_tokens: i64,
    /// Facts that were new.
    pub stored: i64,
    /// Facts that were known already.
    pub known: i64,
    /// Memories whose place a new one took.
    pub superseded: i64,
    /// Memories deleted because the user asked for it.
    pub forgotten: i64,
}

impl Store {
    /// Counts requests and what was learned, and keeps them where `keep` says so. Those of namespaces that are gone are passed over.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn note_activity(
        &self,
        requests: Vec<Activity>,
        outcomes: Vec<Outcome>,
        keep: bool,
    ) -> Result<(), StoreError> {
        self.write_each(requests, move |connection, request| {
            note_request(connection, request, keep)
        })
        .await?;
        self.write(move |connection| {
            for outcome in &outcomes {
                note_outcome(connection, outcome, keep)?;
            }
            connection
                .prepare_cached("DELETE FROM activity WHERE number <= (SELECT max(number) FROM activity) - ?1")?
                .execute([MOST])
                .map(|_| ())
        })
        .await
    }

    /// Forgets requests that are too old.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn forget_activity(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM activity WHERE at < ?1")?
                .execute([(now - KEPT).timestamp_millis()])
                .map(|_| ())
        })
        .await
    }

    /// A page of a namespace's requests, behind one of them where it is numbered, and of one id where that is given.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn activity(
        &self,
        namespace: NamespaceNumber,
        request_id: Option<String>,
        before: Option<i64>,
        (limit, offset): (u32, u64),
    ) -> Result<ActivityPage, StoreError> {
        self.read(move |connection| {
            let of_request = "namespace = ?1 AND (?2 IS NULL OR request_id = ?2)";
            let total = connection
                .prepare_cached(&format!("SELECT count(*) FROM activity WHERE {of_request}"))?
                .query_row(params![namespace.0, request_id], |row| row.get(0))?;
            let mut requests: Vec<(i64, Activity)> = connection
                .prepare_cached(&format!(
                    "SELECT number, namespace, at, request_id, model, status, recall_time, latency, token_count, injected, extracted
                     FROM activity WHERE {of_request} AND number < ?3 ORDER BY number DESC LIMIT ?4 OFFSET ?5"
                ))?
                .query_map(
                    params![
                        namespace.0,
                        request_id,
                        before.unwrap_or(i64::MAX),
                        i64::from(limit) + 1,
                        i64::try_from(offset).unwrap_or(i64::MAX)
                    ],
                    from_row,
                )?
                .collect::<rusqlite::Result<_>>()?;
            let more = requests.len() > limit as usize;
            requests.truncate(limit as usize);
            Ok(ActivityPage { requests, total, more })
        })
        .await
    }
}

/// What a namespace was used for, or all of them, or those that patterns name.
pub(super) fn usage(
    connection: &Connection,
    namespace: Option<NamespaceNumber>,
    visible: Option<&str>,
) -> rusqlite::Result<Usage> {
    connection
        .prepare_cached(&format!(
            "SELECT total(requests), total(injections), total(injected_memories), total(injected_tokens), total(stored), total(known),
                 total(superseded), total(forgotten)
             FROM usage
             WHERE (:number IS NULL OR namespace = :number)
                 AND (:visible IS NULL OR namespace IN (SELECT number FROM namespaces WHERE {VISIBLE}))",
        ))?
        .query_row(named_params! { ":number": namespace.map(|namespace| namespace.0), ":visible": visible }, |row| {
            #[expect(clippy::cast_possible_truncation, reason = "counts are far below 2^53")]
            let count = |column| row.get::<_, f64>(column).map(|count| count as i64);
            Ok(Usage {
                requests: count(0)?,
                injections: count(1)?,
                injected_memories: count(2)?,
                injected_tokens: count(3)?,
                stored: count(4)?,
                known: count(5)?,
                superseded: count(6)?,
                forgotten: count(7)?,
            })
        })
}

fn note_request(connection: &Connection, request: &Activity, keep: bool) -> rusqlite::Result<()> {
    let counted = connection
        .prepare_cached(
            "INSERT INTO usage (namespace, requests, injections, injected_memories, injected_tokens)
             SELECT number, 1, ?2, ?3, ?4 FROM namespaces WHERE number = ?1
             ON CONFLICT (namespace) DO UPDATE SET requests = requests + 1, injections = injections + ?2,
                 injected_memories = injected_memories + ?3, injected_tokens = injected_tokens + ?4",
        )?
        .execute(params![
            request.namespace.0,
            !request.injected.is_empty(),
            count(request.injected.len()),
            request.token_count
        ])?;
    if counted == 0 || !keep {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO activity (namespace, at, request_id, model, status, recall_time, latency, token_count, injected)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            request.namespace.0,
            request.at.timestamp_millis(),
            request.request_id,
            request.model,
            request.status,
            request.recall_time,
            request.latency,
            request.token_count,
            to_json(&request.injected)?
        ])
        .map(|_| ())
}

fn note_outcome(connection: &Connection, outcome: &Outcome, keep: bool) -> rusqlite::Result<()> {
    let facts = outcome.extracted.iter();
    let of = |result: &str| count(facts.clone().filter(|fact| fact.result == result).count());
    let superseded = count(facts.clone().map(|fact| fact.superseded.len()).sum());
    let forgotten = count(facts.clone().map(|fact| fact.forgotten.len()).sum());
    connection
        .prepare_cached(
            "INSERT INTO usage (namespace, stored, known, superseded, forgotten)
             SELECT number, ?2, ?3, ?4, ?5 FROM namespaces WHERE number = ?1
             ON CONFLICT (namespace) DO UPDATE SET stored = stored + ?2, known = known + ?3, superseded = superseded + ?4,
                 forgotten = forgotten + ?5",
        )?
        .execute(params![outcome.namespace.0, of("stored"), of("known"), superseded, forgotten])?;
    if !keep {
        return Ok(());
    }
    // Newest first: a client may use an id again.
    let number: Option<i64> = connection
        .prepare_cached(
            "SELECT number FROM activity WHERE namespace = ?1 AND request_id = ?2 ORDER BY number DESC LIMIT 1",
        )?
        .query_row(params![outcome.namespace.0, outcome.request_id], |row| row.get(0))
        .optional()?;
    connection
        .prepare_cached("UPDATE activity SET extracted = ?2 WHERE number = ?1")?
        .execute(params![number, to_json(&outcome.extracted)?])
        .map(|_| ())
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<(i64, Activity)> {
    let json = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let activity = Activity {
        namespace: NamespaceNumber(row.get(1)?),
        at: time(row, 2)?,
        request_id: row.get(3)?,
        model: row.get(4)?,
        status: row.get(5)?,
        recall_time: row.get(6)?,
        latency: row.get(7)?,
        token_count: row.get(8)?,
        injected: serde_json::from_str(json(9)?).map_err(|error| unreadable(9, error.to_string()))?,
        extracted: serde_json::from_str(json(10)?).map_err(|error| unreadable(10, error.to_string()))?,
    };
    Ok((row.get(0)?, activity))
}

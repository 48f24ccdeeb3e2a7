//! The schema, step by step. A step that has landed is never edited.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use chrono::Utc;
use rusqlite::{Connection, TransactionBehavior, params};
use uuid::Uuid;

use super::OpenError;
use super::connection::{APPLICATION_ID, BUSY_TIMEOUT};
use crate::model::NamespaceName;

/// Step n brings the schema from version n to n + 1 (`PRAGMA user_version`).
const STEPS: &[&str] = &[
    include_str!("../../migrations/0001_initial.sql"),
    include_str!("../../migrations/0002_extraction_queue.sql"),
    include_str!("../../migrations/0003_changing_facts.sql"),
    include_str!("../../migrations/0004_pinned.sql"),
    include_str!("../../migrations/0005_rewrites.sql"),
    include_str!("../../migrations/0006_smaller_rows.sql"),
    include_str!("../../migrations/0007_injected_blocks.sql"),
    include_str!("../../migrations/0008_facts_unread.sql"),
    include_str!("../../migrations/0009_api.sql"),
    include_str!("../../migrations/0010_keys.sql"),
    include_str!("../../migrations/0011_usual_values_first.sql"),
];

/// How often a long migration, or a long wait for one, says that it goes on.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// How long a wait is worth no word.
const FIRST_REPORT: Duration = Duration::from_secs(1);
/// How long until a file that another process writes to is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

fn known_version() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Refuses a schema that this binary does not know.
pub(super) fn check_version(found: i64, path: &Path) -> Result<(), OpenError> {
    let known = known_version();
    if found > known {
        return Err(OpenError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(())
}

/// Whether a database has the schema of this binary.
pub(super) fn is_current(connection: &Connection) -> rusqlite::Result<bool> {
    connection.pragma_query_value(None, "user_version", |row| Ok(row.get::<_, i64>(0)? == known_version()))
}

/// Something that the schema consists of: its kind, its name, and the statement that makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SchemaObject {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) sql: String,
}

/// What the schema of this version consists of.
pub(super) fn expected_schema(version: i64) -> rusqlite::Result<Vec<SchemaObject>> {
    let connection = Connection::open_in_memory()?;
    for step in STEPS.iter().take(usize::try_from(version).unwrap_or_default()) {
        connection.execute_batch(step)?;
    }
    schema_of(&connection)
}

/// What the schema of a database consists of. What has no statement is made with its table.
pub(super) fn schema_of(connection: &Connection) -> rusqlite::Result<Vec<SchemaObject>> {
    connection
        .prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")?
        .query_map([], |row| {
            Ok(SchemaObject {
                kind: row.get(0)?,
                name: row.get(1)?,
                sql: row.get(2)?,
            })
        })?
        .collect()
}

/// Brings the schema up to date in one transaction. Of several processes that try at once, one does it and the others find it done.
pub(super) fn run(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let fail = |error: rusqlite::Error| OpenError::unusable(path, &error);
    if is_current(connection).map_err(fail)? {
        return Ok(());
    }
    // Whoever migrates a large file takes longer than anything else that is waited for.
    connection.busy_handler(Some(wait_for_other)).map_err(fail)?;
    // Dropping a table would look for each of its rows at what refers to it, and the switch has no effect within a transaction.
    connection.pragma_update(None, "foreign_keys", false).map_err(fail)?;
    let migrated = migrate(connection, path);
    connection.progress_handler(0, None::<fn() -> bool>).map_err(fail)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(fail)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
    if migrated? {
        compact(connection, path);
    }
    Ok(())
}

/// Whether there was anything to do to a database that was there before.
fn migrate(connection: &mut Connection, path: &Path) -> Result<bool, OpenError> {
    let fail = |error: rusqlite::Error| OpenError::unusable(path, &error);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fail)?;
    let version: i64 = transaction
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(fail)?;
    check_version(version, path)?;
    if version == known_version() {
        return Ok(false);
    }
    if version > 0 {
        tracing::info!(database = %path.display(), from = version, to = known_version(), "the database is brought up to date");
        report_progress(&transaction).map_err(fail)?;
    }
    for step in STEPS.iter().skip(usize::try_from(version).unwrap_or_default()) {
        transaction.execute_batch(step).map_err(fail)?;
    }
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(fail)?;
    transaction
        .pragma_update(None, "user_version", known_version())
        .map_err(fail)?;
    let now = Utc::now().timestamp_millis();
    transaction
        .execute(
            "INSERT INTO namespaces (id, name, config, created_at, updated_at) VALUES (?1, ?2, '{}', ?3, ?3)
             ON CONFLICT (name) DO NOTHING",
            params![Uuid::now_v7(), NamespaceName::DEFAULT, now],
        )
        .map_err(fail)?;
    transaction.commit().map_err(fail)?;
    Ok(version > 0)
}

/// Waits for another process that writes to the file, for as long as it takes. Told how often it was called for one lock.
fn wait_for_other(tries: i32) -> bool {
    let waited = RETRY_INTERVAL.saturating_mul(tries.unsigned_abs());
    if waited == FIRST_REPORT || tries > 0 && waited.as_millis().is_multiple_of(REPORT_INTERVAL.as_millis()) {
        tracing::info!(
            seconds = waited.as_secs(),
            "another process is writing to the database; waiting until it is done"
        );
    }
    thread::sleep(RETRY_INTERVAL);
    true
}

/// Says from time to time that the work goes on. Until it is done, the file is as it was.
fn report_progress(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    let mut next = REPORT_INTERVAL;
    connection.progress_handler(
        100_000,
        Some(move || {
            if begun.elapsed() >= next {
                next += REPORT_INTERVAL;
                let seconds = begun.elapsed().as_secs();
                tracing::info!(
                    seconds,
                    "the database is still being brought up to date; stopped now, it is as before"
                );
            }
            false
        }),
    )
}

/// Gives back the room that a step has left empty, where that is much. What is in the way is no reason not to start: the room is used by what comes.
fn compact(connection: &Connection, path: &Path) {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let compacted = pragma("freelist_count").and_then(|free| {
        if free * 4 < pragma("page_count")? {
            return Ok(());
        }
        connection.execute_batch("VACUUM")?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    });
    match compacted {
        Ok(()) => tracing::info!(database = %path.display(), "the database is up to date"),
        Err(error) => {
            tracing::warn!(%error, database = %path.display(), "the database is up to date, but keeps the room it no longer needs");
        }
    }
}

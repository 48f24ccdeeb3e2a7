//! What is in a database, and how much room it takes.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row};

use super::{CareError, Stop, inspect};
use crate::store::connection::{self, beside};

/// What is in a database, and how much room it takes. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// The file.
    pub path: PathBuf,
    /// Its schema (`PRAGMA user_version`).
    pub schema: i64,
    /// Its size.
    pub file_bytes: u64,
    /// The size of the write-ahead log beside it.
    pub log_bytes: u64,
    /// Pages of the file that hold nothing; new memories take them first.
    pub free_bytes: u64,
    /// The contents of all memories, as UTF-8.
    pub text_bytes: i64,
    /// The full-text index.
    pub index_bytes: i64,
    /// All memories, those that are superseded among them.
    pub memories: i64,
    /// Each namespace, by name.
    pub namespaces: Vec<NamespaceCounts>,
    /// Memories by their type.
    pub types: Vec<(String, i64)>,
    /// Memories by their source.
    pub sources: Vec<(String, i64)>,
    /// When the oldest memory came to be.
    pub oldest: Option<DateTime<Utc>>,
    /// When the newest memory came to be.
    pub newest: Option<DateTime<Utc>>,
    /// When a memory or a namespace was last made or changed.
    pub last_write: Option<DateTime<Utc>>,
}

/// What is in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceCounts {
    /// Its name.
    pub name: String,
    /// Its memories, those that are superseded among them.
    pub memories: i64,
    /// Their tokens, as context lines.
    pub tokens: i64,
    /// Their contents, in bytes of UTF-8.
    pub text_bytes: i64,
    /// When one of them, or the namespace, was last made or changed.
    pub last_write: Option<DateTime<Utc>>,
}

/// Counts what is in a database, which may be in use.
///
/// # Errors
/// There is no such database, or it cannot be used.
pub fn stats(database: &Path, stop: &Stop) -> Result<Stats, CareError> {
    inspect(database)?;
    let fail = CareError::sqlite(database);
    let connection = connection::open_visitor(database).map_err(&fail)?;
    stop.watch(&connection).map_err(&fail)?;
    let transaction = connection.unchecked_transaction().map_err(&fail)?;
    count(&transaction, database).map_err(&fail)
}

fn count(connection: &Connection, database: &Path) -> rusqlite::Result<Stats> {
    let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let pragma =
        |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0).map(i64::unsigned_abs));
    let namespaces = namespaces(connection)?;
    let (oldest, newest) =
        connection.query_row("SELECT min(created_at), max(created_at) FROM memories", [], |row| {
            Ok((time(row, 0)?, time(row, 1)?))
        })?;
    Ok(Stats {
        path: database.to_owned(),
        schema: connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
        file_bytes: size(database),
        log_bytes: size(&beside(database, "-wal")),
        free_bytes: pragma("freelist_count")? * pragma("page_size")?,
        text_bytes: namespaces.iter().map(|namespace| namespace.text_bytes).sum(),
        index_bytes: connection.query_row(
            "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE aggregate = TRUE AND name GLOB 'memory_index_*'",
            [],
            |row| row.get(0),
        )?,
        memories: namespaces.iter().map(|namespace| namespace.memories).sum(),
        types: by(connection, "type")?,
        sources: by(connection, "source")?,
        oldest,
        newest,
        last_write: namespaces.iter().filter_map(|namespace| namespace.last_write).max(),
        namespaces,
    })
}

fn namespaces(connection: &Connection) -> rusqlite::Result<Vec<NamespaceCounts>> {
    // Row ids are in the order of the namespaces, so this reads the memories once, from the first to the last.
    connection
        .prepare(
            "WITH counted AS (
                 SELECT row_id >> 32 AS number, count(*) AS memories, sum(token_count) AS tokens,
                     sum(octet_length(content)) AS bytes, max(coalesce(updated_at, created_at)) AS written
                 FROM memories GROUP BY 1)
             SELECT name, coalesce(memories, 0), coalesce(tokens, 0), coalesce(bytes, 0),
                 max(updated_at, coalesce(written, 0))
             FROM namespaces LEFT JOIN counted USING (number) ORDER BY name",
        )?
        .query_map([], |row| {
            Ok(NamespaceCounts {
                name: row.get(0)?,
                memories: row.get(1)?,
                tokens: row.get(2)?,
                text_bytes: row.get(3)?,
                last_write: time(row, 4)?,
            })
        })?
        .collect()
}

fn by(connection: &Connection, column: &str) -> rusqlite::Result<Vec<(String, i64)>> {
    connection
        .prepare(&format!(
            "SELECT {column}, count(*) FROM memories GROUP BY 1 ORDER BY 2 DESC, 1"
        ))?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<DateTime<Utc>>> {
    Ok(row
        .get::<_, Option<i64>>(column)?
        .and_then(DateTime::from_timestamp_millis))
}

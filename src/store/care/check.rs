//! Whether a database is what it should be, and how it becomes so again.
//!
//! Everything is derived from the memories: indexes, full-text index, counts. So all of it can be made anew, as long as the pages of the memories can be read.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};

use super::backup::{Contents, contents, copy};
use super::partial::Partial;
use super::{CareError, Stop, inspect, is_in_use};
use crate::store::migrations::{SchemaObject, expected_schema, schema_of};
use crate::store::{OpenError, connection};

/// Most findings of one kind that are listed.
const MAX_FINDINGS: usize = 20;

/// The schema since which memories can be superseded.
const SUPERSEDING: i64 = 3;
/// The schema from which on namespaces count changes of the index, so that nobody takes what they read before a repair for what is there now.
const COUNTING_REWRITES: i64 = 5;

/// What the counts of each namespace should be, as the schema of the database has them: those of what is valid, and how much is superseded.
struct Counting {
    /// `counted`, with a row for each namespace that holds anything.
    counted: String,
    /// How much a namespace says is superseded.
    noted: &'static str,
    /// Writes that down.
    note: &'static str,
}

impl Counting {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let (valid, noted, note) = if version < SUPERSEDING {
            ("TRUE", "0", "")
        } else {
            (
                "superseded_at IS NULL",
                "superseded_count",
                if version < COUNTING_REWRITES {
                    "superseded_count = coalesce(superseded, 0),"
                } else {
                    "superseded_count = coalesce(superseded, 0), rewrites = old.rewrites + 1,"
                },
            )
        };
        let counted = format!(
            "WITH counted AS (
                 SELECT row_id >> 32 AS number, count(*) FILTER (WHERE {valid}) AS memories,
                     sum(token_count) FILTER (WHERE {valid}) AS tokens, sum(word_count) FILTER (WHERE {valid}) AS words,
                     count(conversation_id) FILTER (WHERE {valid}) AS turns,
                     count(*) FILTER (WHERE NOT ({valid})) AS superseded, (max(row_id) & 4294967295) + 1 AS next
                 FROM memories GROUP BY 1)"
        );
        Ok(Self { counted, noted, note })
    }
}

/// What came of looking at a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    /// The file.
    pub path: PathBuf,
    /// What it holds, where that can be read.
    pub contents: Option<Contents>,
    /// What is wrong with it; nothing where it is sound.
    pub problems: Vec<Problem>,
    /// What was wrong before it was repaired; nothing where nobody asked for that.
    pub repaired: Vec<Problem>,
}

/// Something that is wrong with a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is affected.
    pub kind: ProblemKind,
    /// What was found.
    pub detail: String,
}

/// Which part of a database is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// Pages of the file. Only a backup helps.
    File,
    /// Tables, indexes and triggers that are not as this version makes them.
    Schema,
    /// An ordinary index does not fit its table.
    Index,
    /// The full-text index does not fit the memories.
    Search,
    /// A memory belongs to no namespace.
    References,
    /// The counts of a namespace do not fit its memories.
    Counts,
}

impl ProblemKind {
    /// The name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Schema => "schema",
            Self::Index => "index",
            Self::Search => "search",
            Self::References => "references",
            Self::Counts => "counts",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.detail)
    }
}

/// Looks at every page and every row of a database, which may be in use; with `repair` makes anew what follows from the memories.
///
/// # Errors
/// There is no such database, it belongs to another program or a newer maia, or the disk refuses. What is wrong with it is no error but in the report.
pub fn check(database: &Path, repair: bool, stop: &Stop) -> Result<CheckReport, CareError> {
    let report = |problems, repaired, contents| CheckReport {
        path: database.to_owned(),
        contents,
        problems,
        repaired,
    };
    match inspect(database) {
        Err(CareError::Open(error @ OpenError::Damaged { .. })) => {
            return Ok(report(vec![Problem::new(ProblemKind::File, error)], Vec::new(), None));
        }
        other => other?,
    }
    // Asked before the first connection, for the question costs this process its locks.
    let shared = is_in_use(database)?;
    let problems = examine(database, shared, stop)?;
    let (problems, repaired) = if repair && !problems.is_empty() {
        mend(database, stop)?;
        (examine(database, shared, stop)?, problems)
    } else {
        (problems, Vec::new())
    };
    let contents = connection::open_visitor(database).and_then(|connection| contents(&connection));
    Ok(report(problems, repaired, contents.ok()))
}

impl Problem {
    fn new(kind: ProblemKind, detail: impl fmt::Display) -> Self {
        Self {
            kind,
            detail: detail.to_string(),
        }
    }
}

fn examine(database: &Path, shared: bool, stop: &Stop) -> Result<Vec<Problem>, CareError> {
    let fail = CareError::sqlite(database);
    let connection = connection::open_visitor(database).map_err(&fail)?;
    stop.watch(&connection).map_err(&fail)?;
    let mut problems = Vec::new();
    for look in [pages, schema, references, counts] {
        found(look(&connection), &mut problems).map_err(&fail)?;
    }
    if problems.iter().any(|problem| problem.kind == ProblemKind::File) {
        return Ok(problems);
    }
    if shared {
        // Comparing the full-text index with its memories needs the lock for writing, and takes longer than a server should wait for it.
        drop(connection);
        let partial = Partial::beside(database)?;
        copy(database, &partial, stop)?;
        let connection = connection::open_visitor(partial.path()).map_err(&fail)?;
        stop.watch(&connection).map_err(&fail)?;
        found(search_index(&connection), &mut problems).map_err(&fail)?;
    } else {
        found(search_index(&connection), &mut problems).map_err(&fail)?;
    }
    Ok(problems)
}

/// Adds what a look has found. That it met damage is a finding too.
fn found(result: rusqlite::Result<Vec<Problem>>, problems: &mut Vec<Problem>) -> rusqlite::Result<()> {
    match result {
        Ok(found) => problems.extend(found),
        Err(error) if is_damage(&error) => problems.push(Problem::new(ProblemKind::File, error)),
        Err(error) => return Err(error),
    }
    Ok(())
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

fn pages(connection: &Connection) -> rusqlite::Result<Vec<Problem>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({MAX_FINDINGS})"))?;
    let findings = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut problems = Vec::new();
    for finding in findings {
        // The first line of some only says which database is meant.
        for line in finding?
            .lines()
            .filter(|line| *line != "ok" && !line.starts_with("***"))
        {
            let kind = if line.contains("FTS5") || line.starts_with("fts5:") {
                ProblemKind::Search
            } else if line.contains("missing from index") || line.contains("entries in index") {
                ProblemKind::Index
            } else {
                ProblemKind::File
            };
            problems.push(Problem::new(kind, line));
        }
    }
    Ok(problems)
}

fn schema(connection: &Connection) -> rusqlite::Result<Vec<Problem>> {
    let wrong = wrong_objects(connection)?;
    let problems = wrong.iter().map(|(SchemaObject { kind, name, .. }, is_there)| {
        let what = if *is_there {
            "is not as it should be"
        } else {
            "is missing"
        };
        Problem::new(ProblemKind::Schema, format!("the {kind} {name} {what}"))
    });
    Ok(problems.collect())
}

/// What this version's schema has and the database has not, or has otherwise; and whether it is there. What is there besides is somebody else's.
fn wrong_objects(connection: &Connection) -> rusqlite::Result<Vec<(SchemaObject, bool)>> {
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let present = schema_of(connection)?;
    let wrong = expected_schema(version)?.into_iter().filter_map(|object| {
        let same_name = present.iter().find(|other| other.name == object.name);
        match same_name {
            Some(same) if *same == object => None,
            other => Some((object, other.is_some())),
        }
    });
    Ok(wrong.collect())
}

fn references(connection: &Connection) -> rusqlite::Result<Vec<Problem>> {
    let mut statement = connection
        .prepare(r#"SELECT "table", "parent", count(*) FROM pragma_foreign_key_check GROUP BY "table", "parent""#)?;
    let problems = statement.query_map([], |row| {
        let (table, parent, count): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let detail = format!("{count} rows of {table} belong to nothing in {parent}");
        Ok(Problem::new(ProblemKind::References, detail))
    })?;
    problems.collect()
}

fn counts(connection: &Connection) -> rusqlite::Result<Vec<Problem>> {
    let Counting { counted, noted, .. } = Counting::of(connection)?;
    let mut statement = connection.prepare(&format!(
        "{counted}
         SELECT name, memory_count, coalesce(memories, 0) FROM namespaces LEFT JOIN counted USING (number)
         WHERE (memory_count, token_count, word_count, turn_count, {noted}) IS NOT
               (coalesce(memories, 0), coalesce(tokens, 0), coalesce(words, 0), coalesce(turns, 0),
                coalesce(superseded, 0))
            OR next_sequence < next
         LIMIT {MAX_FINDINGS}"
    ))?;
    let problems = statement.query_map([], |row| {
        let (name, noted, counted): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let detail = if noted == counted {
            format!("the statistics of namespace {name} do not fit its memories")
        } else {
            format!("namespace {name} says that it holds {noted} memories, and holds {counted}")
        };
        Ok(Problem::new(ProblemKind::Counts, detail))
    })?;
    problems.collect()
}

fn search_index(connection: &Connection) -> rusqlite::Result<Vec<Problem>> {
    // Rank 1 compares the index with the memories, and not only with itself.
    let checked = connection.execute(
        "INSERT INTO memory_index (memory_index, rank) VALUES ('integrity-check', 1)",
        [],
    );
    match checked {
        Ok(_) => Ok(Vec::new()),
        Err(error) if is_damage(&error) => {
            let detail = "the full-text index does not fit the memories";
            Ok(vec![Problem::new(ProblemKind::Search, detail)])
        }
        // The schema has been found wrong already.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Makes everything anew that follows from the memories, all of it or nothing.
fn mend(database: &Path, stop: &Stop) -> Result<(), CareError> {
    let fail = CareError::sqlite(database);
    let mut connection = connection::open_writer(database).map_err(&fail)?;
    stop.watch(&connection).map_err(&fail)?;
    match rebuild(&mut connection) {
        // What is beyond repair is found again by the next look.
        Err(error) if is_damage(&error) => Ok(()),
        other => other.map_err(fail),
    }
}

fn rebuild(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for (SchemaObject { kind, name, sql }, is_there) in wrong_objects(&transaction)? {
        // A table holds what cannot be made anew.
        if ["trigger", "index", "view"].contains(&kind.as_str()) {
            if is_there {
                transaction.execute_batch(&format!("DROP {kind} \"{name}\""))?;
            }
            transaction.execute_batch(&sql)?;
        }
    }
    transaction.execute_batch(
        "REINDEX;
         INSERT INTO memory_index (memory_index) VALUES ('rebuild');
         INSERT INTO memory_index (memory_index, rank) VALUES ('secure-delete', 1);",
    )?;
    let Counting { counted, note, .. } = Counting::of(&transaction)?;
    transaction.execute_batch(&format!(
        "{counted}
         UPDATE namespaces SET memory_count = coalesce(memories, 0), token_count = coalesce(tokens, 0),
             word_count = coalesce(words, 0), turn_count = coalesce(turns, 0), {note}
             next_sequence = max(old.next_sequence, coalesce(next, 1))
         FROM namespaces AS old LEFT JOIN counted ON counted.number = old.number
         WHERE namespaces.number = old.number"
    ))?;
    transaction.commit()
}

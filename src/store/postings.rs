//! Which memories of a namespace hold which terms of a query.
//!
//! A rare term is read whole. A common one holds too many memories to read, and tells little by itself: of it are read the newest memories, those that
//! hold a rare term too, and those where it meets another common term. How many hold it is counted once and kept while the namespace changes little.

use std::collections::HashMap;
use std::sync::Mutex;

use rusqlite::{CachedStatement, Connection, params};

use super::lock;
use crate::model::NamespaceNumber;
use crate::text::Term;

/// Terms of a query that are looked up; more of them no longer change which memory is best.
const MAX_TERMS: usize = 32;
/// How much a word that begins like a term says of it: a compound or another form, or another word altogether.
const BEGINNING: f64 = 0.5;
/// Memories read of the meeting of two terms.
const MAX_MEETING: usize = 128;
/// Common terms whose meetings with each other are read.
const MAX_COMMON: usize = 4;
/// Memories counted for a term; one that more hold weighs next to nothing.
const MAX_COUNT: i64 = 100_000;
/// Counts that are kept.
const MAX_COUNTS: usize = 10_000;

/// Rows between the first and the last, newest first.
const LOOK_UP: &str = "SELECT rowid FROM memory_index WHERE memory_index MATCH ?1 AND rowid BETWEEN ?2 AND ?3
     ORDER BY rowid DESC LIMIT ?4";
const COUNT: &str = "SELECT count(*) FROM (
     SELECT 1 FROM memory_index WHERE memory_index MATCH ?1 AND rowid BETWEEN ?2 AND ?3 LIMIT ?4)";

/// A term and the memories that hold it.
pub(super) struct Posting {
    /// Newest first. All of them where the term is rare.
    pub(super) rows: Vec<i64>,
    /// How many hold it in all.
    pub(super) holding: usize,
    /// How much these say of the term, against memories that hold it: less than 1 where none does, and they hold words that begin like it.
    pub(super) likeness: f64,
}

impl Posting {
    pub(super) fn holds(&self, row: i64) -> bool {
        self.rows.binary_search_by(|held| row.cmp(held)).is_ok()
    }

    fn is_rare(&self) -> bool {
        self.holding == self.rows.len()
    }

    fn add(&mut self, rows: impl IntoIterator<Item = i64>) {
        self.rows.extend(rows);
        self.rows.sort_unstable_by(|a, b| b.cmp(a));
        self.rows.dedup();
    }
}

/// How many memories hold a term, as counted when the namespace had a certain size.
#[derive(Default)]
pub(super) struct TermCounts(Mutex<HashMap<(i64, String), (f64, usize)>>);

impl TermCounts {
    /// The count, made anew by `count` once the namespace has grown or shrunk by a tenth.
    fn get(
        &self,
        key: (i64, String),
        memories: f64,
        count: impl FnOnce() -> rusqlite::Result<usize>,
    ) -> rusqlite::Result<usize> {
        if let Some((then, counted)) = lock(&self.0).get(&key)
            && (memories - then).abs() <= then * 0.1
        {
            return Ok(*counted);
        }
        let counted = count()?;
        let mut counts = lock(&self.0);
        if counts.len() >= MAX_COUNTS {
            counts.clear();
        }
        counts.insert(key, (memories, counted));
        Ok(counted)
    }
}

/// Reads the postings of terms, up to `depth` memories a term.
pub(super) fn read<'a>(
    connection: &Connection,
    counts: &TermCounts,
    namespace: NamespaceNumber,
    memories: f64,
    terms: impl Iterator<Item = &'a Term>,
    depth: usize,
) -> rusqlite::Result<Vec<Posting>> {
    let mut index = Index {
        look_up: connection.prepare_cached(LOOK_UP)?,
        rows: namespace.row_ids(),
    };
    let mut expressions = Vec::new();
    let mut postings = Vec::new();
    for term in terms.take(MAX_TERMS) {
        let mut expression = term.match_expression();
        let mut rows = index.rows(&expression, depth + 1)?;
        let mut likeness = 1.0;
        if rows.is_empty() {
            for beginning in term.beginnings() {
                rows = index.rows(&beginning, depth + 1)?;
                if !rows.is_empty() {
                    (expression, likeness) = (beginning, BEGINNING);
                    break;
                }
            }
        }
        let mut holding = rows.len();
        if rows.len() > depth {
            rows.pop();
            let count = || index.count(connection, &expression);
            holding = counts
                .get((namespace.0, expression.clone()), memories, count)?
                .max(depth + 1);
        }
        postings.push(Posting {
            rows,
            holding,
            likeness,
        });
        expressions.push(expression);
    }
    add_meetings(&mut index, &expressions, &mut postings)?;
    Ok(postings)
}

/// Completes common terms where they meet others.
fn add_meetings(index: &mut Index<'_>, terms: &[String], postings: &mut [Posting]) -> rusqlite::Result<()> {
    let (rare, mut common): (Vec<usize>, Vec<usize>) = (0..postings.len()).partition(|at| is_rare(postings, *at));
    let rare: Vec<&str> = rare
        .iter()
        .filter_map(|at| terms.get(*at).map(String::as_str))
        .collect();
    common.sort_by_key(|at| postings.get(*at).map(|posting| posting.holding));
    if !rare.is_empty() {
        let any_rare = rare.join(" OR ");
        for at in &common {
            if let (Some(term), Some(posting)) = (terms.get(*at), postings.get_mut(*at)) {
                posting.add(index.rows(&format!("{term} AND ({any_rare})"), MAX_MEETING)?);
            }
        }
    }
    common.truncate(MAX_COMMON);
    for (position, at) in common.iter().enumerate() {
        for other in common.iter().skip(position + 1) {
            if let (Some(term), Some(with)) = (terms.get(*at), terms.get(*other)) {
                let both = index.rows(&format!("{term} AND {with}"), MAX_MEETING)?;
                for at in [at, other] {
                    if let Some(posting) = postings.get_mut(*at) {
                        posting.add(both.iter().copied());
                    }
                }
            }
        }
    }
    Ok(())
}

fn is_rare(postings: &[Posting], at: usize) -> bool {
    postings.get(at).is_some_and(Posting::is_rare)
}

/// The full-text index of one namespace.
struct Index<'a> {
    look_up: CachedStatement<'a>,
    rows: (i64, i64),
}

impl Index<'_> {
    fn rows(&mut self, expression: &str, most: usize) -> rusqlite::Result<Vec<i64>> {
        let (first, last) = self.rows;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.look_up
            .query_map(params![expression, first, last, most], |row| row.get(0))?
            .collect()
    }

    fn count(&self, connection: &Connection, expression: &str) -> rusqlite::Result<usize> {
        let (first, last) = self.rows;
        let counted: i64 = connection
            .prepare_cached(COUNT)?
            .query_row(params![expression, first, last, MAX_COUNT], |row| row.get(0))?;
        Ok(usize::try_from(counted).unwrap_or_default())
    }
}

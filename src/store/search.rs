//! Full-text search in one namespace, ranked by BM25 over that namespace's own statistics.
//!
//! FTS5 is asked for one term at a time, unranked, within the row ids of the namespace: its own `bm25()` counts every word over the whole table, so it
//! is slow and lets the words of one namespace weigh on the order of another. Which terms a memory holds then comes from the index itself, by the
//! index's own stemming, and only the best candidates are read.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::memories::{COLUMNS, MemoryFilter, from_row};
use super::{Store, StoreError};
use crate::model::{Memory, NamespaceNumber};
use crate::text::Term;

/// Terms of a query that are looked up; more of them no longer change which memory is best.
const MAX_TERMS: usize = 32;
/// Memories looked at for one term, newest first. A word that more than these hold tells them apart no longer.
const MAX_POSTINGS: u32 = 4_096;
/// Best candidates that are read and scored in full.
const MAX_CANDIDATES: usize = 1_024;

/// How much a term's weight falls with the length of a memory (0: not at all, 1: in full), as `b` in BM25.
const LENGTH_WEIGHT: f64 = 0.4;
/// Saturation of a term within a memory, as `k1` in BM25 (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework").
const SATURATION: f64 = 1.2;

/// A memory that matches a query.
#[derive(Clone, Debug)]
pub struct SearchHit {
    /// The memory.
    pub memory: Memory,
    /// Relevance: sum of the BM25 weights of the terms it holds. Comparable within one answer only.
    pub score: f64,
    /// Part of the query's whole weight that the memory holds, 0 to 1. A term that no memory holds counts too, so this says how much of what was asked is covered.
    pub coverage: f64,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Best first; equally good ones newest first.
    pub hits: Vec<SearchHit>,
    /// How many matched, the hits left out by the limit included.
    pub total: usize,
}

impl Store {
    /// The memories of a namespace that hold at least one of the terms and pass the filter, from `offset` on, at most `limit`.
    /// A term's weight is multiplied by the number beside it.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn search(
        &self,
        namespace: NamespaceNumber,
        terms: Vec<(Term, f64)>,
        filter: MemoryFilter,
        limit: usize,
        offset: usize,
    ) -> Result<Found, StoreError> {
        if terms.is_empty() {
            return Ok(Found::default());
        }
        self.read(move |connection| search(connection, namespace, &terms, &filter, limit, offset))
            .await
    }
}

fn search(
    connection: &Connection,
    namespace: NamespaceNumber,
    terms: &[(Term, f64)],
    filter: &MemoryFilter,
    limit: usize,
    offset: usize,
) -> rusqlite::Result<Found> {
    let statistics = connection
        .prepare_cached("SELECT memory_count, word_count FROM namespaces WHERE number = ?1")?
        .query_row([namespace.0], |row| Ok((row.get::<_, f64>(0)?, row.get::<_, f64>(1)?)))
        .optional()?;
    let Some((memories, words)) = statistics.filter(|(memories, _)| *memories > 0.0) else {
        return Ok(Found::default());
    };
    let postings = postings(connection, namespace, terms)?;
    let mut whole_weight = 0.0;
    let mut weights: HashMap<i64, f64> = HashMap::new();
    for ((_, factor), rows) in terms.iter().zip(&postings) {
        let holding = count(rows.len());
        // The inverse document frequency of BM25 in the form that is never negative (Lucene's BM25Similarity).
        let weight = factor * (1.0 + (memories - holding + 0.5).max(0.5) / (holding + 0.5)).ln();
        whole_weight += weight;
        for row in rows {
            *weights.entry(*row).or_default() += weight;
        }
    }
    let mut candidates: Vec<(i64, f64)> = weights.into_iter().collect();
    candidates.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
    let matched = candidates.len();
    candidates.truncate(MAX_CANDIDATES);
    if *filter == MemoryFilter::default() {
        // Length changes the order among near equals only, so a few beyond those asked for are enough.
        candidates.truncate((offset.saturating_add(limit)).saturating_mul(2).max(64));
    }
    let mean_length = words / memories;
    let mut read =
        connection.prepare_cached(&format!("SELECT {COLUMNS}, word_count FROM memories WHERE row_id = ?1"))?;
    let mut hits = Vec::with_capacity(candidates.len());
    for (row_id, weight) in &candidates {
        let found = read
            .query_row([row_id], |row| Ok((from_row(row)?, row.get::<_, f64>(13)?)))
            .optional()?;
        let Some((memory, length)) = found.filter(|(memory, _)| filter.accepts(memory)) else {
            continue;
        };
        let relative_length = if mean_length > 0.0 { length / mean_length } else { 1.0 };
        let score =
            weight * (SATURATION + 1.0) / (1.0 + SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative_length));
        let coverage = weight / whole_weight;
        hits.push(SearchHit {
            memory,
            score,
            coverage,
        });
    }
    let total = if *filter == MemoryFilter::default() {
        matched
    } else {
        hits.len()
    };
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.memory.row_id.cmp(&a.memory.row_id)));
    Ok(Found {
        hits: hits.into_iter().skip(offset).take(limit).collect(),
        total,
    })
}

/// The memories that hold each term.
fn postings(
    connection: &Connection,
    namespace: NamespaceNumber,
    terms: &[(Term, f64)],
) -> rusqlite::Result<Vec<Vec<i64>>> {
    let (first, last) = namespace.row_ids();
    let mut lookup = connection.prepare_cached(
        "SELECT rowid FROM memory_index WHERE memory_index MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC LIMIT ?4",
    )?;
    terms
        .iter()
        .take(MAX_TERMS)
        .map(|(term, _)| {
            lookup
                .query_map(params![term.match_expression(), first, last, MAX_POSTINGS], |row| {
                    row.get(0)
                })?
                .collect()
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a count of postings is far below 2^52")]
fn count(rows: usize) -> f64 {
    rows as f64
}

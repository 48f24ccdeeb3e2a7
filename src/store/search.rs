//! Full-text search in one namespace.
//!
//! FTS5 is asked for one term at a time, unranked, within the row ids of the namespace: its own `bm25()` counts every word over the whole table, so it
//! is slow and lets the words of one namespace weigh on the order of another. Which terms a memory holds then comes from the index itself, by the
//! index's own stemming, and only the best candidates are read. What they are worth is for [`super::ranking`] to say.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Statement, params};

use super::memories::{COLUMNS, MemoryFilter, from_row};
use super::ranking::{Collection, NEIGHBOURS, form_factor};
use super::{Store, StoreError};
use crate::model::{Memory, NamespaceNumber};
use crate::text::{self, Term};

/// Terms of a query that are looked up; more of them no longer change which memory is best.
const MAX_TERMS: usize = 32;
/// Memories looked at for one term, newest first. A word that more than these hold tells them apart no longer.
const MAX_POSTINGS: u32 = 4_096;
/// Memories that a term may be in to count for their neighbours too.
const MAX_SPREAD: usize = 512;
/// Best candidates that are read and scored in full.
const MAX_CANDIDATES: usize = 1_024;
/// Least candidates that are read: what is not known before reading changes the order among near equals.
const MIN_CANDIDATES: usize = 64;

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct SearchQuery {
    /// Words, each with a factor of its weight.
    pub terms: Vec<(Term, f64)>,
    /// Whether the answer is a time.
    pub about_time: bool,
}

/// A memory that matches a query.
#[derive(Clone, Debug)]
pub struct SearchHit {
    /// The memory.
    pub memory: Memory,
    /// Relevance. Comparable within one answer only.
    pub score: f64,
    /// How much of what the query is about the memory and its neighbours hold, 0 to 1. Words that no memory holds count too.
    pub coverage: f64,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Best first; equally good ones newest first.
    pub hits: Vec<SearchHit>,
    /// How many matched, those before `offset` and beyond `limit` included.
    pub total: usize,
}

impl Store {
    /// The memories of a namespace that hold at least one of the terms and pass the filter, from `offset` on, at most `limit`.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn search(
        &self,
        namespace: NamespaceNumber,
        query: SearchQuery,
        filter: MemoryFilter,
        limit: usize,
        offset: usize,
    ) -> Result<Found, StoreError> {
        if query.terms.is_empty() {
            return Ok(Found::default());
        }
        self.read(move |connection| {
            let Some(search) = Search::begin(connection, namespace, &query)? else {
                return Ok(Found::default());
            };
            search.run(&filter, limit, offset)
        })
        .await
    }
}

/// A term of the query and the memories that hold it.
struct Posting {
    /// Newest first.
    rows: Vec<i64>,
    /// What holding the term is worth.
    weight: f64,
    /// How much the term tells of what the query is about.
    telling: f64,
}

impl Posting {
    fn holds(&self, row: i64) -> bool {
        self.rows.binary_search_by(|held| row.cmp(held)).is_ok()
    }

    fn spreads(&self) -> bool {
        self.rows.len() <= MAX_SPREAD
    }
}

struct Search<'a> {
    connection: &'a Connection,
    collection: Collection,
    postings: Vec<Posting>,
    about_time: bool,
}

impl<'a> Search<'a> {
    /// Looks the terms up; `None` where the namespace is empty or gone.
    fn begin(
        connection: &'a Connection,
        namespace: NamespaceNumber,
        query: &SearchQuery,
    ) -> rusqlite::Result<Option<Self>> {
        let collection = connection
            .prepare_cached("SELECT memory_count, word_count, turn_count FROM namespaces WHERE number = ?1")?
            .query_row([namespace.0], |row| {
                Ok(Collection {
                    memories: row.get(0)?,
                    words: row.get(1)?,
                    turns: row.get(2)?,
                })
            })
            .optional()?;
        let Some(collection) = collection.filter(|collection| collection.memories > 0.0) else {
            return Ok(None);
        };
        let (first, last) = namespace.row_ids();
        let mut lookup = connection.prepare_cached(
            "SELECT rowid FROM memory_index WHERE memory_index MATCH ?1 AND rowid BETWEEN ?2 AND ?3
             ORDER BY rowid DESC LIMIT ?4",
        )?;
        let mut postings = Vec::with_capacity(query.terms.len());
        for (term, factor) in query.terms.iter().take(MAX_TERMS) {
            let rows: Vec<i64> = lookup
                .query_map(params![term.match_expression(), first, last, MAX_POSTINGS], |row| {
                    row.get(0)
                })?
                .collect::<rusqlite::Result<_>>()?;
            postings.push(Posting {
                weight: factor * collection.term_weight(rows.len()),
                telling: factor * collection.telling(term, rows.len()),
                rows,
            });
        }
        Ok(Some(Self {
            connection,
            collection,
            postings,
            about_time: query.about_time,
        }))
    }

    fn run(self, filter: &MemoryFilter, limit: usize, offset: usize) -> rusqlite::Result<Found> {
        let unfiltered = *filter == MemoryFilter::default();
        let mut candidates = self.candidates();
        let matched = candidates.len();
        let wanted = offset.saturating_add(limit).saturating_mul(2).max(MIN_CANDIDATES);
        candidates.truncate(if unfiltered {
            wanted.min(MAX_CANDIDATES)
        } else {
            MAX_CANDIDATES
        });

        let mut read = self
            .connection
            .prepare_cached(&format!("SELECT {COLUMNS}, word_count FROM memories WHERE row_id = ?1"))?;
        let mut conversations = Conversations::new(self.connection)?;
        let mut hits = Vec::with_capacity(candidates.len());
        for (row, _) in candidates {
            let found = read
                .query_row([row], |row| Ok((from_row(row)?, row.get::<_, f64>(16)?)))
                .optional()?;
            if let Some((memory, words)) = found.filter(|(memory, _)| filter.accepts(memory))
                && let Some(hit) = self.score(memory, words, &mut conversations)?
            {
                hits.push(hit);
            }
        }
        let total = if unfiltered { matched } else { hits.len() };
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.memory.row_id.cmp(&a.memory.row_id)));
        Ok(Found {
            hits: hits.into_iter().skip(offset).take(limit).collect(),
            total,
        })
    }

    /// Rows that may match, with the most that they can be worth, best first.
    fn candidates(&self) -> Vec<(i64, f64)> {
        let mut worth: HashMap<i64, f64> = HashMap::new();
        for posting in &self.postings {
            if self.collection.turns > 0 && posting.spreads() {
                let mut nearest: HashMap<i64, f64> = HashMap::with_capacity(posting.rows.len() * 4);
                for row in &posting.rows {
                    nearest.insert(*row, 1.0);
                    for (distance, weight) in NEIGHBOURS {
                        // A neighbour `distance` away from the row sees it at the opposite distance.
                        let seen = nearest.entry(row - distance).or_default();
                        *seen = seen.max(weight);
                    }
                }
                for (row, near) in nearest {
                    *worth.entry(row).or_default() += near * posting.weight;
                }
            } else {
                for row in &posting.rows {
                    *worth.entry(*row).or_default() += posting.weight;
                }
            }
        }
        let mut candidates: Vec<(i64, f64)> = worth.into_iter().collect();
        candidates.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        candidates
    }

    /// The exact worth of a memory; `None` where what seemed to match belongs to another conversation.
    fn score(
        &self,
        memory: Memory,
        words: f64,
        conversations: &mut Conversations<'_>,
    ) -> rusqlite::Result<Option<SearchHit>> {
        let conversation = memory.turn.as_ref().map(|turn| turn.conversation_id.as_str());
        let (mut own, mut near, mut told) = (0.0, 0.0, 0.0);
        for posting in &self.postings {
            if posting.holds(memory.row_id) {
                own += posting.weight;
                told += posting.telling;
            } else if let Some(conversation) = conversation.filter(|_| posting.spreads()) {
                for (distance, weight) in NEIGHBOURS {
                    let neighbour = memory.row_id + distance;
                    if posting.holds(neighbour) && conversations.has(conversation, neighbour)? {
                        near += weight * posting.weight;
                        told += weight * posting.telling;
                        break;
                    }
                }
            }
        }
        if own + near <= 0.0 {
            return Ok(None);
        }
        let says_when = || self.about_time && text::mentions_time(&memory.content);
        let form = form_factor(&memory.content, conversation.is_some(), says_when);
        let score = (own * self.collection.length_factor(words) + near) * form;
        let all: f64 = self.postings.iter().map(|posting| posting.telling).sum();
        Ok(Some(SearchHit {
            memory,
            score,
            coverage: told / all,
        }))
    }
}

/// Which conversation a row belongs to; each is asked for once.
struct Conversations<'a> {
    read: rusqlite::CachedStatement<'a>,
    known: HashMap<i64, Option<String>>,
}

impl<'a> Conversations<'a> {
    fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let read = connection.prepare_cached("SELECT conversation_id FROM memories WHERE row_id = ?1")?;
        Ok(Self {
            read,
            known: HashMap::new(),
        })
    }

    fn has(&mut self, conversation: &str, row: i64) -> rusqlite::Result<bool> {
        if !self.known.contains_key(&row) {
            let read: &mut Statement<'_> = &mut self.read;
            let found: Option<String> = read.query_row([row], |row| row.get(0)).optional()?.flatten();
            self.known.insert(row, found);
        }
        Ok(self.known.get(&row).and_then(Option::as_deref) == Some(conversation))
    }
}

//! Which memories of a namespace hold which terms of a query.
//!
//! To read a list of memories out of the index takes longer than everything else a search does, and people use the same words again and again. So lists
//! are kept: one holds as long as nothing of its namespace has left the index (`rewrites`), and then only what is newer has to be read. A term that too many
//! memories hold tells little by itself: of it are read the newest memories, those that hold a rare term too, and those where it meets another such term.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use rusqlite::{CachedStatement, Connection, params};

use crate::model::NamespaceNumber;
use crate::text::Term;

/// Terms of a query that are looked up; more of them no longer change which memory is best.
const MAX_TERMS: usize = 32;
/// How much a word that begins like a term says of it: a compound or another form, or another word altogether.
const BEGINNING: f64 = 0.5;
/// Memories read of a term that too many hold.
const NEWEST: usize = 1_024;
/// Memories that hold a term which is rare enough for its meetings with a common one to be read.
const RARE: usize = 4_096;
/// Memories read of the meeting of two terms.
const MAX_MEETING: usize = 128;
/// Common terms whose meetings with each other are read.
const MAX_COMMON: usize = 4;
/// Memories counted for a term; one that more hold weighs next to nothing.
const MAX_COUNT: i64 = 100_000;
/// Part by which a namespace may grow or shrink before terms that too many memories hold are counted again.
const DRIFT: f64 = 0.1;
/// Memories in all lists that are kept, at four bytes each.
const MOST_KEPT: u64 = 3 << 20;
/// What a list takes besides, in memories.
const LIST_COST: u64 = 32;
/// Lists that the cache expects.
const LISTS: usize = 4_096;

/// Rows between two, newest first.
const LOOK_UP: &str = "SELECT rowid FROM memory_index WHERE memory_index MATCH ?1 AND rowid BETWEEN ?2 AND ?3
     ORDER BY rowid DESC LIMIT ?4";
const COUNT: &str = "SELECT count(*) FROM (
     SELECT 1 FROM memory_index WHERE memory_index MATCH ?1 AND rowid BETWEEN ?2 AND ?3 LIMIT ?4)";

/// A namespace as a reader sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) namespace: NamespaceNumber,
    pub(super) memories: f64,
    /// The sequence that the next memory gets: what is newer is not seen.
    pub(super) next_sequence: i64,
    /// How often something has left the index or changed in it.
    pub(super) rewrites: i64,
}

/// A term and the memories that hold it, by their sequence in the namespace.
pub(super) struct Posting {
    /// Oldest first. All of them, unless too many hold the term.
    pub(super) sequences: Arc<[u32]>,
    /// How many hold it in all.
    pub(super) holding: usize,
    /// How much these say of the term, against memories that hold it: less than 1 where none does, and they hold words that begin like it.
    pub(super) likeness: f64,
}

impl Posting {
    pub(super) fn holds(&self, sequence: u32) -> bool {
        self.sequences.binary_search(&sequence).is_ok()
    }

    fn is_whole(&self) -> bool {
        self.holding == self.sequences.len()
    }
}

/// What was read for an expression of the index's query language.
#[derive(Clone)]
struct List {
    sequences: Arc<[u32]>,
    holding: usize,
    /// The namespace as it was then.
    rewrites: i64,
    next_sequence: i64,
    /// Memories of the namespace when those that match were counted.
    counted_among: f64,
}

impl List {
    fn is_whole(&self) -> bool {
        self.holding == self.sequences.len()
    }
}

#[derive(Clone)]
struct BySize;

impl Weighter<(i64, String), List> for BySize {
    fn weight(&self, (_, expression): &(i64, String), list: &List) -> u64 {
        (list.sequences.len() + expression.len() / 4) as u64 + LIST_COST
    }
}

/// The lists that are kept, by namespace and expression; those that are asked for most stay.
pub(super) struct Lists(Cache<(i64, String), List, BySize>);

impl Default for Lists {
    fn default() -> Self {
        Self(Cache::with_weighter(LISTS, MOST_KEPT, BySize))
    }
}

/// Reads the postings of terms. One that more than `depth` memories hold is not read whole.
pub(super) fn read<'a>(
    connection: &Connection,
    lists: &Lists,
    extent: Extent,
    terms: impl Iterator<Item = &'a Term>,
    depth: usize,
) -> rusqlite::Result<Vec<Posting>> {
    let mut index = Index {
        connection,
        look_up: connection.prepare_cached(LOOK_UP)?,
        lists,
        extent,
        depth,
    };
    let mut expressions = Vec::new();
    let mut postings = Vec::new();
    for term in terms.take(MAX_TERMS) {
        let mut expression = term.match_expression();
        let mut list = index.list(&expression)?;
        let mut likeness = 1.0;
        if list.holding == 0 {
            for beginning in term.beginnings() {
                list = index.list(&beginning)?;
                if list.holding > 0 {
                    (expression, likeness) = (beginning, BEGINNING);
                    break;
                }
            }
        }
        postings.push(Posting {
            sequences: list.sequences,
            holding: list.holding,
            likeness,
        });
        expressions.push(expression);
    }
    add_meetings(&mut index, &expressions, &mut postings)?;
    Ok(postings)
}

/// Completes terms that too many memories hold where they meet others.
fn add_meetings(index: &mut Index<'_>, terms: &[String], postings: &mut [Posting]) -> rusqlite::Result<()> {
    let mut common: Vec<usize> = (0..postings.len())
        .filter(|at| !postings.get(*at).is_some_and(Posting::is_whole))
        .collect();
    if common.is_empty() {
        return Ok(());
    }
    let rare: Vec<&str> = terms
        .iter()
        .zip(&*postings)
        .filter(|(_, posting)| posting.is_whole() && (1..=RARE).contains(&posting.holding))
        .map(|(term, _)| term.as_str())
        .collect();
    common.sort_by_key(|at| postings.get(*at).map(|posting| posting.holding));
    let mut met: Vec<(usize, Vec<u32>)> = Vec::new();
    if !rare.is_empty() {
        let any_rare = rare.join(" OR ");
        for at in &common {
            if let Some(term) = terms.get(*at) {
                met.push((*at, index.newest(&format!("{term} AND ({any_rare})"), MAX_MEETING)?));
            }
        }
    }
    common.truncate(MAX_COMMON);
    for (position, at) in common.iter().enumerate() {
        for other in common.iter().skip(position + 1) {
            if let (Some(term), Some(with)) = (terms.get(*at), terms.get(*other)) {
                let both = index.newest(&format!("{term} AND {with}"), MAX_MEETING)?;
                met.push((*at, both.clone()));
                met.push((*other, both));
            }
        }
    }
    for (at, posting) in postings.iter_mut().enumerate() {
        let here = met.iter().filter(|(of, _)| *of == at);
        let mut sequences: Vec<u32> = here.flat_map(|(_, sequences)| sequences).copied().collect();
        if !sequences.is_empty() {
            sequences.extend_from_slice(&posting.sequences);
            sequences.sort_unstable();
            sequences.dedup();
            posting.sequences = sequences.into();
        }
    }
    Ok(())
}

/// The full-text index of one namespace.
struct Index<'a> {
    connection: &'a Connection,
    look_up: CachedStatement<'a>,
    lists: &'a Lists,
    extent: Extent,
    depth: usize,
}

impl Index<'_> {
    /// The memories that match an expression: all of them, or the newest where they are more than `depth`.
    fn list(&mut self, expression: &str) -> rusqlite::Result<List> {
        let key = (self.extent.namespace.0, expression.to_owned());
        let kept = self.lists.0.get(&key);
        let list = match kept {
            Some(kept) if self.holds(&kept) => {
                if kept.next_sequence == self.extent.next_sequence {
                    return Ok(kept);
                }
                self.with_newer(&kept, expression)?
            }
            kept => self.read(expression, kept.as_ref())?,
        };
        self.lists.0.insert(key, list.clone());
        Ok(list)
    }

    /// Whether what was read before is still so, newer memories aside.
    fn holds(&self, kept: &List) -> bool {
        kept.rewrites == self.extent.rewrites
            && kept.next_sequence <= self.extent.next_sequence
            && (kept.is_whole() || self.is_too_long(kept))
    }

    /// Whether a list that was read before says that too many memories match to read them all.
    fn is_too_long(&self, kept: &List) -> bool {
        kept.holding > self.depth && (self.extent.memories - kept.counted_among).abs() <= kept.counted_among * DRIFT
    }

    fn with_newer(&mut self, kept: &List, expression: &str) -> rusqlite::Result<List> {
        let newer = self.newest_since(kept.next_sequence, expression, usize::MAX)?;
        let sequences = if newer.is_empty() {
            Arc::clone(&kept.sequences)
        } else {
            kept.sequences.iter().copied().chain(newer.iter().copied()).collect()
        };
        Ok(List {
            sequences,
            holding: kept.holding + newer.len(),
            counted_among: kept.counted_among,
            ..self.list_of(newer)
        })
    }

    fn read(&mut self, expression: &str, kept: Option<&List>) -> rusqlite::Result<List> {
        let known = kept.filter(|kept| !kept.is_whole() && self.is_too_long(kept));
        let most = if known.is_some() { NEWEST } else { self.depth + 1 };
        let mut sequences = self.newest(expression, most)?;
        if known.is_none() && sequences.len() <= self.depth {
            return Ok(self.list_of(sequences));
        }
        let (holding, counted_among) = match known {
            Some(kept) => (kept.holding, kept.counted_among),
            None => (self.count(expression)?, self.extent.memories),
        };
        sequences.drain(..sequences.len().saturating_sub(NEWEST));
        Ok(List {
            holding: holding.max(self.depth + 1),
            counted_among,
            ..self.list_of(sequences)
        })
    }

    /// A list as it is now, and whole.
    fn list_of(&self, sequences: Vec<u32>) -> List {
        List {
            holding: sequences.len(),
            sequences: sequences.into(),
            rewrites: self.extent.rewrites,
            next_sequence: self.extent.next_sequence,
            counted_among: self.extent.memories,
        }
    }

    /// The newest memories that match, oldest first.
    fn newest(&mut self, expression: &str, most: usize) -> rusqlite::Result<Vec<u32>> {
        self.newest_since(0, expression, most)
    }

    /// The same of those from a sequence on.
    fn newest_since(&mut self, sequence: i64, expression: &str, most: usize) -> rusqlite::Result<Vec<u32>> {
        let (first, last) = self.extent.namespace.row_ids();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut sequences: Vec<u32> = self
            .look_up
            .query_map(params![expression, first + sequence, last, most], |row| {
                Ok(NamespaceNumber::sequence_of(row.get(0)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        sequences.reverse();
        Ok(sequences)
    }

    fn count(&self, expression: &str) -> rusqlite::Result<usize> {
        let (first, last) = self.extent.namespace.row_ids();
        let counted: i64 = self
            .connection
            .prepare_cached(COUNT)?
            .query_row(params![expression, first, last, MAX_COUNT], |row| row.get(0))?;
        Ok(usize::try_from(counted).unwrap_or_default())
    }
}

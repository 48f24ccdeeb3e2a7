//! Full-text search in one namespace.
//!
//! FTS5 is asked which memories hold which term ([`super::postings`]), and never to rank: its own `bm25()` counts every word over the whole table, so it is
//! slow and lets the words of one namespace weigh on the order of another. Which terms a memory holds comes from the index itself, by the index's own
//! stemming, and only the best candidates are read. What they are worth is for [`super::ranking`] to say.

use rusqlite::{Connection, OptionalExtension as _, Statement};
use rustc_hash::FxHashMap;

use super::filter::MemoryFilter;
use super::memories::{COLUMNS, from_row};
use super::postings::{self, Posting};
use super::ranking::{Collection, NEIGHBOURS, Score, form_factor, repeated};
use super::{ReadError, Reader};
use crate::model::{Memory, NamespaceNumber};
use crate::text::{self, Term};

/// Memories that a term may be in to count for their neighbours too.
const MAX_SPREAD: usize = 512;
/// Best candidates that are read and scored in full.
const MAX_CANDIDATES: usize = 1_024;
/// Candidates read beyond those asked for: what is not known before reading changes the order among near equals.
const MARGIN: usize = 14;

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct SearchQuery {
    /// Words, each with a factor of its weight.
    pub terms: Vec<(Term, f64)>,
    /// Whether the answer is a time.
    pub about_time: bool,
}

/// Which matches are there by chance, by how much of the query they cover. The default keeps all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cut {
    /// Least coverage of the best match; with less there are no hits at all.
    pub best: f64,
    /// The same for a query that names somebody who speaks in a match.
    pub best_named: f64,
    /// Least coverage of every hit, as part of that.
    pub each: f64,
    /// Least coverage of every hit, as part of the best match's.
    pub beside_best: f64,
}

/// How much of what matches is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Most hits.
    pub limit: usize,
    /// Hits passed over first.
    pub offset: usize,
    /// Memories read of a term that many hold. More make the total exact and the search slow.
    pub depth: usize,
    /// Whether to say of each match why it is in or out.
    pub explain: bool,
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
    /// Whether the query names who says it.
    pub named: bool,
    /// What the relevance is made of.
    pub parts: Score,
    /// Which terms match; told only where that was asked for.
    pub matches: Vec<TermMatch>,
}

/// A term of the query that a memory or a neighbour of it in its conversation holds.
#[derive(Clone, Debug)]
pub struct TermMatch {
    /// The term.
    pub term: Term,
    /// What it adds to the relevance, before the length and the form of the memory.
    pub weight: f64,
    /// Where it stands: so many turns before (negative) or after the memory; 0: in the memory itself.
    pub distance: i64,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Best first; equally good ones newest first.
    pub hits: Vec<SearchHit>,
    /// How many matched, those outside of the window included.
    pub total: usize,
    /// Whether the query names somebody who speaks in a match.
    pub named: bool,
    /// Coverage below which a match was there by chance.
    pub least_coverage: f64,
    /// Matches below that, best first; told only where that was asked for.
    pub by_chance: Vec<SearchHit>,
}

impl Reader<'_> {
    /// The memories of a namespace that hold at least one of the terms, pass the filter and survive the cut.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn search(
        &self,
        namespace: NamespaceNumber,
        query: &SearchQuery,
        filter: &MemoryFilter,
        cut: Cut,
        window: Window,
    ) -> Result<Found, ReadError> {
        if query.terms.is_empty() {
            return Ok(Found::default());
        }
        match Search::begin(self, namespace, query, window.depth)? {
            Some(search) => Ok(search.run(filter, cut, window)?),
            None => Ok(Found::default()),
        }
    }
}

/// A term of the query, the memories that hold it, and what that is worth.
struct Held {
    term: Term,
    posting: Posting,
    /// What holding the term is worth.
    weight: f64,
    /// How much the term tells of what the query is about.
    telling: f64,
}

impl Held {
    fn spreads(&self) -> bool {
        self.posting.holding <= MAX_SPREAD
    }
}

/// A memory before it is read: the most that it can be worth and cover.
#[derive(Clone, Copy, Default)]
struct Candidate {
    worth: f64,
    told: f64,
}

struct Search<'a> {
    connection: &'a Connection,
    collection: Collection,
    terms: Vec<Held>,
    /// How much all terms tell.
    told_by_all: f64,
    about_time: bool,
}

impl<'a> Search<'a> {
    /// Looks the terms up; `None` where the namespace is empty or gone.
    fn begin(
        reader: &Reader<'a>,
        namespace: NamespaceNumber,
        query: &SearchQuery,
        depth: usize,
    ) -> rusqlite::Result<Option<Self>> {
        let connection = reader.connection;
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
        let terms = query.terms.iter().map(|(term, _)| term);
        let postings = postings::read(
            connection,
            reader.term_counts,
            namespace,
            collection.memories,
            terms,
            depth,
        )?;
        let held = |((term, factor), posting): (&(Term, f64), Posting)| Held {
            weight: factor * posting.likeness * collection.term_weight(posting.holding),
            telling: factor * posting.likeness * collection.telling(term, posting.holding),
            term: term.clone(),
            posting,
        };
        let terms: Vec<Held> = query.terms.iter().zip(postings).map(held).collect();
        // A thing of a kind stands for the word that names the kind, and that word is counted.
        let asked = terms.iter().filter(|held| !held.term.is_kind());
        let told_by_all = asked.map(|held| held.telling / held.posting.likeness).sum();
        Ok(Some(Self {
            connection,
            collection,
            terms,
            told_by_all,
            about_time: query.about_time,
        }))
    }

    fn run(self, filter: &MemoryFilter, cut: Cut, window: Window) -> rusqlite::Result<Found> {
        let unfiltered = *filter == MemoryFilter::default();
        // To say why a match is out, it has to be looked at.
        let mut candidates = self.candidates(if window.explain { Cut::default() } else { cut });
        let matched = candidates.len();
        let wanted = window.offset.saturating_add(window.limit).saturating_add(MARGIN);
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
        for row in candidates {
            let found = read
                .query_row([row], |row| Ok((from_row(row)?, row.get::<_, f64>("word_count")?)))
                .optional()?;
            if let Some((memory, words)) = found.filter(|(memory, _)| filter.accepts(memory))
                && let Some(hit) = self.score(memory, words, &mut conversations, window.explain)?
            {
                hits.push(hit);
            }
        }
        let total = if unfiltered { matched } else { hits.len() };
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.memory.row_id.cmp(&a.memory.row_id)));
        // What seemed to match may have leant on another conversation, so the cut is made again with what is exact.
        let best = hits.iter().map(|hit| hit.coverage).fold(0.0, f64::max);
        let named = hits.iter().any(|hit| hit.named);
        let least = if named { cut.best_named } else { cut.best };
        let least_coverage = (least * cut.each).max(best * cut.beside_best);
        let (kept, by_chance): (Vec<SearchHit>, Vec<SearchHit>) = hits
            .into_iter()
            .partition(|hit| best >= least && hit.coverage >= least_coverage);
        Ok(Found {
            hits: kept.into_iter().skip(window.offset).take(window.limit).collect(),
            total,
            named,
            least_coverage: if best < least { least } else { least_coverage },
            by_chance: if window.explain { by_chance } else { Vec::new() },
        })
    }

    /// Rows that may match and survive the cut, best first.
    fn candidates(&self, cut: Cut) -> Vec<i64> {
        let mut candidates: FxHashMap<i64, Candidate> = FxHashMap::default();
        for term in &self.terms {
            let mut add = |row: i64, part: f64| {
                let candidate = candidates.entry(row).or_default();
                candidate.worth += part * term.weight;
                candidate.told += part * term.telling;
            };
            if self.collection.turns == 0 || !term.spreads() {
                term.posting.rows.iter().for_each(|row| add(*row, 1.0));
                continue;
            }
            let mut nearest: FxHashMap<i64, f64> = FxHashMap::default();
            for row in &term.posting.rows {
                nearest.insert(*row, 1.0);
                for (distance, weight) in NEIGHBOURS {
                    // A neighbour `distance` away from the row sees it at the opposite distance.
                    let seen = nearest.entry(row - distance).or_default();
                    *seen = seen.max(weight);
                }
            }
            for (row, part) in nearest {
                add(row, part);
            }
        }
        let best = candidates.values().map(|candidate| candidate.told).fold(0.0, f64::max);
        // Whether somebody is named is not known before reading.
        let cut_best = cut.best.min(cut.best_named);
        if best < cut_best * self.told_by_all {
            return Vec::new();
        }
        // Without neighbours what is known now is exact; with them the best may turn out to be less.
        let beside_best = if self.collection.turns == 0 {
            best * cut.beside_best
        } else {
            0.0
        };
        let least = (cut_best * cut.each * self.told_by_all).max(beside_best);
        let mut candidates: Vec<(i64, Candidate)> = candidates
            .into_iter()
            .filter(|(_, candidate)| candidate.told >= least)
            .collect();
        candidates.sort_unstable_by(|a, b| b.1.worth.total_cmp(&a.1.worth).then(b.0.cmp(&a.0)));
        candidates.into_iter().map(|(row, _)| row).collect()
    }

    /// The exact worth of a memory; `None` where what seemed to match belongs to another conversation.
    fn score(
        &self,
        memory: Memory,
        words: f64,
        conversations: &mut Conversations<'_>,
        explain: bool,
    ) -> rusqlite::Result<Option<SearchHit>> {
        let conversation = memory.turn.as_ref().map(|turn| turn.conversation_id.as_str());
        let (mut own, mut near, mut told) = (0.0, 0.0, 0.0);
        let mut matches = Vec::new();
        for held in &self.terms {
            let (weight, distance) = if held.posting.holds(memory.row_id) {
                let weight = held.weight * repeated(held.term.occurrences(&memory.content));
                own += weight;
                told += held.telling;
                (weight, 0)
            } else if let Some((distance, part)) = Self::nearest(held, memory.row_id, conversation, conversations)? {
                near += part * held.weight;
                told += part * held.telling;
                (part * held.weight, distance)
            } else {
                continue;
            };
            if explain {
                matches.push(TermMatch {
                    term: held.term.clone(),
                    weight,
                    distance,
                });
            }
        }
        if own + near <= 0.0 {
            return Ok(None);
        }
        let says_when = || self.about_time && text::mentions_time(&memory.content);
        let named = self.names_speaker(&memory);
        let parts = Score {
            own,
            near,
            length: self.collection.length_factor(words),
            form: form_factor(&memory.content, conversation.is_some(), says_when),
            speaker: Score::speaker(named),
        };
        Ok(Some(SearchHit {
            score: parts.total(),
            coverage: (told / self.told_by_all).min(1.0),
            named,
            parts,
            matches,
            memory,
        }))
    }

    /// The nearest turn of a conversation that holds a term: where it stands, and which part of the term's weight it gives.
    fn nearest(
        held: &Held,
        row: i64,
        conversation: Option<&str>,
        conversations: &mut Conversations<'_>,
    ) -> rusqlite::Result<Option<(i64, f64)>> {
        let Some(conversation) = conversation.filter(|_| held.spreads()) else {
            return Ok(None);
        };
        for (distance, part) in NEIGHBOURS {
            if held.posting.holds(row + distance) && conversations.has(conversation, row + distance)? {
                return Ok(Some((distance, part)));
            }
        }
        Ok(None)
    }

    /// Whether the query names who says a memory.
    fn names_speaker(&self, memory: &Memory) -> bool {
        let speaker = memory.turn.as_ref().and_then(|turn| turn.speaker.as_deref());
        speaker.is_some_and(|speaker| {
            text::words(speaker).any(|name| self.terms.iter().any(|held| held.term.as_str() == name))
        })
    }
}

/// Which conversation a row belongs to; each is asked for once.
struct Conversations<'a> {
    read: rusqlite::CachedStatement<'a>,
    known: FxHashMap<i64, Option<String>>,
}

impl<'a> Conversations<'a> {
    fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let read = connection.prepare_cached("SELECT conversation_id FROM memories WHERE row_id = ?1")?;
        Ok(Self {
            read,
            known: FxHashMap::default(),
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

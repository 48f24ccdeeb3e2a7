//! Full-text search in one namespace.
//!
//! FTS5 is asked which memories hold which term ([`super::postings`]), and never to rank: its own `bm25()` counts every word over the whole table, so it is
//! slow and lets the words of one namespace weigh on the order of another. Which terms a memory holds comes from the index itself, by the index's own
//! stemming, and only the best candidates are read. What they are worth is for [`super::ranking`] to say.

use rusqlite::{Connection, OptionalExtension as _, Statement};
use rustc_hash::FxHashMap;

use super::candidates::{self, Candidate, Weighed};
use super::filter::MemoryFilter;
use super::lengths::Lengths;
use super::memories::{COLUMNS, from_row};
use super::postings::{self, Extent, Posting};
use super::ranking::{Collection, NEIGHBOURS, Score, form_factor, repeated};
use super::top::Top;
use super::{ReadError, Reader};
use crate::model::{Memory, NamespaceNumber};
use crate::text::{self, Term};

/// Memories that a term may be in to count for their neighbours too.
const MAX_SPREAD: usize = 512;
/// Candidates read beyond those asked for: what is not known before reading changes the order among near equals.
const MARGIN: usize = 14;
/// Candidates read beyond these, as long as they may still be among the best.
const MAX_DOUBTFUL: usize = 400;
/// How many times as many candidates as are read are put in order by their lengths too, which are in memory.
const SORTED_BY_LENGTH: usize = 4;
/// How much better a candidate may turn out than its words and its length tell: it may say a word again. Most of those that do stay within this.
const SAID_AGAIN: f64 = 1.1;

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
    /// Memories of a term up to which all of them are read; of one that more hold, the newest and where it meets others. More make the total exact and the
    /// search slow.
    pub depth: usize,
    /// Most candidates that are read and scored in full.
    pub reads: usize,
    /// Whether to say of each match why it is in or out.
    pub explain: bool,
}

impl Window {
    /// The usual depth. Beyond it a word tells too little to be worth the time that it takes to read who holds it.
    pub const DEPTH: usize = 262_144;
    /// The usual number. Of more, those whose words are worth least are not looked at.
    pub const READS: usize = 1_024;
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

struct Search<'a> {
    connection: &'a Connection,
    namespace: NamespaceNumber,
    collection: Collection,
    terms: Vec<Held>,
    /// How much all terms tell.
    told_by_all: f64,
    about_time: bool,
    extent: Extent,
    lengths: &'a Lengths,
}

impl<'a> Search<'a> {
    /// Looks the terms up; `None` where the namespace is empty or gone.
    fn begin(
        reader: &'a Reader<'_>,
        namespace: NamespaceNumber,
        query: &SearchQuery,
        depth: usize,
    ) -> rusqlite::Result<Option<Self>> {
        let connection = reader.connection;
        let found = connection
            .prepare_cached(
                "SELECT memory_count, word_count, turn_count, next_sequence, rewrites FROM namespaces WHERE number = ?1",
            )?
            .query_row([namespace.0], |row| {
                let collection = Collection {
                    memories: row.get(0)?,
                    words: row.get(1)?,
                    turns: row.get(2)?,
                };
                let extent = Extent {
                    namespace,
                    memories: collection.memories,
                    next_sequence: row.get(3)?,
                    rewrites: row.get(4)?,
                };
                Ok((collection, extent))
            })
            .optional()?;
        let Some((collection, extent)) = found.filter(|(collection, _)| collection.memories > 0.0) else {
            return Ok(None);
        };
        let terms = query.terms.iter().map(|(term, _)| term);
        let postings = postings::read(connection, &reader.caches.lists, extent, terms, depth)?;
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
            namespace,
            collection,
            terms,
            told_by_all,
            about_time: query.about_time,
            extent,
            lengths: &reader.caches.lengths,
        }))
    }

    fn run(self, filter: &MemoryFilter, cut: Cut, window: Window) -> rusqlite::Result<Found> {
        let unfiltered = *filter == MemoryFilter::default();
        // To say why a match is out, it has to be looked at.
        let first_cut = if window.explain { Cut::default() } else { cut };
        let asked = window.offset.saturating_add(window.limit);
        let sure = if unfiltered {
            asked.saturating_add(MARGIN).min(window.reads)
        } else {
            window.reads
        };
        let (candidates, matched) = self.candidates(first_cut, sure, window.reads)?;

        let mut read = self
            .connection
            .prepare_cached(&format!("SELECT {COLUMNS}, word_count FROM memories WHERE row_id = ?1"))?;
        let mut conversations = Conversations::new(self.connection)?;
        let mut hits: Vec<SearchHit> = Vec::with_capacity(sure.min(candidates.len()));
        let mut top = Top::of(asked);
        for (at, (sequence, worth)) in candidates.into_iter().enumerate() {
            if at >= sure && (at >= sure.saturating_add(MAX_DOUBTFUL) || !top.may_take(worth * SAID_AGAIN)) {
                break;
            }
            let found = read
                .query_row([self.namespace.row_id(sequence)], |row| {
                    Ok((from_row(row)?, row.get::<_, f64>("word_count")?))
                })
                .optional()?;
            if let Some((memory, words)) = found.filter(|(memory, _)| filter.accepts(memory))
                && let Some(hit) = self.score(memory, words, &mut conversations, window.explain)?
            {
                top.add(hit.score);
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

    /// The best memories that may match and survive the cut, at most so many, each with what it seems to be worth, best first; and how many there are in
    /// all. The first `sure` will be read.
    fn candidates(&self, cut: Cut, sure: usize, most: usize) -> rusqlite::Result<(Vec<(u32, f64)>, usize)> {
        let weighed: Vec<Weighed<'_>> = self
            .terms
            .iter()
            .map(|held| Weighed {
                posting: &held.posting,
                weight: held.weight,
                telling: held.telling,
                spreads: self.collection.turns > 0 && held.spreads(),
            })
            .collect();
        let mut candidates = candidates::add_up(&weighed);
        let best = candidates
            .iter()
            .map(|(_, candidate)| candidate.told)
            .fold(0.0, f64::max);
        // Whether somebody is named is not known before reading.
        let cut_best = cut.best.min(cut.best_named);
        if best < cut_best * self.told_by_all {
            return Ok((Vec::new(), 0));
        }
        // Without neighbours what is known now is exact; with them the best may turn out to be less.
        let beside_best = if self.collection.turns == 0 {
            best * cut.beside_best
        } else {
            0.0
        };
        let least = (cut_best * cut.each * self.told_by_all).max(beside_best);
        candidates.retain(|(_, candidate)| candidate.told >= least);
        let matched = candidates.len();
        let best_first = |(a, one): &(u32, Candidate), (b, other): &(u32, Candidate)| {
            other.worth.total_cmp(&one.worth).then(b.cmp(a))
        };
        if let Some(place) = sure.checked_sub(1).filter(|_| sure < matched) {
            // A short memory is worth more, so those a little behind may be as good.
            let (_, (_, worst), _) = candidates.select_nth_unstable_by(place, best_first);
            let as_good = worst.worth / self.collection.length_factor(0.0);
            candidates.retain(|(_, candidate)| candidate.worth >= as_good);
        }
        let sorted = most.saturating_mul(SORTED_BY_LENGTH);
        if sorted < candidates.len() {
            candidates.select_nth_unstable_by(sorted, best_first);
            candidates.truncate(sorted);
        }
        if sure < candidates.len() {
            let mut lengths = self.lengths.reader(self.connection, self.extent)?;
            for (sequence, candidate) in &mut candidates {
                if let Some(words) = lengths.words_of(*sequence)? {
                    candidate.worth *= self.collection.length_factor(words);
                }
            }
        }
        candidates.sort_unstable_by(best_first);
        let best = candidates.into_iter().take(most);
        Ok((
            best.map(|(sequence, candidate)| (sequence, candidate.worth)).collect(),
            matched,
        ))
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
            let (weight, distance) = if held.posting.holds(NamespaceNumber::sequence_of(memory.row_id)) {
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
            if held.posting.holds(NamespaceNumber::sequence_of(row + distance))
                && conversations.has(conversation, row + distance)?
            {
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

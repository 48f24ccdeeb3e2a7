//! Keeps what is new in a finished exchange.
//!
//! Finding it takes no model and well under a millisecond, so it is done at once, and only what was found goes on: into a queue in the database, and from
//! there into memories. Words that are no memory never reach the disk, and an exchange that holds none costs no write. An exchange is logged as complete
//! when its facts are on the disk: from then on neither a crash nor a shutdown loses them, and an entry leaves the queue in the transaction that stores
//! its facts, so nothing is done twice. While the disk takes nothing, a bounded number of exchanges waits in memory. Where too many wait, the oldest go.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard};

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use super::extract::{Exchange, Extracted, Extractor, Speaker, redacted};
use super::turns::turns;
use crate::model::{Metadata, NewMemory, Source};
use crate::store::{FactsNamespace, FoundFacts, Lesson, Outcome, Store, StoreError};
use crate::sync::lock;

/// Most exchanges that wait for the disk.
const MOST_WAITING: usize = 1_024;
/// Most exchanges in one transaction.
const BATCH: usize = 64;

/// Facts on their way from exchanges to the database.
#[derive(Debug, Default)]
pub struct Ingest {
    waiting: Mutex<VecDeque<FoundFacts>>,
    arrived: Notify,
}

/// Where an exchange took place.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The request that it came with.
    pub request_id: &'a str,
    /// The conversation that it is a part of.
    pub conversation: ConversationId<'a>,
}

/// What a conversation is told from others by.
#[derive(Clone, Copy, Debug)]
pub enum ConversationId<'a> {
    /// The name that its client gives it.
    Given(&'a str),
    /// The message of the user that it begins with, where it has no name.
    BeginsWith(&'a str),
}

impl ConversationId<'_> {
    fn text(self) -> String {
        match self {
            Self::Given(id) => id.to_owned(),
            Self::BeginsWith(message) => {
                let hash = message_hash(message);
                format!("chat-{}", hash.get(..16).unwrap_or_default())
            }
        }
    }
}

/// What a round of work came to.
#[derive(Debug, Default)]
pub struct Worked {
    /// New memories.
    pub stored: usize,
    /// Facts that were known already.
    pub known: usize,
    /// Memories whose place a new one took.
    pub superseded: usize,
    /// Memories deleted because the user asked for it.
    pub forgotten: usize,
    /// Exchanges that were let go: too many waited, or they could not be read.
    pub dropped: usize,
    /// Exchanges that still wait, in memory and in the database.
    pub waiting: usize,
    /// What was learned, request by request.
    pub outcomes: Vec<Outcome>,
    /// What is in the way of those.
    pub trouble: Option<StoreError>,
}

impl Ingest {
    /// Finds the facts of an exchange and lets them wait for [`Self::work`], and its words as pieces of a conversation where one is given; how many older
    /// exchanges had to go for it.
    pub fn hear(
        &self,
        extractor: &Extractor,
        namespace: FactsNamespace,
        exchange: &Exchange<'_>,
        origin: Origin<'_>,
        turns_of: Option<&str>,
    ) -> usize {
        let mut facts = lessons(&extractor.extract(exchange), exchange, origin);
        let forgets = facts.iter().any(|lesson| matches!(lesson, Lesson::Forget(_)));
        if let Some(conversation) = turns_of.filter(|_| !forgets) {
            let turns = turns(exchange, conversation, origin.request_id);
            facts.extend(turns.into_iter().map(Lesson::Keep));
        }
        if facts.is_empty() {
            log_complete(origin.request_id, 0);
            return 0;
        }
        let mut waiting = self.waiting();
        waiting.push_back(FoundFacts {
            namespace,
            request_id: origin.request_id.to_owned(),
            facts,
        });
        let dropped = waiting.len().saturating_sub(MOST_WAITING);
        waiting.drain(..dropped);
        drop(waiting);
        self.arrived.notify_one();
        dropped
    }

    /// Completes when an exchange has come in since the last call.
    pub async fn arrival(&self) {
        self.arrived.notified().await;
    }

    /// Puts what waits on the queue in the database, and makes memories of all that is on it.
    pub async fn work(&self, store: &Store) -> Worked {
        let mut worked = Worked::default();
        if let Err(error) = self.enqueue(store, &mut worked).await {
            worked.trouble = Some(error);
        } else if let Err(error) = settle(store, &mut worked).await {
            worked.trouble = Some(error);
        }
        worked.waiting += self.unsaved();
        worked
    }

    /// Exchanges that are in memory only.
    pub fn unsaved(&self) -> usize {
        self.waiting().len()
    }

    async fn enqueue(&self, store: &Store, worked: &mut Worked) -> Result<(), StoreError> {
        loop {
            let batch: Vec<FoundFacts> = {
                let mut waiting = self.waiting();
                let count = waiting.len().min(BATCH);
                waiting.drain(..count).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            match store.enqueue(batch.clone()).await {
                Ok(dropped) => worked.dropped += dropped,
                Err(error) => {
                    worked.dropped += self.put_back(batch);
                    return Err(error);
                }
            }
            for finished in batch {
                let facts = finished.facts.iter();
                let facts = facts.filter(|lesson| !matches!(lesson, Lesson::Keep(_))).count();
                log_complete(&finished.request_id, facts);
            }
        }
    }

    /// Puts exchanges back before those that came after them; how many had to go.
    fn put_back(&self, batch: Vec<FoundFacts>) -> usize {
        let mut waiting = self.waiting();
        let dropped = (waiting.len() + batch.len()).saturating_sub(MOST_WAITING);
        for finished in batch.into_iter().skip(dropped).rev() {
            waiting.push_front(finished);
        }
        dropped
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<FoundFacts>> {
        lock(&self.waiting)
    }
}

/// Makes memories of all entries of the queue. One that cannot be settled stays, and does not hold up the others.
async fn settle(store: &Store, worked: &mut Worked) -> Result<(), StoreError> {
    let entries = store.queued().await?;
    let mut left = entries.len();
    let mut trouble = None;
    for batch in entries.chunks(BATCH) {
        if settle_batch(store, batch, worked).await.is_ok() {
            left -= batch.len();
            continue;
        }
        for entry in batch {
            match settle_batch(store, &[*entry], worked).await {
                Ok(()) => left -= 1,
                Err(error @ StoreError::Database(_)) => trouble = Some(error),
                Err(error) => {
                    worked.waiting += left;
                    return Err(error);
                }
            }
        }
    }
    worked.waiting += left;
    trouble.map_or(Ok(()), Err)
}

async fn settle_batch(store: &Store, entries: &[i64], worked: &mut Worked) -> Result<(), StoreError> {
    let settled = store.settle(entries.to_vec()).await?;
    worked.stored += settled.stored;
    worked.known += settled.known;
    worked.superseded += settled.superseded;
    worked.forgotten += settled.forgotten;
    worked.dropped += settled.unreadable;
    worked.outcomes.extend(settled.outcomes);
    Ok(())
}

fn log_complete(request_id: &str, facts: usize) {
    tracing::info!(request_id, facts, "exchange complete");
}

/// What was found in an exchange, as the store is to follow it.
#[must_use]
pub fn lessons(found: &[Extracted], exchange: &Exchange<'_>, origin: Origin<'_>) -> Vec<Lesson> {
    found
        .iter()
        .filter_map(|extracted| {
            if extracted.forget {
                extracted.fact.clone().map(Lesson::Forget)
            } else {
                Some(Lesson::Learn(new_memory(extracted, exchange, origin)))
            }
        })
        .collect()
}

fn new_memory(extracted: &Extracted, exchange: &Exchange<'_>, origin: Origin<'_>) -> NewMemory {
    let said = match extracted.speaker {
        Speaker::User => exchange.user,
        Speaker::Assistant => exchange.assistant,
    };
    let mut metadata = Metadata::new();
    metadata.insert("rule".into(), json!(extracted.rule));
    metadata.insert("role".into(), json!(extracted.speaker.as_str()));
    metadata.insert("sentence".into(), json!(extracted.sentence));
    metadata.insert("message_hash".into(), json!(message_hash(said.unwrap_or_default())));
    metadata.insert("conversation_id".into(), json!(origin.conversation.text()));
    metadata.insert("request_id".into(), json!(origin.request_id));
    NewMemory {
        content: extracted.content.clone(),
        kind: extracted.kind,
        source: Source::Extracted,
        tags: Vec::new(),
        metadata,
        confidence: extracted.confidence,
        turn: None,
        created_at: Some(exchange.at),
        fact: extracted.fact.clone(),
        pinned: false,
    }
}

/// Which message it was, without its words. Secrets are taken out first: a short one could be guessed from its hash.
fn message_hash(text: &str) -> String {
    hex(&Sha256::digest(redacted(text).as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

//! Keeps what is new in a finished exchange.
//!
//! Finding it takes no model and well under a millisecond. What was found is stored in one transaction, so that an exchange is kept whole or not at
//! all, and words that are no memory never reach the disk.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::extract::{Exchange, Extracted, Extractor, Speaker, redacted};
use crate::model::{Metadata, NamespaceNumber, NewMemory, Source};
use crate::store::{Learned, Lesson, Rehearsal, Store, StoreError};

/// Where an exchange took place.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The request that it came with.
    pub request_id: &'a str,
    /// The conversation that it is a part of.
    pub conversation_id: &'a str,
}

/// What came of an exchange, a count each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// New memories.
    pub stored: usize,
    /// Facts that were known already.
    pub known: usize,
    /// Memories whose place a new one took.
    pub superseded: usize,
    /// Memories deleted because the user asked for it.
    pub forgotten: usize,
}

impl Ingested {
    fn count(learned: &[Learned]) -> Self {
        let mut ingested = Self::default();
        for one in learned {
            match one {
                Learned::Stored(_, superseded) => {
                    ingested.stored += 1;
                    ingested.superseded += superseded.len();
                }
                Learned::Confirmed(_) => ingested.known += 1,
                Learned::Forgotten(memories) => ingested.forgotten += memories.len(),
            }
        }
        ingested
    }
}

/// Extracts and stores what is new in an exchange.
///
/// # Errors
/// The store is in trouble; nothing of the exchange was stored.
pub async fn ingest(
    store: &Store,
    extractor: &Extractor,
    namespace: NamespaceNumber,
    exchange: &Exchange<'_>,
    origin: Origin<'_>,
) -> Result<Ingested, StoreError> {
    let found = extractor.extract(exchange);
    if found.is_empty() {
        return Ok(Ingested::default());
    }
    let lessons = lessons(&found, exchange, origin);
    let learned = store.learn(namespace, lessons, Rehearsal::No).await?;
    Ok(Ingested::count(&learned.unwrap_or_default()))
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
    metadata.insert("conversation_id".into(), json!(origin.conversation_id));
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
    }
}

/// Which message it was, without its words. Secrets are taken out first: a short one could be guessed from its hash.
fn message_hash(text: &str) -> String {
    hex(&Sha256::digest(redacted(text).as_bytes()))
}

/// The conversation of a request that names none: whatever begins with the same message of the user.
#[must_use]
pub fn conversation_of(first_message: &str) -> String {
    let hash = message_hash(first_message);
    format!("chat-{}", hash.get(..16).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

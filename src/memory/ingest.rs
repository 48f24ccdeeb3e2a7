//! Keeps what is new in a finished exchange.
//!
//! Finding it takes no model and well under a millisecond, so there is no queue between an exchange and its memories: they are found, and then stored
//! in one transaction. A crash loses the exchange or none of it, nothing is done twice, and words that are no memory never reach the disk.

use serde_json::json;

use super::extract::{self, Exchange, Extracted};
use super::turns::turns;
use crate::model::{MemoryType, Metadata, NamespaceNumber, NewMemory, Source};
use crate::store::{Remembered, Store, StoreError};

/// What came of an exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// New memories.
    pub stored: usize,
    /// Facts that were known already.
    pub known: usize,
}

/// Extracts and stores what is new in an exchange, and its own words as pieces of a conversation where one is given.
///
/// # Errors
/// The store is in trouble; nothing of the exchange was stored.
pub async fn ingest(
    store: &Store,
    namespace: NamespaceNumber,
    exchange: &Exchange<'_>,
    conversation_id: Option<&str>,
    request_id: &str,
) -> Result<Ingested, StoreError> {
    let mut memories: Vec<NewMemory> = extract::extract(exchange)
        .into_iter()
        .map(|extracted| new_memory(extracted, request_id))
        .collect();
    let facts = memories.len();
    if let Some(conversation_id) = conversation_id {
        memories.extend(turns(exchange, conversation_id, request_id));
    }
    if memories.is_empty() {
        return Ok(Ingested::default());
    }
    let remembered = store.remember(namespace, memories).await?.unwrap_or_default();
    let of_facts = remembered.get(..facts).unwrap_or_default();
    let stored = of_facts
        .iter()
        .filter(|one| matches!(one, Remembered::Stored(_)))
        .count();
    Ok(Ingested {
        stored,
        known: of_facts.len() - stored,
    })
}

fn new_memory(extracted: Extracted, request_id: &str) -> NewMemory {
    let mut metadata = Metadata::new();
    metadata.insert("rule".into(), json!(extracted.rule));
    metadata.insert("role".into(), json!(extracted.speaker.as_str()));
    metadata.insert("sentence".into(), json!(extracted.sentence));
    metadata.insert("request_id".into(), json!(request_id));
    NewMemory {
        content: extracted.content,
        kind: MemoryType::Semantic,
        source: Source::Extracted,
        tags: Vec::new(),
        metadata,
        confidence: extracted.confidence,
        turn: None,
        created_at: None,
        pinned: false,
    }
}

//! An exchange as two pieces of a conversation: what the user said, and the gist of the answer.
//!
//! Patterns find few of the facts that are said; the words themselves hold all of them. What is kept is what a person would recall of the exchange: no
//! code, no pasted text, no secrets, and of a long text its first sentences, which say what it is about.

use serde_json::json;

use super::extract::{Exchange, Speaker, told};
use crate::model::{MemoryType, Metadata, NewMemory, Source, Turn};
use crate::text;

/// Longest piece, in characters: some hundred tokens.
const MAX_CHARS: usize = 500;
/// How sure a piece is: it was said, and whether it is true nobody has looked at.
const CONFIDENCE: f64 = 0.5;

/// The conversation of a request, known by how it begins: a client sends the whole of it with each request. Conversations that begin with the same words
/// pass for one, which at worst makes neighbours of pieces that were not.
#[must_use]
pub fn conversation_id(first_user_text: &str) -> String {
    format!("chat-{:032x}", u128::from_be_bytes(text::fingerprint(first_user_text)))
}

/// The pieces of an exchange that say anything.
#[must_use]
pub fn turns(exchange: &Exchange<'_>, conversation_id: &str, request_id: &str) -> Vec<NewMemory> {
    [(Speaker::User, exchange.user), (Speaker::Assistant, exchange.assistant)]
        .into_iter()
        .filter_map(|(speaker, said)| {
            let content = gist(told(said?, speaker));
            if text::terms(&content).is_empty() {
                return None;
            }
            let mut metadata = Metadata::new();
            metadata.insert("request_id".into(), json!(request_id));
            Some(NewMemory {
                content,
                kind: MemoryType::Episodic,
                source: Source::Extracted,
                tags: Vec::new(),
                metadata,
                confidence: CONFIDENCE,
                turn: Some(Turn {
                    conversation_id: conversation_id.to_owned(),
                    role: Some(speaker.as_str().to_owned()),
                    speaker: None,
                }),
                created_at: Some(exchange.at),
                pinned: false,
            })
        })
        .collect()
}

/// The first sentences that fit whole; of a first one that is too long, nothing.
fn gist(sentences: Vec<String>) -> String {
    let mut gist = String::new();
    for sentence in sentences {
        if gist.chars().count() + 1 + sentence.chars().count() > MAX_CHARS {
            break;
        }
        if !gist.is_empty() {
            gist.push(' ');
        }
        gist.push_str(&sentence);
    }
    gist
}

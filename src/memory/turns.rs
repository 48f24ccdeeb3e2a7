//! An exchange as two pieces of a conversation: what the user said, and the gist of the answer.
//!
//! Patterns find few of the facts that are said; the words themselves hold all of them. What is kept is what a person would recall of the exchange: no
//! code, no pasted text, no secrets, and of a long text its first sentences, which say what it is about.

use serde_json::json;

use super::extract::{Exchange, Speaker, told, wants_silence};
use crate::model::{ChatRequest, MemoryType, Metadata, NewMemory, Role, Source, Turn};
use crate::text;

/// Longest piece, in characters: some hundred tokens.
const MAX_CHARS: usize = 500;
/// How sure a piece is: it was said, and whether it is true nobody has looked at.
const CONFIDENCE: f64 = 0.5;

/// What one conversation is told from another by.
#[derive(Clone, Debug)]
pub enum Conversation {
    /// The name that the client gives it.
    Named(String),
    /// How it begins: a client sends the whole of it with each request.
    Opening {
        /// The first message of the user.
        user: String,
        /// The first answer; none in the first request.
        assistant: Option<String>,
    },
}

impl Conversation {
    /// The conversation of a request, by its name where it has one; `None` where the user has said nothing.
    #[must_use]
    pub fn of(chat: &ChatRequest<'_>, name: Option<&str>) -> Option<Self> {
        if let Some(name) = name {
            return Some(Self::Named(name.to_owned()));
        }
        let first = |role| chat.messages.iter().find(|message| message.role == role);
        Some(Self::Opening {
            user: chat.text(first(Role::User)?).into_owned(),
            assistant: first(Role::Assistant).map(|message| chat.text(message).into_owned()),
        })
    }

    /// Its id, where it has a name or has had an answer before.
    #[must_use]
    pub fn known(&self) -> Option<String> {
        match self {
            Self::Opening { assistant: None, .. } => None,
            Self::Named(_) | Self::Opening { .. } => Some(self.answered(None)),
        }
    }

    /// Its id once it has this answer.
    #[must_use]
    pub fn answered(&self, answer: Option<&str>) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Opening { user, assistant } => {
                let opening = format!("{user}\n{}", assistant.as_deref().or(answer).unwrap_or_default());
                format!("chat-{:032x}", u128::from_be_bytes(text::fingerprint(&opening)))
            }
        }
    }
}

/// The pieces of an exchange that say anything; none where the user wants something forgotten or not remembered.
#[must_use]
pub fn turns(exchange: &Exchange<'_>, conversation_id: &str, request_id: &str) -> Vec<NewMemory> {
    if exchange.user.is_some_and(wants_silence) {
        return Vec::new();
    }
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
                fact: None,
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

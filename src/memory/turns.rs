//! An exchange as two pieces of a conversation: what the user said, and the gist of the answer.
//!
//! Patterns find few of the facts that are said; the words themselves hold all of them. What is kept is what a person would recall of the exchange: no
//! code, no pasted text, no secrets, and of a long text its first sentences, which say what it is about.

use serde_json::json;

use super::extract::{Exchange, Speaker, told};
use crate::model::{ChatRequest, MemoryType, Metadata, NewMemory, Role, Source, Turn};
use crate::text;

/// Longest piece, in characters: some hundred tokens.
const MAX_CHARS: usize = 500;
/// How sure a piece is: it was said, and whether it is true nobody has looked at.
const CONFIDENCE: f64 = 0.5;

/// How a conversation begins. A client sends the whole of it with each request, so this tells one conversation from another without a word from the client.
#[derive(Clone, Debug)]
pub struct Opening {
    user: String,
    /// The first answer; none in the first request.
    assistant: Option<String>,
}

impl Opening {
    /// The opening of a request's conversation; `None` where the user has said nothing.
    #[must_use]
    pub fn of(chat: &ChatRequest<'_>) -> Option<Self> {
        let first = |role| chat.messages.iter().find(|message| message.role == role);
        Some(Self {
            user: chat.text(first(Role::User)?).into_owned(),
            assistant: first(Role::Assistant).map(|message| chat.text(message).into_owned()),
        })
    }

    /// The conversation, where it has had an answer before.
    #[must_use]
    pub fn known(&self) -> Option<String> {
        self.assistant.as_ref().map(|assistant| self.id(Some(assistant)))
    }

    /// The conversation, once it has this answer.
    #[must_use]
    pub fn answered(&self, answer: Option<&str>) -> String {
        self.id(self.assistant.as_deref().or(answer))
    }

    fn id(&self, assistant: Option<&str>) -> String {
        let opening = format!("{}\n{}", self.user, assistant.unwrap_or_default());
        format!("chat-{:032x}", u128::from_be_bytes(text::fingerprint(&opening)))
    }
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

//! How a conversation is known again: a hash over its messages that is the same whenever a client sends them, and different once they say something else.
//!
//! Clients keep no state for maia, and send answers back a little changed. So what counts of a message is who says what: its role and its text without the
//! white space around it, however it is spelled in JSON and whether as a string or as a part; images and other parts byte for byte. Of an answer, the
//! tools that it calls count by name and arguments, in any order of keys; reasoning in front of it, ids and all other fields do not. The hash (XXH3, 128 bits)
//! tells conversations apart and keeps no secret: it stands beside the number of the namespace, never in its place.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_128, xxh3_128_with_seed};

use super::inject::{Place, has_room};
use crate::model::{ChatRequest, Content, Message, Role, escaped};
use crate::store::HistoryHash;

/// Reasoning that a model writes before its answer.
const REASONING: (&str, &str) = ("<think>", "</think>");
/// White space that has to be written with a backslash.
const SPACES: [&str; 5] = [r"\n", r"\r", r"\t", r"\f", r"\u000b"];

/// The conversation of a request, up to the newest message of the user.
#[derive(Clone, Debug)]
pub struct History {
    /// The messages of the user, oldest first; at least one.
    pub turns: Vec<UserTurn>,
    /// Whether messages follow the newest of them: its answer has begun.
    pub continues: bool,
    /// Bytes of the messages.
    pub bytes: i64,
    /// Whether the newest message, and the first, have a place for a block.
    newest_has_room: bool,
    first_has_room: bool,
}

/// A message of the user.
#[derive(Clone, Debug)]
pub struct UserTurn {
    /// Which message of the request it is.
    pub message: usize,
    /// All messages up to and including it.
    pub history: HistoryHash,
    /// The same with the answer that follows it.
    pub answered: Option<HistoryHash>,
}

impl History {
    /// The conversation of a request; `None` where the user has said nothing.
    #[must_use]
    pub fn of(chat: &ChatRequest<'_>) -> Option<Self> {
        let newest = chat.newest_user_index()?;
        let mut turns = Vec::new();
        let mut hash = 0;
        // One more: the answer to the newest message, where it has begun.
        for (index, message) in chat.messages.iter().take(newest + 2).enumerate() {
            let text = chat.spelled_text(message);
            let more = more(chat, message, text.is_empty());
            hash = and_then(hash, message.role, said(&text, message.role), more);
            match message.role {
                Role::User => turns.push(UserTurn {
                    message: index,
                    history: hash.to_be_bytes(),
                    answered: None,
                }),
                Role::Assistant => {
                    let last = turns
                        .last_mut()
                        .filter(|turn: &&mut UserTurn| turn.message + 1 == index);
                    if let Some(turn) = last {
                        turn.answered = Some(hash.to_be_bytes());
                    }
                }
                Role::System | Role::Other => {}
            }
        }
        let first = turns.first()?.message;
        let bytes = chat.messages.get(newest)?.span.end - chat.messages.first()?.span.start;
        Some(Self {
            turns,
            continues: newest + 1 < chat.messages.len(),
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            newest_has_room: has_room(chat, Place::Within(newest)),
            first_has_room: first == newest || has_room(chat, Place::Within(first)),
        })
    }

    /// Whether a block can be put there.
    #[must_use]
    pub fn takes(&self, place: Place) -> bool {
        match place {
            Place::System | Place::Before(_) => true,
            Place::FirstUser => self.first_has_room && (self.turns.len() > 1 || self.newest_has_room),
            Place::Within(_) => self.newest_has_room,
        }
    }
}

/// A history with a plain answer.
#[must_use]
pub fn answered(history: &HistoryHash, text: &str) -> HistoryHash {
    let before = u128::from_be_bytes(*history);
    and_then(before, Role::Assistant, answer(&escaped(text)), 0).to_be_bytes()
}

/// The hash of a history and one more message.
fn and_then(before: u128, role: Role, text: &str, more: u128) -> u128 {
    let role = match role {
        Role::System => 1,
        Role::User => 2,
        Role::Assistant => 3,
        Role::Other => 4,
    };
    let parts = [before, xxh3_128(text.as_bytes()), more].map(u128::to_be_bytes);
    xxh3_128_with_seed(parts.as_flattened(), role)
}

/// The text of a message as far as it counts, as it stands in JSON.
fn said(text: &str, role: Role) -> &str {
    match role {
        Role::Assistant => answer(text),
        _ => trim(text),
    }
}

/// An answer without the reasoning before it and the white space around it.
fn answer(text: &str) -> &str {
    let text = trim(text);
    let reasoning = text
        .strip_prefix(REASONING.0)
        .and_then(|rest| rest.split_once(REASONING.1));
    reasoning.map_or(text, |(_, answer)| trim(answer))
}

/// A text without the white space around it, which may be written with a backslash.
fn trim(text: &str) -> &str {
    let mut rest = text.trim();
    while let Some(shorter) = SPACES.iter().find_map(|space| rest.strip_prefix(space)) {
        rest = shorter.trim_start();
    }
    while let Some(shorter) = SPACES.iter().find_map(|space| rest.strip_suffix(space)) {
        let backslashes = shorter.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if backslashes % 2 == 1 {
            // It is the letter after a backslash that is written with another.
            break;
        }
        rest = shorter.trim_end();
    }
    rest
}

/// What a message says beside its text.
fn more(chat: &ChatRequest<'_>, message: &Message, has_no_text: bool) -> u128 {
    let bytes = |span: &std::ops::Range<usize>| chat.body().get(span.clone()).unwrap_or_default();
    let fold =
        |hash: u128, part: &str| xxh3_128([hash, xxh3_128(part.as_bytes())].map(u128::to_be_bytes).as_flattened());
    if message.role == Role::Assistant {
        return message.tool_calls.as_ref().map_or(0, |calls| fold_calls(bytes(calls)));
    }
    match &message.content {
        Content::Parts { others, .. } => others.iter().fold(0, |hash, part| fold(hash, bytes(part))),
        // A string that holds no text, such as half a character, is told apart by its bytes.
        Content::Text(span) if has_no_text && span.len() > 2 => fold(0, bytes(span)),
        Content::Other => fold(0, bytes(&message.span)),
        _ => 0,
    }
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arguments: Option<Cow<'a, str>>,
}

/// Tool calls by name and arguments.
fn fold_calls(json: &str) -> u128 {
    let Ok(calls) = serde_json::from_str::<Vec<Call<'_>>>(json) else {
        return xxh3_128(json.as_bytes());
    };
    let mut text = String::new();
    for function in calls.iter().filter_map(|call| call.function.as_ref()) {
        text.push_str(function.name.as_deref().unwrap_or_default());
        text.push('\n');
        let arguments = function.arguments.as_deref().unwrap_or_default();
        match serde_json::from_str::<Value>(arguments) {
            // Its keys are sorted.
            Ok(arguments) => text.push_str(&arguments.to_string()),
            Err(_) => text.push_str(arguments.trim()),
        }
        text.push('\n');
    }
    if text.is_empty() { 0 } else { xxh3_128(text.as_bytes()) }
}

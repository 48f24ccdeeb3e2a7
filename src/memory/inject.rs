//! Puts blocks into a chat request by insertions into the client's own bytes. Everything around them stays as it was, byte for byte.

use std::sync::Arc;

use crate::model::{ChatRequest, Content, ContextPosition, Message, Role, Span, escaped, quoted};

/// Stands between a block and the user's own text where it shares a message with it, as it stands in JSON.
const SEPARATOR: &str = r"\n\n---\n\n";

/// Where in a request a block goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// To the end of the system message that begins the list; made where there is none.
    System,
    /// Before the text of the first user message.
    FirstUser,
    /// Into a system message of its own, right before this message.
    Before(usize),
    /// Before the text of this message.
    Within(usize),
}

impl Place {
    /// Where the first block of a conversation goes whose newest user message is this one.
    #[must_use]
    pub fn first(position: ContextPosition, newest_user: usize) -> Self {
        match position {
            ContextPosition::System => Self::System,
            ContextPosition::FirstUser => Self::FirstUser,
            ContextPosition::BeforeLast | ContextPosition::LastUser => Self::later(position, newest_user),
        }
    }

    /// Where a further block goes, so that nothing before the newest user message moves.
    #[must_use]
    pub fn later(position: ContextPosition, newest_user: usize) -> Self {
        match position {
            ContextPosition::BeforeLast => Self::Before(newest_user),
            ContextPosition::System | ContextPosition::FirstUser | ContextPosition::LastUser => {
                Self::Within(newest_user)
            }
        }
    }
}

/// The request with the blocks at their places; `None` where there is no place for one of them. At most one block may stand with each text.
#[must_use]
pub fn inject(request: &ChatRequest<'_>, blocks: &[(Place, Arc<str>)]) -> Option<String> {
    let mut edits = blocks
        .iter()
        .map(|(place, block)| edit(request, *place, block))
        .collect::<Option<Vec<Edit>>>()?;
    edits.sort_by_key(|edit| edit.at.start);
    let body = request.body();
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut edited = String::with_capacity(body.len() + added);
    let mut from = 0;
    for edit in edits {
        edited.push_str(body.get(from..edit.at.start)?);
        edited.push_str(&edit.text);
        from = edit.at.end;
    }
    edited.push_str(body.get(from..)?);
    Some(edited)
}

/// Whether there is a place for a block.
#[must_use]
pub fn has_room(request: &ChatRequest<'_>, place: Place) -> bool {
    edit(request, place, "").is_some()
}

fn edit(request: &ChatRequest<'_>, place: Place, block: &str) -> Option<Edit> {
    match place {
        Place::System => into_system(request, block),
        Place::FirstUser => {
            let first = request.messages.iter().find(|message| message.role == Role::User)?;
            before_text(request.body(), first, block)
        }
        Place::Before(index) => {
            let message = request.messages.get(index)?;
            Some(Edit::insert(message.span.start, format!("{},", system_message(block))))
        }
        Place::Within(index) => before_text(request.body(), request.messages.get(index)?, block),
    }
}

/// Bytes of the request that give way to others.
struct Edit {
    at: Span,
    text: String,
}

impl Edit {
    fn insert(at: usize, text: String) -> Self {
        Self { at: at..at, text }
    }
}

/// Appends to the system message that begins the list, or begins the list with one.
fn into_system(request: &ChatRequest<'_>, block: &str) -> Option<Edit> {
    let list = request.list.clone()?;
    let body = request.body();
    let new_message = || Edit::insert(list.start + 1, format!("{},", system_message(block)));
    let Some(first) = request.messages.first().filter(|first| first.role == Role::System) else {
        return Some(new_message());
    };
    Some(match &first.content {
        Content::Text(span) if span.len() > 2 => Edit::insert(span.end - 1, escaped(&format!("\n\n{block}"))),
        Content::Parts { list, .. } => {
            let comma = if is_empty_list(body, list) { "" } else { "," };
            Edit::insert(list.end - 1, format!("{comma}{}", text_part(block)))
        }
        Content::Text(_) | Content::Null(_) | Content::Missing => whole_content(first, block),
        Content::Other => new_message(),
    })
}

/// Puts the block before the text of a user message.
fn before_text(body: &str, message: &Message, block: &str) -> Option<Edit> {
    // With the quotation mark that the text begins with.
    let before = |text: &Span| {
        let mut with_separator = quoted(block);
        with_separator.pop();
        with_separator.push_str(SEPARATOR);
        Edit {
            at: text.start..text.start + 1,
            text: with_separator,
        }
    };
    Some(match &message.content {
        Content::Text(text) => before(text),
        Content::Parts { list, texts, .. } => {
            if let Some(text) = texts.first() {
                before(text)
            } else {
                let comma = if is_empty_list(body, list) { "" } else { "," };
                Edit::insert(list.start + 1, format!("{}{comma}", text_part(block)))
            }
        }
        Content::Null(_) | Content::Missing => whole_content(message, block),
        Content::Other => return None,
    })
}

/// Makes the block the whole content of a message that has none.
fn whole_content(message: &Message, block: &str) -> Edit {
    match &message.content {
        Content::Null(span) | Content::Text(span) => Edit {
            at: span.clone(),
            text: quoted(block),
        },
        _ => Edit::insert(message.span.start + 1, format!(r#""content":{},"#, quoted(block))),
    }
}

fn is_empty_list(body: &str, list: &Span) -> bool {
    body.get(list.start + 1..list.end - 1)
        .is_none_or(|inside| inside.trim().is_empty())
}

fn system_message(text: &str) -> String {
    format!(r#"{{"role":"system","content":{}}}"#, quoted(text))
}

fn text_part(text: &str) -> String {
    format!(r#"{{"type":"text","text":{}}}"#, quoted(text))
}

//! Puts a block into a chat request by one insertion into the client's own bytes. Everything around it stays as it was, byte for byte.

use crate::model::{ChatRequest, Content, ContextPosition, Message, Role, Span};

/// Stands between the block and the user's own text in `first_user`.
const SEPARATOR: &str = "\n\n---\n\n";

/// The request with the block at its position; `None` where there is no place for it, as in a request without a user message.
#[must_use]
pub fn inject(request: &ChatRequest<'_>, position: ContextPosition, block: &str) -> Option<String> {
    let newest_user = request.newest_user()?;
    let edit = match position {
        ContextPosition::System => into_system(request, block)?,
        ContextPosition::FirstUser => {
            let first = request.messages.iter().find(|message| message.role == Role::User)?;
            before_text(request.body(), first, block)?
        }
        ContextPosition::BeforeLast => Edit::insert(newest_user.span.start, format!("{},", system_message(block))),
    };
    Some(edit.apply(request.body()))
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

    fn apply(&self, body: &str) -> String {
        let (before, after) = (body.get(..self.at.start), body.get(self.at.end..));
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let mut edited = String::with_capacity(before.len() + self.text.len() + after.len());
        edited.push_str(before);
        edited.push_str(&self.text);
        edited.push_str(after);
        edited
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
    let with_separator = || escaped(&format!("{block}{SEPARATOR}"));
    Some(match &message.content {
        Content::Text(span) => Edit::insert(span.start + 1, with_separator()),
        Content::Parts { list, texts } => {
            if let Some(text) = texts.first() {
                Edit::insert(text.start + 1, with_separator())
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

/// The text as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The text as it stands inside a JSON string.
fn escaped(text: &str) -> String {
    let mut quoted = quoted(text);
    quoted.pop();
    quoted.remove(0);
    quoted
}

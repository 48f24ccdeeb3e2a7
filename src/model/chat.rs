//! The messages of a chat request, as positions in the client's own bytes.
//!
//! Only what maia reads is parsed; everything else stays bytes. Whoever edits a request splices at a [`Span`], so that key order,
//! number spelling, white space, escapes and unknown or repeated keys survive. A key that stands twice counts as its last, as in most parsers.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

use super::json::{self, Cursor, Malformed, Span, spelled_alike};

/// Who speaks in a message, as far as maia tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The operator: `system` or `developer`.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// `tool`, `function`, anything else, or nothing.
    Other,
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// There is no `content` key.
    Missing,
    /// The value at the span is `null`.
    Null(Span),
    /// A JSON string, quotes included.
    Text(Span),
    /// An array of parts: its span, and what is in it.
    Parts {
        /// The array, brackets included.
        list: Span,
        /// Texts of the text parts, in order, quotes included.
        texts: Vec<Span>,
        /// All other parts, whole, in order: images, audio.
        others: Vec<Span>,
    },
    /// Something that the protocol does not know.
    Other,
}

/// A message of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The whole object, braces included.
    pub span: Span,
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Content,
    /// The value of `tool_calls`: what the model wants done.
    pub tool_calls: Option<Span>,
}

/// A chat request: its bytes, and where in them the messages are.
#[derive(Clone, Debug)]
pub struct ChatRequest<'a> {
    body: &'a str,
    /// The array of messages, brackets included; `None` where there is no such array.
    pub list: Option<Span>,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// What `model` is.
    model: Option<Span>,
}

impl<'a> ChatRequest<'a> {
    /// Finds the messages in a request body. A body whose `messages` is missing or no array of objects has no messages: that is for the backend to judge.
    ///
    /// # Errors
    /// The body is not UTF-8 or not one JSON object; the sentence says where.
    pub fn parse(body: &'a [u8]) -> Result<Self, String> {
        let body = std::str::from_utf8(body)
            .map_err(|error| format!("the body is not UTF-8 (byte {})", error.valid_up_to()))?;
        find_messages(body).map_err(|Malformed| {
            let problem = serde_json::from_str::<HashMap<String, &RawValue>>(body).err();
            let problem = problem.map_or_else(String::new, |problem| format!(": {problem}"));
            format!("the body is not a JSON object{problem}")
        })
    }

    /// The request as it came.
    #[must_use]
    pub fn body(&self) -> &'a str {
        self.body
    }

    /// The model that is asked for.
    #[must_use]
    pub fn model(&self) -> Option<Cow<'a, str>> {
        let model = self
            .model
            .as_ref()
            .and_then(|span| json::text(self.body.get(span.clone())?));
        model.filter(|model| !model.is_empty())
    }

    /// What the user said, newest message first.
    pub fn user_texts(&self) -> impl Iterator<Item = Cow<'a, str>> {
        self.messages
            .iter()
            .rev()
            .filter(|message| message.role == Role::User)
            .map(|message| self.text(message))
    }

    /// What the user said first; empty where nothing was said. The messages between are not read.
    #[must_use]
    pub fn oldest_user_text(&self) -> Cow<'a, str> {
        let oldest = self.messages.iter().find(|message| message.role == Role::User);
        oldest.map(|message| self.text(message)).unwrap_or_default()
    }

    /// The newest message of the user.
    #[must_use]
    pub fn newest_user(&self) -> Option<&Message> {
        self.messages.get(self.newest_user_index()?)
    }

    /// Where it stands among the messages.
    #[must_use]
    pub fn newest_user_index(&self) -> Option<usize> {
        self.messages.iter().rposition(|message| message.role == Role::User)
    }

    /// The newest message of the user, unless the answer to it has begun already and this request brings it what a tool found.
    #[must_use]
    pub fn unanswered_user(&self) -> Option<&Message> {
        let mut newer = self
            .messages
            .iter()
            .rev()
            .take_while(|message| message.role != Role::User);
        if newer.any(|message| message.role == Role::Other) {
            return None;
        }
        self.newest_user()
    }

    /// The words of a message: its text, or its text parts joined by line breaks.
    #[must_use]
    pub fn text(&self, message: &Message) -> Cow<'a, str> {
        self.words(message, "\n", json::text)
    }

    /// The same as it stands inside a JSON string, in one spelling whatever the client's. Of nearly every client that is its own, and nothing is copied.
    #[must_use]
    pub fn spelled_text(&self, message: &Message) -> Cow<'a, str> {
        self.words(message, "\\n", spelled_alike)
    }

    /// The texts of a message as `read` reads them. One that is no text has no words for us and stays bytes for the backend.
    fn words(&self, message: &Message, between: &str, read: impl Fn(&'a str) -> Option<Cow<'a, str>>) -> Cow<'a, str> {
        let read = |span: &Span| read(self.body.get(span.clone()).unwrap_or_default()).unwrap_or_default();
        match &message.content {
            Content::Text(span) => read(span),
            Content::Parts { texts, .. } => {
                if let [only] = texts.as_slice() {
                    return read(only);
                }
                let texts: Vec<_> = texts.iter().map(read).collect();
                texts.join(between).into()
            }
            Content::Missing | Content::Null(_) | Content::Other => Cow::Borrowed(""),
        }
    }
}

fn find_messages(body: &str) -> Result<ChatRequest<'_>, Malformed> {
    let mut request = ChatRequest {
        body,
        list: None,
        messages: Vec::new(),
        model: None,
    };
    let mut cursor = Cursor::new(body);
    cursor.object(|cursor, key| {
        if is_text(body, &key, "model") {
            request.model = Some(cursor.value()?);
            return Ok(());
        }
        if !is_text(body, &key, "messages") {
            return cursor.value().map(|_| ());
        }
        request.messages.clear();
        request.list = None;
        if cursor.peek() != Some(b'[') {
            return cursor.value().map(|_| ());
        }
        let list = cursor.array(|cursor| {
            request.messages.push(message(body, cursor)?);
            Ok(())
        })?;
        request.list = Some(list);
        Ok(())
    })?;
    cursor.finish()?;
    Ok(request)
}

fn message(body: &str, cursor: &mut Cursor<'_>) -> Result<Message, Malformed> {
    let (mut role, mut content, mut tool_calls) = (Role::Other, Content::Missing, None);
    if cursor.peek() != Some(b'{') {
        return Ok(Message {
            span: cursor.value()?,
            role,
            content: Content::Other,
            tool_calls,
        });
    }
    let span = cursor.object(|cursor, key| {
        if is_text(body, &key, "role") {
            role = parse_role(body, &cursor.value()?);
        } else if is_text(body, &key, "content") {
            content = parse_content(body, cursor)?;
        } else if is_text(body, &key, "tool_calls") {
            tool_calls = Some(cursor.value()?);
        } else {
            cursor.value()?;
        }
        Ok(())
    })?;
    Ok(Message {
        span,
        role,
        content,
        tool_calls,
    })
}

fn parse_role(body: &str, span: &Span) -> Role {
    let is = |name| is_text(body, span, name);
    if is("system") || is("developer") {
        Role::System
    } else if is("user") {
        Role::User
    } else if is("assistant") {
        Role::Assistant
    } else {
        Role::Other
    }
}

fn parse_content(body: &str, cursor: &mut Cursor<'_>) -> Result<Content, Malformed> {
    Ok(match cursor.peek() {
        Some(b'n') => Content::Null(cursor.value()?),
        Some(b'"') => Content::Text(cursor.value()?),
        Some(b'[') => {
            let (mut texts, mut others) = (Vec::new(), Vec::new());
            let list = cursor.array(|cursor| {
                match part(body, cursor)? {
                    Part::Text(text) => texts.push(text),
                    Part::Other(part) => others.push(part),
                }
                Ok(())
            })?;
            Content::Parts { list, texts, others }
        }
        _ => {
            cursor.value()?;
            Content::Other
        }
    })
}

/// The span of the text of a text part, or of another part as a whole.
enum Part {
    Text(Span),
    Other(Span),
}

fn part(body: &str, cursor: &mut Cursor<'_>) -> Result<Part, Malformed> {
    if cursor.peek() != Some(b'{') {
        return cursor.value().map(Part::Other);
    }
    let (mut is_text_part, mut text) = (false, None);
    let whole = cursor.object(|cursor, key| {
        if is_text(body, &key, "type") {
            is_text_part = is_text(body, &cursor.value()?, "text");
        } else if is_text(body, &key, "text") {
            let is_string = cursor.peek() == Some(b'"');
            text = Some(cursor.value()?).filter(|_| is_string);
        } else {
            cursor.value()?;
        }
        Ok(())
    })?;
    Ok(match text {
        Some(text) if is_text_part => Part::Text(text),
        _ => Part::Other(whole),
    })
}

/// Whether the value at the span is this text, plain or written with escapes.
fn is_text(body: &str, span: &Span, text: &str) -> bool {
    let json = body.get(span.clone()).unwrap_or_default();
    let Some(inner) = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')) else {
        return false;
    };
    inner == text || inner.contains('\\') && serde_json::from_str::<String>(json).is_ok_and(|json| json == text)
}

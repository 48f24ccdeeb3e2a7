//! The messages of a chat request, as positions in the client's own bytes.
//!
//! Only what maia reads is parsed; everything else stays bytes. Whoever edits a request splices at a [`Span`], so that key order,
//! number spelling, white space, escapes and unknown or repeated keys survive. A key that stands twice counts as its last, as in most parsers.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A range of bytes in the request body.
pub type Span = Range<usize>;

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
    /// An array of parts: its span, and the spans of the JSON strings that are its text parts' texts.
    Parts {
        /// The array, brackets included.
        list: Span,
        /// Texts of the text parts, in order, quotes included.
        texts: Vec<Span>,
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
}

/// A chat request: its bytes, and where in them the messages are.
#[derive(Clone, Debug)]
pub struct ChatRequest<'a> {
    body: &'a str,
    /// The array of messages, brackets included; `None` where there is no such array.
    pub list: Option<Span>,
    /// The messages, oldest first.
    pub messages: Vec<Message>,
}

impl<'a> ChatRequest<'a> {
    /// Finds the messages in a request body. A body whose `messages` is missing or no array of objects has no messages: that is for the backend to judge.
    ///
    /// # Errors
    /// The body is not UTF-8 or not one JSON object; the sentence says where.
    pub fn parse(body: &'a [u8]) -> Result<Self, String> {
        let body = std::str::from_utf8(body)
            .map_err(|error| format!("the body is not UTF-8 (byte {})", error.valid_up_to()))?;
        let [messages] =
            fields(body, ["messages"]).map_err(|error| format!("the body is not a JSON object: {error}"))?;
        let mut request = Self {
            body,
            list: None,
            messages: Vec::new(),
        };
        if let Some(list) = messages
            && let Ok(messages) = serde_json::from_str::<Vec<&RawValue>>(list.get())
        {
            request.list = Some(span_in(body, list.get()));
            request.messages = messages.into_iter().map(|raw| message(body, raw)).collect();
        }
        Ok(request)
    }

    /// The request as it came.
    #[must_use]
    pub fn body(&self) -> &'a str {
        self.body
    }

    /// What the user said, newest message first.
    pub fn user_texts(&self) -> impl Iterator<Item = Cow<'a, str>> {
        self.messages
            .iter()
            .rev()
            .filter(|message| message.role == Role::User)
            .map(|message| self.text(message))
    }

    /// The newest message of the user.
    #[must_use]
    pub fn newest_user(&self) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.role == Role::User)
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
        match &message.content {
            Content::Text(span) => self.string(span),
            Content::Parts { texts, .. } => {
                let texts: Vec<_> = texts.iter().map(|span| self.string(span)).collect();
                texts.join("\n").into()
            }
            Content::Missing | Content::Null(_) | Content::Other => Cow::Borrowed(""),
        }
    }

    fn string(&self, span: &Span) -> Cow<'a, str> {
        let json = self.body.get(span.clone()).unwrap_or_default();
        // A lone surrogate (`\ud83d`) is legal JSON and no text: such a string has no words for us and stays bytes for the backend.
        serde_json::from_str::<BorrowedText<'_>>(json).map_or(Cow::Borrowed(""), |text| text.0)
    }
}

fn message(body: &str, raw: &RawValue) -> Message {
    let span = span_in(body, raw.get());
    let Ok([role, content]) = fields(raw.get(), ["role", "content"]) else {
        return Message {
            span,
            role: Role::Other,
            content: Content::Other,
        };
    };
    // Parsed as text, for a role may be written with escapes.
    let role = role.and_then(|role| serde_json::from_str::<BorrowedText<'_>>(role.get()).ok());
    let role = match role.as_ref().map(|role| role.0.as_ref()) {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        _ => Role::Other,
    };
    let content = content.map_or(Content::Missing, |content| parse_content(body, content));
    Message { span, role, content }
}

fn parse_content(body: &str, raw: &RawValue) -> Content {
    let span = span_in(body, raw.get());
    match raw.get().as_bytes().first() {
        Some(b'n') => Content::Null(span),
        Some(b'"') => Content::Text(span),
        Some(b'[') => {
            let parts: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
            let texts = parts.into_iter().filter_map(|part| part_text(body, part)).collect();
            Content::Parts { list: span, texts }
        }
        _ => Content::Other,
    }
}

fn part_text(body: &str, part: &RawValue) -> Option<Span> {
    let [kind, text] = fields(part.get(), ["type", "text"]).ok()?;
    let text = text?.get();
    (kind?.get() == r#""text""# && text.starts_with('"')).then(|| span_in(body, text))
}

/// Where `part`, a slice of `body`, begins and ends in it.
fn span_in(body: &str, part: &str) -> Span {
    let start = part.as_ptr().addr() - body.as_ptr().addr();
    start..start + part.len()
}

#[derive(serde::Deserialize)]
struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);

/// The values of `names` in a JSON object, each as the bytes it is written in.
fn fields<'a, const N: usize>(
    json: &'a str,
    names: [&'static str; N],
) -> serde_json::Result<[Option<&'a RawValue>; N]> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let fields = Wanted(names).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(fields)
}

struct Wanted<const N: usize>([&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Wanted<N> {
    type Value = [Option<&'de RawValue>; N];

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Wanted<N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = [None; N];
        while let Some(BorrowedText(key)) = map.next_key()? {
            match fields.iter_mut().zip(self.0).find(|(_, name)| *name == key) {
                Some((field, _)) => *field = Some(map.next_value()?),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}

//! What the assistant said, read from a copy of the backend's answer.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::sse::SseParser;

/// Most text that is kept of an answer, in bytes. What comes after it is relayed and not read.
const MAX_TEXT: usize = 256 << 10;
/// Largest whole (not streamed) answer that is read, in bytes.
const MAX_DOCUMENT: usize = 1 << 20;

/// What the assistant said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The text of the first choice.
    pub text: String,
    /// Whether it came to its own end: not cut off by an error, by a limit or by a client that went away.
    pub complete: bool,
    /// Why it was relayed and not read.
    pub unread: Option<Unread>,
    /// What the backend says of the prompt, where it says how much of it was cached.
    pub prompt: Option<PromptUsage>,
}

/// How the backend read a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptUsage {
    /// Its tokens, as the backend counts them.
    pub tokens: u64,
    /// How many of them it did not have to read again.
    pub cached: u64,
}

/// Why an answer was relayed and not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is larger than what is read.
    TooLarge,
    /// Its compression is unknown or broken.
    Encoding,
    /// It is neither a stream of events nor JSON.
    Format,
}

impl Unread {
    /// Its name in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Encoding => "encoding",
            Self::Format => "format",
        }
    }
}

impl Answer {
    pub(super) fn unread(reason: Unread) -> Self {
        Self {
            unread: Some(reason),
            ..Self::default()
        }
    }
}

/// Reads an answer as it passes.
#[derive(Debug)]
pub(super) enum Collector {
    Events { parser: SseParser, stream: Stream },
    Document(Vec<u8>),
}

impl Collector {
    /// `content_type` says whether the answer is a stream of events or one document.
    pub(super) fn new(content_type: &str) -> Self {
        if content_type
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("text/event-stream")
        {
            Self::Events {
                parser: SseParser::default(),
                stream: Stream::default(),
            }
        } else {
            Self::Document(Vec::new())
        }
    }

    /// Takes the next bytes; an error where they are more than what is read, and then it is of no use any more.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Unread> {
        let fits = match self {
            Self::Events { parser, stream } => {
                let parsed = parser.feed(bytes, |event| stream.event(event));
                parsed.is_ok() && stream.unread.is_none()
            }
            Self::Document(document) if document.len() + bytes.len() > MAX_DOCUMENT => false,
            Self::Document(document) => {
                document.extend_from_slice(bytes);
                true
            }
        };
        if fits { Ok(()) } else { Err(Unread::TooLarge) }
    }

    /// The answer; `ended` says whether the body came to its end.
    pub(super) fn finish(self, ended: bool) -> Answer {
        match self {
            Self::Events { parser, mut stream } => {
                if ended && parser.finish(|event| stream.event(event)).is_err() {
                    return Answer::unread(Unread::TooLarge);
                }
                stream.answer(ended)
            }
            Self::Document(document) if ended => read_document(&document),
            Self::Document(_) => Answer::default(),
        }
    }
}

/// The events of a streamed answer.
#[derive(Debug, Default)]
pub(super) struct Stream {
    text: String,
    done: bool,
    finished: bool,
    failed: bool,
    /// Set where there is more text than is kept.
    unread: Option<Unread>,
    prompt: Option<PromptUsage>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    error: Option<IgnoredAny>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: u64,
    prompt_tokens_details: PromptDetails,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: u64,
}

/// Whatever else stands in its place is for the client to understand.
fn read_usage(usage: &RawValue) -> Option<PromptUsage> {
    let usage: Usage = serde_json::from_str(usage.get()).ok()?;
    let (tokens, cached) = (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens);
    (cached <= tokens).then_some(PromptUsage { tokens, cached })
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow, alias = "message")]
    delta: Option<Said<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
}

impl Stream {
    fn event(&mut self, data: &[u8]) {
        if data.trim_ascii() == b"[DONE]" {
            self.done = true;
            return;
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(data) else {
            return;
        };
        self.failed |= chunk.error.is_some();
        self.prompt = chunk.usage.and_then(read_usage).or(self.prompt);
        for choice in chunk.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
            if let Some(reason) = &choice.finish_reason {
                self.finished = true;
                self.failed |= is_cut_off(reason);
            }
            if let Some(content) = choice.delta.and_then(|said| said.content) {
                let text = content_text(content);
                if self.text.len() + text.len() <= MAX_TEXT {
                    self.text.push_str(&text);
                } else {
                    self.unread = Some(Unread::TooLarge);
                }
            }
        }
    }

    fn answer(self, ended: bool) -> Answer {
        if let Some(reason) = self.unread {
            return Answer::unread(reason);
        }
        let complete = !self.failed && (self.done || self.finished && ended);
        Answer {
            text: self.text,
            complete,
            unread: None,
            prompt: self.prompt,
        }
    }
}

fn read_document(document: &[u8]) -> Answer {
    let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(document) else {
        return Answer::unread(Unread::Format);
    };
    let prompt = chunk.usage.and_then(read_usage);
    let first = chunk.choices.into_iter().flatten().find(|choice| choice.index == 0);
    let Some(Choice {
        delta: Some(Said { content: Some(content) }),
        finish_reason,
        ..
    }) = first
    else {
        return Answer {
            prompt,
            ..Answer::default()
        };
    };
    let text = content_text(content);
    if text.len() > MAX_TEXT {
        return Answer::unread(Unread::TooLarge);
    }
    let complete = !finish_reason.as_deref().is_some_and(is_cut_off);
    Answer {
        text,
        complete,
        unread: None,
        prompt,
    }
}

/// Whether an answer with this `finish_reason` was cut off.
fn is_cut_off(reason: &str) -> bool {
    matches!(reason, "length" | "content_filter" | "error")
}

/// The words of a content: a string, or the text parts of a list.
fn content_text(content: &RawValue) -> String {
    if let Ok(text) = serde_json::from_str::<String>(content.get()) {
        return text;
    }
    let parts: Vec<Part<'_>> = serde_json::from_str(content.get()).unwrap_or_default();
    parts.into_iter().filter_map(|part| part.text).collect()
}

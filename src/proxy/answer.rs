//! What the assistant said, read from a copy of the backend's answer.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::sse::SseParser;

/// Most text that is kept of an answer, in bytes. What comes after it is relayed and not read.
const MAX_TEXT: usize = 256 << 10;
/// Largest whole (not streamed) answer that is read, in bytes.
const MAX_DOCUMENT: usize = 4 << 20;

/// What the assistant said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The text of the first choice.
    pub text: String,
    /// Whether it came to its own end: not cut off by an error, by a limit or by a client that went away.
    pub complete: bool,
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

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        match self {
            Self::Events { parser, stream } => parser.feed(bytes, |event| stream.event(event)),
            Self::Document(document) => {
                // One byte too many marks it as too large.
                let room = (MAX_DOCUMENT + 1).saturating_sub(document.len());
                document.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
        }
    }

    /// The answer; `ended` says whether the body came to its end.
    pub(super) fn finish(self, ended: bool) -> Answer {
        match self {
            Self::Events { mut parser, mut stream } => {
                if ended {
                    parser.finish(|event| stream.event(event));
                }
                stream.answer(ended)
            }
            Self::Document(document) if ended && document.len() <= MAX_DOCUMENT => read_document(&document),
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
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    error: Option<IgnoredAny>,
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
                    self.failed = true;
                }
            }
        }
    }

    fn answer(self, ended: bool) -> Answer {
        let complete = !self.failed && (self.done || self.finished && ended);
        Answer {
            text: self.text,
            complete,
        }
    }
}

fn read_document(document: &[u8]) -> Answer {
    let Ok(chunk) = serde_json::from_slice::<Chunk<'_>>(document) else {
        return Answer::default();
    };
    let first = chunk.choices.into_iter().flatten().find(|choice| choice.index == 0);
    let Some(Choice {
        delta: Some(Said { content: Some(content) }),
        finish_reason,
        ..
    }) = first
    else {
        return Answer::default();
    };
    let text = content_text(content);
    let complete = !finish_reason.as_deref().is_some_and(is_cut_off) && text.len() <= MAX_TEXT;
    Answer { text, complete }
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

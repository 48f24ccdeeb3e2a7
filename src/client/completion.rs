//! A chat completion as it arrives, as text.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderMap, Response, header};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::Value;

use super::ClientError;
use crate::app::AnswerBody;
use crate::proxy::SseParser;

/// An answer of a model, piece by piece. Dropping it stops the model.
pub struct Completion {
    headers: HeaderMap,
    body: AnswerBody,
    /// `None` where the answer is one document.
    parser: Option<SseParser>,
    document: Vec<u8>,
    pieces: VecDeque<Result<String, ClientError>>,
    ended: bool,
    /// Why the model stopped, where it said so.
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(alias = "message")]
    delta: Option<Said>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<Value>,
}

impl Completion {
    /// Reads a successful answer of the proxy.
    #[must_use]
    pub fn new(response: Response<AnswerBody>) -> Self {
        let (parts, body) = response.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE);
        let is_stream = kind.is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream"));
        Self {
            headers: parts.headers,
            body,
            parser: is_stream.then(SseParser::default),
            document: Vec::new(),
            pieces: VecDeque::new(),
            ended: false,
            reason: None,
        }
    }

    /// A header of the answer.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Why the model stopped, where it said so: `stop`, `length`, …
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The next piece of text; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<String, ClientError>> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some(piece);
            }
            if self.ended {
                return None;
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.take(&bytes);
                    }
                }
                Some(Err(error)) => {
                    self.ended = true;
                    return Some(Err(ClientError::Unreachable(format!("the answer broke off: {error}"))));
                }
                None => self.end(),
            }
        }
    }

    fn take(&mut self, bytes: &Bytes) {
        let mut events = Vec::new();
        match &mut self.parser {
            None => self.document.extend_from_slice(bytes),
            Some(parser) => {
                if parser.feed(bytes, |data| events.push(data.to_vec())).is_err() {
                    self.ended = true;
                    let problem = "an event of the answer is too long".to_owned();
                    self.pieces.push_back(Err(ClientError::Unreadable(problem)));
                }
            }
        }
        for event in events {
            self.event(&event);
        }
    }

    fn end(&mut self) {
        self.ended = true;
        let mut events = Vec::new();
        match self.parser.take() {
            None => events.push(std::mem::take(&mut self.document)),
            // Of an event that is too long nothing is shown; what came before is.
            Some(parser) => drop(parser.finish(|data| events.push(data.to_vec()))),
        }
        for event in events {
            self.event(&event);
        }
    }

    /// What is no chunk (`[DONE]`, an extension of a vendor) says nothing.
    fn event(&mut self, data: &[u8]) {
        let Ok(chunk) = serde_json::from_slice::<Chunk>(data) else {
            return;
        };
        if let Some(error) = chunk.error {
            let message = error.get("message").and_then(Value::as_str).map(str::to_owned);
            let message = message.unwrap_or_else(|| error.to_string());
            self.pieces.push_back(Err(ClientError::Unreachable(format!(
                "the answer broke off: {message}"
            ))));
        }
        if let Some(choice) = chunk.choices.into_iter().next() {
            self.reason = choice.finish_reason.or(self.reason.take());
            let text = choice.delta.and_then(|said| said.content);
            if let Some(Value::String(text)) = text.filter(|text| text != "") {
                self.pieces.push_back(Ok(text));
            }
        }
    }
}

//! One message and its answer, printed while it arrives.

use std::io::{self, Write as _};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{Chat, Failure, backend_key};
use crate::cli::display::{harmless, note};
use crate::client::Completion;

/// What was answered.
pub(super) struct Spoken {
    pub(super) text: String,
    pub(super) ended: Ended,
    /// Ids of the memories that the model was given.
    pub(super) used: Vec<String>,
}

#[derive(PartialEq, Eq)]
pub(super) enum Ended {
    Whole,
    /// By Ctrl-C.
    Stopped,
    Broken(Failure),
}

/// Sends the conversation and prints the answer.
pub(super) async fn take(chat: &Chat<'_>, request: &str) -> Result<Spoken, Failure> {
    let body = json!({ "model": chat.model, "messages": chat.messages, "stream": true });
    // From here on Ctrl-C stops the answer and nothing else.
    let mut interrupt =
        signal(SignalKind::interrupt()).map_err(|error| Failure::Failed(format!("no signals: {error}")))?;
    let sending = chat.client.send(
        Method::POST,
        "/proxy/v1/chat/completions",
        headers(chat, request)?,
        Some(&body),
    );
    let mut spoken = Spoken {
        text: String::new(),
        ended: Ended::Whole,
        used: Vec::new(),
    };
    let response = tokio::select! {
        response = sending => response?,
        _ = interrupt.recv() => {
            note("stopped");
            spoken.ended = Ended::Stopped;
            return Ok(spoken);
        }
    };
    let mut completion = Completion::new(response);
    let used = completion.header("x-maia-memory-ids").unwrap_or_default();
    spoken.used = used.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect();
    loop {
        let piece = tokio::select! {
            piece = completion.next() => piece,
            _ = interrupt.recv() => {
                spoken.ended = Ended::Stopped;
                break;
            }
        };
        match piece {
            Some(Ok(piece)) => {
                print(&harmless(&piece))?;
                spoken.text.push_str(&piece);
            }
            Some(Err(error)) => {
                spoken.ended = Ended::Broken(error.into());
                break;
            }
            None => break,
        }
    }
    if !spoken.text.ends_with('\n') {
        print("\n")?;
    }
    match (&spoken.ended, completion.reason()) {
        (Ended::Stopped, _) => note("stopped"),
        (Ended::Whole, Some("length")) => note("the model stopped at its limit of tokens"),
        _ => {}
    }
    Ok(spoken)
}

fn headers(chat: &Chat<'_>, request: &str) -> Result<HeaderMap, Failure> {
    let mut headers = backend_key();
    let mut set = |name: &'static str, value: &str| -> Result<(), Failure> {
        let value = HeaderValue::try_from(value).map_err(|error| Failure::Failed(format!("{name}: {error}")))?;
        headers.insert(HeaderName::from_static(name), value);
        Ok(())
    };
    set("x-maia-namespace", chat.namespace.as_str())?;
    set("x-maia-conversation", &chat.conversation)?;
    set("x-maia-show-memories", "true")?;
    set("x-request-id", request)?;
    if !chat.memory {
        set("x-maia-skip-memory", "true")?;
    }
    if !chat.remember {
        set("x-maia-skip-extract", "true")?;
    }
    Ok(headers)
}

/// Shows a piece at once. A reader that wants no more ends the conversation quietly.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Unwanted,
        _ => Failure::Failed(format!("standard output: {error}")),
    })
}

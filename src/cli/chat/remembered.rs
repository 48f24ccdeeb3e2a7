//! What memory made of a message: what it gave to the model, what it learned, and what it let go.

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Chat;
use crate::cli::display::{Memory, note, one_line};
use crate::cli::memories::path;
use crate::client::ClientError;

/// How long facts are waited for. They are there within milliseconds, unless memory is in trouble.
const PATIENCE: usize = 40;
const PAUSE: Duration = Duration::from_millis(25);

/// What a message will do to what is known, looked at before it does.
#[derive(Default)]
pub(super) struct Forecast {
    /// What something new takes the place of.
    superseded: Vec<Memory>,
    forgotten: Vec<Memory>,
}

#[derive(Deserialize)]
struct Found {
    data: Vec<Fact>,
}

/// A fact that is found in an exchange.
#[derive(Deserialize)]
struct Fact {
    content: String,
    result: String,
    id: Option<String>,
    #[serde(default)]
    superseded: Vec<String>,
    #[serde(default)]
    forgotten: Vec<String>,
}

impl Forecast {
    /// Nothing where memory cannot say: a remark is no reason to hold a conversation up.
    pub(super) async fn of(chat: &Chat<'_>, text: &str) -> Self {
        let mut forecast = Self::default();
        if !chat.remember {
            return forecast;
        }
        for fact in facts(chat, text, None).await {
            for id in &fact.superseded {
                forecast.superseded.extend(memory(chat, id).await.ok());
            }
            for id in &fact.forgotten {
                forecast.forgotten.extend(memory(chat, id).await.ok());
            }
        }
        forecast
    }
}

/// Says what was used, learned, superseded and forgotten.
pub(super) async fn report(
    chat: &Chat<'_>,
    forecast: Forecast,
    (said, answered): (&str, Option<&str>),
    used: &[String],
    request: &str,
) {
    let mut lines = Vec::new();
    for id in used {
        if let Ok(memory) = memory(chat, id).await {
            lines.push(format!("used      {}", one_line(&memory.content)));
        }
    }
    if chat.remember {
        lines.extend(learned(chat, said, answered, request).await);
    }
    for old in &forecast.superseded {
        if memory(chat, &old.id).await.is_ok_and(|now| now.superseded_at.is_some()) {
            lines.push(format!("replaced  {}", one_line(&old.content)));
        }
    }
    for old in &forecast.forgotten {
        if is_gone(chat, &old.id).await {
            lines.push(format!("forgot    {}", one_line(&old.content)));
        }
    }
    if lines.is_empty() {
        lines.push("nothing used, nothing learned".to_owned());
    }
    for line in lines {
        note(&format!("  {line}"));
    }
}

/// Waits until every fact of the exchange is known, and says which are new.
async fn learned(chat: &Chat<'_>, said: &str, answered: Option<&str>, request: &str) -> Vec<String> {
    let mut found = facts(chat, said, answered).await;
    for _ in 0..PATIENCE {
        if found.iter().all(|fact| fact.result != "stored") {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        found = facts(chat, said, answered).await;
    }
    let mut lines = Vec::new();
    for fact in found.iter().filter(|fact| fact.result != "forgotten") {
        let memory = match &fact.id {
            Some(id) => memory(chat, id).await.ok(),
            None => None,
        };
        let is_new = |memory: &Memory| memory.metadata.get("request_id").and_then(Value::as_str) == Some(request);
        let (word, content) = match &memory {
            Some(memory) if is_new(memory) => ("learned", &memory.content),
            Some(memory) => ("knew", &memory.content),
            None => ("not kept", &fact.content),
        };
        lines.push(format!("{word:<8}  {}", one_line(content)));
    }
    lines
}

/// Whether a memory that is to be forgotten has gone; it goes within milliseconds too.
async fn is_gone(chat: &Chat<'_>, id: &str) -> bool {
    for _ in 0..PATIENCE {
        if matches!(memory(chat, id).await, Err(ClientError::Refused { .. })) {
            return true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

async fn facts(chat: &Chat<'_>, user: &str, assistant: Option<&str>) -> Vec<Fact> {
    let mut messages = vec![json!({ "role": "user", "content": user })];
    if let Some(text) = assistant {
        messages.push(json!({ "role": "assistant", "content": text }));
    }
    let body = json!({ "messages": messages, "dry_run": true });
    let place = path(&chat.namespace, "/extract");
    let answer = chat.client.call(Method::POST, &place, Some(&body)).await;
    let found: Result<Found, _> = answer.and_then(|answer| answer.parse());
    found.map(|found| found.data).unwrap_or_default()
}

async fn memory(chat: &Chat<'_>, id: &str) -> Result<Memory, ClientError> {
    let place = path(&chat.namespace, &format!("/memories/{id}"));
    chat.client.get(&place).await?.parse()
}

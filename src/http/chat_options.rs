//! The `X-MAIA-*` headers of a chat request.

use axum::http::HeaderMap;

use super::error::ApiError;
use crate::model::NamespaceName;
use crate::record::MAX_CONVERSATION_LENGTH;

/// Largest budget that can be asked for, in tokens.
pub(super) const MAX_BUDGET: u32 = 1_000_000;

/// What a chat request asks of maia.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ChatOptions {
    /// `X-MAIA-Namespace`.
    pub(super) namespace: Option<NamespaceName>,
    /// `X-MAIA-Skip-Memory`.
    pub(super) skip_memory: bool,
    /// `X-MAIA-Skip-Extract`.
    pub(super) skip_extract: bool,
    /// `X-MAIA-Token-Budget`.
    pub(super) token_budget: Option<u32>,
    /// `X-MAIA-Show-Memories`.
    pub(super) show_memories: bool,
    /// `X-MAIA-Conversation`.
    pub(super) conversation_id: Option<String>,
}

impl ChatOptions {
    pub(super) fn from_headers(headers: &HeaderMap) -> Result<Self, ApiError> {
        Ok(Self {
            namespace: header(headers, "X-MAIA-Namespace", NamespaceName::parse)?,
            skip_memory: header(headers, "X-MAIA-Skip-Memory", boolean)?.unwrap_or(false),
            skip_extract: header(headers, "X-MAIA-Skip-Extract", boolean)?.unwrap_or(false),
            token_budget: header(headers, "X-MAIA-Token-Budget", budget)?,
            show_memories: header(headers, "X-MAIA-Show-Memories", boolean)?.unwrap_or(false),
            conversation_id: header(headers, "X-MAIA-Conversation", conversation)?,
        })
    }
}

fn header<T>(headers: &HeaderMap, name: &str, parse: fn(&str) -> Result<T, String>) -> Result<Option<T>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(ApiError::bad_value(name, "stands more than once"));
    }
    let text = value
        .to_str()
        .map_err(|_| ApiError::bad_value(name, "holds characters that are not ASCII"))?;
    parse(text.trim())
        .map(Some)
        .map_err(|problem| ApiError::bad_value(name, problem))
}

fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("must be true or false (got {text:?})")),
    }
}

fn conversation(text: &str) -> Result<String, String> {
    if (1..=MAX_CONVERSATION_LENGTH).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "must have 1 to {MAX_CONVERSATION_LENGTH} characters (got {})",
            text.len()
        ))
    }
}

fn budget(text: &str) -> Result<u32, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text
        .parse()
        .ok()
        .filter(|budget| digits && (1..=MAX_BUDGET).contains(budget));
    number.ok_or_else(|| format!("must be a whole number of tokens from 1 to {MAX_BUDGET} (got {text:?})"))
}

//! stub
use chrono::{DateTime, Utc};
/// Who said a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// u
    User,
    /// a
    Assistant,
}
impl Speaker {
    /// name
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}
/// x
pub struct Exchange<'a> {
    /// u
    pub user: Option<&'a str>,
    /// a
    pub assistant: Option<&'a str>,
    /// t
    pub at: DateTime<Utc>,
}
/// e
pub struct Extracted {
    /// c
    pub content: String,
    /// r
    pub rule: &'static str,
    /// s
    pub speaker: Speaker,
    /// s
    pub sentence: String,
    /// c
    pub confidence: f64,
}
/// stub
#[must_use]
pub fn extract(exchange: &Exchange<'_>) -> Vec<Extracted> {
    exchange
        .assistant
        .and_then(|text| text.strip_prefix("I'll remember that you prefer "))
        .map(|rest| Extracted {
            content: format!("User prefers {}", rest.trim_end_matches('.')),
            rule: "stub",
            speaker: Speaker::Assistant,
            sentence: rest.to_owned(),
            confidence: 0.9,
        })
        .into_iter()
        .collect()
}

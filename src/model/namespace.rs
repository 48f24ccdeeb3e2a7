//! A namespace: whose memories these are. Nothing crosses from one to another.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::memory::UnknownName;

/// Longest namespace name, in characters.
const MAX_NAME_LENGTH: usize = 128;

/// A valid namespace name: 1 to 128 of letters, digits and `. _ - : @ /`, beginning with a letter or digit (ASCII).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct NamespaceName(String);

impl NamespaceName {
    /// The namespace that always exists.
    pub const DEFAULT: &'static str = "default";

    /// Checks a name.
    ///
    /// # Errors
    /// A sentence that says which rule the name breaks.
    pub fn parse(name: &str) -> Result<Self, String> {
        if name.is_empty() {
            return Err("a namespace name must not be empty".into());
        }
        let length = name.chars().count();
        if length > MAX_NAME_LENGTH {
            return Err(format!(
                "a namespace name has at most {MAX_NAME_LENGTH} characters, this one has {length}"
            ));
        }
        if !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            return Err("a namespace name begins with a letter or a digit".into());
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-:@/".contains(c);
        if let Some(bad) = name.chars().find(|&c| !allowed(c)) {
            return Err(format!(
                "a namespace name consists of letters, digits and . _ - : @ / ({bad:?} is none of them)"
            ));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for NamespaceName {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl fmt::Display for NamespaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number that is the upper half of the row ids of a namespace's memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NamespaceNumber(pub i64);

impl NamespaceNumber {
    /// Bits of a row id below the namespace number: a namespace holds at most 2³² memories over its lifetime.
    pub const SEQUENCE_BITS: u32 = 32;

    /// The lower half of a row id: which memory of its namespace it is.
    #[must_use]
    pub fn sequence_of(row_id: i64) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the lower half is what is wanted"
        )]
        let sequence = row_id as u32;
        sequence
    }

    /// The row id of a memory of this namespace.
    #[must_use]
    pub fn row_id(self, sequence: u32) -> i64 {
        self.0 << Self::SEQUENCE_BITS | i64::from(sequence)
    }

    /// The lowest and the highest row id that a memory of this namespace can have.
    #[must_use]
    pub fn row_ids(self) -> (i64, i64) {
        let first = self.0 << Self::SEQUENCE_BITS;
        (first, first | i64::from(u32::MAX))
    }
}

/// Where the context block goes in a chat request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContextPosition {
    /// In the system message that begins the list; made where there is none.
    #[default]
    System,
    /// Before the text of the first user message.
    FirstUser,
    /// In a system message of its own, right before the last user message.
    BeforeLast,
    /// Before the text of the last user message.
    LastUser,
}

impl ContextPosition {
    /// Every position, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::System, Self::FirstUser, Self::BeforeLast, Self::LastUser];

    /// The name in configuration and API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::FirstUser => "first_user",
            Self::BeforeLast => "before_last",
            Self::LastUser => "last_user",
        }
    }

    /// The position of that name.
    ///
    /// # Errors
    /// The name is none of `system`, `first_user`, `before_last`, `last_user`.
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|position| position.as_str() == name)
            .ok_or_else(|| UnknownName::among(name, Self::ALL.map(Self::as_str)))
    }
}

/// Settings of one namespace; what is absent follows the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamespaceConfig {
    /// Tokens of injected context a request may get.
    #[schema(required = true)]
    pub token_budget: Option<u32>,
    /// Where the context goes.
    #[schema(required = true)]
    pub context_position: Option<ContextPosition>,
    /// Days that a memory is kept.
    #[schema(required = true)]
    pub retention_days: Option<u32>,
    /// Most memories that are kept.
    #[schema(required = true)]
    pub max_memories: Option<u32>,
}

/// Counts of a namespace, kept by the database with each write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct NamespaceStats {
    /// Memories in the namespace that are valid.
    pub memory_count: i64,
    /// Memories whose place something newer has taken.
    #[serde(skip)]
    pub superseded_count: i64,
    /// Tokens (`o200k`) of their contents, as context lines.
    pub token_count: i64,
    /// Words of their contents.
    #[serde(skip)]
    pub word_count: i64,
}

/// A namespace as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Upper half of its memories' row ids; never leaves the process.
    pub number: NamespaceNumber,
    /// Public id (`UUIDv7`).
    pub id: Uuid,
    /// Unique name.
    pub name: NamespaceName,
    /// Its settings.
    pub config: NamespaceConfig,
    /// Its counts.
    pub stats: NamespaceStats,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its name or settings last changed.
    pub updated_at: DateTime<Utc>,
}

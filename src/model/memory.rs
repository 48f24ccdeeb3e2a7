//! A memory: one thing that is known, whole and readable by itself.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest content of a memory, in bytes of UTF-8.
pub const MAX_CONTENT_BYTES: usize = 10_000;

/// A memory's public id (`UUIDv7`, so ids sort by the time of their making).
pub type MemoryId = Uuid;
/// Labels of a memory.
pub type Tags = Vec<String>;
/// Free fields of a memory.
pub type Metadata = Map<String, Value>;

/// A name that is not among those allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {allowed} (got {got:?})")]
pub struct UnknownName {
    got: String,
    allowed: String,
}

impl UnknownName {
    /// The error for `got` where only `allowed` names are known.
    #[must_use]
    pub fn among<const N: usize>(got: &str, allowed: [&str; N]) -> Self {
        Self {
            got: got.chars().take(64).collect(),
            allowed: allowed.join(", "),
        }
    }
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// The name in the API and the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value of that name.
            ///
            /// # Errors
            /// The name is not known; the error lists those that are.
            pub fn parse(name: &str) -> Result<Self, UnknownName> {
                Self::ALL
                    .into_iter()
                    .find(|value| value.as_str() == name)
                    .ok_or_else(|| UnknownName::among(name, [$($text),+]))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named! {
    /// What kind of knowledge a memory is.
    MemoryType {
        /// A lasting fact.
        Semantic = "semantic",
        /// Something that happened.
        Episodic = "episodic",
        /// State of a session.
        Working = "working",
    }
}

named! {
    /// Where a memory comes from.
    Source {
        /// Somebody wrote it through the API.
        User = "user",
        /// Found in a conversation.
        Extracted = "extracted",
        /// Concluded from other memories.
        Inferred = "inferred",
        /// Brought from another system.
        Imported = "imported",
    }
}

/// A memory as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// Row id: namespace number and sequence. Never leaves the process.
    pub row_id: i64,
    /// Public id.
    pub id: MemoryId,
    /// The words.
    pub content: String,
    /// What kind of knowledge it is.
    pub kind: MemoryType,
    /// Where it comes from.
    pub source: Source,
    /// Labels.
    pub tags: Tags,
    /// Free fields.
    pub metadata: Metadata,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// The conversation that it is a piece of, where it is one.
    pub turn: Option<Turn>,
    /// Tokens (`o200k`) that its line costs in a context block, the line break before it included.
    pub token_count: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was last injected.
    pub accessed_at: Option<DateTime<Utc>>,
    /// How often it was injected.
    pub access_count: i64,
    /// Whether it is in every context.
    pub pinned: bool,
    /// When it was last said.
    pub last_confirmed_at: DateTime<Utc>,
    /// How often it was said again.
    pub confirmation_count: i64,
    /// When something newer took its place.
    pub superseded_at: Option<DateTime<Utc>>,
    /// What took its place, where that is still there.
    pub superseded_by: Option<MemoryId>,
}

/// A memory before it is stored; the content is already valid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewMemory {
    /// The words, 1 to [`MAX_CONTENT_BYTES`] bytes.
    pub content: String,
    /// What kind of knowledge it is.
    pub kind: MemoryType,
    /// Where it comes from.
    pub source: Source,
    /// Labels.
    pub tags: Tags,
    /// Free fields.
    pub metadata: Metadata,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// The conversation that it is a piece of, where it is one.
    pub turn: Option<Turn>,
    /// When it came to be; `None`: now.
    pub created_at: Option<DateTime<Utc>>,
    /// Whether it is in every context.
    #[serde(default)]
    pub pinned: bool,
    /// What it says of the user, where it says something that another memory can contradict.
    pub fact: Option<Fact>,
}

/// What a memory says of the user, as far as another memory can say the same, the opposite or something newer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The single-valued fact that it gives a value of.
    pub slot: Option<Slot>,
    /// Its telling words without tense and negation: `smok cigar`.
    pub statement: String,
    /// Whether it says that this is over.
    pub ended: bool,
}

/// A fact that has one value at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Which: `home`, `favourite colour`.
    pub name: String,
    /// Its value, in lower case.
    pub value: String,
}

/// What makes a memory a piece of a conversation. Memories of one conversation are neighbours in the order in which they were stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Which conversation.
    pub conversation_id: String,
    /// Whose part it is, such as `user` or `assistant`.
    pub role: Option<String>,
    /// Who spoke, by name.
    pub speaker: Option<String>,
}

/// The words of a memory as a context block says them: those of a conversation with their day and speaker.
#[must_use]
pub fn statement<'a>(content: &'a str, turn: Option<&Turn>, created_at: DateTime<Utc>) -> Cow<'a, str> {
    let Some(turn) = turn else {
        return content.into();
    };
    let day = created_at.format("%Y-%m-%d");
    match turn.speaker.as_ref().or(turn.role.as_ref()) {
        Some(speaker) => format!("{speaker} ({day}): {content}").into(),
        None => format!("({day}) {content}").into(),
    }
}

impl Memory {
    /// The words of the memory as a context block says them.
    #[must_use]
    pub fn statement(&self) -> Cow<'_, str> {
        statement(&self.content, self.turn.as_ref(), self.created_at)
    }
}

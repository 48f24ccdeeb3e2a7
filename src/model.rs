//! The nouns that every floor shares: ids, namespaces, memories and the messages of a chat. No I/O and no policy.

mod chat;
mod json;
mod key;
mod memory;
mod namespace;
mod rule;

pub use chat::{ChatRequest, Content, Message, Role};
pub use json::Span;
pub(crate) use json::{escaped, quoted};
pub use key::{Key, KeyHash, KeyProblem, KeySource, NamespacePatterns, NewKey, Right, random_key};
pub use memory::{
    Fact, MAX_CONTENT_BYTES, Memory, MemoryId, MemoryType, Metadata, NewMemory, Slot, Source, Tags, Turn, UnknownName,
    statement,
};
pub use namespace::{ContextPosition, Namespace, NamespaceConfig, NamespaceName, NamespaceNumber, NamespaceStats};
pub use rule::Rule;

use chrono::{DateTime, SubsecRound, Utc};

/// Now, with the millisecond precision in which times are stored and shown.
#[must_use]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

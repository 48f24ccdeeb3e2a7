//! Keys: who may do what, and in which namespaces.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::memory::UnknownName;
use super::namespace::NamespaceName;

/// Longest name of a key, in characters.
const MAX_NAME_LENGTH: usize = 64;
/// Most patterns of a key.
const MAX_PATTERNS: usize = 64;

/// Something that a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// See memories, look for them, and ask for context.
    Read,
    /// Make, change and delete memories and namespaces.
    Write,
    /// Use the proxy.
    Chat,
    /// Everything, everywhere: who may make keys may make one that may do anything.
    Admin,
}

impl Right {
    /// Every right, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Chat, Self::Admin];

    /// The name in configuration and API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Chat => "chat",
            Self::Admin => "admin",
        }
    }

    /// The right of that name.
    ///
    /// # Errors
    /// The name is none of `read`, `write`, `chat`, `admin`.
    pub fn parse(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|right| right.as_str() == name)
            .ok_or_else(|| UnknownName::among(name, Self::ALL.map(Self::as_str)))
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names of namespaces: each is one name, or ends in `/*` for all that begin alike, or is `*` for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NamespacePatterns(Vec<String>);

impl NamespacePatterns {
    /// All namespaces.
    #[must_use]
    pub fn all() -> Self {
        Self(vec!["*".to_owned()])
    }

    /// Checks patterns.
    ///
    /// # Errors
    /// A sentence that says which rule they break, and the place of the pattern that breaks it.
    pub fn parse(patterns: Vec<String>) -> Result<Self, (Option<usize>, String)> {
        if !(1..=MAX_PATTERNS).contains(&patterns.len()) {
            let problem = format!("must hold 1 to {MAX_PATTERNS} patterns (got {})", patterns.len());
            return Err((None, problem));
        }
        for (index, pattern) in patterns.iter().enumerate() {
            if pattern == "*" {
                continue;
            }
            let name = pattern.strip_suffix("/*").unwrap_or(pattern);
            NamespaceName::parse(name).map_err(|problem| {
                let problem = format!("must be a namespace name, a beginning such as team/*, or * ({problem})");
                (Some(index), problem)
            })?;
        }
        Ok(Self(patterns))
    }

    /// Whether they name a namespace.
    #[must_use]
    pub fn hold(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern,
        })
    }

    /// Whether they name every namespace.
    #[must_use]
    pub fn hold_all(&self) -> bool {
        self.0.iter().any(|pattern| pattern == "*")
    }

    /// The patterns as they were given.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

/// SHA-256 of a key. A key is 256 random bits, so there is nothing to guess that a slow hash would make dearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// The hash of a key.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }
}

/// A key that is to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// What is kept of it.
    pub hash: KeyHash,
    /// Where it counts.
    pub namespaces: NamespacePatterns,
    /// What it may do there.
    pub rights: Vec<Right>,
}

impl NewKey {
    /// Checks the name of a key: 1 to 64 letters, digits and `. _ - : @`, and no UUID, for keys are found by either.
    ///
    /// # Errors
    /// A sentence that says which rule the name breaks.
    pub fn check_name(name: &str) -> Result<(), String> {
        let length = name.chars().count();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-:@".contains(c);
        if !(1..=MAX_NAME_LENGTH).contains(&length) {
            Err(format!("must have 1 to {MAX_NAME_LENGTH} characters (got {length})"))
        } else if let Some(bad) = name.chars().find(|&c| !allowed(c)) {
            Err(format!(
                "must consist of letters, digits and . _ - : @ ({bad:?} is none of them)"
            ))
        } else if name.chars().all(|c| c == '.') {
            Err("must not consist of dots, which mean something else in an address".into())
        } else if Uuid::try_parse(name).is_ok() {
            Err("must not look like an id".into())
        } else {
            Ok(())
        }
    }
}

/// A key as it is stored.
#[derive(Clone, Debug)]
pub struct Key {
    /// Public id (`UUIDv7`).
    pub id: Uuid,
    /// Unique name.
    pub name: String,
    /// What is kept of it.
    pub hash: KeyHash,
    /// Where it counts.
    pub namespaces: NamespacePatterns,
    /// What it may do there.
    pub rights: Vec<Right>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl Key {
    /// Whether it may do something, somewhere.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.rights.contains(&right) || self.is_admin()
    }

    /// Whether it may do something in the namespace of a name.
    #[must_use]
    pub fn may_in(&self, right: Right, namespace: &str) -> bool {
        self.is_admin() || self.rights.contains(&right) && self.namespaces.hold(namespace)
    }

    /// Whether it may do everything.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.rights.contains(&Right::Admin)
    }
}

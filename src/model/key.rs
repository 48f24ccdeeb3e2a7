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
/// What a key begins with, so that those who look for lost secrets know one when they see it.
const KEY_PREFIX: &str = "maia_";
/// Random bytes of a key.
const RANDOM_BYTES: usize = 32;

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

    /// A hash as 64 hexadecimal digits.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let mut hash = [0; 32];
        let are_digits = digits.len() == 2 * hash.len() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        are_digits.then_some(Self(hash))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Hexadecimal(&self.0))
    }
}

struct Hexadecimal<'a>(&'a [u8]);

impl fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A new key, as it is told to its holder: nobody can guess it.
///
/// # Errors
/// The system gives no random numbers.
pub fn random_key() -> Result<String, getrandom::Error> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{KEY_PREFIX}{}", Hexadecimal(&bytes)))
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

/// What is wrong with a key that is to be made.
#[derive(Clone, Debug)]
pub struct KeyProblem {
    /// Where, as `rights[1]`.
    pub field: String,
    /// A sentence without its subject, which is the field.
    pub problem: String,
}

impl NewKey {
    /// Checks what a key is to be. Namespaces may be left out with the right `admin`, which is about all of them.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn new(
        name: String,
        hash: KeyHash,
        namespaces: Option<Vec<String>>,
        rights: &[String],
    ) -> Result<Self, KeyProblem> {
        let wrong = |field: &str, problem: String| KeyProblem {
            field: field.to_owned(),
            problem,
        };
        Self::check_name(&name).map_err(|problem| wrong("name", problem))?;
        let mut parsed = Vec::new();
        for (index, right) in rights.iter().enumerate() {
            let right = Right::parse(right).map_err(|error| wrong(&format!("rights[{index}]"), error.to_string()))?;
            parsed.push(right);
        }
        parsed.sort_unstable();
        parsed.dedup();
        if parsed.is_empty() {
            let problem = "must hold at least one of read, write, chat and admin";
            return Err(wrong("rights", problem.into()));
        }
        let is_admin = parsed.contains(&Right::Admin);
        let namespaces = match namespaces {
            None if is_admin => NamespacePatterns::all(),
            None => return Err(wrong("namespaces", "is missing".into())),
            Some(patterns) => NamespacePatterns::parse(patterns).map_err(|(index, problem)| {
                let field = index.map_or("namespaces".to_owned(), |index| format!("namespaces[{index}]"));
                KeyProblem { field, problem }
            })?,
        };
        if is_admin && !namespaces.hold_all() {
            let problem = "must be [\"*\"] or left out with the right admin, which is about everything";
            return Err(wrong("namespaces", problem.into()));
        }
        Ok(Self {
            name,
            hash,
            namespaces,
            rights: parsed,
        })
    }

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

/// Where a key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// In the database, where it was made by the API and can be revoked.
    Database,
    /// In the settings, `security.keys`.
    Configuration,
}

/// A key that opens something.
#[derive(Clone, Debug)]
pub struct Key {
    /// Public id: of the database `UUIDv7`, of the configuration one that follows from the name (`UUIDv8`).
    pub id: Uuid,
    /// Unique name.
    pub name: String,
    /// What is kept of it.
    pub hash: KeyHash,
    /// Where it counts.
    pub namespaces: NamespacePatterns,
    /// What it may do there.
    pub rights: Vec<Right>,
    /// Where it is kept.
    pub source: KeySource,
    /// When it was made; nothing is known of that for one of the configuration.
    pub created_at: Option<DateTime<Utc>>,
}

impl Key {
    /// One of the configuration. Its id is the same at each start.
    #[must_use]
    pub fn declared(key: NewKey) -> Self {
        let digest: [u8; 32] = Sha256::digest(&key.name).into();
        let mut id = [0; 16];
        id.iter_mut()
            .zip(digest)
            .for_each(|(byte, of_digest)| *byte = of_digest);
        Self {
            id: uuid::Builder::from_custom_bytes(id).into_uuid(),
            name: key.name,
            hash: key.hash,
            namespaces: key.namespaces,
            rights: key.rights,
            source: KeySource::Configuration,
            created_at: None,
        }
    }

    /// Whether it is the one of an id or a name.
    #[must_use]
    pub fn is_called(&self, id_or_name: &str) -> bool {
        self.name == id_or_name || Uuid::try_parse(id_or_name) == Ok(self.id)
    }

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

//! Who may come in: keys, and how often they may ask.

use secrecy::{ExposeSecret as _, SecretString};

use super::reader::{self, Reader};
use super::record::Record;
use crate::model::{Key, KeyHash, NewKey};

/// Keys and limits.
#[derive(Clone, Debug)]
pub struct Security {
    /// maia's own key.
    pub api_key: Option<SecretString>,
    /// Named keys, besides those of the database.
    pub keys: Vec<NewKey>,
    /// Whether maia may listen beyond this machine without a key.
    pub allow_public_without_key: bool,
    /// Requests a second and client address; 0: no limit.
    pub rate_limit_rps: u32,
    /// Requests at once before that limit is felt.
    pub rate_limit_burst: u32,
}

impl Default for Security {
    fn default() -> Self {
        Self {
            api_key: None,
            keys: Vec::new(),
            allow_public_without_key: false,
            rate_limit_rps: 100,
            rate_limit_burst: 150,
        }
    }
}

impl Security {
    pub(super) fn read(&mut self, read: &mut Reader) {
        read.set("security.api_key", &mut self.api_key, reader::secret);
        read.set_records("security.keys", &mut self.keys, key);
        let public = &mut self.allow_public_without_key;
        read.set("security.allow_public_without_key", public, reader::boolean);
        let rate = reader::number(0..=1_000_000);
        read.set("security.rate_limit_rps", &mut self.rate_limit_rps, rate);
        let burst = reader::number(1..=1_000_000);
        read.set("security.rate_limit_burst", &mut self.rate_limit_burst, burst);
    }

    /// Keys that stand in two places; `to_backend` is the one that the backend gets.
    pub(super) fn contradictions(&self, to_backend: Option<&SecretString>) -> Vec<String> {
        let mut problems = Vec::new();
        let hash = |key: &SecretString| KeyHash::of(key.expose_secret().as_bytes());
        let backend = to_backend.map(hash);
        let own = self.api_key.as_ref().map(hash);
        let would_reach = "must not be the same as proxy.backend_api_key, for it would then reach the backend";
        if own.is_some() && own == backend {
            problems.push(format!("security.api_key: {would_reach}"));
        }
        for (at, key) in self.keys.iter().enumerate() {
            let mut wrong = |problem: String| problems.push(format!("security.keys: item {}: {problem}", at + 1));
            let before = || self.keys.iter().take(at).enumerate();
            if let Some((first, _)) = before().find(|(_, other)| other.name == key.name) {
                wrong(format!("name: {} is the name of item {} already", key.name, first + 1));
            }
            if let Some((first, _)) = before().find(|(_, other)| other.hash == key.hash) {
                wrong(format!("hash: is that of item {} already", first + 1));
            }
            if Some(key.hash) == own {
                wrong("hash: is that of security.api_key, which may do everything".into());
            }
            if Some(key.hash) == backend {
                wrong(format!("hash: {would_reach}"));
            }
        }
        problems
    }

    /// What is wrong with the keys beside those of a database.
    pub(super) fn clashes(&self, stored: &[Key]) -> Vec<String> {
        let numbered = self.keys.iter().enumerate();
        let clash = |(at, key): (usize, &NewKey)| {
            let same = |other: &&Key| other.name == key.name || other.hash == key.hash;
            let other = stored.iter().find(same)?;
            let field = if other.name == key.name { "name" } else { "hash" };
            Some(format!(
                "security.keys: item {}: {field}: is that of the key {} in the database; revoke that one (maia keys revoke {}), or change this one",
                at + 1,
                other.name,
                other.name
            ))
        };
        numbered.filter_map(clash).collect()
    }
}

const KEY_FIELDS: [&str; 4] = ["name", "hash", "namespaces", "rights"];

fn key(record: &Record) -> Result<NewKey, String> {
    record.only(&KEY_FIELDS, "a key has name, hash, namespaces and rights")?;
    // Not quoted: it may be the key itself, in the wrong place.
    let hash = KeyHash::parse(record.needed("hash")?).ok_or(
        "hash must be the SHA-256 of a key as 64 hexadecimal digits, as `maia keys create --print-config` shows it",
    )?;
    let name = record.needed("name")?;
    let rights = record.list("rights").ok_or("rights is missing")?;
    NewKey::new(name.to_owned(), hash, record.list("namespaces"), &rights)
        .map_err(|wrong| format!("{} {}", wrong.field, wrong.problem))
}

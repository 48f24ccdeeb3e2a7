//! The keys that are taken, in memory: no request waits for the database to be let in.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;

use crate::config::Security;
use crate::model::{Key, KeyHash};
use crate::store::{KeysVersion, Store, StoreError};

/// Whom a key belongs to.
#[derive(Clone, Debug)]
pub(super) enum Holder {
    /// The one of `security.api_key`, who may do everything.
    Owner,
    Named(Arc<Key>),
}

/// `security.api_key`, `security.keys` and the keys of the database.
#[derive(Debug)]
pub struct KeyRing {
    owner: Option<KeyHash>,
    declared: Vec<Arc<Key>>,
    /// Whether a key is asked for even where there is none: maia can be reached from elsewhere, and nobody said that all may come in.
    always: bool,
    named: RwLock<Named>,
    /// Held from the look at the database to the end of the change, so that an older look cannot come after a newer one.
    loading: Mutex<()>,
}

#[derive(Debug, Default)]
struct Named {
    /// `None` until they were read: nobody is let in without a key before it is known whether there are any.
    version: Option<KeysVersion>,
    by_hash: HashMap<[u8; 32], Arc<Key>>,
}

impl KeyRing {
    /// A ring that the keys of the database are still to be [loaded](Self::load) into.
    #[must_use]
    pub fn new(security: &Security, always: bool) -> Self {
        let owner = security.api_key.as_ref();
        let declared = security.keys.iter().cloned();
        Self {
            owner: owner.map(|key| KeyHash::of(key.expose_secret().as_bytes())),
            declared: declared.map(|key| Arc::new(Key::declared(key))).collect(),
            always,
            named: RwLock::default(),
            loading: Mutex::default(),
        }
    }

    /// Takes over the keys that the database has now.
    ///
    /// # Errors
    /// The store is in trouble; the keys stay as they were.
    pub async fn load(&self, store: &Store) -> Result<(), StoreError> {
        let _loading = self.loading.lock().await;
        let (keys, version) = store.keys().await?;
        let keys = keys.into_iter().map(Arc::new).chain(self.declared.iter().cloned());
        let by_hash = keys.map(|key| (key.hash.0, key)).collect();
        *self.named.write().unwrap_or_else(PoisonError::into_inner) = Named {
            version: Some(version),
            by_hash,
        };
        Ok(())
    }

    /// Takes over what another process has changed.
    ///
    /// # Errors
    /// The store is in trouble; the keys stay as they were.
    pub async fn follow(&self, store: &Store) -> Result<(), StoreError> {
        let version = store.keys_version().await?;
        let known = self.named.read().unwrap_or_else(PoisonError::into_inner).version;
        if known == Some(version) {
            return Ok(());
        }
        self.load(store).await
    }

    /// The keys of the configuration.
    pub(super) fn declared(&self) -> impl Iterator<Item = &Key> {
        self.declared.iter().map(Arc::as_ref)
    }

    /// Whether a key is asked for.
    pub(super) fn asks(&self) -> bool {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        self.always || self.owner.is_some() || named.version.is_none() || !named.by_hash.is_empty()
    }

    /// Whose key this is. What the time of the search could tell is about a hash, from which nobody finds a key.
    pub(super) fn find(&self, key: &[u8]) -> Option<Holder> {
        let hash = KeyHash::of(key);
        let is = |known: &KeyHash| bool::from(known.0.ct_eq(&hash.0));
        if self.owner.as_ref().is_some_and(is) {
            return Some(Holder::Owner);
        }
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        let found = named.by_hash.get(&hash.0).filter(|key| is(&key.hash));
        found.map(|key| Holder::Named(Arc::clone(key)))
    }
}

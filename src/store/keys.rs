//! Keys, of which the database has hashes only.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::memories::time;
use super::namespaces::{to_json, unreadable};
use super::{Store, StoreError};
use crate::model::{self, Key, KeyHash, KeySource, NewKey};

const COLUMNS: &str = "id, name, hash, namespaces, rights, created_at";

/// Which of a set of namespaces are meant: a condition on `name`, where the parameter `:visible` is a list of patterns as JSON, or null for all. No name
/// holds a `*`.
pub(super) const VISIBLE: &str = "(:visible IS NULL OR EXISTS (
    SELECT 1 FROM json_each(:visible) AS pattern
    WHERE name = pattern.value
        OR substr(pattern.value, -1) = '*' AND substr(name, 1, length(pattern.value) - 1) = substr(pattern.value, 1, length(pattern.value) - 1)))";

/// Tells one set of keys from any other that the database had or will have: how many there are, and the largest number of one.
pub type KeysVersion = (i64, i64);

impl Store {
    /// All keys, in the order of their names, and which version of them this is.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn keys(&self) -> Result<(Vec<Key>, KeysVersion), StoreError> {
        self.read(|connection| {
            let keys = connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM keys ORDER BY name"))?
                .query_map([], from_row)?
                .collect::<rusqlite::Result<_>>()?;
            Ok((keys, version(connection)?))
        })
        .await
    }

    /// Which version of the keys the database has.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn keys_version(&self) -> Result<KeysVersion, StoreError> {
        self.read(version).await
    }

    /// The key of an id or a name.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn key(&self, id_or_name: String) -> Result<Option<Key>, StoreError> {
        self.read(move |connection| find(connection, &id_or_name)).await
    }

    /// Makes a key; `None` where there is one of that name.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn create_key(&self, new: NewKey) -> Result<Option<Key>, StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached(&format!(
                    "INSERT INTO keys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO NOTHING RETURNING {COLUMNS}"
                ))?
                .query_row(
                    params![
                        Uuid::now_v7(),
                        new.name,
                        new.hash.0,
                        to_json(&new.namespaces)?,
                        to_json(&new.rights)?,
                        model::now().timestamp_millis()
                    ],
                    from_row,
                )
                .optional()
        })
        .await
    }

    /// Deletes the key of an id or a name; whether there was one.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn delete_key(&self, id_or_name: String) -> Result<bool, StoreError> {
        self.write(move |connection| match find(connection, &id_or_name)? {
            Some(key) => connection
                .prepare_cached("DELETE FROM keys WHERE id = ?1")?
                .execute([key.id])
                .map(|_| true),
            None => Ok(false),
        })
        .await
    }
}

fn version(connection: &Connection) -> rusqlite::Result<KeysVersion> {
    connection
        .prepare_cached("SELECT count(*), coalesce(max(number), 0) FROM keys")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn find(connection: &Connection, id_or_name: &str) -> rusqlite::Result<Option<Key>> {
    let id = Uuid::try_parse(id_or_name).ok();
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM keys WHERE name = ?1 OR id = ?2"))?
        .query_row(params![id_or_name, id], from_row)
        .optional()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Key> {
    Ok(Key {
        id: row.get(0)?,
        name: row.get(1)?,
        hash: KeyHash(row.get(2)?),
        namespaces: json(row, 3)?,
        rights: json(row, 4)?,
        source: KeySource::Database,
        created_at: Some(time(row, 5)?),
    })
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let json: String = row.get(column)?;
    serde_json::from_str(&json).map_err(|error| unreadable(column, error.to_string()))
}

//! Making things once, however often a client asks for it with the same key.
//!
//! The key is looked up and noted in the transaction that makes the thing, on the one thread that writes: of two requests at the same moment, one makes it
//! and the other is told what was made.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::{Store, StoreError};
use crate::model;

/// How long a key is remembered.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// A request that makes something once.
#[derive(Clone, Copy, Debug)]
pub struct Once {
    /// Which request it is: the beginning of a hash of what the client calls it.
    pub key: [u8; 16],
    /// What it asks for: the beginning of a hash of that.
    pub request: [u8; 16],
}

/// What came of making something once.
#[derive(Debug)]
pub enum Made<T> {
    /// It was made.
    Now(T),
    /// It was made before; as it is now.
    Before(T),
    /// The same key came with another request before.
    OtherRequest,
    /// It was made before, and is not there any more.
    Gone,
}

impl Store {
    /// Forgets the keys whose time is over.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn forget_keys(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM idempotency_keys WHERE created_at <= ?1")?
                .execute([(now - KEPT).timestamp_millis()])
                .map(|_| ())
        })
        .await
    }
}

/// Makes something with `make` unless it was made before, and notes the ids of what was made. `find` finds it again by these.
pub(super) fn once<T>(
    connection: &Connection,
    scope: i64,
    once: Option<&Once>,
    find: impl FnOnce(&[Uuid]) -> rusqlite::Result<Option<T>>,
    make: impl FnOnce() -> rusqlite::Result<Option<(T, Vec<Uuid>)>>,
) -> rusqlite::Result<Option<Made<T>>> {
    let now = model::now();
    if let Some(once) = once {
        let known: Option<(Vec<u8>, Vec<u8>)> = connection
            .prepare_cached(
                "SELECT request, made FROM idempotency_keys WHERE namespace = ?1 AND key = ?2 AND created_at > ?3",
            )?
            .query_row(params![scope, once.key, (now - KEPT).timestamp_millis()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        match known {
            Some((request, _)) if request != once.request => return Ok(Some(Made::OtherRequest)),
            Some((_, ids)) => {
                let ids = ids.chunks(16).filter_map(|id| Uuid::from_slice(id).ok());
                let found = find(&ids.collect::<Vec<_>>())?;
                return Ok(Some(found.map_or(Made::Gone, Made::Before)));
            }
            None => {}
        }
    }
    let Some((thing, ids)) = make()? else {
        return Ok(None);
    };
    if let Some(once) = once {
        let ids: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
        connection
            .prepare_cached(
                "INSERT INTO idempotency_keys (namespace, key, request, made, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (namespace, key) DO UPDATE SET request = ?3, made = ?4, created_at = ?5",
            )?
            .execute(params![scope, once.key, once.request, ids, now.timestamp_millis()])?;
    }
    Ok(Some(Made::Now(thing)))
}

//! Memories that go from one namespace to another, or are there twice afterwards.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};
use uuid::Uuid;

use super::filter::MemoryFilter;
use super::memories::next_row_id;
use super::rows::WITH_ID;
use super::{CreateNamespace, Store, StoreError};
use crate::model::{MemoryId, Namespace, NamespaceName, NamespaceNumber};

/// Memories carried in one transaction, so that other writes get their turn.
const BATCH: usize = 500;

/// What becomes of the originals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// They go, with all that they took the place of, and keep their ids.
    Move,
    /// They stay, and so does what they took the place of. The copies have ids of their own.
    Copy,
}

/// Why named memories were not carried. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCarried {
    /// There is none of this id in the namespace.
    NoMemory(MemoryId),
    /// The namespace that they were to go to is gone.
    NoTarget,
}

/// A memory that was carried: its id before, and after.
pub type Carried = (MemoryId, MemoryId);

impl Store {
    /// Carries memories by their ids, all or none, in one transaction.
    ///
    /// # Errors
    /// The store is in trouble; nothing was changed.
    pub async fn transfer_named(
        &self,
        (from, to): (NamespaceNumber, NamespaceNumber),
        ids: Vec<MemoryId>,
        transfer: Transfer,
    ) -> Result<Result<Vec<Carried>, NotCarried>, StoreError> {
        self.write(move |connection| {
            let mut roots = Vec::with_capacity(ids.len());
            for id in ids {
                match row_of(connection, from, id)? {
                    Some(row_id) => roots.push(row_id),
                    None => return Ok(Err(NotCarried::NoMemory(id))),
                }
            }
            let history = transfer == Transfer::Move;
            let carried = carry(connection, to, &roots, history, transfer)?;
            Ok(carried.ok_or(NotCarried::NoTarget))
        })
        .await
    }

    /// Carries the memories that a filter means; how many, or `None` where the namespace that they were to go to is gone.
    ///
    /// # Errors
    /// The store is in trouble; what was carried so far stays so.
    pub async fn transfer(
        &self,
        (from, to): (NamespaceNumber, NamespaceNumber),
        filter: MemoryFilter,
        transfer: Transfer,
    ) -> Result<Option<usize>, StoreError> {
        let (condition, values) = filter.condition(from);
        let sql = format!("SELECT row_id FROM memories WHERE {condition} ORDER BY row_id");
        let roots: Vec<i64> = self
            .read(move |connection| {
                connection
                    .prepare_cached(&sql)?
                    .query_map(params_from_iter(&values), |row| row.get(0))?
                    .collect()
            })
            .await?;
        self.carry_all(to, roots, transfer == Transfer::Move, transfer).await
    }

    /// Makes a namespace that has everything of another: its settings, its memories, and what these took the place of.
    ///
    /// # Errors
    /// The store is in trouble; there is no new namespace then.
    pub async fn clone_namespace(
        &self,
        original: &Namespace,
        name: NamespaceName,
    ) -> Result<CreateNamespace, StoreError> {
        let clone = match self.create_namespace(name, original.config.clone(), None).await? {
            CreateNamespace::Created(clone) => clone,
            other => return Ok(other),
        };
        let (first, last) = original.number.row_ids();
        // Whatever has a successor comes along as a part of its history.
        let ends = self
            .read(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT row_id FROM memories WHERE row_id BETWEEN ?1 AND ?2 AND superseded_by IS NULL ORDER BY row_id",
                    )?
                    .query_map([first, last], |row| row.get(0))?
                    .collect()
            })
            .await;
        let carried = match ends {
            Ok(ends) => self.carry_all(clone.number, ends, true, Transfer::Copy).await,
            Err(error) => Err(error),
        };
        if let Err(error) = carried {
            // Half a clone would pass for a whole one. Where this fails too, the first trouble is the one to tell.
            let _ = self.delete_namespace(clone.name.to_string(), true).await;
            return Err(error);
        }
        let finished = self.namespace(clone.name.to_string()).await?;
        Ok(CreateNamespace::Created(finished.unwrap_or(clone)))
    }

    async fn carry_all(
        &self,
        to: NamespaceNumber,
        roots: Vec<i64>,
        history: bool,
        transfer: Transfer,
    ) -> Result<Option<usize>, StoreError> {
        let mut count = 0;
        for batch in roots.chunks(BATCH) {
            let batch = batch.to_vec();
            let carried = self
                .write(move |connection| carry(connection, to, &batch, history, transfer))
                .await?;
            match carried {
                Some(carried) => count += carried.len(),
                None => return Ok(None),
            }
        }
        Ok(Some(count))
    }
}

fn row_of(connection: &Connection, namespace: NamespaceNumber, id: MemoryId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(&format!(
            "SELECT row_id FROM memories WHERE {WITH_ID} AND namespace = ?2"
        ))?
        .query_row(params![id, namespace.0], |row| row.get(0))
        .optional()
}

/// Carries memories within a transaction, in the order in which they were stored, so that neighbours in a conversation stay neighbours. Says which of
/// `roots` were still there, and what became of them; `None` where the namespace is gone.
fn carry(
    connection: &Connection,
    to: NamespaceNumber,
    roots: &[i64],
    history: bool,
    transfer: Transfer,
) -> rusqlite::Result<Option<Vec<Carried>>> {
    let rows = present(connection, roots, history)?;
    let copy = format!(
        "INSERT INTO memories (row_id, namespace, id, {columns})
         SELECT ?2, ?3, ?4, {columns} FROM memories WHERE row_id = ?1",
        columns = columns(connection)?
    );
    let mut copies: BTreeMap<i64, (i64, Uuid)> = BTreeMap::new();
    for (row_id, _) in &rows {
        let Some(place) = next_row_id(connection, to)? else {
            return Ok(None);
        };
        let id = Uuid::now_v7();
        connection
            .prepare_cached(&copy)?
            .execute(params![row_id, place, to.0, id])?;
        copies.insert(*row_id, (place, id));
    }
    // Every copy enters the index as valid, and those that are not leave it again, by the same triggers as everywhere.
    for (row_id, (place, _)) in &copies {
        let superseded: (Option<i64>, Option<i64>) = connection
            .prepare_cached("SELECT superseded_at, superseded_by FROM memories WHERE row_id = ?1")?
            .query_row([row_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let (Some(at), by) = superseded {
            let by = by.and_then(|by| copies.get(&by)).map(|(place, _)| *place);
            connection
                .prepare_cached("UPDATE memories SET superseded_at = ?2, superseded_by = ?3 WHERE row_id = ?1")?
                .execute(params![place, at, by])?;
        }
    }
    let mut carried = Vec::with_capacity(roots.len());
    for (row_id, id) in rows {
        let Some((place, mut new_id)) = copies.get(&row_id).copied() else {
            continue;
        };
        if transfer == Transfer::Move {
            connection
                .prepare_cached("DELETE FROM memories WHERE row_id = ?1")?
                .execute([row_id])?;
            connection
                .prepare_cached("UPDATE memories SET id = ?2 WHERE row_id = ?1")?
                .execute(params![place, id])?;
            new_id = id;
        }
        if roots.contains(&row_id) {
            carried.push((id, new_id));
        }
    }
    Ok(Some(carried))
}

/// Those rows that are there, and what they took the place of where that is wanted, in the order in which they were stored.
fn present(connection: &Connection, roots: &[i64], history: bool) -> rusqlite::Result<Vec<(i64, Uuid)>> {
    let step = if history {
        "UNION SELECT memories.row_id FROM chain JOIN memories ON memories.superseded_by = chain.row_id"
    } else {
        ""
    };
    connection
        .prepare_cached(&format!(
            "WITH RECURSIVE chain (row_id) AS (SELECT value FROM json_each(?1) {step})
             SELECT row_id, id FROM memories WHERE row_id IN (SELECT row_id FROM chain) ORDER BY row_id"
        ))?
        .query_map([serde_json::Value::from(roots).to_string()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect()
}

/// What a copy has of its original, as the schema says it: a column that comes later is not forgotten here.
fn columns(connection: &Connection) -> rusqlite::Result<String> {
    connection
        .prepare_cached(
            "SELECT group_concat(name, ', ') FROM pragma_table_info('memories')
             WHERE name NOT IN ('row_id', 'namespace', 'id', 'superseded_at', 'superseded_by')",
        )?
        .query_row([], |row| row.get(0))
}

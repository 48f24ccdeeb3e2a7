//! What was injected into conversations, found again by what the conversation was then.
//!
//! The schema erases a block with the first of its memories that is deleted, superseded or put into other words. A block is written after its request was
//! answered, so the writer looks at its memories once more: what has become of one meanwhile must not come back with the block.
//!
//! A long conversation brings many blocks back with each turn, so those that were read are kept in memory too. What the schema would erase a block for counts
//! as a rewrite of its namespace, and a block that was read before the last of them is read again.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, named_params, params};
use uuid::Uuid;

use super::namespaces::{to_json, unreadable};
use super::{ReadError, Reader, Store, StoreError};
use crate::model::{ContextPosition, NamespaceNumber};

/// Most blocks that are kept; the oldest go first.
const MOST: i64 = 20_000;
/// How long a block is kept, in days.
const DAYS: i64 = 30;

/// Most blocks for one history that anybody is likely to come back to: as often an answer can be made again and each of its versions gone on from.
pub const TURN_VARIANTS: u8 = 16;

/// Bytes of all blocks that are kept in memory.
const MOST_KEPT: u64 = 4 << 20;
/// What a block takes besides its text and its lists.
const BLOCK_COST: usize = 256;
/// Blocks that the cache expects.
const BLOCKS: usize = 4_096;

/// Messages of a conversation from its first on, as a hash.
pub type HistoryHash = [u8; 16];

/// A block that was injected, or that nothing was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InjectedBlock {
    /// What other blocks name it by.
    pub id: Uuid,
    /// The messages up to and including the one of the user that it was found for.
    pub history: HistoryHash,
    /// The same with the answer, once that is known.
    pub answered: Option<HistoryHash>,
    /// Whether the blocks of its conversation begin with it.
    pub begins: bool,
    /// Bytes of the conversation when they began.
    pub begun_at_bytes: i64,
    /// The blocks that stood before it in the request, oldest first.
    pub before: Vec<Uuid>,
    /// Its words; empty where nothing was injected.
    pub text: Arc<str>,
    /// Its tokens.
    pub tokens: u32,
    /// Row ids of its memories.
    pub memories: Vec<i64>,
}

/// A memory as it was when it was injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its row id.
    pub row_id: i64,
    /// When it had last changed.
    pub updated_at: DateTime<Utc>,
}

/// A block that is to be kept.
#[derive(Clone, Debug)]
pub struct NewInjectedBlock {
    /// The namespace of its memories.
    pub namespace: NamespaceNumber,
    /// Where contexts go in its conversation.
    pub position: ContextPosition,
    /// The block.
    pub block: Arc<InjectedBlock>,
    /// Its memories as they were.
    pub seen: Vec<Seen>,
    /// The rewrites that there had been in the namespace.
    pub rewrites: i64,
}

/// Blocks that were read, by namespace and id, each with the rewrites that there had been.
pub(super) struct Blocks(Cache<(i64, Uuid), (i64, Arc<InjectedBlock>), ByLength>);

#[derive(Clone)]
struct ByLength;

impl Weighter<(i64, Uuid), (i64, Arc<InjectedBlock>)> for ByLength {
    fn weight(&self, _: &(i64, Uuid), (_, block): &(i64, Arc<InjectedBlock>)) -> u64 {
        let lists = size_of_val(block.before.as_slice()) + size_of_val(block.memories.as_slice());
        (block.text.len() + lists + BLOCK_COST) as u64
    }
}

impl Default for Blocks {
    fn default() -> Self {
        Self(Cache::with_weighter(BLOCKS, MOST_KEPT, ByLength))
    }
}

/// Looks blocks up, many for one request.
pub struct InjectedBlocks<'a> {
    connection: &'a Connection,
    namespace: NamespaceNumber,
    position: ContextPosition,
    rewrites: i64,
    kept: &'a Blocks,
    by_history: CachedStatement<'a>,
    by_id: CachedStatement<'a>,
}

impl Reader<'_> {
    /// The blocks that were injected into the conversations of a namespace at a position.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn injected(
        &self,
        namespace: NamespaceNumber,
        position: ContextPosition,
    ) -> Result<InjectedBlocks<'_>, ReadError> {
        // By the history: the plus keeps the planner from going through all blocks of the namespace, which it would to have them in order.
        let by_history = "SELECT id, history, answered, begins, begun_at_bytes, before, text, token_count, memories FROM injected_blocks
             WHERE history = ?1 AND +namespace = ?2 AND position = ?3 ORDER BY number DESC LIMIT ?4";
        let by_id = "SELECT id, history, answered, begins, begun_at_bytes, before, text, token_count, memories FROM injected_blocks
             WHERE id = ?1 AND namespace = ?2";
        Ok(InjectedBlocks {
            connection: self.connection,
            namespace,
            position,
            rewrites: rewrites(self.connection, namespace)?.unwrap_or_default(),
            kept: &self.caches.blocks,
            by_history: self.connection.prepare_cached(by_history)?,
            by_id: self.connection.prepare_cached(by_id)?,
        })
    }
}

impl InjectedBlocks<'_> {
    /// The rewrites that there have been in the namespace.
    #[must_use]
    pub fn rewrites(&self) -> i64 {
        self.rewrites
    }

    /// Whether all memories of a block are still there, valid and as they were. What is written is erased where they are not; this is not written yet.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn are_unchanged(&self, new: &NewInjectedBlock) -> Result<bool, ReadError> {
        Ok(new.rewrites == self.rewrites || are_unchanged(self.connection, &new.seen)?)
    }

    /// Those that were found for this history, newest first, `most` of them.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn found_for(&mut self, history: &HistoryHash, most: u8) -> Result<Vec<Arc<InjectedBlock>>, ReadError> {
        let of_history = params![history, self.namespace.0, self.position.as_str(), most];
        let rows = self.by_history.query_map(of_history, from_row)?;
        let blocks = rows
            .map(|row| row.map(Arc::new))
            .collect::<rusqlite::Result<Vec<_>>>()?;
        for block in &blocks {
            self.keep(block);
        }
        Ok(blocks)
    }

    /// The one with this id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn named(&mut self, id: Uuid) -> Result<Option<Arc<InjectedBlock>>, ReadError> {
        match self.kept.0.get(&(self.namespace.0, id)) {
            Some((rewrites, block)) if rewrites == self.rewrites => Ok(Some(block)),
            _ => {
                let row = self.by_id.query_row(params![id, self.namespace.0], from_row);
                let block = row.optional()?.map(Arc::new);
                if let Some(block) = &block {
                    self.keep(block);
                }
                Ok(block)
            }
        }
    }

    fn keep(&self, block: &Arc<InjectedBlock>) {
        let key = (self.namespace.0, block.id);
        self.kept.0.insert(key, (self.rewrites, Arc::clone(block)));
    }
}

impl Store {
    /// Keeps blocks, but for those of which a memory has changed since or whose namespace is gone.
    ///
    /// # Errors
    /// The store is in trouble; none is kept.
    pub async fn keep_injected(&self, blocks: Vec<Arc<NewInjectedBlock>>, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.write_each(blocks, move |connection, new| {
            match rewrites(connection, new.namespace)? {
                Some(rewrites) if rewrites == new.rewrites || are_unchanged(connection, &new.seen)? => {
                    insert(connection, new, at)
                }
                _ => Ok(()),
            }
        })
        .await?;
        self.write(|connection| {
            // Numbers only ever grow, so that the bound costs no count.
            connection
                .prepare_cached(
                    "DELETE FROM injected_blocks WHERE number <= (SELECT max(number) FROM injected_blocks) - ?1",
                )?
                .execute([MOST])
                .map(|_| ())
        })
        .await
    }

    /// Erases blocks that no conversation is likely to come back to; how many.
    ///
    /// # Errors
    /// The store is in trouble.
    pub async fn remove_old_injected(&self, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let before = (now - TimeDelta::days(DAYS)).timestamp_millis();
        self.write(move |connection| {
            connection
                .prepare_cached("DELETE FROM injected_blocks WHERE injected_at < ?1")?
                .execute([before])
        })
        .await
    }
}

fn are_unchanged(connection: &Connection, seen: &[Seen]) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM memories WHERE row_id = ?1 AND coalesce(updated_at, created_at) = ?2 AND superseded_at IS NULL",
    )?;
    for memory in seen {
        if !statement.exists(params![memory.row_id, memory.updated_at.timestamp_millis()])? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How often something of a namespace was deleted, superseded or put into other words; `None` where it is gone.
fn rewrites(connection: &Connection, namespace: NamespaceNumber) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT rewrites FROM namespaces WHERE number = ?1")?
        .query_row([namespace.0], |row| row.get(0))
        .optional()
}

fn insert(connection: &Connection, new: &NewInjectedBlock, at: DateTime<Utc>) -> rusqlite::Result<()> {
    let block = &new.block;
    let before: Vec<u8> = block.before.iter().flat_map(|id| id.into_bytes()).collect();
    connection
        .prepare_cached(
            "INSERT INTO injected_blocks (id, namespace, position, history, answered, begins, begun_at_bytes, before, text,
                 token_count, memories, injected_at)
             VALUES (:id, :namespace, :position, :history, :answered, :begins, :begun_at_bytes, :before, :text,
                 :token_count, :memories, :at)",
        )?
        .execute(named_params! {
            ":id": block.id,
            ":namespace": new.namespace.0,
            ":position": new.position.as_str(),
            ":history": block.history,
            ":answered": block.answered,
            ":begins": block.begins,
            ":begun_at_bytes": block.begun_at_bytes,
            ":before": before,
            ":text": block.text,
            ":token_count": block.tokens,
            ":memories": to_json(&block.memories)?,
            ":at": at.timestamp_millis(),
        })
        .map(|_| ())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<InjectedBlock> {
    let before = row.get_ref(5)?.as_blob()?;
    let memories = row.get_ref(8)?.as_str()?;
    Ok(InjectedBlock {
        id: row.get(0)?,
        history: row.get(1)?,
        answered: row.get(2)?,
        begins: row.get(3)?,
        begun_at_bytes: row.get(4)?,
        before: before
            .chunks_exact(16)
            .filter_map(|id| Uuid::from_slice(id).ok())
            .collect(),
        text: row.get(6)?,
        tokens: row.get(7)?,
        memories: serde_json::from_str(memories).map_err(|error| unreadable(8, error.to_string()))?,
    })
}

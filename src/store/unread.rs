//! Memories that an earlier version stored, which nobody has read yet for what they say of the user.

use rusqlite::{OptionalExtension as _, params};

use super::{Store, StoreError};
use crate::model::Fact;

/// Memories looked at in one transaction, so that other writes get their turn.
const BATCH: i64 = 500;

impl Store {
    /// Reads the next memories for what they say, by `read`; how many were looked at, 0 once there are none left. It goes on where it was broken off.
    ///
    /// # Errors
    /// The store is in trouble; nothing was changed.
    pub async fn read_facts(&self, read: fn(&str) -> Option<Fact>) -> Result<usize, StoreError> {
        // Without this look, every start would wait for the writer to say that there is nothing to do.
        let left = |connection: &rusqlite::Connection| {
            connection
                .query_row("SELECT upto FROM facts_unread", [], |row| row.get::<_, i64>(0))
                .optional()
        };
        if self.read(left).await?.is_none() {
            return Ok(0);
        }
        self.write(move |connection| {
            let Some(upto) = left(connection)? else { return Ok(0) };
            let unread: Vec<(i64, String)> = connection
                .prepare_cached(
                    "SELECT row_id, content FROM memories
                     WHERE row_id <= ?1 AND statement IS NULL AND conversation_id IS NULL ORDER BY row_id DESC LIMIT ?2",
                )?
                .query_map([upto, BATCH], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let mut write = connection.prepare_cached(
                "UPDATE memories SET slot = ?2, slot_value = ?3, statement = ?4, ended = ?5 WHERE row_id = ?1",
            )?;
            for (row_id, content) in &unread {
                if let Some(fact) = read(content) {
                    let (slot, value) = fact.slot.map(|slot| (slot.name, slot.value)).unzip();
                    write.execute(params![row_id, slot, value, fact.statement, fact.ended])?;
                }
            }
            match unread.last() {
                Some((lowest, _)) => connection.execute("UPDATE facts_unread SET upto = ?1 - 1", [lowest])?,
                None => connection.execute("DELETE FROM facts_unread", [])?,
            };
            Ok(unread.len())
        })
        .await
    }
}

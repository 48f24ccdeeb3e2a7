//! Memories that are wanted whatever words a message uses: those that are pinned, and facts. What is superseded is not.

use super::memories::{COLUMNS, from_row};
use super::{ReadError, Reader};
use crate::model::{Memory, NamespaceNumber};

impl Reader<'_> {
    /// Pinned memories of a namespace, oldest first, for as long as they are wanted.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn pinned(&self, namespace: NamespaceNumber, wants_more: impl FnMut(Memory) -> bool) -> Result<(), ReadError> {
        self.those("pinned = 1 ORDER BY row_id", namespace, wants_more)
    }

    /// Facts of a namespace (`semantic`), most confident first, then newest first, for as long as they are wanted.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn facts(&self, namespace: NamespaceNumber, wants_more: impl FnMut(Memory) -> bool) -> Result<(), ReadError> {
        // As the index of facts has it.
        let facts = "type_code = 0 ORDER BY confidence DESC, row_id DESC";
        self.those(facts, namespace, wants_more)
    }

    fn those(
        &self,
        condition: &str,
        namespace: NamespaceNumber,
        mut wants_more: impl FnMut(Memory) -> bool,
    ) -> Result<(), ReadError> {
        let mut read = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM memories WHERE namespace = ?1 AND superseded_at IS NULL AND {condition}"
        ))?;
        let mut rows = read.query([namespace.0])?;
        while let Some(row) = rows.next()? {
            if !wants_more(from_row(row)?) {
                break;
            }
        }
        Ok(())
    }
}

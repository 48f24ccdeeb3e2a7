//! How many words a memory has, known before it is read.
//!
//! Many memories hold the same terms of a query, and among those the short ones are the best. To read a memory in full takes several times as long as to
//! read its length, and lengths that were read are kept: one holds as long as nothing has changed in its namespace (`rewrites`).

use quick_cache::sync::Cache;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _};

use super::postings::Extent;

/// Lengths that are kept; one takes some 40 bytes.
const MOST_KEPT: usize = 1 << 16;

/// The lengths that are kept, by row and rewrites of its namespace; those that are asked for most stay.
pub(super) struct Lengths(Cache<(i64, i64), u32>);

impl Default for Lengths {
    fn default() -> Self {
        Self(Cache::new(MOST_KEPT))
    }
}

impl Lengths {
    pub(super) fn reader<'a>(
        &'a self,
        connection: &'a Connection,
        extent: Extent,
    ) -> rusqlite::Result<LengthReader<'a>> {
        Ok(LengthReader {
            kept: &self.0,
            read: connection.prepare_cached("SELECT word_count FROM memories WHERE row_id = ?1")?,
            extent,
        })
    }
}

/// The lengths in one namespace.
pub(super) struct LengthReader<'a> {
    kept: &'a Cache<(i64, i64), u32>,
    read: CachedStatement<'a>,
    extent: Extent,
}

impl LengthReader<'_> {
    /// Words of a memory; `None` where there is none.
    pub(super) fn words_of(&mut self, sequence: u32) -> rusqlite::Result<Option<f64>> {
        let row = self.extent.namespace.row_id(sequence);
        let key = (row, self.extent.rewrites);
        if let Some(words) = self.kept.get(&key) {
            return Ok(Some(words.into()));
        }
        let words: Option<u32> = self.read.query_row([row], |row| row.get(0)).optional()?;
        if let Some(words) = words {
            self.kept.insert(key, words);
        }
        Ok(words.map(f64::from))
    }
}

//! Entering new memories into the full-text index, all those of a transaction at once.
//!
//! FTS5 collects what is written to it, but puts it on disk at every savepoint, and `SQLite` makes one around each statement with a trigger. So an index that
//! is written row by row writes a segment a row, and then merges them: a group of creates takes three times as long. Rows that wait are noted in a
//! temporary table, which a rollback takes back with the rows themselves. Whatever takes a memory out of the index has those that wait entered
//! first, for the index must hold what is taken out.

use rusqlite::Connection;

macro_rules! enter {
    () => {
        "INSERT INTO memory_index (rowid, text) SELECT row_id, text FROM unindexed JOIN memory_texts USING (row_id) ORDER BY row_id"
    };
}
macro_rules! forget {
    () => {
        "DELETE FROM unindexed"
    };
}

const SET_UP: &str = concat!(
    "CREATE TEMP TABLE unindexed (row_id INTEGER PRIMARY KEY);
     CREATE TEMP TRIGGER note_insert AFTER INSERT ON main.memories BEGIN
         INSERT INTO unindexed (row_id) VALUES (new.row_id);
     END;
     CREATE TEMP TRIGGER enter_before_delete BEFORE DELETE ON main.memories WHEN EXISTS (SELECT 1 FROM unindexed) BEGIN ",
    enter!(),
    ";",
    forget!(),
    "; END;
     CREATE TEMP TRIGGER enter_before_update BEFORE UPDATE OF content, index_text, token_count, word_count, superseded_at
         ON main.memories WHEN EXISTS (SELECT 1 FROM unindexed) BEGIN ",
    enter!(),
    ";",
    forget!(),
    "; END;"
);

/// Makes a connection note what it inserts. The schema has to be there.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(SET_UP)
}

/// Enters the new memories of the open transaction into the index. To be called before each COMMIT.
pub(super) fn enter(connection: &Connection) -> rusqlite::Result<()> {
    if !connection.prepare_cached("SELECT 1 FROM unindexed")?.exists([])? {
        return Ok(());
    }
    connection.prepare_cached(enter!())?.execute([])?;
    connection.prepare_cached(forget!())?.execute([])?;
    Ok(())
}

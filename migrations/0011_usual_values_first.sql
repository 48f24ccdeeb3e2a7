-- A row ends where its last value does: SQLite leaves out the nulls at its end, built with SQLITE_ENABLE_NULL_TRIM (.cargo/config.toml), and any
-- SQLite reads such rows. So what most memories do not have comes last: a tenth of the row.

DROP VIEW memory_texts;
CREATE TABLE new_memories (
    -- namespace << 32 | sequence, so that one range of row ids is one namespace, in the full-text index too.
    row_id INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL REFERENCES namespaces (number) ON DELETE CASCADE,
    id BLOB NOT NULL CHECK (length(id) = 16),
    type_code INTEGER NOT NULL CHECK (type_code BETWEEN 0 AND 2),
    source_code INTEGER NOT NULL CHECK (source_code BETWEEN 0 AND 3),
    -- SQLite leaves out no null before a column with a default or an expression.
    type TEXT NOT NULL AS (CASE type_code WHEN 0 THEN 'semantic' WHEN 1 THEN 'episodic' ELSE 'working' END),
    source TEXT NOT NULL AS (CASE source_code WHEN 0 THEN 'user' WHEN 1 THEN 'extracted' WHEN 2 THEN 'inferred' ELSE 'imported' END),
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    word_count INTEGER NOT NULL,
    token_count INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    access_count INTEGER NOT NULL DEFAULT 0,
    ended INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1)),
    -- How often it was said again.
    confirmation_count INTEGER NOT NULL DEFAULT 0,
    -- What is pinned is in every context.
    pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
    -- The beginning of a hash of the words, whatever their case and punctuation: which memories may say the same.
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 4),
    content TEXT NOT NULL CHECK (length(CAST(content AS BLOB)) BETWEEN 1 AND 10000),
    -- What a memory says of the user, as far as another one can say the same, the opposite or something newer.
    statement TEXT,
    slot TEXT,
    slot_value TEXT,
    -- Null: never. The last is when it was last said again.
    accessed_at INTEGER,
    updated_at INTEGER,
    confirmed_at INTEGER,
    -- Null: none. To older versions of SQLite null is no valid JSON.
    tags TEXT CHECK (tags IS NULL OR json_valid(tags)),
    metadata TEXT CHECK (metadata IS NULL OR json_valid(metadata)),
    -- What the index sees, where that is not the content itself: CJK in bigrams, speaker and day of a conversation.
    index_text TEXT,
    -- The conversation that the memory is a piece of, where it is one: neighbours have neighbouring row ids.
    conversation_id TEXT,
    role TEXT,
    speaker TEXT,
    -- When something newer took its place, and what. What took its place may be gone again.
    superseded_at INTEGER,
    superseded_by INTEGER REFERENCES memories (row_id) ON DELETE SET NULL,
    CHECK (row_id >> 32 = namespace)
) STRICT;

INSERT INTO new_memories (row_id, namespace, id, type_code, source_code, confidence, word_count, token_count, created_at, access_count, ended,
    confirmation_count, pinned, fingerprint, content, statement, slot, slot_value, accessed_at, updated_at, confirmed_at, tags, metadata,
    index_text, conversation_id, role, speaker, superseded_at, superseded_by)
SELECT row_id, namespace, id, type_code, source_code, confidence, word_count, token_count, created_at, access_count, ended,
    confirmation_count, pinned, fingerprint, content, statement, slot, slot_value, accessed_at, updated_at, confirmed_at, tags, metadata,
    index_text, conversation_id, role, speaker, superseded_at, superseded_by
FROM memories ORDER BY row_id;
-- Its triggers and indexes go with it, and none of them fires.
DROP TABLE memories;
ALTER TABLE new_memories RENAME TO memories;

-- Of an id its time and its counter tell it from all others that maia makes (RFC 9562, section 5.7), and keep the index in the order of time.
-- Where other ids share this part, the rest of it is compared.
CREATE INDEX memories_by_id ON memories (substr(id, 3, 10));
CREATE INDEX memories_by_fingerprint ON memories (namespace, fingerprint);
CREATE INDEX memories_by_confidence ON memories (namespace, confidence) WHERE type_code = 0 AND superseded_at IS NULL;
CREATE INDEX memories_by_slot ON memories (namespace, slot) WHERE slot IS NOT NULL;
CREATE INDEX memories_by_statement ON memories (namespace, statement) WHERE statement IS NOT NULL;
CREATE INDEX memories_by_successor ON memories (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX memories_pinned ON memories (namespace, row_id) WHERE pinned = 1;

-- What is superseded is neither found nor counted: the index and the counts of a namespace hold what is valid.
CREATE VIEW memory_texts AS
    SELECT row_id, coalesce(index_text, content) AS text FROM memories WHERE superseded_at IS NULL;

-- No two memories have one id: the second is not stored.
CREATE TRIGGER memories_unique_id BEFORE INSERT ON memories
WHEN EXISTS (SELECT 1 FROM memories WHERE substr(id, 3, 10) = substr(new.id, 3, 10) AND id = new.id) BEGIN
    SELECT RAISE(IGNORE);
END;

-- A new memory is entered into the full-text index with all others of its transaction, by whoever inserts it: see store/indexing.rs.
CREATE TRIGGER memories_insert AFTER INSERT ON memories BEGIN
    UPDATE namespaces SET memory_count = memory_count + 1, token_count = token_count + new.token_count,
        word_count = word_count + new.word_count, turn_count = turn_count + (new.conversation_id IS NOT NULL)
        WHERE number = new.namespace;
END;

CREATE TRIGGER memories_delete AFTER DELETE ON memories WHEN old.superseded_at IS NULL BEGIN
    INSERT INTO memory_index (memory_index, rowid, text)
        VALUES ('delete', old.row_id, coalesce(old.index_text, old.content));
    UPDATE namespaces SET memory_count = memory_count - 1, token_count = token_count - old.token_count,
        word_count = word_count - old.word_count, turn_count = turn_count - (old.conversation_id IS NOT NULL),
        rewrites = rewrites + 1
        WHERE number = old.namespace;
END;
CREATE TRIGGER memories_delete_superseded AFTER DELETE ON memories WHEN old.superseded_at IS NOT NULL BEGIN
    UPDATE namespaces SET superseded_count = superseded_count - 1 WHERE number = old.namespace;
END;

CREATE TRIGGER memories_update AFTER UPDATE OF content, index_text, token_count, word_count ON memories
WHEN old.superseded_at IS NULL BEGIN
    INSERT INTO memory_index (memory_index, rowid, text)
        VALUES ('delete', old.row_id, coalesce(old.index_text, old.content));
    INSERT INTO memory_index (rowid, text) VALUES (new.row_id, coalesce(new.index_text, new.content));
    UPDATE namespaces SET token_count = token_count + new.token_count - old.token_count,
        word_count = word_count + new.word_count - old.word_count, rewrites = rewrites + 1
        WHERE number = new.namespace;
END;

CREATE TRIGGER memories_supersede AFTER UPDATE OF superseded_at ON memories
WHEN old.superseded_at IS NULL AND new.superseded_at IS NOT NULL BEGIN
    INSERT INTO memory_index (memory_index, rowid, text)
        VALUES ('delete', old.row_id, coalesce(old.index_text, old.content));
    UPDATE namespaces SET memory_count = memory_count - 1, superseded_count = superseded_count + 1,
        token_count = token_count - old.token_count, word_count = word_count - old.word_count,
        turn_count = turn_count - (old.conversation_id IS NOT NULL),
        rewrites = rewrites + 1
        WHERE number = old.namespace;
END;

CREATE TRIGGER memories_restore AFTER UPDATE OF superseded_at ON memories
WHEN old.superseded_at IS NOT NULL AND new.superseded_at IS NULL BEGIN
    INSERT INTO memory_index (rowid, text) VALUES (new.row_id, coalesce(new.index_text, new.content));
    UPDATE namespaces SET memory_count = memory_count + 1, superseded_count = superseded_count - 1,
        token_count = token_count + new.token_count, word_count = word_count + new.word_count,
        turn_count = turn_count + (new.conversation_id IS NOT NULL), rewrites = rewrites + 1
        WHERE number = new.namespace;
END;

CREATE TRIGGER injected_blocks_memory_deleted AFTER DELETE ON memories BEGIN
    DELETE FROM injected_blocks WHERE number IN (SELECT block FROM injected_memories WHERE memory = old.row_id);
END;
CREATE TRIGGER injected_blocks_memory_superseded AFTER UPDATE OF superseded_at ON memories
WHEN old.superseded_at IS NULL AND new.superseded_at IS NOT NULL BEGIN
    DELETE FROM injected_blocks WHERE number IN (SELECT block FROM injected_memories WHERE memory = old.row_id);
END;
CREATE TRIGGER injected_blocks_memory_changed AFTER UPDATE OF content ON memories WHEN old.content IS NOT new.content BEGIN
    DELETE FROM injected_blocks WHERE number IN (SELECT block FROM injected_memories WHERE memory = old.row_id);
END;

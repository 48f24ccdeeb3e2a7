-- Rows, indexes and the full-text index take about a third less room: codes instead of names, nothing for what is usual, short fingerprints,
-- and in the full-text index only which memory holds which word. Where in it and how long it is, nobody asks.

DROP TRIGGER memories_insert;
DROP TRIGGER memories_delete;
DROP TRIGGER memories_delete_superseded;
DROP TRIGGER memories_update;
DROP TRIGGER memories_supersede;
DROP TRIGGER memories_restore;
DROP TABLE memory_index;
DROP VIEW memory_texts;
DROP INDEX memories_by_fingerprint;
DROP INDEX memories_by_confidence;
DROP INDEX memories_by_slot;
DROP INDEX memories_by_statement;
DROP INDEX memories_by_successor;
DROP INDEX memories_pinned;
ALTER TABLE memories RENAME TO old_memories;

CREATE TABLE memories (
    -- namespace << 32 | sequence, so that one range of row ids is one namespace, in the full-text index too.
    row_id INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL REFERENCES namespaces (number) ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    type_code INTEGER NOT NULL CHECK (type_code BETWEEN 0 AND 2),
    source_code INTEGER NOT NULL CHECK (source_code BETWEEN 0 AND 3),
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    word_count INTEGER NOT NULL,
    token_count INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- Null: never.
    updated_at INTEGER,
    accessed_at INTEGER,
    access_count INTEGER NOT NULL DEFAULT 0,
    -- The beginning of a hash of the words, whatever their case and punctuation: which memories may say the same.
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 4),
    -- Null: none. To older versions of SQLite null is no valid JSON.
    tags TEXT CHECK (tags IS NULL OR json_valid(tags)),
    metadata TEXT CHECK (metadata IS NULL OR json_valid(metadata)),
    content TEXT NOT NULL CHECK (length(CAST(content AS BLOB)) BETWEEN 1 AND 10000),
    -- What the index sees, where that is not the content itself: CJK in bigrams, speaker and day of a conversation.
    index_text TEXT,
    -- The conversation that the memory is a piece of, where it is one: neighbours have neighbouring row ids.
    conversation_id TEXT,
    role TEXT,
    speaker TEXT,
    -- What a memory says of the user, as far as another one can say the same, the opposite or something newer.
    slot TEXT,
    slot_value TEXT,
    statement TEXT,
    ended INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1)),
    -- When it was last said again, and how often.
    confirmed_at INTEGER,
    confirmation_count INTEGER NOT NULL DEFAULT 0,
    -- When something newer took its place, and what. What took its place may be gone again.
    superseded_at INTEGER,
    superseded_by INTEGER REFERENCES memories (row_id) ON DELETE SET NULL,
    -- What is pinned is in every context.
    pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
    type TEXT NOT NULL AS (CASE type_code WHEN 0 THEN 'semantic' WHEN 1 THEN 'episodic' ELSE 'working' END),
    source TEXT NOT NULL AS (CASE source_code WHEN 0 THEN 'user' WHEN 1 THEN 'extracted' WHEN 2 THEN 'inferred' ELSE 'imported' END),
    CHECK (row_id >> 32 = namespace)
) STRICT;

INSERT INTO memories (row_id, namespace, id, type_code, source_code, confidence, word_count, token_count, created_at, updated_at,
    accessed_at, access_count, fingerprint, tags, metadata, content, index_text, conversation_id, role, speaker, slot, slot_value,
    statement, ended, confirmed_at, confirmation_count, superseded_at, superseded_by, pinned)
SELECT row_id, namespace, id, CASE type WHEN 'semantic' THEN 0 WHEN 'episodic' THEN 1 ELSE 2 END,
    CASE source WHEN 'user' THEN 0 WHEN 'extracted' THEN 1 WHEN 'inferred' THEN 2 ELSE 3 END,
    confidence, word_count, token_count, created_at, nullif(updated_at, created_at), accessed_at, access_count,
    substr(fingerprint, 1, 4), nullif(tags, '[]'), nullif(metadata, '{}'), content, index_text, conversation_id, role, speaker,
    slot, slot_value, statement, ended, confirmed_at, confirmation_count, superseded_at, superseded_by, pinned
FROM old_memories ORDER BY row_id;
DROP TABLE old_memories;

CREATE INDEX memories_by_fingerprint ON memories (namespace, fingerprint);
CREATE INDEX memories_by_confidence ON memories (namespace, confidence) WHERE type_code = 0 AND superseded_at IS NULL;
CREATE INDEX memories_by_slot ON memories (namespace, slot) WHERE slot IS NOT NULL;
CREATE INDEX memories_by_statement ON memories (namespace, statement) WHERE statement IS NOT NULL;
CREATE INDEX memories_by_successor ON memories (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX memories_pinned ON memories (namespace, row_id) WHERE pinned = 1;

-- What is superseded is neither found nor counted: the index and the counts of a namespace hold what is valid.
CREATE VIEW memory_texts AS
    SELECT row_id, coalesce(index_text, content) AS text FROM memories WHERE superseded_at IS NULL;

CREATE VIRTUAL TABLE memory_index USING fts5 (
    text,
    content = 'memory_texts',
    content_rowid = 'row_id',
    columnsize = 0,
    detail = none,
    -- With marks, so that a word of an Indic script is one word and not several.
    tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);
INSERT INTO memory_index (memory_index) VALUES ('rebuild');
-- A deleted word leaves the index at once, not at some later merge.
INSERT INTO memory_index (memory_index, rank) VALUES ('secure-delete', 1);

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

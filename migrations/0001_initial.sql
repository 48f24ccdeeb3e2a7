-- Times are milliseconds since 1970-01-01 UTC.

CREATE TABLE namespaces (
    number INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number BETWEEN 1 AND 2147483647),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE,
    config TEXT NOT NULL CHECK (json_valid(config)),
    -- The sequence of the next memory. It never goes back, so that a row id is never used twice.
    next_sequence INTEGER NOT NULL DEFAULT 1 CHECK (next_sequence BETWEEN 1 AND 4294967296),
    memory_count INTEGER NOT NULL DEFAULT 0,
    token_count INTEGER NOT NULL DEFAULT 0,
    word_count INTEGER NOT NULL DEFAULT 0,
    turn_count INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE memories (
    -- namespace << 32 | sequence, so that one range of row ids is one namespace, in the full-text index too.
    row_id INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL REFERENCES namespaces (number) ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    type TEXT NOT NULL CHECK (type IN ('semantic', 'episodic', 'working')),
    source TEXT NOT NULL CHECK (source IN ('user', 'extracted', 'inferred', 'imported')),
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    word_count INTEGER NOT NULL,
    token_count INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    accessed_at INTEGER,
    access_count INTEGER NOT NULL DEFAULT 0,
    -- The conversation that the memory is a piece of, where it is one: neighbours have neighbouring row ids.
    conversation_id TEXT,
    role TEXT,
    speaker TEXT,
    -- Which memories say the same, whatever their case and punctuation.
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 16),
    tags TEXT NOT NULL CHECK (json_valid(tags)),
    metadata TEXT NOT NULL CHECK (json_valid(metadata)),
    content TEXT NOT NULL CHECK (length(CAST(content AS BLOB)) BETWEEN 1 AND 10000),
    -- What the index sees, where that is not the content itself: CJK in bigrams, speaker and day of a conversation.
    index_text TEXT,
    CHECK (row_id >> 32 = namespace)
) STRICT;

CREATE INDEX memories_by_fingerprint ON memories (namespace, fingerprint);
CREATE INDEX memories_by_confidence ON memories (namespace, type, confidence, row_id);

CREATE VIEW memory_texts AS SELECT row_id, coalesce(index_text, content) AS text FROM memories;

CREATE VIRTUAL TABLE memory_index USING fts5 (
    text,
    content = 'memory_texts',
    content_rowid = 'row_id',
    tokenize = 'porter unicode61 remove_diacritics 2'
);
-- A deleted word leaves the index at once, not at some later merge.
INSERT INTO memory_index (memory_index, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER memories_insert AFTER INSERT ON memories BEGIN
    INSERT INTO memory_index (rowid, text) VALUES (new.row_id, coalesce(new.index_text, new.content));
    UPDATE namespaces SET memory_count = memory_count + 1, token_count = token_count + new.token_count,
        word_count = word_count + new.word_count, turn_count = turn_count + (new.conversation_id IS NOT NULL)
        WHERE number = new.namespace;
END;

CREATE TRIGGER memories_delete AFTER DELETE ON memories BEGIN
    INSERT INTO memory_index (memory_index, rowid, text)
        VALUES ('delete', old.row_id, coalesce(old.index_text, old.content));
    UPDATE namespaces SET memory_count = memory_count - 1, token_count = token_count - old.token_count,
        word_count = word_count - old.word_count, turn_count = turn_count - (old.conversation_id IS NOT NULL)
        WHERE number = old.namespace;
END;

CREATE TRIGGER memories_update AFTER UPDATE OF content, index_text, token_count, word_count ON memories BEGIN
    INSERT INTO memory_index (memory_index, rowid, text)
        VALUES ('delete', old.row_id, coalesce(old.index_text, old.content));
    INSERT INTO memory_index (rowid, text) VALUES (new.row_id, coalesce(new.index_text, new.content));
    UPDATE namespaces SET token_count = token_count + new.token_count - old.token_count,
        word_count = word_count + new.word_count - old.word_count WHERE number = new.namespace;
END;

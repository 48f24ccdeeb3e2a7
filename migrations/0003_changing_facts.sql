-- What a memory says of the user, as far as another one can say the same, the opposite or something newer.
ALTER TABLE memories ADD COLUMN slot TEXT;
ALTER TABLE memories ADD COLUMN slot_value TEXT;
ALTER TABLE memories ADD COLUMN statement TEXT;
ALTER TABLE memories ADD COLUMN ended INTEGER NOT NULL DEFAULT 0 CHECK (ended IN (0, 1));
-- When it was last said again, and how often.
ALTER TABLE memories ADD COLUMN confirmed_at INTEGER;
ALTER TABLE memories ADD COLUMN confirmation_count INTEGER NOT NULL DEFAULT 0;
-- When something newer took its place, and what. What took its place may be gone again.
ALTER TABLE memories ADD COLUMN superseded_at INTEGER;
ALTER TABLE memories ADD COLUMN superseded_by INTEGER REFERENCES memories (row_id) ON DELETE SET NULL;

CREATE INDEX memories_by_slot ON memories (namespace, slot) WHERE slot IS NOT NULL;
CREATE INDEX memories_by_statement ON memories (namespace, statement) WHERE statement IS NOT NULL;
CREATE INDEX memories_by_successor ON memories (superseded_by) WHERE superseded_by IS NOT NULL;

ALTER TABLE namespaces ADD COLUMN superseded_count INTEGER NOT NULL DEFAULT 0;

-- What is superseded is neither found nor counted: the index and the counts of a namespace hold what is valid.
DROP VIEW memory_texts;
CREATE VIEW memory_texts AS
    SELECT row_id, coalesce(index_text, content) AS text FROM memories WHERE superseded_at IS NULL;

DROP TRIGGER memories_delete;
CREATE TRIGGER memories_delete AFTER DELETE ON memories WHEN old.superseded_at IS NULL BEGIN
    INSERT INTO memory_index (memory_index, rowid, text)
        VALUES ('delete', old.row_id, coalesce(old.index_text, old.content));
    UPDATE namespaces SET memory_count = memory_count - 1, token_count = token_count - old.token_count,
        word_count = word_count - old.word_count, turn_count = turn_count - (old.conversation_id IS NOT NULL)
        WHERE number = old.namespace;
END;
CREATE TRIGGER memories_delete_superseded AFTER DELETE ON memories WHEN old.superseded_at IS NOT NULL BEGIN
    UPDATE namespaces SET superseded_count = superseded_count - 1 WHERE number = old.namespace;
END;

DROP TRIGGER memories_update;
CREATE TRIGGER memories_update AFTER UPDATE OF content, index_text, token_count, word_count ON memories
WHEN old.superseded_at IS NULL BEGIN
    INSERT INTO memory_index (memory_index, rowid, text)
        VALUES ('delete', old.row_id, coalesce(old.index_text, old.content));
    INSERT INTO memory_index (rowid, text) VALUES (new.row_id, coalesce(new.index_text, new.content));
    UPDATE namespaces SET token_count = token_count + new.token_count - old.token_count,
        word_count = word_count + new.word_count - old.word_count WHERE number = new.namespace;
END;

CREATE TRIGGER memories_supersede AFTER UPDATE OF superseded_at ON memories
WHEN old.superseded_at IS NULL AND new.superseded_at IS NOT NULL BEGIN
    INSERT INTO memory_index (memory_index, rowid, text)
        VALUES ('delete', old.row_id, coalesce(old.index_text, old.content));
    UPDATE namespaces SET memory_count = memory_count - 1, superseded_count = superseded_count + 1,
        token_count = token_count - old.token_count, word_count = word_count - old.word_count,
        turn_count = turn_count - (old.conversation_id IS NOT NULL)
        WHERE number = old.namespace;
END;
CREATE TRIGGER memories_restore AFTER UPDATE OF superseded_at ON memories
WHEN old.superseded_at IS NOT NULL AND new.superseded_at IS NULL BEGIN
    INSERT INTO memory_index (rowid, text) VALUES (new.row_id, coalesce(new.index_text, new.content));
    UPDATE namespaces SET memory_count = memory_count + 1, superseded_count = superseded_count - 1,
        token_count = token_count + new.token_count, word_count = word_count + new.word_count,
        turn_count = turn_count + (new.conversation_id IS NOT NULL)
        WHERE number = new.namespace;
END;

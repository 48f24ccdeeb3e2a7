-- How often the index has changed otherwise than by new memories. While it stays, what was read of the index holds, and only newer memories are missing.
ALTER TABLE namespaces ADD COLUMN rewrites INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER memories_delete;
CREATE TRIGGER memories_delete AFTER DELETE ON memories WHEN old.superseded_at IS NULL BEGIN
    INSERT INTO memory_index (memory_index, rowid, text)
        VALUES ('delete', old.row_id, coalesce(old.index_text, old.content));
    UPDATE namespaces SET memory_count = memory_count - 1, token_count = token_count - old.token_count,
        word_count = word_count - old.word_count, turn_count = turn_count - (old.conversation_id IS NOT NULL),
        rewrites = rewrites + 1
        WHERE number = old.namespace;
END;

DROP TRIGGER memories_update;
CREATE TRIGGER memories_update AFTER UPDATE OF content, index_text, token_count, word_count ON memories
WHEN old.superseded_at IS NULL BEGIN
    INSERT INTO memory_index (memory_index, rowid, text)
        VALUES ('delete', old.row_id, coalesce(old.index_text, old.content));
    INSERT INTO memory_index (rowid, text) VALUES (new.row_id, coalesce(new.index_text, new.content));
    UPDATE namespaces SET token_count = token_count + new.token_count - old.token_count,
        word_count = word_count + new.word_count - old.word_count, rewrites = rewrites + 1
        WHERE number = new.namespace;
END;

DROP TRIGGER memories_supersede;
CREATE TRIGGER memories_supersede AFTER UPDATE OF superseded_at ON memories
WHEN old.superseded_at IS NULL AND new.superseded_at IS NOT NULL BEGIN
    INSERT INTO memory_index (memory_index, rowid, text)
        VALUES ('delete', old.row_id, coalesce(old.index_text, old.content));
    UPDATE namespaces SET memory_count = memory_count - 1, superseded_count = superseded_count + 1,
        token_count = token_count - old.token_count, word_count = word_count - old.word_count,
        turn_count = turn_count - (old.conversation_id IS NOT NULL), rewrites = rewrites + 1
        WHERE number = old.namespace;
END;

DROP TRIGGER memories_restore;
CREATE TRIGGER memories_restore AFTER UPDATE OF superseded_at ON memories
WHEN old.superseded_at IS NOT NULL AND new.superseded_at IS NULL BEGIN
    INSERT INTO memory_index (rowid, text) VALUES (new.row_id, coalesce(new.index_text, new.content));
    UPDATE namespaces SET memory_count = memory_count + 1, superseded_count = superseded_count - 1,
        token_count = token_count + new.token_count, word_count = word_count + new.word_count,
        turn_count = turn_count + (new.conversation_id IS NOT NULL), rewrites = rewrites + 1
        WHERE number = new.namespace;
END;

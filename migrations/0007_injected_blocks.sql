-- What was put into conversations, so that the same bytes can stand at the same places in their later turns. It is derived from memories, and what was
-- derived from a memory that is gone or no longer true is not kept.
CREATE TABLE injected_blocks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    namespace INTEGER NOT NULL REFERENCES namespaces (number) ON DELETE CASCADE,
    position TEXT NOT NULL,
    -- The messages up to and including the one of the user that the block was found for, as a hash.
    history BLOB NOT NULL CHECK (length(history) = 16),
    -- The same with the answer, which tells apart what was asked more than once in the same words.
    answered BLOB CHECK (length(answered) = 16),
    -- Whether the blocks of the conversation begin here, at the position's own place.
    begins INTEGER NOT NULL CHECK (begins IN (0, 1)),
    -- Bytes of the conversation when they began.
    begun_at_bytes INTEGER NOT NULL,
    -- The ids of the blocks that stood before it in the request, 16 bytes each.
    before BLOB NOT NULL CHECK (length(before) % 16 = 0),
    -- Empty where nothing was injected, and nothing may be put there later.
    text TEXT NOT NULL,
    token_count INTEGER NOT NULL,
    -- Row ids of the memories that it says.
    memories TEXT NOT NULL CHECK (json_valid(memories)),
    injected_at INTEGER NOT NULL
) STRICT;
CREATE INDEX injected_blocks_by_history ON injected_blocks (history);
CREATE INDEX injected_blocks_by_namespace ON injected_blocks (namespace);

CREATE TABLE injected_memories (
    memory INTEGER NOT NULL,
    block INTEGER NOT NULL REFERENCES injected_blocks (number) ON DELETE CASCADE,
    PRIMARY KEY (memory, block)
) STRICT, WITHOUT ROWID;
CREATE INDEX injected_memories_by_block ON injected_memories (block);

CREATE TRIGGER injected_blocks_insert AFTER INSERT ON injected_blocks BEGIN
    INSERT INTO injected_memories (memory, block) SELECT DISTINCT value, new.number FROM json_each(new.memories);
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

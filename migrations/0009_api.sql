-- What was made for a client that may ask for it again, since it does not know whether it was.
CREATE TABLE idempotency_keys (
    -- The namespace that it was made in; 0 for namespaces themselves.
    namespace INTEGER NOT NULL,
    -- The beginnings of two SHA-256: of the key, and of the body that came with it.
    key BLOB NOT NULL CHECK (length(key) = 16),
    request BLOB NOT NULL CHECK (length(request) = 16),
    -- The ids of what was made, 16 bytes each. What it was is not kept: deleted is deleted.
    made BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

-- What a proxied request was given from memory and what was learned from it; never its words.
CREATE TABLE activity (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace INTEGER NOT NULL REFERENCES namespaces (number) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    model TEXT,
    status INTEGER NOT NULL,
    -- Microseconds to recall, and to the first byte of the answer.
    recall_time INTEGER,
    latency INTEGER NOT NULL,
    token_count INTEGER NOT NULL,
    -- Lists of ids and of why they are there.
    injected TEXT NOT NULL CHECK (json_valid(injected)),
    extracted TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(extracted))
) STRICT;
CREATE INDEX activity_by_namespace ON activity (namespace, number);

-- The same in figures, for good.
CREATE TABLE usage (
    namespace INTEGER PRIMARY KEY REFERENCES namespaces (number) ON DELETE CASCADE,
    requests INTEGER NOT NULL DEFAULT 0,
    injections INTEGER NOT NULL DEFAULT 0,
    injected_memories INTEGER NOT NULL DEFAULT 0,
    injected_tokens INTEGER NOT NULL DEFAULT 0,
    stored INTEGER NOT NULL DEFAULT 0,
    known INTEGER NOT NULL DEFAULT 0,
    superseded INTEGER NOT NULL DEFAULT 0,
    forgotten INTEGER NOT NULL DEFAULT 0
) STRICT;

ALTER TABLE extraction_queue ADD COLUMN request_id TEXT NOT NULL DEFAULT '';

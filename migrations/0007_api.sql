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

-- Who may do what, and where. AUTOINCREMENT: no number is given twice, so that their count and the largest number tell whether anything has changed.
CREATE TABLE keys (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE,
    -- SHA-256 of the key. A key is 256 random bits, so there is nothing to guess that a slow hash would make dearer.
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    -- Lists of patterns and of rights.
    namespaces TEXT NOT NULL CHECK (json_valid(namespaces)),
    rights TEXT NOT NULL CHECK (json_valid(rights)),
    created_at INTEGER NOT NULL
) STRICT;

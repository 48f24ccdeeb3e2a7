-- Facts that were found in finished exchanges and are on their way to becoming memories. Nothing else of an exchange is kept.
CREATE TABLE extraction_queue (
    number INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL REFERENCES namespaces (number) ON DELETE CASCADE,
    -- A list of new memories, secrets redacted.
    facts TEXT NOT NULL CHECK (json_valid(facts)),
    queued_at INTEGER NOT NULL
) STRICT;

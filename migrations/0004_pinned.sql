-- What is pinned is in every context.
ALTER TABLE memories ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));
CREATE INDEX memories_pinned ON memories (namespace, row_id) WHERE pinned = 1;

-- Memories from before 0003 were never read for what they say of the user, so nothing newer could take their place. No SQL can read them;
-- maia does, in the background, from this row id downwards. Where nothing is left to read, and in a new database, there is no row.
CREATE TABLE facts_unread (upto INTEGER NOT NULL);
INSERT INTO facts_unread (upto)
    SELECT max(row_id) FROM memories WHERE statement IS NULL HAVING max(row_id) IS NOT NULL;

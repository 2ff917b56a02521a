-- Messages between the nodes of a version.

-- The generation of the runner images that somebody chose; NULL where the manifest and the images decide.
ALTER TABLE versions ADD COLUMN chosen_generation TEXT CHECK (chosen_generation IN ('a', 'b', 'c1', 'c2'));
-- When all its pods were last told to restart, because messaging had been away for too long.
ALTER TABLE versions ADD COLUMN pods_restarted_at INTEGER;
-- Since when messaging does not answer; NULL while it does.
ALTER TABLE installation ADD COLUMN messaging_lost_at INTEGER;

-- Versions and runtimes can be deleted, and what was done to them stays: an entry names both by itself. The documents of a
-- file go with its last version.

ALTER TABLE history
    -- Not a reference, for entries outlive their runtime.
    ADD COLUMN runtime TEXT,
    -- NULL where the entry is about the runtime itself.
    ADD COLUMN version TEXT;
UPDATE history SET runtime = v.runtime, version = v.name FROM versions v WHERE v.key = history.version_key;
ALTER TABLE history
    ALTER COLUMN runtime SET NOT NULL,
    -- NULL where there is no such version any more: another one of its name has a history of its own.
    ALTER COLUMN version_key DROP NOT NULL,
    DROP CONSTRAINT history_version_key_fkey,
    ADD CONSTRAINT history_version_key_fkey
        FOREIGN KEY (version_key) REFERENCES versions (key) ON DELETE SET NULL,
    DROP CONSTRAINT history_action_check,
    ADD CONSTRAINT history_action_check
        CHECK (action IN ('create', 'configure', 'reveal', 'start', 'stop', 'publish', 'unpublish', 'archive', 'delete',
            'repair', 'degraded', 'healed'));

CREATE INDEX history_by_runtime ON history (runtime, at, id);

-- What the server does by itself is in the history too, and a stop has a deadline.

-- The deadline says until when a start has to be reached, and until when a stop should be.
ALTER TABLE versions
    DROP CONSTRAINT versions_check,
    ADD CONSTRAINT versions_deadline_check CHECK (deadline IS NULL OR NOT settled);

-- Rows are added and never removed; only the outcome and what belongs to it change: once, but for a repair, which is one
-- row for as long as the same object has to be put back again and again.
ALTER TABLE history
    -- The object that was repaired, as "Deployment v1-entrypoint".
    ADD COLUMN subject TEXT,
    -- How often.
    ADD COLUMN times   BIGINT NOT NULL DEFAULT 1 CHECK (times >= 1),
    DROP CONSTRAINT history_action_check,
    ADD CONSTRAINT history_action_check
        CHECK (action IN ('create', 'configure', 'start', 'stop', 'publish', 'unpublish', 'archive', 'repair', 'degraded',
            'healed')),
    ADD CONSTRAINT history_subject_check CHECK ((action = 'repair') = (subject IS NOT NULL));

CREATE INDEX history_by_time ON history (at, id);
-- A version does one thing at a time, beside which its objects are kept as they should be.
DROP INDEX history_pending;
CREATE UNIQUE INDEX history_pending ON history (version_key) WHERE outcome = 'pending' AND action <> 'repair';
CREATE UNIQUE INDEX history_repairs ON history (version_key, subject) WHERE outcome = 'pending' AND action = 'repair';
-- Whether a version was last recorded as degraded since it began to run.
CREATE INDEX history_turns ON history (version_key, id) WHERE action IN ('start', 'stop', 'degraded', 'healed');

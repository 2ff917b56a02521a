-- Which installation this database is the state of, and reading a hidden value in the history.

-- One row. Whoever opens the database first makes the id up; the file store has the same.
CREATE TABLE installation (
    only_one   BOOLEAN NOT NULL PRIMARY KEY CHECK (only_one),
    id         TEXT    NOT NULL,
    -- When somebody last tried whether the database can be written to.
    written_at BIGINT
);

ALTER TABLE history
    DROP CONSTRAINT history_action_check,
    ADD CONSTRAINT history_action_check
        CHECK (action IN ('create', 'configure', 'reveal', 'start', 'stop', 'publish', 'unpublish', 'archive', 'repair',
            'degraded', 'healed'));

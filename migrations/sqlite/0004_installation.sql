-- Which installation this database is the state of, and reading a hidden value in the history.

-- One row. Whoever opens the database first makes the id up; the file store has the same.
CREATE TABLE installation (
    only_one   INTEGER NOT NULL PRIMARY KEY CHECK (only_one = 1),
    id         TEXT    NOT NULL,
    -- When somebody last tried whether the database can be written to.
    written_at INTEGER
) STRICT;

-- SQLite cannot change a CHECK, so the table is made anew.
ALTER TABLE history RENAME TO history_before;
CREATE TABLE history (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    version_key INTEGER NOT NULL REFERENCES versions (key),
    at          INTEGER NOT NULL,
    who         TEXT    NOT NULL,
    action      TEXT    NOT NULL
        CHECK (action IN ('create', 'configure', 'reveal', 'start', 'stop', 'publish', 'unpublish', 'archive', 'repair',
            'degraded', 'healed')),
    -- The object that was repaired, as "Deployment v1-entrypoint".
    subject     TEXT,
    -- What was done, where the action alone does not say it.
    detail      TEXT,
    -- How often.
    times       INTEGER NOT NULL DEFAULT 1 CHECK (times >= 1),
    comment     TEXT,
    outcome     TEXT    NOT NULL CHECK (outcome IN ('pending', 'reached', 'failed', 'cancelled', 'superseded')),
    reason      TEXT,
    finished_at INTEGER,
    CHECK ((outcome = 'pending') = (finished_at IS NULL)),
    CHECK ((outcome = 'failed') = (reason IS NOT NULL)),
    CHECK ((action = 'repair') = (subject IS NOT NULL))
) STRICT;
INSERT INTO history (id, version_key, at, who, action, subject, detail, times, comment, outcome, reason, finished_at)
SELECT id, version_key, at, who, action, subject, detail, times, comment, outcome, reason, finished_at
FROM history_before;
DROP TABLE history_before;

CREATE INDEX history_by_version ON history (version_key, id);
CREATE INDEX history_by_time ON history (at, id);
-- A version does one thing at a time, beside which its objects are kept as they should be.
CREATE UNIQUE INDEX history_pending ON history (version_key) WHERE outcome = 'pending' AND action <> 'repair';
CREATE UNIQUE INDEX history_repairs ON history (version_key, subject) WHERE outcome = 'pending' AND action = 'repair';
-- Whether a version was last recorded as degraded since it began to run.
CREATE INDEX history_turns ON history (version_key, id) WHERE action IN ('start', 'stop', 'degraded', 'healed');

-- Calls of an entrypoint by hand are in the history. SQLite cannot change a CHECK, so the table is made anew.
CREATE TABLE history_anew (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    -- NULL where there is no such version any more: another one of its name has a history of its own.
    version_key INTEGER REFERENCES versions (key) ON DELETE SET NULL,
    -- Not a reference, for entries outlive their runtime.
    runtime     TEXT    NOT NULL,
    -- NULL where the entry is about the runtime itself.
    version     TEXT,
    at          INTEGER NOT NULL,
    who         TEXT    NOT NULL,
    action      TEXT    NOT NULL
        CHECK (action IN ('create', 'configure', 'reveal', 'start', 'stop', 'publish', 'unpublish', 'archive', 'call', 'delete',
            'repair', 'degraded', 'healed')),
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
INSERT INTO history_anew (id, version_key, runtime, version, at, who, action, subject, detail, times, comment, outcome,
    reason, finished_at)
SELECT id, version_key, runtime, version, at, who, action, subject, detail, times, comment, outcome, reason, finished_at
FROM history;
DROP TABLE history;
ALTER TABLE history_anew RENAME TO history;

CREATE INDEX history_by_version ON history (version_key, id);
CREATE INDEX history_by_time ON history (at, id);
CREATE INDEX history_by_runtime ON history (runtime, at, id);
-- A version does one thing at a time, beside which its objects are kept as they should be.
CREATE UNIQUE INDEX history_pending ON history (version_key) WHERE outcome = 'pending' AND action <> 'repair';
CREATE UNIQUE INDEX history_repairs ON history (version_key, subject) WHERE outcome = 'pending' AND action = 'repair';
-- Whether a version was last recorded as degraded since it began to run.
CREATE INDEX history_turns ON history (version_key, id) WHERE action IN ('start', 'stop', 'degraded', 'healed');

-- What the server does by itself is in the history too, and a stop has a deadline. SQLite cannot change a CHECK, so both
-- tables are made anew. What refers to the versions is only looked at when all of them are back.
PRAGMA defer_foreign_keys = ON;

CREATE TEMPORARY TABLE versions_before AS SELECT * FROM versions;
DROP TABLE versions;
CREATE TABLE versions (
    key            INTEGER PRIMARY KEY AUTOINCREMENT,
    runtime        TEXT    NOT NULL REFERENCES runtimes (id),
    name           TEXT    NOT NULL,
    manifest       TEXT    NOT NULL,
    manifest_text  TEXT    NOT NULL,
    warnings       TEXT    NOT NULL,
    object         TEXT    NOT NULL,
    sha256         TEXT    NOT NULL,
    size_bytes     INTEGER NOT NULL CHECK (size_bytes >= 0),
    download_token TEXT    NOT NULL UNIQUE,
    created_at     INTEGER NOT NULL,
    created_by     TEXT    NOT NULL,
    published_at   INTEGER,
    revision       INTEGER NOT NULL CHECK (revision >= 1),
    desired        TEXT    NOT NULL CHECK (desired IN ('stopped', 'started', 'archived')),
    generation     INTEGER NOT NULL CHECK (generation >= 1),
    settled        INTEGER NOT NULL CHECK (settled IN (0, 1)),
    -- Until when a start has to be reached, and until when a stop should be.
    deadline       INTEGER,
    failure        TEXT,
    UNIQUE (runtime, name),
    UNIQUE (runtime, key),
    CHECK (deadline IS NULL OR NOT settled),
    CHECK (desired <> 'archived' OR settled)
) STRICT;
INSERT INTO versions (key, runtime, name, manifest, manifest_text, warnings, object, sha256, size_bytes, download_token,
    created_at, created_by, published_at, revision, desired, generation, settled, deadline, failure)
SELECT key, runtime, name, manifest, manifest_text, warnings, object, sha256, size_bytes, download_token, created_at,
    created_by, published_at, revision, desired, generation, settled, deadline, failure
FROM versions_before;
DROP TABLE versions_before;
CREATE INDEX versions_by_object ON versions (object);

CREATE TEMPORARY TABLE history_before AS SELECT * FROM history;
DROP TABLE history;
-- Rows are added and never removed; only the outcome and what belongs to it change: once, but for a repair, which is one
-- row for as long as the same object has to be put back again and again.
CREATE TABLE history (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    version_key INTEGER NOT NULL REFERENCES versions (key),
    at          INTEGER NOT NULL,
    who         TEXT    NOT NULL,
    action      TEXT    NOT NULL
        CHECK (action IN ('create', 'configure', 'start', 'stop', 'publish', 'unpublish', 'archive', 'repair', 'degraded',
            'healed')),
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
INSERT INTO history (id, version_key, at, who, action, detail, comment, outcome, reason, finished_at)
SELECT id, version_key, at, who, action, detail, comment, outcome, reason, finished_at FROM history_before;
DROP TABLE history_before;

CREATE INDEX history_by_version ON history (version_key, id);
CREATE INDEX history_by_time ON history (at, id);
-- A version does one thing at a time, beside which its objects are kept as they should be.
CREATE UNIQUE INDEX history_pending ON history (version_key) WHERE outcome = 'pending' AND action <> 'repair';
CREATE UNIQUE INDEX history_repairs ON history (version_key, subject) WHERE outcome = 'pending' AND action = 'repair';
-- Whether a version was last recorded as degraded since it began to run.
CREATE INDEX history_turns ON history (version_key, id) WHERE action IN ('start', 'stop', 'degraded', 'healed');

-- Times are microseconds since 1970-01-01T00:00:00Z.

CREATE TABLE runtimes (
    id               TEXT   NOT NULL PRIMARY KEY,
    name             TEXT   NOT NULL UNIQUE,
    description      TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    revision         BIGINT NOT NULL CHECK (revision >= 1),
    -- The version to be published, and the one that the cluster was seen to publish. One place for each, so that two
    -- published versions cannot be written down.
    target           BIGINT,
    serving          BIGINT,
    publish_deadline BIGINT,
    CHECK (publish_deadline IS NULL OR (target IS NOT NULL AND (serving IS NULL OR serving <> target)))
);

CREATE TABLE versions (
    key            BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    runtime        TEXT    NOT NULL REFERENCES runtimes (id),
    name           TEXT    NOT NULL,
    manifest       TEXT    NOT NULL,
    manifest_text  TEXT    NOT NULL,
    warnings       TEXT    NOT NULL,
    object         TEXT    NOT NULL,
    sha256         TEXT    NOT NULL,
    size_bytes     BIGINT  NOT NULL CHECK (size_bytes >= 0),
    download_token TEXT    NOT NULL UNIQUE,
    created_at     BIGINT  NOT NULL,
    created_by     TEXT    NOT NULL,
    published_at   BIGINT,
    revision       BIGINT  NOT NULL CHECK (revision >= 1),
    desired        TEXT    NOT NULL CHECK (desired IN ('stopped', 'started', 'archived')),
    generation     BIGINT  NOT NULL CHECK (generation >= 1),
    settled        BOOLEAN NOT NULL,
    deadline       BIGINT,
    failure        TEXT,
    UNIQUE (runtime, name),
    UNIQUE (runtime, key),
    CHECK (deadline IS NULL OR (desired = 'started' AND NOT settled)),
    CHECK (desired <> 'archived' OR settled)
);

CREATE INDEX versions_by_object ON versions (object);

-- With the runtime's id in the key a runtime can publish nothing but its own versions.
ALTER TABLE runtimes
    ADD FOREIGN KEY (id, target) REFERENCES versions (runtime, key),
    ADD FOREIGN KEY (id, serving) REFERENCES versions (runtime, key);

CREATE TABLE config_values (
    version_key BIGINT NOT NULL REFERENCES versions (key),
    name        TEXT   NOT NULL,
    value       TEXT   NOT NULL,
    PRIMARY KEY (version_key, name)
);

-- Rows are added and never removed; only the outcome and what belongs to it change, once.
CREATE TABLE history (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version_key BIGINT NOT NULL REFERENCES versions (key),
    at          BIGINT NOT NULL,
    who         TEXT   NOT NULL,
    action      TEXT   NOT NULL
        CHECK (action IN ('create', 'configure', 'start', 'stop', 'publish', 'unpublish', 'archive')),
    -- What was done, where the action alone does not say it.
    detail      TEXT,
    comment     TEXT,
    outcome     TEXT   NOT NULL CHECK (outcome IN ('pending', 'reached', 'failed', 'cancelled', 'superseded')),
    reason      TEXT,
    finished_at BIGINT,
    CHECK ((outcome = 'pending') = (finished_at IS NULL)),
    CHECK ((outcome = 'failed') = (reason IS NOT NULL))
);

CREATE INDEX history_by_version ON history (version_key, id);
-- A version does one thing at a time.
CREATE UNIQUE INDEX history_pending ON history (version_key) WHERE outcome = 'pending';

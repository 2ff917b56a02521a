-- Who may use the server: people, how they sign in, and what they may do. Secrets are kept as SHA-256 digests only.
CREATE TABLE people (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL,
    -- The name in lower case: no two people have names that differ only in that.
    name_key    TEXT    NOT NULL UNIQUE,
    -- An argon2id hash (PHC string); NULL for who has none, as before the first sign-in or with a provider.
    password    TEXT,
    -- Who they are to an OpenID Connect provider. Never the e-mail address, which can be given to somebody else.
    issuer      TEXT,
    subject     TEXT,
    -- A JSON list, as the provider said at the last sign-in.
    member_of   TEXT    NOT NULL DEFAULT '[]',
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER,
    UNIQUE (issuer, subject),
    CHECK ((issuer IS NULL) = (subject IS NULL))
) STRICT;

-- One-time links by which somebody chooses a password.
CREATE TABLE password_links (
    digest     TEXT    NOT NULL PRIMARY KEY,
    person     INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    digest     TEXT    NOT NULL UNIQUE,
    person     INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    -- What the browser calls itself, and from where it came; for its owner to recognise it.
    agent      TEXT    NOT NULL,
    address    TEXT    NOT NULL
) STRICT;
CREATE INDEX sessions_by_person ON sessions (person);

CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    digest     TEXT    NOT NULL UNIQUE,
    person     INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    -- NULL for all runtimes. Not a reference: a token for a runtime that was deleted opens nothing.
    runtime    TEXT,
    role       TEXT    NOT NULL CHECK (role IN ('viewer', 'operator', 'publisher', 'admin')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    UNIQUE (person, name)
) STRICT;

CREATE TABLE grants (
    -- 'everyone', 'person:<id>' or 'group:<name>'.
    subject    TEXT    NOT NULL,
    -- '' for all runtimes, those to come included.
    runtime    TEXT    NOT NULL,
    role       TEXT    NOT NULL CHECK (role IN ('viewer', 'operator', 'publisher', 'admin')),
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    PRIMARY KEY (subject, runtime)
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_runtime ON grants (runtime);
-- By default everyone who can sign in sees everything.
INSERT INTO grants (subject, runtime, role, created_at, created_by) VALUES ('everyone', '', 'viewer', 0, 'kai-server');

-- Grows with every change of people, sessions, tokens and grants: whoever keeps something of them in memory asks again.
CREATE TABLE access_revision (
    only_one INTEGER NOT NULL PRIMARY KEY CHECK (only_one),
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO access_revision (only_one, revision) VALUES (1, 1);

-- Sign-ins, refusals, and changes of accounts and rights. Rows are added, and neither changed nor removed.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    who     TEXT    NOT NULL,
    -- Not a reference: entries outlive people.
    person  INTEGER,
    action  TEXT    NOT NULL,
    -- What it was done to.
    subject TEXT,
    runtime TEXT,
    detail  TEXT,
    address TEXT
) STRICT;
CREATE INDEX audit_by_time ON audit (at, id);

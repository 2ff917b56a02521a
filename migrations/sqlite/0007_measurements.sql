-- What the nodes of a version measured, per minute. Old minutes are removed as new ones come; those of a version that is
-- deleted go with it.
CREATE TABLE measurements (
    version_key INTEGER NOT NULL REFERENCES versions (key) ON DELETE CASCADE,
    -- Since 1970.
    minute      INTEGER NOT NULL,
    -- JSON, which two minutes can be added up in.
    content     TEXT    NOT NULL,
    PRIMARY KEY (version_key, minute)
) STRICT, WITHOUT ROWID;

CREATE INDEX measurements_by_minute ON measurements (minute);

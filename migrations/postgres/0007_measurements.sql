-- What the nodes of a version measured, per minute. Old minutes are removed as new ones come; those of a version that is
-- deleted go with it.
CREATE TABLE measurements (
    version_key BIGINT NOT NULL REFERENCES versions (key) ON DELETE CASCADE,
    -- Since 1970.
    minute      BIGINT NOT NULL,
    -- JSON, which two minutes can be added up in.
    content     TEXT   NOT NULL,
    PRIMARY KEY (version_key, minute)
);

CREATE INDEX measurements_by_minute ON measurements (minute);

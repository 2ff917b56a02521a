-- What versions' screens show of their files, kept beside these so that nobody has to unpack them for it.

-- JSON: digests of what the manifest names, and the entrypoint's proto. NULL for versions added before this was kept.
ALTER TABLE versions ADD COLUMN content TEXT;

-- The files under `docs/` of each KRT file, which is named by its SHA-256: identical files have theirs once. They come
-- with the first version of the file, in its transaction. Versions are never removed, and so neither are these.
CREATE TABLE documents (
    sha256  TEXT NOT NULL,
    path    TEXT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (sha256, path)
);

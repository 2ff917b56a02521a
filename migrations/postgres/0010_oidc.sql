-- Sign-ins that are on their way to the OpenID Connect provider and back. A row is gone once it is used.
CREATE TABLE oidc_flows (
    id         BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- SHA-256 of what the provider sends back, and of what the browser keeps meanwhile.
    state      TEXT    NOT NULL UNIQUE,
    browser    TEXT    NOT NULL,
    nonce      TEXT    NOT NULL,
    -- The code verifier of PKCE.
    verifier   TEXT    NOT NULL,
    return_to  TEXT    NOT NULL,
    created_at BIGINT  NOT NULL
);
CREATE INDEX oidc_flows_by_time ON oidc_flows (created_at);

-- Of a session that a provider opened: to end it there, too.
ALTER TABLE sessions ADD COLUMN id_token TEXT;

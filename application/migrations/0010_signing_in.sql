-- How people sign in: accounts with a name and a password of which only the argon2id hash is kept, identities that a provider
-- vouches for, the sessions that they open, and how often somebody tried. None of it is in the log, and none is shown by views.
-- Runs with search_path set to the log's schema.

CREATE TABLE accounts (
    person           uuid        PRIMARY KEY REFERENCES people,
    login            text        NOT NULL UNIQUE,
    password         text,
    code             bytea       CHECK (octet_length(code) = 32),
    code_expires_at  timestamptz,
    command_id       uuid,
    CHECK ((code IS NULL) = (code_expires_at IS NULL))
);
COMMENT ON COLUMN accounts.code IS 'the SHA-256 of the code, good once, with which the person chooses how to sign in';
COMMENT ON COLUMN accounts.command_id IS 'the command that the code was made for';

CREATE TABLE identities (
    issuer     text        NOT NULL,
    subject    text        NOT NULL,
    person     uuid        NOT NULL REFERENCES people,
    linked_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_of_a_person ON identities (person);

CREATE TABLE arrivals (
    state       bytea       PRIMARY KEY CHECK (octet_length(state) = 32),
    browser     bytea       NOT NULL CHECK (octet_length(browser) = 32),
    nonce       text        NOT NULL,
    verifier    text        NOT NULL,
    code        bytea,
    expires_at  timestamptz NOT NULL
);
COMMENT ON TABLE arrivals IS 'who was sent to the provider, and is to come back: once, in the same browser';

CREATE TABLE sessions (
    id          uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    digest      bytea       NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    previous    bytea       CHECK (octet_length(previous) = 32),
    arrived     boolean     NOT NULL DEFAULT true,
    proof       bytea       NOT NULL CHECK (octet_length(proof) = 32),
    person      uuid        NOT NULL REFERENCES people,
    way         text        NOT NULL,
    begun_at    timestamptz NOT NULL DEFAULT now(),
    rotated_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz
);
COMMENT ON COLUMN sessions.digest IS 'the SHA-256 of the secret in the cookie';
COMMENT ON COLUMN sessions.previous IS 'that of the secret before: once the new one has arrived, whoever comes with it late has stolen one of the two';
COMMENT ON COLUMN sessions.arrived IS 'whether somebody came with the secret; the answer that held it may have been lost';
COMMENT ON COLUMN sessions.proof IS 'what a page sends beside the cookie, to prove that it is ours';
COMMENT ON COLUMN sessions.way IS 'password, or the issuer of the identity';
CREATE INDEX sessions_by_the_secret_before ON sessions (previous);
CREATE INDEX sessions_of_a_person ON sessions (person, begun_at);

-- Counted anew after a crash: what is lost then is that somebody tried.
CREATE UNLOGGED TABLE attempts (
    key         text        PRIMARY KEY,
    count       bigint      NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX attempts_by_end ON attempts (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON accounts, identities, arrivals, sessions, attempts TO taizhang_writer;

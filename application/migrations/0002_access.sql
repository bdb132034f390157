-- Who may come in: bearer tokens, known by the hash of their secret only, and the people they stand for.

CREATE TABLE people (
    id    uuid PRIMARY KEY,
    name  text NOT NULL UNIQUE
);

CREATE TABLE tokens (
    digest        bytea       PRIMARY KEY CHECK (length(digest) = 32),
    person        uuid        NOT NULL REFERENCES people,
    role          text        NOT NULL,
    organisation  uuid,
    created_at    timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT ON people, tokens TO taizhang_writer;
GRANT SELECT ON people, tokens TO taizhang_reader, taizhang_projector;

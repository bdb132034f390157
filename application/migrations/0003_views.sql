-- Where each view stands. Its rows lie in a schema of their own, named after the log's schema and the view.
-- While a view is rebuilt it has a second line and schema, which replace the first once they are level.

CREATE TABLE views (
    name        text        NOT NULL,
    building    boolean     NOT NULL,
    version     integer     NOT NULL,
    shape       text        NOT NULL,
    position    bigint      NOT NULL DEFAULT 0,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    stopped_at  bigint,
    error       text,
    PRIMARY KEY (name, building),
    CHECK ((stopped_at IS NULL) = (error IS NULL))
);
COMMENT ON COLUMN views.position IS 'the last position folded';
COMMENT ON COLUMN views.stopped_at IS 'the position of the event that the view could not fold';

GRANT SELECT, INSERT, UPDATE, DELETE ON views TO taizhang_projector;
GRANT SELECT ON views TO taizhang_writer, taizhang_reader;

-- The log: one table of events in one gapless order, and the one function through which they enter.
-- Runs with search_path set to the log's schema.

CREATE TABLE events (
    position            bigint      PRIMARY KEY CHECK (position > 0),
    originator_id       uuid        NOT NULL,
    originator_version  integer     NOT NULL CHECK (originator_version > 0),
    topic               text        NOT NULL,
    state               bytea       NOT NULL,
    recorded_at         timestamptz NOT NULL,
    command_id          uuid        NOT NULL,
    command_size        integer     CHECK (command_size > 0),
    command_digest      bytea,
    CONSTRAINT events_stream_key UNIQUE (originator_id, originator_version)
);
COMMENT ON COLUMN events.command_size IS 'how many events, from this one on, the command recorded; null on all but its first';
COMMENT ON COLUMN events.command_digest IS 'SHA-256 of the request, so that one key cannot stand for two requests; on the first event only';

-- One command is recorded once: its first event alone carries its size.
CREATE UNIQUE INDEX events_command_key ON events (command_id) WHERE command_size IS NOT NULL;
CREATE INDEX events_recorded_at ON events (recorded_at);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % of % is refused', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- ALWAYS: also where session_replication_role is replica.
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only;

-- Appends a group of submissions in one transaction, under the log's lock.
--
-- A submission stands or falls alone. It falls if one of its commands is recorded already (repeated) or one of
-- the streams that it read is not at the version that it read (stale). Those that stand take the positions
-- after head without a gap, in the order given, and share one recorded_at, never earlier than the last one.
-- The lock is held until the commit is visible, so positions become visible in their order.
CREATE FUNCTION append(
    expected_by integer[], expected_id uuid[], expected_version integer[],
    event_by integer[], event_id uuid[], event_version integer[], event_topic text[], event_state bytea[],
    event_command uuid[], event_command_size integer[], event_command_digest bytea[],
    OUT head bigint, OUT recorded_at timestamptz,
    OUT repeated_by integer[],
    OUT stale_by integer[], OUT stale_id uuid[], OUT stale_version integer[]
) LANGUAGE plpgsql AS $$
DECLARE
    last timestamptz;
    refused integer[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('taizhang log ' || current_schema, 0));

    SELECT e.position, e.recorded_at INTO head, last FROM events e ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
    recorded_at := greatest(clock_timestamp(), last);

    SELECT array_agg(DISTINCT given.by) INTO repeated_by
    FROM unnest(event_by, event_command, event_command_size) AS given(by, command, size)
    WHERE given.size IS NOT NULL AND (
        SELECT e.position FROM events e WHERE e.command_id = given.command AND e.command_size IS NOT NULL
    ) IS NOT NULL;

    SELECT array_agg(stale.by), array_agg(stale.id), array_agg(stale.version)
    INTO stale_by, stale_id, stale_version
    FROM (
        SELECT read.by, read.id, read.version AS version_read, coalesce((
            SELECT max(e.originator_version) FROM events e WHERE e.originator_id = read.id
        ), 0) AS version
        FROM unnest(expected_by, expected_id, expected_version) AS read(by, id, version)
    ) AS stale
    WHERE stale.version <> stale.version_read;

    refused := coalesce(repeated_by, '{}') || coalesce(stale_by, '{}');

    INSERT INTO events (position, originator_id, originator_version, topic, state, recorded_at,
                        command_id, command_size, command_digest)
    SELECT append.head + row_number() OVER (ORDER BY given.place), given.id, given.version, given.topic, given.state,
           append.recorded_at, given.command, given.size, given.digest
    FROM unnest(event_by, event_id, event_version, event_topic, event_state,
                event_command, event_command_size, event_command_digest)
         WITH ORDINALITY AS given(by, id, version, topic, state, command, size, digest, place)
    WHERE given.by <> ALL (refused);

    IF FOUND THEN
        PERFORM pg_notify('taizhang_' || current_schema, '');
    END IF;
END
$$;

-- Each look-up is one probe of an index, whatever the table's statistics were when the plan was made: a plan made
-- while the log was empty would otherwise read the whole table until the next ANALYZE.
ALTER FUNCTION append SET enable_seqscan = off;
-- The function looks names up in this schema alone, whatever its caller's search_path or temporary tables.
ALTER FUNCTION append SET search_path FROM CURRENT;
ALTER FUNCTION refuse_change SET search_path FROM CURRENT;

DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO taizhang_writer, taizhang_projector, taizhang_reader', current_schema);
END
$$;
GRANT SELECT ON events TO taizhang_writer, taizhang_projector, taizhang_reader;
GRANT INSERT ON events TO taizhang_writer;
REVOKE ALL ON FUNCTION append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append TO taizhang_writer;

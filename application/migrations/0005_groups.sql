-- What makes the log evidence: a salt for each event, so that its leaf in the hash tree gives nothing of it away, and
-- for each committed group its leaves under the writer's signature. The log's name is part of both.
-- Runs with search_path set to the log's schema.

CREATE TABLE log (
    origin    text    NOT NULL,
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one)
);
COMMENT ON COLUMN log.origin IS 'the log''s name for ever, as it stands in every checkpoint';

-- Events that are there already get a salt now, and their groups by the program, in the same transaction.
ALTER TABLE events ADD COLUMN salt bytea NOT NULL CHECK (octet_length(salt) = 32)
    DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
ALTER TABLE events ALTER COLUMN salt DROP DEFAULT;

CREATE TABLE event_groups (
    first      bigint PRIMARY KEY CHECK (first > 0),
    leaves     bytea  NOT NULL CHECK (octet_length(leaves) >= 32 AND octet_length(leaves) % 32 = 0),
    key_id     bytea  NOT NULL CHECK (octet_length(key_id) = 4),
    signature  bytea  NOT NULL CHECK (octet_length(signature) = 64)
);
COMMENT ON COLUMN event_groups.first IS 'the first of the positions that were committed together';
COMMENT ON COLUMN event_groups.leaves IS 'the hashes of their leaves, 32 bytes each, in order';
COMMENT ON COLUMN event_groups.key_id IS 'which of the writer''s keys signed';
-- They are hashes: nothing to compress.
ALTER TABLE event_groups ALTER COLUMN leaves SET STORAGE EXTERNAL;

CREATE TRIGGER event_groups_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_groups
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE event_groups ENABLE ALWAYS TRIGGER event_groups_are_append_only;
CREATE TRIGGER log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE log ENABLE ALWAYS TRIGGER log_is_append_only;

-- A group enters in two steps of one transaction: its turn, which gives the place and the time that its leaves are made
-- of, and the appending of what has been hashed and signed meanwhile. Most often a writer knows both beforehand, and
-- attempts it in one.
DROP FUNCTION append;

-- Takes the log's lock, until the transaction ends, and judges a group of submissions.
--
-- A submission stands or falls alone. It falls if one of its commands is recorded already (repeated) or one of
-- the streams that it read is not at the version that it read (stale). Those that stand are to take the positions
-- after head without a gap, in their order, and share recorded_at, which is never earlier than the last one.
CREATE FUNCTION turn(
    expected_by integer[], expected_id uuid[], expected_version integer[], command_by integer[], command_id uuid[],
    OUT head bigint, OUT recorded_at timestamptz,
    OUT repeated_by integer[],
    OUT stale_by integer[], OUT stale_id uuid[], OUT stale_version integer[]
) LANGUAGE plpgsql AS $$
DECLARE
    last timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('taizhang log ' || current_schema, 0));

    SELECT e.position, e.recorded_at INTO head, last FROM events e ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
    recorded_at := greatest(clock_timestamp(), last);

    SELECT array_agg(DISTINCT given.by) INTO repeated_by
    FROM unnest(turn.command_by, turn.command_id) AS given(by, command)
    WHERE (
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
END
$$;

-- Appends the events of a group from a position on, with its leaves and its signature; to be called in one's turn.
-- Returns the time, for the next foretelling.
CREATE FUNCTION append(
    first bigint, recorded_at timestamptz,
    event_id uuid[], event_version integer[], event_topic text[], event_state bytea[], event_salt bytea[],
    event_command uuid[], event_command_size integer[], event_command_digest bytea[],
    leaves bytea, key_id bytea, signature bytea
) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    IF append.first <> coalesce((SELECT max(e.position) FROM events e), 0) + 1 THEN
        RAISE EXCEPTION 'position % is not the next one of the log', append.first;
    END IF;

    INSERT INTO events (position, originator_id, originator_version, topic, state, salt, recorded_at,
                        command_id, command_size, command_digest)
    SELECT append.first + given.place - 1, given.id, given.version, given.topic, given.state, given.salt,
           append.recorded_at, given.command, given.size, given.digest
    FROM unnest(event_id, event_version, event_topic, event_state, event_salt,
                event_command, event_command_size, event_command_digest)
         WITH ORDINALITY AS given(id, version, topic, state, salt, command, size, digest, place);

    INSERT INTO event_groups VALUES (append.first, append.leaves, append.key_id, append.signature);

    PERFORM pg_notify('taizhang_' || current_schema, '');
    RETURN clock_timestamp();
END
$$;

-- Appends a group at a place and a time that its writer has foretold; ``done`` is false, and nothing is changed, if
-- another has written since, the time is not one of the last tenth of a second, or any of the group is to be refused.
-- ``clock`` is the time.
CREATE FUNCTION attempt(
    expected_id uuid[], expected_version integer[],
    first bigint, recorded_at timestamptz,
    event_id uuid[], event_version integer[], event_topic text[], event_state bytea[], event_salt bytea[],
    event_command uuid[], event_command_size integer[], event_command_digest bytea[],
    leaves bytea, key_id bytea, signature bytea,
    OUT done boolean, OUT clock timestamptz
) LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
    last timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('taizhang log ' || current_schema, 0));
    SELECT e.position, e.recorded_at INTO head, last FROM events e ORDER BY e.position DESC LIMIT 1;
    clock := clock_timestamp();
    done := first = coalesce(head, 0) + 1
        AND attempt.recorded_at BETWEEN greatest(last, clock - interval '0.1 s') AND clock
        AND NOT EXISTS (
            SELECT FROM unnest(event_command, event_command_size) AS given(command, size)
            WHERE given.size IS NOT NULL AND (
                SELECT e.position FROM events e WHERE e.command_id = given.command AND e.command_size IS NOT NULL
            ) IS NOT NULL
        )
        AND NOT EXISTS (
            SELECT FROM unnest(expected_id, expected_version) AS read(id, version)
            WHERE read.version <> coalesce((
                SELECT max(e.originator_version) FROM events e WHERE e.originator_id = read.id
            ), 0)
        );
    IF done THEN
        clock := append(first, attempt.recorded_at, event_id, event_version, event_topic, event_state, event_salt,
                       event_command, event_command_size, event_command_digest, leaves, key_id, signature);
    END IF;
END
$$;

-- Each look-up is one probe of an index, whatever the table's statistics were when the plan was made: a plan made
-- while the log was empty would otherwise read the whole table until the next ANALYZE.
ALTER FUNCTION turn SET enable_seqscan = off;
ALTER FUNCTION append SET enable_seqscan = off;
ALTER FUNCTION attempt SET enable_seqscan = off;
-- The functions look names up in this schema alone, whatever their caller's search_path or temporary tables.
ALTER FUNCTION turn SET search_path FROM CURRENT;
ALTER FUNCTION append SET search_path FROM CURRENT;
ALTER FUNCTION attempt SET search_path FROM CURRENT;

GRANT SELECT ON log, event_groups TO taizhang_writer, taizhang_projector, taizhang_reader, taizhang_sealer;
GRANT SELECT ON events TO taizhang_sealer;
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO taizhang_sealer', current_schema);
END
$$;
GRANT INSERT ON event_groups TO taizhang_writer;
REVOKE ALL ON FUNCTION turn, append, attempt FROM PUBLIC;
GRANT EXECUTE ON FUNCTION turn, append, attempt TO taizhang_writer;

-- A key that was retired signs no more: whatever a writer has at hand, the log itself refuses a group under it.
-- Runs with search_path set to the log's schema.

CREATE TABLE retired_keys (
    key_id bytea PRIMARY KEY CHECK (octet_length(key_id) = 4)
);
COMMENT ON TABLE retired_keys IS 'the writers'' keys that the log''s own events have retired';

CREATE TRIGGER retired_keys_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON retired_keys
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE retired_keys ENABLE ALWAYS TRIGGER retired_keys_are_append_only;

-- Appends the events of a group from a position on, with its leaves and its signature; to be called in one's turn.
-- Returns the time, for the next foretelling. A group under a retired key is refused with SQLSTATE TZ001.
CREATE OR REPLACE FUNCTION append(
    first bigint, recorded_at timestamptz,
    event_id uuid[], event_version integer[], event_topic text[], event_state bytea[], event_salt bytea[],
    event_command uuid[], event_command_size integer[], event_command_digest bytea[],
    leaves bytea, key_id bytea, signature bytea
) RETURNS timestamptz LANGUAGE plpgsql SET enable_seqscan = off SET search_path FROM CURRENT AS $$
BEGIN
    IF append.first <> coalesce((SELECT max(e.position) FROM events e), 0) + 1 THEN
        RAISE EXCEPTION 'position % is not the next one of the log', append.first;
    END IF;
    IF EXISTS (SELECT FROM retired_keys r WHERE r.key_id = append.key_id) THEN
        RAISE EXCEPTION 'the writer''s key % is retired', encode(append.key_id, 'hex') USING ERRCODE = 'TZ001';
    END IF;

    INSERT INTO events (position, originator_id, originator_version, topic, state, salt, recorded_at,
                        command_id, command_size, command_digest)
    SELECT append.first + given.place - 1, given.id, given.version, given.topic, given.state, given.salt,
           append.recorded_at, given.command, given.size, given.digest
    FROM unnest(event_id, event_version, event_topic, event_state, event_salt,
                event_command, event_command_size, event_command_digest)
         WITH ORDINALITY AS given(id, version, topic, state, salt, command, size, digest, place);

    INSERT INTO event_groups VALUES (append.first, append.leaves, append.key_id, append.signature);

    IF 'keyring.KeyRetired' = ANY (event_topic) THEN
        INSERT INTO retired_keys
        SELECT decode(split_part(retired.event ->> 'vkey', '+', 2), 'hex')
        FROM unnest(event_topic, event_state) AS given(topic, state),
             LATERAL (SELECT convert_from(given.state, 'UTF8')::jsonb -> 'event' AS event) AS retired
        WHERE given.topic = 'keyring.KeyRetired' AND retired.event ->> 'role' = 'writer'
        ON CONFLICT DO NOTHING;
    END IF;

    PERFORM pg_notify('taizhang_' || current_schema, '');
    RETURN clock_timestamp();
END
$$;

GRANT SELECT, INSERT ON retired_keys TO taizhang_writer;

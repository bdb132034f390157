-- A payload can be removed lawfully: the event stays, with the commitment that its leaf has, and another event covers it.
-- Runs with search_path set to the log's schema.

ALTER TABLE events ALTER COLUMN state DROP NOT NULL, ALTER COLUMN salt DROP NOT NULL, ADD COLUMN commitment bytea;
COMMENT ON COLUMN events.commitment IS 'of an event whose payload was removed: the digest of name, salt and state in its leaf';
-- Not validated as it is added, which would keep others out while the whole table is read.
ALTER TABLE events ADD CONSTRAINT events_have_a_payload_or_its_commitment CHECK (
    CASE WHEN commitment IS NULL THEN state IS NOT NULL AND salt IS NOT NULL
    ELSE octet_length(commitment) = 32 AND state IS NULL AND salt IS NULL END
) NOT VALID;
ALTER TABLE events VALIDATE CONSTRAINT events_have_a_payload_or_its_commitment;

-- Those that cover removals are few, and found at once.
CREATE INDEX events_covering ON events (position) WHERE topic = 'redaction.PayloadRemoved';

-- Whoever changes an event, and whatever his rights: this is the one change that there is. The payload goes and leaves its
-- commitment, and a later event says so.
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF OLD.state IS NOT NULL AND NEW.state IS NULL AND NEW.salt IS NULL
        AND NEW.commitment = sha256(convert_to((SELECT origin FROM log) || E'/state/v1\n', 'UTF8') || OLD.salt || OLD.state)
        AND (NEW.position, NEW.originator_id, NEW.originator_version, NEW.topic, NEW.recorded_at, NEW.command_id)
            = (OLD.position, OLD.originator_id, OLD.originator_version, OLD.topic, OLD.recorded_at, OLD.command_id)
        AND (NEW.command_size, NEW.command_digest) IS NOT DISTINCT FROM (OLD.command_size, OLD.command_digest)
        AND EXISTS (
            SELECT FROM events e WHERE e.topic = 'redaction.PayloadRemoved' AND e.position > OLD.position
            AND convert_from(e.state, 'UTF8')::jsonb #> '{event,positions}' @> to_jsonb(OLD.position)
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the log is append-only: update of events is refused' USING ERRCODE = 'insufficient_privilege';
END
$$;

DROP TRIGGER events_are_append_only ON events;
CREATE TRIGGER events_are_append_only BEFORE DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only;
CREATE TRIGGER events_are_not_rewritten BEFORE UPDATE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_not_rewritten;

GRANT SELECT ON events, log TO taizhang_redactor;
GRANT UPDATE (state, salt, commitment) ON events TO taizhang_redactor;
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO taizhang_redactor', current_schema);
END
$$;

-- What a view was begun without: a removal after that has it folded anew.
ALTER TABLE views ADD COLUMN removals bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN views.removals IS 'the position of the last event covering removals that it was begun with';

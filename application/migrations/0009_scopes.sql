-- Readers see the rows of views by the organisations that they reach: row-level security, under a role that cannot pass it
-- by. A query that does not say how far it reaches is answered with nothing. Runs with search_path set to the log's schema.

-- Tells, for the transaction, how far somebody sees and who they are: null for the whole record, else some organisations and
-- all below them as they stand now. Those are looked up once, before a query, and not once for each row.
DO $$
BEGIN
    EXECUTE format($function$
        CREATE FUNCTION enter(roots uuid[], reader text) RETURNS void LANGUAGE plpgsql
        SET search_path FROM CURRENT SET enable_seqscan = off AS $body$
        DECLARE
            reached uuid[];
        BEGIN
            PERFORM set_config('taizhang.scope', '*', true), set_config('taizhang.reader', reader, true);
            IF roots IS NOT NULL THEN
                WITH RECURSIVE below AS (
                    SELECT unnest(roots) AS key
                    UNION
                    SELECT unit.key FROM below JOIN %I.organisation AS unit ON unit.parent = below.key
                    WHERE unit.ended = 9223372036854775807
                )
                SELECT coalesce(array_agg(key), '{}') INTO reached FROM below;
                PERFORM set_config('taizhang.scope', reached::text, true);
            END IF;
        END
        $body$
    $function$, current_schema || '_organisation');
END
$$;
REVOKE ALL ON FUNCTION enter FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enter TO taizhang_reader;

-- What the policies ask: the organisations that were looked up for this transaction; null where it is all of them, or none.
CREATE FUNCTION scope() RETURNS uuid[] LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT nullif(nullif(current_setting('taizhang.scope', true), ''), '*')::uuid[]
$$;

-- Rows that lie without such policies are folded anew.
DO $$
DECLARE
    view record;
BEGIN
    SET LOCAL ROLE taizhang_projector;
    FOR view IN SELECT name, building FROM views LOOP
        EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE',
                       current_schema || '_' || view.name || CASE WHEN view.building THEN '_next' ELSE '' END);
    END LOOP;
    DELETE FROM views;
    RESET ROLE;
END
$$;

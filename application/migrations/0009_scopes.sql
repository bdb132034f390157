-- Readers see the rows of views by the organisations that they reach: row-level security, under a role that cannot pass it
-- by. A query that does not say how far it reaches is answered with nothing. Runs with search_path set to the log's schema.

-- Some organisations and all below them, as they stand now: looked up once, before a query, and not once for each row.
-- It looks at all organisations, as the owner of their rows.
DO $$
BEGIN
    EXECUTE format($function$
        CREATE FUNCTION reach(roots uuid[]) RETURNS uuid[] LANGUAGE plpgsql STABLE SECURITY DEFINER
        SET search_path FROM CURRENT SET enable_seqscan = off AS $body$
        BEGIN
            RETURN ARRAY(
                WITH RECURSIVE below AS (
                    SELECT unnest(roots) AS key
                    UNION
                    SELECT unit.key FROM below JOIN %I.organisation AS unit ON unit.parent = below.key
                    WHERE unit.ended = 9223372036854775807
                )
                SELECT key FROM below
            );
        END
        $body$
    $function$, current_schema || '_organisation');
END
$$;
REVOKE ALL ON FUNCTION reach FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reach TO taizhang_reader;

-- What the policies ask: the organisations that were looked up for this transaction; null where it is all of them, or none.
CREATE FUNCTION scope() RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT nullif(nullif(current_setting('taizhang.scope', true), ''), '*')::uuid[]
$$;

DO $$
DECLARE
    view record;
BEGIN
    EXECUTE format('GRANT CREATE ON SCHEMA %I TO taizhang_projector', current_schema);
    ALTER FUNCTION reach OWNER TO taizhang_projector;
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM taizhang_projector', current_schema);
    -- Rows that lie without such policies are folded anew.
    SET LOCAL ROLE taizhang_projector;
    FOR view IN SELECT name, building FROM views LOOP
        EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE',
                       current_schema || '_' || view.name || CASE WHEN view.building THEN '_next' ELSE '' END);
    END LOOP;
    DELETE FROM views;
    RESET ROLE;
END
$$;

-- The parts of what guards a log: the words that name each, and what it is. Runs with search_path set to pg_catalog.
-- No object numbers, no order of columns, and no name of the log's owner where it owns: they differ after a restore.

WITH RECURSIVE
space AS (
    SELECT oid, nspowner, nspacl FROM pg_namespace WHERE nspname = %(schema)s
),
who (oid, name) AS (
    SELECT r.oid, CASE WHEN rolname = ANY (%(roles)s) THEN 'the role ' || rolname
                       WHEN r.oid = nspowner THEN 'the log''s owner'
                       WHEN rolsuper THEN 'a superuser'
                       ELSE 'the role ' || rolname END
    FROM pg_roles r, space
    UNION ALL SELECT 0, 'everybody'
),
relations AS (
    SELECT c.* FROM pg_class c JOIN space s ON c.relnamespace = s.oid WHERE c.relkind NOT IN ('i', 'I')
),
columns AS (
    SELECT a.*, relname, relowner FROM pg_attribute a JOIN relations c ON a.attrelid = c.oid
    WHERE attnum > 0 AND NOT attisdropped
),
functions AS (
    SELECT p.*, concat('the function ', proname, CASE WHEN count(*) OVER (PARTITION BY proname) > 1
                       THEN '(' || pg_get_function_identity_arguments(p.oid) || ')' END) AS part
    FROM pg_proc p JOIN space s ON p.pronamespace = s.oid
),
triggers AS (
    SELECT t.oid, tgenabled, tgisinternal,
           CASE WHEN tgisinternal
                THEN concat('the trigger ', tgfoid::regproc, ' by which ', conname, ' is kept on the table ', relname)
                ELSE concat('the trigger ', tgname, ' on the table ', relname) END AS part
    FROM relations c JOIN pg_trigger t ON tgrelid = c.oid LEFT JOIN pg_constraint n ON n.oid = tgconstraint
),
objects (part, owner, kind, acl) AS (
    SELECT 'the schema', nspowner, 'n'::"char", nspacl FROM space
    UNION ALL
    SELECT 'the table ' || relname, relowner, CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relacl FROM relations
    UNION ALL
    SELECT concat('the column ', attname, ' of the table ', relname), relowner, 'c', attacl FROM columns
    WHERE attacl IS NOT NULL
    UNION ALL
    SELECT part, proowner, 'f', proacl FROM functions
),
-- Whoever can become one of the log's roles, and whatever those can become.
memberships AS (
    SELECT roleid, member, concat_ws(', ', CASE WHEN admin_option THEN 'grants it' END,
                                           CASE WHEN inherit_option THEN 'inherits it' END,
                                           CASE WHEN set_option THEN 'can become it' END) AS can
    FROM pg_auth_members
),
ours AS (
    SELECT oid FROM pg_roles WHERE rolname = ANY (%(roles)s)
),
up (roleid, member, can) AS (
    SELECT * FROM memberships WHERE roleid IN (SELECT oid FROM ours)
    UNION SELECT m.* FROM memberships m JOIN up ON m.roleid = up.member
),
down (roleid, member, can) AS (
    SELECT * FROM memberships WHERE member IN (SELECT oid FROM ours)
    UNION SELECT m.* FROM memberships m JOIN down ON m.member = down.roleid
),
members AS (
    SELECT * FROM up UNION SELECT * FROM down
)

-- Owners and grants. An owner may do everything, whatever is granted; a superuser too, whichever it is.
SELECT 'the log''s owner', CASE WHEN rolsuper THEN 'a superuser' ELSE 'the role ' || rolname END
FROM space JOIN pg_roles r ON r.oid = nspowner
UNION ALL
SELECT 'the owner of ' || part, name FROM objects JOIN who ON who.oid = owner WHERE kind NOT IN ('n', 'c')
UNION ALL
SELECT concat('what is granted on ', part, ' to ', name),
       string_agg(DISTINCT lower(privilege_type) || CASE WHEN is_grantable THEN ' and to grant it' ELSE '' END, ', ')
FROM objects, aclexplode(coalesce(acl, acldefault(kind, owner))) JOIN who ON who.oid = grantee
WHERE grantee <> owner
GROUP BY 1

-- Tables and their columns.
UNION ALL
SELECT 'the table ' || relname,
       concat_ws(', ', CASE relkind WHEN 'r' THEN 'a table' WHEN 'p' THEN 'a partitioned table' WHEN 'v' THEN 'a view'
                                    WHEN 'm' THEN 'a materialised view' WHEN 'S' THEN 'a sequence'
                                    ELSE 'of the kind ' || relkind::text END,
                 CASE relpersistence WHEN 'u' THEN 'unlogged' END,
                 pg_get_partkeydef(c.oid),
                 'stored as ' || amname,
                 'of the type ' || CASE WHEN reloftype <> 0 THEN reloftype::regtype::text END)
FROM relations c LEFT JOIN pg_am ON pg_am.oid = relam
UNION ALL
SELECT concat('the column ', attname, ' of the table ', relname),
       concat_ws(', ', format_type(atttypid, atttypmod),
                 CASE WHEN attnotnull THEN 'not null' END,
                 CASE WHEN attcollation <> typcollation THEN 'collated as ' || attcollation::regcollation::text END,
                 'identity ' || nullif(attidentity, '')::text,
                 'generated ' || nullif(attgenerated, '')::text,
                 'by default ' || pg_get_expr(adbin, adrelid))
FROM columns JOIN pg_type t ON t.oid = atttypid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
UNION ALL
SELECT concat('the table ', inhrelid::regclass, ', which inherits from ', inhparent::regclass), 'there'
FROM pg_inherits
WHERE inhrelid IN (SELECT oid FROM relations) OR inhparent IN (SELECT oid FROM relations)

-- That a column is not null is a constraint with a name in some releases, and is said of the column in all.
UNION ALL
SELECT concat('the constraint ', conname, ' of the table ', relname), pg_get_constraintdef(n.oid)
FROM relations c JOIN pg_constraint n ON conrelid = c.oid
WHERE contype <> 'n'
UNION ALL
SELECT concat('the index ', x.relname, ' of the table ', c.relname),
       concat_ws(', ', pg_get_indexdef(x.oid),
                 CASE WHEN NOT indisvalid THEN 'not valid' END,
                 CASE WHEN NOT (indisready AND indislive) THEN 'not kept up' END)
FROM relations c JOIN pg_index ON indrelid = c.oid JOIN pg_class x ON x.oid = indexrelid

-- What runs when a table is changed or read.
UNION ALL
SELECT part, pg_get_triggerdef(oid) FROM triggers WHERE NOT tgisinternal
UNION ALL
SELECT part || ' fires', CASE tgenabled WHEN 'A' THEN 'always' WHEN 'O' THEN 'except in replication'
                                        WHEN 'R' THEN 'in replication only' ELSE 'never: it is disabled' END
FROM triggers
UNION ALL
SELECT concat('the rule ', rulename, ' on the table ', relname),
       concat_ws(', ', pg_get_ruledef(w.oid), 'enabled ' || nullif(ev_enabled::text, 'O'))
FROM relations c JOIN pg_rewrite w ON ev_class = c.oid
UNION ALL
SELECT 'the row security of the table ' || relname,
       concat_ws(', ', 'on', CASE WHEN relforcerowsecurity THEN 'for its owner too' END)
FROM relations
WHERE relrowsecurity
UNION ALL
SELECT concat('the policy ', polname, ' of the table ', relname),
       concat_ws(', ', CASE WHEN polpermissive THEN 'permissive' ELSE 'restrictive' END,
                 polcmd::text,
                 (SELECT string_agg(name, ' ' ORDER BY name) FROM who WHERE who.oid = ANY (polroles)),
                 pg_get_expr(polqual, polrelid),
                 pg_get_expr(polwithcheck, polrelid))
FROM relations c JOIN pg_policy ON polrelid = c.oid
UNION ALL
SELECT part, concat_ws(', ', nullif(pg_get_function_arguments(f.oid), ''),
                       'returns ' || pg_get_function_result(f.oid),
                       'in ' || lanname,
                       'kind ' || prokind::text,
                       'volatility ' || provolatile::text,
                       'parallel ' || proparallel::text,
                       CASE WHEN prosecdef THEN 'with the rights of its owner' END,
                       CASE WHEN proisstrict THEN 'strict' END,
                       CASE WHEN proleakproof THEN 'leakproof' END,
                       'supported by ' || CASE WHEN prosupport <> 0 THEN prosupport::text END)
FROM functions f JOIN pg_language l ON l.oid = prolang
UNION ALL
SELECT 'the source of ' || part, concat_ws(E'\n', prosrc, probin, pg_get_function_sqlbody(oid)) FROM functions
UNION ALL
-- A dump writes their lists anew, with a blank after each comma.
SELECT 'the settings of ' || part, replace(array_to_string(proconfig, '; '), ', ', ',') FROM functions
WHERE proconfig IS NOT NULL
UNION ALL
SELECT 'the event trigger ' || evtname,
       concat_ws(', ', evtevent, evtfoid::regprocedure, array_to_string(evttags, ' '), 'enabled ' || evtenabled::text)
FROM pg_event_trigger

-- Whatever else may lie in the schema: operators, types, collations.
UNION ALL
SELECT concat('the ', i.type, ' ', i.identity), 'there'
FROM space, pg_depend d, pg_identify_object(classid, objid, 0) i
WHERE refclassid = 'pg_namespace'::regclass AND refobjid = space.oid
      AND classid NOT IN ('pg_class'::regclass, 'pg_proc'::regclass)

-- Roles, and settings that decide which triggers fire and which code runs, for whoever connects.
UNION ALL
SELECT 'the role ' || rolname,
       concat_ws(', ', CASE WHEN rolsuper THEN 'superuser' ELSE 'no superuser' END,
                 CASE WHEN rolinherit THEN 'inherits' END,
                 CASE WHEN rolcreaterole THEN 'creates roles' END,
                 CASE WHEN rolcreatedb THEN 'creates databases' END,
                 CASE WHEN rolcanlogin THEN 'logs in' END,
                 CASE WHEN rolreplication THEN 'replicates' END,
                 CASE WHEN rolbypassrls THEN 'bypasses row security' END)
FROM pg_roles
WHERE oid IN (SELECT oid FROM ours UNION SELECT member FROM members) AND oid NOT IN (SELECT nspowner FROM space)
UNION ALL
SELECT concat('the membership of ', m.name, ' in ', g.name), string_agg(DISTINCT can, '; ')
FROM members JOIN who m ON m.oid = member JOIN who g ON g.oid = roleid
GROUP BY 1
UNION ALL
SELECT concat('the setting ', split_part(setting, '=', 1), ' for ', coalesce(name, 'every role')),
       string_agg(split_part(setting, '=', 2), '; ' ORDER BY setdatabase)
FROM pg_db_role_setting LEFT JOIN who ON who.oid = nullif(setrole, 0), unnest(setconfig) setting
WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
      AND split_part(setting, '=', 1) IN (
          'session_replication_role', 'search_path', 'role', 'row_security', 'event_triggers', 'check_function_bodies',
          'session_preload_libraries', 'local_preload_libraries', 'dynamic_library_path'
      )
GROUP BY 1
UNION ALL
SELECT 'the setting session_replication_role', current_setting('session_replication_role')

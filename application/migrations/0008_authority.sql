-- A token gives nothing any more: it narrows what its person's mandates give, to a duty, to actions, to an organisation,
-- and may run out. Runs with search_path set to the log's schema.

ALTER TABLE tokens RENAME COLUMN role TO duty;
ALTER TABLE tokens ALTER COLUMN duty DROP NOT NULL,
    ADD COLUMN actions text[], ADD COLUMN purpose text NOT NULL DEFAULT '', ADD COLUMN expires_at timestamptz;
COMMENT ON COLUMN tokens.duty IS 'the one duty of the person''s that it comes in with; null for all of them';
COMMENT ON COLUMN tokens.actions IS 'the actions that it is for; null for all of them';
COMMENT ON COLUMN tokens.organisation IS 'for which, and all below it, it is; null for wherever the person''s mandates reach';
CREATE INDEX tokens_of_a_person ON tokens (person, created_at);
-- A person is a record of the log, and may have a namesake.
ALTER TABLE people DROP CONSTRAINT people_name_key;
CREATE INDEX people_by_name ON people (name);

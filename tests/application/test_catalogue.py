"""What guards a log is read so that whatever an administrator alters is named, and nothing else differs."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from application import catalogue
from application.clock import Clock
from application.database import Database, Role
from application.installation import deploy
from application.migrate import ROLES, migrate
from application.postgres import temporary
from application.postgres.place import programs
from domain.installation import differences
from tests.application.clusters import run
from tests.application.test_migrate import owned

# What a superuser does, and what names it: all that differs.
ALTERATIONS = {
    "a trigger disabled": (
        "ALTER TABLE events DISABLE TRIGGER events_are_append_only",
        ["the trigger events_are_append_only on the table events fires is now: never: it is disabled, and was: always"],
    ),
    "a trigger that fires no more in replication": (
        "ALTER TABLE log ENABLE TRIGGER log_is_append_only",
        ["the trigger log_is_append_only on the table log fires is now: except in replication, and was: always"],
    ),
    "a trigger dropped": (
        "DROP TRIGGER events_are_append_only ON events",
        [
            "the trigger events_are_append_only on the table events is gone",
            "the trigger events_are_append_only on the table events fires is gone",
        ],
    ),
    "a trigger on a condition": (
        ("CREATE OR REPLACE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events"
        " FOR EACH STATEMENT WHEN (current_user <> 'mallory') EXECUTE FUNCTION refuse_change();"
        " ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_append_only"),
        ["the trigger events_are_append_only on the table events is now"],
    ),
    "a foreign key's trigger disabled": (
        "ALTER TABLE tokens DISABLE TRIGGER ALL",
        [f'the trigger "RI_FKey_check_{n}" by which tokens_person_fkey is kept on the table tokens fires is now: never'
         for n in ("ins", "upd")],
    ),
    "a function that refuses nothing": (
        ("CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT"
        " AS 'BEGIN RETURN NULL; END'"),
        ["the source of the function refuse_change is now: BEGIN RETURN NULL; END"],
    ),
    "a function with other rights": (
        "ALTER FUNCTION append SECURITY DEFINER",
        ["the function append is now"],
    ),
    "a function that looks elsewhere": (
        "ALTER FUNCTION turn RESET search_path",
        ["the settings of the function turn is now: enable_seqscan=off, and was: enable_seqscan=off; search_path"],
    ),
    "a function beside another": (
        "CREATE FUNCTION turn(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ["the function turn is gone", "the function turn(expected_by", "the function turn(integer) is new"],
    ),
    "an owner": (
        "CREATE ROLE mallory; ALTER TABLE events OWNER TO mallory",
        ["the owner of the table events is now: the role mallory, and was: the log's owner"],
    ),
    "the owner of everything": (
        "CREATE ROLE mallory; ALTER SCHEMA record OWNER TO mallory; ALTER TABLE events OWNER TO mallory",
        ["the log's owner is now: the role mallory, and was: a superuser", "the owner of the function append is now"],
    ),
    "a grant": (
        "GRANT UPDATE ON events TO taizhang_writer",
        ["what is granted on the table events to the role taizhang_writer is now: insert, select, update, and was"],
    ),
    "a grant to everybody": (
        "GRANT INSERT ON events TO PUBLIC",
        ["what is granted on the table events to everybody is new: insert"],
    ),
    "a grant of a column": (
        "GRANT UPDATE (state) ON events TO taizhang_writer WITH GRANT OPTION",
        ["what is granted on the column state of the table events to the role taizhang_writer is new: update and to"],
    ),
    "a grant of the schema": (
        "GRANT CREATE ON SCHEMA record TO taizhang_writer",
        ["what is granted on the schema to the role taizhang_writer is now: create, usage, and was: usage"],
    ),
    "a grant of a function": (
        "GRANT EXECUTE ON FUNCTION append TO taizhang_reader",
        ["what is granted on the function append to the role taizhang_reader is new: execute"],
    ),
    "a role that is superuser": (
        "ALTER ROLE taizhang_reader SUPERUSER LOGIN",
        ["the role taizhang_reader is now: superuser, inherits, logs in, and was: no superuser, inherits"],
    ),
    "a role in another": (
        "GRANT taizhang_writer TO taizhang_reader",
        ["the membership of the role taizhang_reader in the role taizhang_writer is new: inherits it, can become"],
    ),
    "a role that may read and write whatever there is": (
        "GRANT pg_write_all_data TO taizhang_reader",
        ["the membership of the role taizhang_reader in the role pg_write_all_data is new"],
    ),
    "somebody who becomes a role by way of another": (
        "CREATE ROLE eve; CREATE ROLE mallory LOGIN; GRANT taizhang_writer TO eve; GRANT eve TO mallory",
        [
            "the membership of the role eve in the role taizhang_writer is new",
            "the membership of the role mallory in the role eve is new",
            "the role eve is new: no superuser, inherits",
            "the role mallory is new: no superuser, inherits, logs in",
        ],
    ),
    "a rule": (
        "CREATE RULE lost AS ON INSERT TO events DO INSTEAD NOTHING",
        ["the rule lost on the table events is new: SHA-256 "],
    ),
    "row security": (
        "ALTER TABLE events ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON events FOR SELECT USING (position < 9)",
        [
            'the policy few of the table events is new: permissive, r, everybody, ("position" < 9)',
            "the row security of the table events is new: on",
        ],
    ),
    "a constraint dropped": (
        "ALTER TABLE events DROP CONSTRAINT events_stream_key",
        ["the constraint events_stream_key of the table events is gone", "the index events_stream_key of the table"],
    ),
    "a constraint that holds for what is new alone": (
        ("ALTER TABLE events DROP CONSTRAINT events_position_check,"
        " ADD CONSTRAINT events_position_check CHECK (position > 0) NOT VALID"),
        ['the constraint events_position_check of the table events is now: CHECK (("position" > 0)) NOT VALID'],
    ),
    "a column that may be empty": (
        "ALTER TABLE events ALTER recorded_at DROP NOT NULL",
        ["the column recorded_at of the table events is now: timestamp with time zone, and was: timestamp with time"],
    ),
    "a default": (
        "ALTER TABLE events ALTER salt SET DEFAULT sha256('')",
        ["the column salt of the table events is now: bytea, by default sha256('\\x'::bytea), and was"],
    ),
    "an index dropped": (
        "DROP INDEX events_command_key",
        ["the index events_command_key of the table events is gone"],
    ),
    "a table that a crash empties": (
        "ALTER TABLE event_groups SET UNLOGGED",
        ["the table event_groups is now: a table, unlogged, stored as heap, and was: a table, stored as heap"],
    ),
    "a table whose rows are read along": (
        "CREATE TABLE public.more () INHERITS (events)",
        ["the table public.more, which inherits from record.events is new: there"],
    ),
    "a view before a table of the system": (
        "CREATE VIEW pg_trigger AS SELECT 1 AS one",
        [
            "the column one of the table pg_trigger is new: integer",
            "the owner of the table pg_trigger is new",
            "the rule _RETURN on the table pg_trigger is new",
            "the table pg_trigger is new: a view",
        ],
    ),
    "an operator of somebody's own": (
        ("CREATE FUNCTION never(text, text) RETURNS bool LANGUAGE sql AS 'SELECT false';"
        " CREATE OPERATOR = (FUNCTION = never, LEFTARG = text, RIGHTARG = text)"),
        [
            "the function never is new",
            "the operator record.=(pg_catalog.text,pg_catalog.text) is new: there",
            "the owner of the function never is new",
            "the source of the function never is new: SELECT false",
            "what is granted on the function never to everybody is new: execute",
        ],
    ),
    "no triggers for a role": (
        "ALTER ROLE taizhang_writer SET session_replication_role = replica",
        ["the setting session_replication_role for the role taizhang_writer is new: replica"],
    ),
    "an event trigger": (
        ("CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        " CREATE EVENT TRIGGER quiet ON ddl_command_end EXECUTE FUNCTION public.on_ddl()"),
        ["the event trigger quiet is new: ddl_command_end, public.on_ddl(), enabled O"],
    ),
}  # fmt: skip

# What makes more differ than is told here.
WIDE = {"a function beside another", "the owner of everything"}


@pytest.fixture(scope="module")
def own() -> Iterator[str]:
    """A server of this module's own: roles belong to all that is in one."""
    with temporary({"shared_buffers": "16MB"}) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def guarded(own: str, keys: Path) -> Database:
    database = Database(own, keys)
    migrate(database)
    return database


def read(database: Database, role: Role = Role.owner) -> dict[str, str]:
    with database.connect(role) as connection:
        return catalogue.read(connection, database.schema)


def differing(before: catalogue.Parts, connection: Connection[TupleRow]) -> list[str]:
    return [*differences(catalogue.shortened(before), catalogue.shortened(catalogue.read(connection, "record")))]


@pytest.mark.parametrize("what", ALTERATIONS)
def test_what_a_superuser_alters_is_named(guarded: Database, what: str) -> None:
    statements, named = ALTERATIONS[what]
    before = read(guarded)
    with guarded.connect(Role.owner) as connection, connection.transaction(force_rollback=True):
        connection.execute(statements.encode())
        found = differing(before, connection)
    for name in named:
        assert [each for each in found if each.startswith(name)], found
    assert len(found) == len(named) or what in WIDE, found
    assert read(guarded) == before


def test_a_setting_for_a_database_is_named(guarded: Database) -> None:
    before = read(guarded)
    [name] = [run(guarded.dsn, "SELECT current_database()")]
    try:
        run(guarded.dsn, f"ALTER DATABASE {name} SET session_replication_role = replica")
        with guarded.connect(Role.owner) as connection:
            assert differing(before, connection) == [
                "the setting session_replication_role is now: replica, and was: origin",
                "the setting session_replication_role for every role is new: replica",
            ]
    finally:
        run(guarded.dsn, f"ALTER DATABASE {name} RESET session_replication_role")


@pytest.mark.parametrize("role", [role for role in Role if role])
def test_every_role_reads_the_same(guarded: Database, role: Role) -> None:
    assert read(guarded, role) == read(guarded)


def test_what_has_nothing_to_do_with_a_log_changes_nothing(guarded: Database) -> None:
    before = read(guarded)
    with guarded.connect(Role.owner) as connection, connection.transaction(force_rollback=True):
        connection.execute(
            "CREATE SCHEMA record_more; CREATE TABLE record_more.rows (one int PRIMARY KEY);"
            " CREATE ROLE stranger; CREATE TABLE public.notes (text text); ALTER TABLE events SET (fillfactor = 90);"
            " ALTER ROLE taizhang_reader SET work_mem = '64MB'; ANALYZE events"
        )
        assert differing(before, connection) == []


def test_a_dump_that_is_put_back_on_another_server_reads_the_same(guarded: Database, tmp_path: Path) -> None:
    """Under another owner, with other object numbers, after columns were dropped."""
    with temporary({"shared_buffers": "16MB"}) as there:
        run(there, "CREATE DATABASE other")
        migrate(Database(make_conninfo(there, dbname="other"), tmp_path / "keys"))
        program, file = programs(pwd.getpwuid(os.geteuid())) / "pg_dump", tmp_path / "dump.sql"
        subprocess.run([program, guarded.dsn, "--no-owner", f"--file={file}"], check=True, capture_output=True)
        subprocess.run(
            [program.with_name("psql"), there, "--quiet", "--set=ON_ERROR_STOP=1", f"--file={file}"],
            check=True,
            capture_output=True,
        )
        assert read(replace(guarded, dsn=there)) == read(guarded)


def test_an_owner_who_is_no_superuser_seals_what_others_let_alone(own: str, keys: Path) -> None:
    migrate(Database(own, keys))
    with owned(own, keys, "taizhang_shire", databases=2) as (one, other):
        for role in ROLES:
            run(own, f"GRANT {role} TO taizhang_shire")
        assert deploy(one, Clock()).sealed
        again = deploy(one, Clock())
        assert (again.sealed, again.altered) == (False, [])
        assert read(one)["the log's owner"] == "the role taizhang_shire"
        assert deploy(other, Clock()).sealed
        assert deploy(one, Clock()).altered == []

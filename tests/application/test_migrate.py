"""Migrations: each applied once, whole, in order, whoever else migrates; and what each role may then do."""

import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege

from application.database import Database, Role
from application.migrate import ROLES, Unmigrated, check_migrated, migrate, migrations
from application.postgres import temporary
from application.records import Act, Records
from domain.organisation import Organisation
from interface.app import Installation
from tests.application.clusters import REPOSITORY, until
from tests.spec import account

EVERY = [f"{each.number:04} {each.name}" for each in migrations()]
MIGRATE = """
import sys
from pathlib import Path
from application.database import Database
from application.migrate import migrate
print(migrate(Database(sys.argv[1], Path(sys.argv[2]))))
"""
# What a second run could change: tables, functions and triggers with their rights, and what was applied when.
CATALOGUE = """
    SELECT 'relation', oid::text, relname, relacl::text FROM pg_class WHERE relnamespace = current_schema::regnamespace
    UNION ALL SELECT 'function', oid::text, proname, proacl::text FROM pg_proc
        WHERE pronamespace = current_schema::regnamespace
    UNION ALL SELECT 'migration', xmin::text, name, applied_at::text FROM migrations
    UNION ALL SELECT 'trigger', oid::text, tgname, tgenabled::text FROM pg_trigger
    UNION ALL SELECT 'member', oid::text, roleid::regrole::text, member::regrole::text FROM pg_auth_members
    ORDER BY 1, 2, 3, 4
"""
# Every way to change, remove or overwrite an event.
CHANGES = (
    "UPDATE events SET topic = 'x'",
    "UPDATE events SET state = NULL, salt = NULL, commitment = sha256('')",
    "DELETE FROM events",
    "TRUNCATE events",
    "UPDATE event_groups SET signature = signature",
    "DELETE FROM event_groups",
    "TRUNCATE event_groups",
    "DELETE FROM retired_keys",
    "UPDATE log SET origin = 'x'",
    "DELETE FROM log",
    "TRUNCATE events RESTART IDENTITY CASCADE",
    "WITH gone AS (DELETE FROM events RETURNING *) SELECT * FROM gone",
    "INSERT INTO events SELECT * FROM events ON CONFLICT (position) DO UPDATE SET topic = 'x'",
    "MERGE INTO events USING (VALUES (1)) AS one (n) ON position = n WHEN MATCHED THEN DELETE",
)
# What lies beside the log, and is changed and forgotten.
BESIDE = ("accounts", "arrivals", "attempts", "identities", "sessions")
# What those roles may read that may not read everything.
SEES = {
    Role.sealer: ("event_groups", "events", "log", "migrations"),
    Role.redactor: ("events", "log", "migrations"),
}
WRITTEN = ("events", "event_groups", "people", "retired_keys", "tokens")
READ = ("event_groups", "events", "log", "migrations", "people", "tokens", "views")
# Every way to take the fence down first.
FENCE = (
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "DROP TRIGGER events_are_append_only ON events",
    "DROP TRIGGER event_groups_are_append_only ON event_groups",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
    "DROP TABLE events",
    "ALTER TABLE events RENAME TO forgotten",
    "CREATE RULE lost AS ON INSERT TO events DO INSTEAD NOTHING",
    "SET session_replication_role = replica",
)


def act() -> Act:
    return Act(account(command_id=uuid4()))


def found(records: Records) -> None:
    records.decide(act(), Organisation, uuid4(), lambda unit: unit.establish("鲁家村", "village"))


def catalogue(database: Database) -> list[tuple[str, ...]]:
    with database.connect(Role.owner) as connection:
        return connection.execute(CATALOGUE).fetchall()


def change(database: Database, statement: str) -> None:
    with database.connect(Role.owner) as connection:
        connection.execute(statement.encode())


@pytest.fixture
def written(log: Database) -> Database:
    """A log that has one event."""
    with Records(log) as records:
        found(records)
    return log


def test_a_fresh_database_gets_every_migration_and_then_works(empty: Database) -> None:
    assert migrate(empty) == EVERY
    check_migrated(empty)
    with Records(empty) as records:
        found(records)
        assert records.recorder.max_notification_id() == 1


def test_a_second_run_does_nothing(written: Database) -> None:
    before = catalogue(written)
    assert migrate(written) == []
    assert catalogue(written) == before


def test_numbers_follow_each_other_without_a_gap() -> None:
    assert [each.number for each in migrations()] == list(range(1, len(EVERY) + 1))


def test_of_two_processes_that_migrate_at_once_one_does_and_the_other_finds_nothing_to_do(empty: Database) -> None:
    with empty.connect(Role.owner) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended('taizhang migrate', 0))")
        program = [sys.executable, "-c", MIGRATE, empty.dsn, str(empty.keys)]
        both = [subprocess.Popen(program, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
        until(lambda: connection.execute(waiting).fetchone() == (2,), 30)
    said = [process.communicate(timeout=30)[0].strip() for process in both]
    assert sorted(said) == sorted([str(EVERY), "[]"])
    assert [process.returncode for process in both] == [0, 0]


def test_a_migration_that_fails_leaves_nothing_of_any_behind(empty: Database) -> None:
    change(empty, "CREATE SCHEMA record CREATE TABLE tokens (mine text)")
    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate(empty)
    with empty.connect(Role.owner) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'record'").fetchall()
    assert tables == [("tokens",)]
    change(empty, "DROP TABLE tokens")
    assert migrate(empty) == EVERY


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "UPDATE migrations SET digest = repeat('0', 64) WHERE number = 2",
            "migration 0002 access was applied with another text than this program ships",
        ),
        (
            "INSERT INTO migrations VALUES (998, 'soon', ''), (999, 'later', '')",
            "the database has migration 0999, which this program does not know; upgrade the program",
        ),
    ],
)
def test_a_database_with_another_history_is_refused_with_a_sentence_and_left_alone(
    log: Database, statement: str, sentence: str
) -> None:
    change(log, statement)
    change(log, "DELETE FROM migrations WHERE number = 3; DROP TABLE views")
    before = catalogue(log)
    for use in (migrate, check_migrated):
        with pytest.raises(Unmigrated) as refusal:
            use(log)
        assert str(refusal.value) == sentence
    assert catalogue(log) == before


def test_a_database_behind_the_program_is_told_what_to_run(empty: Database, log: Database) -> None:
    with pytest.raises(Unmigrated, match=rf"lacks {len(EVERY)} migrations; run `taizhang migrate`"):
        check_migrated(empty)
    change(log, "DELETE FROM migrations WHERE number = 3; DROP TABLE views")
    with pytest.raises(Unmigrated, match="lacks 1 migrations"):
        check_migrated(log)
    assert migrate(log) == EVERY[2:3]


def test_a_copy_of_a_database_is_made_whole_by_migrating_it_again(database: Database) -> None:
    """What is granted upon a database is not copied with it."""
    with database.connect(Role.projector) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("CREATE SCHEMA rows")
    assert migrate(database) == []
    with database.connect(Role.projector) as connection:
        connection.execute("CREATE SCHEMA rows")


def test_each_role_may_do_what_its_work_asks_and_no_more(log: Database) -> None:
    with log.connect(Role.owner) as connection:
        rows = connection.execute(
            "SELECT grantee, table_name, string_agg(privilege_type, ' ' ORDER BY privilege_type)"
            " FROM information_schema.role_table_grants WHERE table_schema = %s AND grantee <> current_user"
            " GROUP BY 1, 2",
            (log.schema,),
        ).fetchall()
        may_append = [
            role for role in ROLES if connection.execute(
                "SELECT has_function_privilege(%s, oid, 'EXECUTE') FROM pg_proc"
                " WHERE proname = 'append' AND pronamespace = current_schema::regnamespace", (role,)
            ).fetchone() == (True,)
        ]  # fmt: skip
        attributes = connection.execute(
            "SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s)"
            " AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolcanlogin OR rolbypassrls OR rolreplication)",
            (list(ROLES),),
        ).fetchone()
    granted = {(grantee, table): privileges for grantee, table, privileges in rows}
    expected: dict[tuple[str, str], str] = {
        **{(role, table): "SELECT" for role in ROLES if role not in SEES for table in READ},
        **{(role, table): "SELECT" for role, tables in SEES.items() for table in tables},
        **{(Role.writer, table): "INSERT SELECT" for table in WRITTEN},
        **{(Role.writer, table): "DELETE INSERT SELECT UPDATE" for table in BESIDE},
        (Role.projector, "views"): "DELETE INSERT SELECT UPDATE",
    }
    assert granted == expected
    assert may_append == [Role.writer]
    assert attributes == (0,), "no role of ours can log in, or do what only an administrator may"


@pytest.mark.parametrize("role", ROLES)
def test_no_role_of_the_application_changes_an_event_or_takes_the_fence_down(written: Database, role: Role) -> None:
    before = catalogue(written)
    with written.connect(role) as connection:
        locking = [] if role == Role.redactor else ["SELECT * FROM events FOR UPDATE"]
        for statement in (*CHANGES, *FENCE, *locking):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement.encode())
    assert catalogue(written) == before
    assert_whole(written)


def test_not_even_the_owner_changes_an_event_past_the_triggers(written: Database) -> None:
    for prepared in ("SELECT 1", "SET session_replication_role = replica"):
        with written.connect(Role.owner) as connection:
            connection.execute(prepared.encode())
            for statement in CHANGES:
                with pytest.raises(InsufficientPrivilege, match="the log is append-only"):
                    connection.execute(statement.encode())
    assert_whole(written)


def assert_whole(database: Database) -> None:
    with Records(database) as records:
        assert [each.topic for each in records.recorder.select_notifications(1, 9)] == [
            "organisation.OrganisationEstablished"
        ]


@pytest.fixture(scope="module")
def foreign() -> Iterator[str]:
    """A server that has none of our roles yet, as its administrator finds it."""
    with temporary({"shared_buffers": "16MB"}) as dsn:
        yield dsn


@contextmanager
def owned(server: str, keys: Path, name: str, *, databases: int = 1, owner: bool = True) -> Generator[list[Database]]:
    """Databases of an ordinary account that may create roles, and is no superuser."""
    account = sql.Identifier(name)
    made = [f"{name}_{n}" for n in range(databases)]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(account))
        for each in made:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(each)))
            grant = "ALTER DATABASE {} OWNER TO {}" if owner else "GRANT CREATE ON DATABASE {} TO {}"
            connection.execute(sql.SQL(grant).format(sql.Identifier(each), account))
    yield [Database(make_conninfo(server, user=name, dbname=each), keys) for each in made]


def test_an_owner_who_is_no_superuser_can_migrate_and_everything_works(foreign: str, keys: Path) -> None:
    """Two of its databases are migrated at once, on a server where no role of ours is known."""
    with owned(foreign, keys, "taizhang_county", databases=2) as databases:
        programs = [[sys.executable, "-c", MIGRATE, each.dsn, str(each.keys)] for each in databases]
        both = [subprocess.Popen(each, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for each in programs]
        assert [process.communicate(timeout=30)[0].strip() for process in both] == [str(EVERY)] * 2
        for database in databases:
            assert migrate(database) == []
            check_migrated(database)
            with Installation(database) as at:
                founding = at.act("Ann", "", "personnel")
                receipt = at.organisations.establish(founding, "鲁家村", "village", code="330523110201")
                at.fold_now()
                assert at.views.position("organisation") == receipt.position
                assert at.access.recognise(at.token("Ann", "auditor")) is not None
            with database.connect(Role.owner) as connection:
                for statement in CHANGES:
                    with pytest.raises(InsufficientPrivilege, match="the log is append-only"):
                        connection.execute(statement.encode())


def test_another_owner_on_the_same_server_is_let_in_by_its_administrator(foreign: str, keys: Path) -> None:
    migrate(Database(foreign, keys))
    with owned(foreign, keys, "taizhang_other") as [other]:
        with pytest.raises(InsufficientPrivilege):
            migrate(other)
        with psycopg.connect(foreign, autocommit=True) as connection:
            for role in ROLES:
                connection.execute(f"GRANT {role} TO taizhang_other".encode())
        assert migrate(other) == EVERY


def test_a_guest_in_a_database_is_told_what_its_owner_must_grant(foreign: str, keys: Path) -> None:
    migrate(Database(foreign, keys))
    with (
        owned(foreign, keys, "taizhang_guest", owner=False) as [guest],
        psycopg.connect(foreign, autocommit=True) as owner,
    ):
        for role in ROLES:
            owner.execute(f"GRANT {role} TO taizhang_guest".encode())
        with pytest.raises(Unmigrated) as refusal:
            migrate(guest)
        told = str(refusal.value).split("`")[1]
        assert told == 'GRANT CREATE ON DATABASE "taizhang_guest_0" TO "taizhang_projector"'
        owner.execute(told.encode())
        assert migrate(guest) == EVERY

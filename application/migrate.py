"""Numbered plain-SQL migrations of the log's own tables, applied once each, in order, under a lock."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from application.adopt import found
from application.database import Database, Role
from application.keys import for_log

ROLES = tuple(role for role in Role if role)


class Unmigrated(Exception):
    """The database's schema is not the one this program works with; the sentence says what to do."""


@dataclass(frozen=True)
class Migration:
    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> Iterator[Migration]:
    """Every migration shipped, in order."""
    for file in sorted(files("application.migrations").iterdir(), key=lambda each: each.name):
        if match := re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name):
            yield Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))


def migrate(database: Database, origin: str = "") -> list[str]:
    """Bring the schema up to date; return the names of the migrations applied now.

    A log that has no name yet gets it, for ever: that of the keys in the database's folder. Where there are none they
    are made, under the name given or one by chance.

    Two processes may call it at once: the second waits and finds nothing to do. A migration whose
    text differs from the one applied before is refused, as is a database newer than this program.
    """
    with database.connect(Role.owner) as connection, connection.transaction():
        prepare(connection, database)
        return apply(connection, database, origin)


def prepare(connection: Connection[TupleRow], database: Database) -> None:
    """Make what migrations are applied upon, where it is not there, and let nobody else migrate until the commit."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('taizhang migrate', 0))")
    _create_roles(connection)
    _let_views_be_made(connection)
    schema = sql.Identifier(database.schema)
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL,"
        " digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )


def apply(connection: Connection[TupleRow], database: Database, origin: str) -> list[str]:
    """Apply what was not applied before, and name the log; the caller commits."""
    applied = []
    done: dict[int, str] = dict(connection.execute("SELECT number, digest FROM migrations").fetchall())
    shipped = list(migrations())
    _check_history(done, shipped)
    for migration in shipped:
        if migration.number not in done:
            connection.execute(migration.text.encode())
            connection.execute(
                "INSERT INTO migrations (number, name, digest) VALUES (%s, %s, %s)",
                (migration.number, migration.name, migration.digest),
            )
            applied.append(f"{migration.number:04} {migration.name}")
    if not connection.execute("SELECT 1 FROM log").fetchone():
        found(connection, for_log(database.keys, origin, database.sign_command))
    connection.execute(
        sql.SQL("GRANT SELECT ON migrations TO {}").format(sql.SQL(", ").join(map(sql.Identifier, ROLES)))
    )
    return applied


def check_migrated(database: Database) -> None:
    """Raise Unmigrated unless every shipped migration, and no other, has been applied."""
    with database.connect(Role.owner) as connection:
        there = connection.execute("SELECT to_regclass('migrations')").fetchone()
        done: dict[int, str] = (
            dict(connection.execute("SELECT number, digest FROM migrations").fetchall()) if there and there[0] else {}
        )
    shipped = list(migrations())
    _check_history(done, shipped)
    if missing := [m for m in shipped if m.number not in done]:
        raise Unmigrated(f"the database lacks {len(missing)} migrations; run `taizhang migrate`")


def _check_history(done: dict[int, str], shipped: list[Migration]) -> None:
    known = {migration.number: migration for migration in shipped}
    if newer := sorted(set(done) - set(known)):
        raise Unmigrated(
            f"the database has migration {newer[-1]:04}, which this program does not know; upgrade the program"
        )
    for number, digest in done.items():
        if known[number].digest != digest:
            raise Unmigrated(
                f"migration {number:04} {known[number].name} was applied with another text than this program ships"
            )


def _create_roles(connection: Connection[TupleRow]) -> None:
    """Roles belong to the whole server: another database may have made them, even this moment."""
    for role in ROLES:
        name = sql.Identifier(role)
        found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
        if not found:
            connection.execute(
                sql.SQL(
                    "DO $$ BEGIN CREATE ROLE {} NOLOGIN;"
                    " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
                ).format(name)
            )
        may = connection.execute("SELECT pg_has_role(current_user, %s, 'SET')", (role,)).fetchone()
        if not (may and may[0]):
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE").format(name))


def _let_views_be_made(connection: Connection[TupleRow]) -> None:
    """Each view's rows lie in a schema of its own. Only a warning says that a grant was not the owner's to give."""
    [(name, allowed)] = connection.execute(
        "SELECT current_database(), has_database_privilege(%s, current_database(), 'CREATE')", (Role.projector,)
    )
    if allowed:
        return
    grant = (
        sql.SQL("GRANT CREATE ON DATABASE {} TO {}")
        .format(sql.Identifier(name), sql.Identifier(Role.projector))
        .as_string(connection)
    )
    connection.execute(grant.encode())
    [(allowed,)] = connection.execute("SELECT has_database_privilege(%s, %s, 'CREATE')", (Role.projector, name))
    if not allowed:
        raise Unmigrated(f"views cannot be made in this database; let its owner run `{grant}`")

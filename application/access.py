"""Who comes in: bearer tokens, each of one person, and what it narrows their mandates to."""

import hashlib
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID, uuid5

from psycopg import Connection
from psycopg.rows import TupleRow

from application.database import Database, Reads, Role
from domain.action import Duty
from domain.actions import ACTIONS
from domain.authority import Limits
from domain.event import Refused

# Seconds for which a token once found is not looked up again.
TRUSTED = 5.0
KEPT = 10_000

ISSUED = (
    "SELECT left(encode(digest, 'hex'), 16), person, duty, organisation, actions, purpose, created_at, expires_at,"
    " revoked_at FROM tokens"
)

UNLIMITED = Limits()

_ID = re.compile(r"[0-9a-f]{16}")
_PEOPLE = UUID("9b7f1c34-0f4e-5d0a-8f0e-52a1c2d6b7e9")


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who came in with a token: which person, and what it narrows their mandates to; ``token`` is its identifier."""

    id: UUID
    token: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that was made: ``id`` is the beginning of its hash, in hexadecimal. It is of no use to come in.

    What it is not narrowed by is None.
    """

    id: str
    person: UUID
    role: Duty | None
    organisation: UUID | None
    actions: list[str] | None
    purpose: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


def person_id(name: str) -> UUID:
    """A person is known by name until persons are records of their own; one name is one person."""
    return uuid5(_PEOPLE, name)


def check_name(name: str, field: str) -> None:
    """Refuse what is no person's name; ``field`` is where it was given."""
    if not name or name != name.strip() or len(name) > 200 or not name.isprintable():
        raise Refused("“{name}” is no name", field=field, name=name)


def introduce(connection: Connection[TupleRow], names: Sequence[str]) -> list[UUID]:
    """Remember people's names, beside the log, and return who they are."""
    for name in names:
        check_name(name, "person")
    ids = [person_id(name) for name in names]
    # In one order, so that two who introduce the same people never wait for each other in a ring.
    people = dict(sorted(zip(ids, names, strict=True)))
    connection.execute(
        "INSERT INTO people (id, name) SELECT * FROM unnest(%s::uuid[], %s::text[]) ON CONFLICT DO NOTHING",
        (list(people), list(people.values())),
    )
    return ids


class Access:
    """Makes and knows tokens. Only the SHA-256 of a token is kept: 256 random bits need no slow hash."""

    def __init__(self, database: Database, reads: Reads) -> None:
        self._database = database
        self._reads = reads
        self._known: OrderedDict[bytes, tuple[float, Bearer]] = OrderedDict()
        self._lock = threading.Lock()

    def create(
        self, person: UUID, limits: Limits = UNLIMITED, expires_at: datetime | None = None, purpose: str = ""
    ) -> str:
        """Make a token for a person and return it; it is shown this once."""
        for action in limits.actions or ():
            if action not in ACTIONS:
                raise Refused("“{action}” is no action: see the table of actions", field="actions", action=action)
        if expires_at and expires_at <= datetime.now(UTC):
            raise Refused("the token would have expired before it is used", field="expires_at")
        token = f"tz_{secrets.token_urlsafe(32)}"
        actions = sorted(limits.actions) if limits.actions is not None else None
        with self._database.connect(Role.writer) as connection:
            connection.execute(
                "INSERT INTO tokens (digest, person, duty, organisation, actions, expires_at, purpose)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (_digest(token), person, limits.duty, limits.organisation, actions, expires_at, purpose),
            )
        return token

    def issued(self, person: UUID | None = None) -> list[Issued]:
        """Return every token that was ever made, or those of a person, the oldest first."""
        query = f"{ISSUED} WHERE %(person)s::uuid IS NULL OR person = %(person)s ORDER BY created_at, digest"
        return [Issued(*row) for row in self._reads.fetch(query, {"person": person})]

    def revoke(self, id: str) -> Issued:
        """Take a token back: within seconds it lets nobody in any more. One taken back before stays as it was."""
        if not _ID.fullmatch(id):
            raise Refused("“{id}” is no token's identifier: see the list of tokens", field="id", id=id)
        with self._database.connect(Role.writer) as connection:
            connection.execute(
                "UPDATE tokens SET revoked_at = clock_timestamp() WHERE left(encode(digest, 'hex'), 16) = %s"
                " AND revoked_at IS NULL",
                (id,),
            )
        found = self._reads.fetch(
            f"{ISSUED} WHERE left(encode(digest, 'hex'), 16) = %s",
            (id,),
        )
        if not found:
            raise Refused("there is no token {id}", field="id", id=id)
        return Issued(*found[0])

    def introduce(self, names: list[str]) -> list[UUID]:
        """Remember people's names, beside the log, so that a reader can be told who did what."""
        with self._database.connect(Role.writer) as connection:
            return introduce(connection, names)

    def name(self, id: UUID, name: str) -> None:
        """Remember a person's name; raise Refused for what is none. Others may go by it, too."""
        check_name(name, "name")
        with self._database.connect(Role.writer) as connection:
            connection.execute("INSERT INTO people (id, name) VALUES (%s, %s) ON CONFLICT DO NOTHING", (id, name))

    def named(self, name: str) -> list[UUID]:
        """Return everybody who goes by a name."""
        return [id for (id,) in self._reads.fetch("SELECT id FROM people WHERE name = %s ORDER BY id", (name,))]

    def names(self, ids: list[UUID]) -> dict[UUID, str]:
        """Return the names of those people who were introduced."""
        return dict(self._reads.fetch("SELECT id, name FROM people WHERE id = ANY(%s)", (ids,)))

    def remembered(self, token: str) -> Bearer | None:
        """Return whom a token stands for if it was looked up a moment ago; it asks nobody, and never waits."""
        with self._lock:
            found = self._known.get(_digest(token))
        return found[1] if found and found[0] > monotonic() else None

    def recognise(self, token: str) -> Bearer | None:
        """Return whom a token stands for, or None."""
        if (known := self.remembered(token)) is not None:
            return known
        digest = _digest(token)
        rows = self._reads.fetch(
            "SELECT person, left(encode(digest, 'hex'), 16), duty, actions, organisation,"
            " extract(epoch FROM expires_at - clock_timestamp())::float8 FROM tokens"
            " WHERE digest = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp())",
            (digest,),
        )
        if not rows:
            return None
        [(id, token_id, duty, actions, organisation, left)] = rows
        limits = Limits(duty, None if actions is None else frozenset(actions), organisation)
        person = Bearer(id, token_id, limits)
        with self._lock:
            self._known[digest] = (monotonic() + min(TRUSTED, left or TRUSTED), person)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return person

    def close(self) -> None:
        self._reads.close()


def identifier(token: str) -> str:
    """By what a token is listed and taken back: the beginning of its hash, in hexadecimal."""
    return _digest(token).hex()[:16]


def _digest(token: str) -> bytes:
    # Half a character is in no token of ours; whoever sends one is nobody, as with any other text.
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()

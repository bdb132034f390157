"""Who may come in: bearer tokens, and what the role behind one lets its holder do."""

import hashlib
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Literal, get_args
from uuid import UUID, uuid5

from psycopg import Connection
from psycopg.rows import TupleRow

from application.database import Database, Reads, Role
from domain.event import Refused

Act = Literal["read", "establish", "standardise", "raise", "file", "verify", "decide", "operate"]
Duty = Literal["administrator", "filer", "verifier", "inspector", "auditor", "integrator"]

# What each duty (岗位) may do, until mandates decide it. Everybody who comes in may read.
MAY: dict[Duty, frozenset[Act]] = {
    "administrator": frozenset(get_args(Act)),
    "filer": frozenset({"read", "file"}),
    "verifier": frozenset({"read", "verify"}),
    "inspector": frozenset({"read"}),
    "auditor": frozenset({"read"}),
    "integrator": frozenset({"read"}),
}

# Seconds for which a token once found is not looked up again.
TRUSTED = 5.0
KEPT = 10_000

ISSUED = (
    "SELECT left(encode(digest, 'hex'), 16), people.name, role, organisation, created_at, revoked_at"
    " FROM tokens JOIN people ON people.id = tokens.person"
)

_ID = re.compile(r"[0-9a-f]{16}")
_PEOPLE = UUID("9b7f1c34-0f4e-5d0a-8f0e-52a1c2d6b7e9")


@dataclass(frozen=True, slots=True)
class Person:
    """Who came in: the person, and the duty and organisation that the token is for."""

    id: UUID
    name: str
    duty: Duty
    organisation: UUID | None

    def may(self, act: Act) -> bool:
        return act in MAY[self.duty]


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that was made: ``id`` is the beginning of its hash, in hexadecimal. It is of no use to come in."""

    id: str
    person: str
    role: str
    organisation: UUID | None
    created_at: datetime
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
        self._known: OrderedDict[bytes, tuple[float, Person]] = OrderedDict()
        self._lock = threading.Lock()

    def create(self, name: str, duty: str, organisation: UUID | None = None) -> str:
        """Make a token for a person and return it; it is shown this once."""
        if duty not in MAY:
            raise Refused("“{role}” is no role: choose one of {roles}", field="role", role=duty, roles=", ".join(MAY))
        id = self.introduce([name])[0]
        token = f"tz_{secrets.token_urlsafe(32)}"
        with self._database.connect(Role.writer) as connection:
            connection.execute(
                "INSERT INTO tokens (digest, person, role, organisation) VALUES (%s, %s, %s, %s)",
                (_digest(token), id, duty, organisation),
            )
        return token

    def issued(self) -> list[Issued]:
        """Return every token that was ever made, the oldest first."""
        return [Issued(*row) for row in self._reads.fetch(f"{ISSUED} ORDER BY created_at, digest")]

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
        found = self._reads.fetch(f"{ISSUED} WHERE left(encode(digest, 'hex'), 16) = %s", (id,))
        if not found:
            raise Refused("there is no token {id}", field="id", id=id)
        return Issued(*found[0])

    def introduce(self, names: list[str]) -> list[UUID]:
        """Remember people's names, beside the log, so that a reader can be told who did what."""
        with self._database.connect(Role.writer) as connection:
            return introduce(connection, names)

    def names(self, ids: list[UUID]) -> dict[UUID, str]:
        """Return the names of those people who were introduced."""
        return dict(self._reads.fetch("SELECT id, name FROM people WHERE id = ANY(%s)", (ids,)))

    def remembered(self, token: str) -> Person | None:
        """Return whom a token stands for if it was looked up a moment ago; it asks nobody, and never waits."""
        with self._lock:
            found = self._known.get(_digest(token))
        return found[1] if found and found[0] > monotonic() else None

    def recognise(self, token: str) -> Person | None:
        """Return whom a token stands for, or None."""
        if (known := self.remembered(token)) is not None:
            return known
        digest = _digest(token)
        rows = self._reads.fetch(
            "SELECT people.id, people.name, tokens.role, tokens.organisation"
            " FROM tokens JOIN people ON people.id = tokens.person WHERE digest = %s AND revoked_at IS NULL",
            (digest,),
        )
        if not rows:
            return None
        person = Person(*rows[0])
        with self._lock:
            self._known[digest] = (monotonic() + TRUSTED, person)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return person

    def close(self) -> None:
        self._reads.close()


def _digest(token: str) -> bytes:
    # Half a character is in no token of ours; whoever sends one is nobody, as with any other text.
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()

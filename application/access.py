"""Who may come in: bearer tokens, and what the role behind one lets its holder do."""

import hashlib
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from typing import Literal, get_args
from uuid import UUID, uuid5

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


def person_id(name: str) -> UUID:
    """A person is known by name until persons are records of their own; one name is one person."""
    return uuid5(_PEOPLE, name)


def check_name(name: str, field: str) -> None:
    """Refuse what is no person's name; ``field`` is where it was given."""
    if not name or name != name.strip() or len(name) > 200 or not name.isprintable():
        raise Refused("“{name}” is no name", field=field, name=name)


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

    def introduce(self, names: list[str]) -> list[UUID]:
        """Remember people's names, beside the log, so that a reader can be told who did what."""
        for name in names:
            check_name(name, "person")
        ids = [person_id(name) for name in names]
        # In one order, so that two who introduce the same people never wait for each other in a ring.
        people = dict(sorted(zip(ids, names, strict=True)))
        with self._database.connect(Role.writer) as connection:
            connection.execute(
                "INSERT INTO people (id, name) SELECT * FROM unnest(%s::uuid[], %s::text[]) ON CONFLICT DO NOTHING",
                (list(people), list(people.values())),
            )
        return ids

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
            " FROM tokens JOIN people ON people.id = tokens.person WHERE digest = %s",
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

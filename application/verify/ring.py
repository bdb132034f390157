"""Which keys speak for a log at which position, from the keys that are trusted and what the log's own events say."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from psycopg import Connection
from psycopg.rows import TupleRow

from application.keys import verify
from application.sealed import Sealed, Unsealed
from application.verify.finding import Wrong
from domain.keychange import LOG, WRITER, Change
from domain.keyring import keyring_id
from domain.note import Key, Note

KEYRING = (
    "SELECT position, topic, state FROM events WHERE originator_id = %s AND position <= %s ORDER BY originator_version"
)


@dataclass(frozen=True, slots=True)
class Tenure:
    """A key, the position after which it speaks for the log, and that after which it does no more."""

    key: Key
    after: float = 0
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys of a log: those that seal it, and those that write it. ``changes`` are the events that say so."""

    seals: tuple[Tenure, ...]
    writers: tuple[Tenure, ...]
    changes: tuple[Change, ...] = ()

    @classmethod
    def read(
        cls,
        connection: Connection[TupleRow],
        origin: str,
        events: int,
        sealed: Sealed,
        trusted: Sequence[Key],
        writers: Sequence[Key],
    ) -> Self:
        """Follow the log's events from the keys that are trusted; raise Wrong for one that changes no key.

        The events themselves are held against what was sealed like any others.
        """
        changes: list[Change] = []
        for row in connection.execute(KEYRING, (keyring_id(origin), events)):
            try:
                change = Change.read(*row)
            except ValueError as error:
                raise Wrong(row[0] - 1, "key", f"the event at position {row[0]} changes no key: {error}") from None
            if change is not None:
                changes.append(change)
        seals = _linked([each for each in changes if each.role == LOG], sealed, trusted)
        own = [each for each in changes if each.role == WRITER]
        return cls(_tenures(trusted, seals), _tenures(writers, own), tuple(changes))

    def may_seal(self, note: Note, after: int) -> bool:
        """Whether one of the log's keys signed a checkpoint that follows on one of so many events.

        A key's last signature seals its retirement.
        """
        return any(each.until > after and note.is_signed_by(each.key, verify) for each in self.seals)

    def writer(self, id: bytes, first: int) -> Key | None:
        """The key of this id that may sign a group which begins at a position."""
        return next((each.key for each in self.writers if each.key.id == id and each.after < first <= each.until), None)


def _linked(changes: Sequence[Change], sealed: Sealed, trusted: Sequence[Key]) -> list[Change]:
    """Those changes that a trusted key sealed, or one that came to be so; all of them, if such a key sealed the whole.

    Whoever trusts a later key learns from what it seals which were before it.
    """
    known, linked = set(trusted), list[Change]()
    for change in changes:
        try:
            note = sealed.covering(change.position)
        except (Unsealed, ValueError):
            continue
        if _signed(note, known):
            linked.append(change)
            known.add(change.key)
    try:
        newest = _signed(sealed.note(), known)
    except (Unsealed, ValueError):
        newest = False
    return list(changes) if newest else linked


def _signed(note: Note, keys: Iterable[Key]) -> bool:
    return any(note.is_signed_by(key, verify) for key in keys)


def _tenures(trusted: Sequence[Key], changes: Sequence[Change]) -> tuple[Tenure, ...]:
    """The first that was added was there before; the others speak from their adding on."""
    after: dict[Key, int] = {}
    until: dict[Key, int] = {}
    for change in changes:
        if change.added:
            after[change.key] = change.position if after else 0
        else:
            until[change.key] = change.position
    keys = {**after, **dict.fromkeys(trusted, 0)}
    return tuple(Tenure(key, since, until.get(key, math.inf)) for key, since in keys.items())

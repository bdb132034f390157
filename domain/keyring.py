"""The log's keys (密钥环): which keys speak for it, added and retired by events of the log itself.

A key's adding is sealed under one that was before it, and a key's last signature seals its retirement: so whoever has
pinned one key of the chain can tell a rotation from a forgery.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, assert_never
from uuid import UUID, uuid5

from domain import keychange
from domain.action import Action
from domain.event import Account, Aggregate, Event, Refused, replace
from domain.group import writer
from domain.note import ED25519, Key

ADD = Action("keyring.add", "增钥", ("operator",))
RETIRE = Action("keyring.retire", "废钥", ("operator",))

NAMESPACE = UUID("0b6f7d0e-6f0b-5a3c-8d55-3f2a9c71e4b8")

Role = Literal["log", "writer"]


class KeyAdded(Event):
    """增钥: from here on this key speaks for the log as well. ``vkey`` is the public key, NAME+ID+BASE64."""

    TOPIC: ClassVar[str] = keychange.ADDED
    role: Role
    vkey: str


class KeyRetired(Event):
    """废钥: what follows is no longer signed with this key; what it signed before holds for ever."""

    TOPIC: ClassVar[str] = keychange.RETIRED
    role: Role
    vkey: str


KeyringEvent = KeyAdded | KeyRetired


def keyring_id(origin: str) -> UUID:
    """A log, by its name, has one keyring."""
    return uuid5(NAMESPACE, origin)


@dataclass(frozen=True)
class Keyring(Aggregate):
    """``keys`` are all that were ever added, in their order, ``retired`` those that speak no more.

    A log whose keys were never changed has none here; the first to be added is preceded by the one before it.
    """

    keys: tuple[tuple[Role, Key], ...] = ()
    retired: frozenset[Key] = frozenset()

    def in_force(self, role: Role) -> list[Key]:
        """The keys that speak for the log now, the oldest first."""
        return [key for of, key in self.keys if of == role and key not in self.retired]

    def add(self, role: Role, key: Key, held: Key, origin: str, account: Account) -> Sequence[KeyAdded]:
        """Add a key beside those in force; ``held`` is the one that signed until now, for a log's first change."""
        _reasoned(account)
        name = origin if role == "log" else writer(origin)
        if (key.name, key.kind) != (name, ED25519):
            raise Refused("a key of this role is called {name}, and of type 1", field="key", name=name)
        known = {each.id for _, each in self.keys} | {held.id}
        if key.id in known:
            raise Refused("{key} is a key of the log already, or was: make another", field="key", key=key)
        first = [] if any(of == role for of, _ in self.keys) else [KeyAdded(role=role, vkey=str(held))]
        return [*first, KeyAdded(role=role, vkey=str(key))]

    def retire(self, key: Key, seals: Collection[Key], account: Account) -> KeyRetired:
        """Retire one of several keys. ``seals`` are those of the log that signed its newest checkpoint."""
        _reasoned(account)
        role: Role | None = next((of for of, each in self.keys if each == key and key not in self.retired), None)
        if role is None:
            raise Refused("{key} is not among the keys that were added and are in force", field="key", key=key)
        left = [each for each in self.in_force(role) if each != key]
        if not left:
            raise Refused("it is the only one in force: add another key first", field="key")
        if role == "log" and not any(each in seals for each in left):
            raise Refused("no other key has signed a checkpoint yet: see that the sealer has it", field="key")
        return KeyRetired(role=role, vkey=str(key))

    def evolve(self, event: KeyringEvent, account: Account) -> Self:
        key = Key.parse(event.vkey)
        match event:
            case KeyAdded():
                return replace(self, keys=(*self.keys, (event.role, key)))
            case KeyRetired():
                return replace(self, retired=self.retired | {key})
            case _:
                assert_never(event)


def _reasoned(account: Account) -> None:
    if not account.reason.strip():
        raise Refused("say why the key is changed", field="reason")

"""Trust policies (信任策略), C2SP tlog-policy: which logs and witnesses are trusted, whose cosignatures are enough."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from domain.note import COSIGNATURE, ED25519, Key, Note, Verify

NONE: Final = "none"
"""The quorum that asks for no cosignature."""

_FORMS = ("log VKEY [URL]", "witness NAME VKEY [URL]", "group NAME all|any|NUMBER NAME...", "quorum NAME")
# Blanks are these two alone, and a name's characters are compared as they are: §Character set.
_BLANKS = re.compile(r"[ \t]+")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_THRESHOLD = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoints are accepted; its origin is the key's name. ``url`` is empty where none is given."""

    key: Key
    url: str = ""


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness under the name that it has in the policy. ``url`` is best its submission prefix, and may be empty."""

    name: str
    key: Key
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Witnesses, or groups before it, of which at least ``threshold`` must have cosigned."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a checkpoint must bear to be believed. ``quorum`` is the name of a witness or a group, or ``none``."""

    quorum: str
    logs: tuple[Log, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a policy; raise ValueError, which names the line and the reason, for what is none.

        ``text`` is a file read as UTF-8, with ``errors="surrogateescape"`` where its comments may be anything.
        """
        lines = text.split("\n")
        if lines[-1]:
            raise ValueError(f"line {len(lines)} of the policy: it is cut short, without a line feed at its end")
        reading = _Reading()
        for number, line in enumerate(lines, 1):
            try:
                reading.take(line)
            except ValueError as error:
                raise ValueError(f"line {number} of the policy: {error}") from None
        if reading.quorum is None:
            raise ValueError("the policy has no quorum line; one that asks for no witness says quorum none")
        return cls(reading.quorum, tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups))

    def is_met_by(self, note: Note, verify: Verify) -> bool:
        """Whether one of the logs signed a checkpoint of its own, and witnesses enough cosigned it.

        A policy without logs leaves the log to whoever asks: its cosignatures alone are judged.
        """
        return (not self.logs or self._is_signed(note, verify)) and self.is_quorum(self.cosigned_at(note, verify))

    def cosigned_at(self, note: Note, verify: Verify) -> dict[str, int]:
        """The witnesses that cosigned, by their names in the policy, and when, in seconds since 1970."""
        times = ((each.name, note.cosigned_at(each.key, verify)) for each in self.witnesses)
        return {name: at for name, at in times if at is not None}

    def met_at(self, cosigned_at: Mapping[str, int]) -> int | None:
        """When the last of the first witnesses that are enough cosigned; None if too few did, or none need to."""
        if self.is_quorum(()):
            return None
        for by in sorted(cosigned_at.values()):
            if self.is_quorum([name for name, at in cosigned_at.items() if at <= by]):
                return by
        return None

    def _is_signed(self, note: Note, verify: Verify) -> bool:
        origin, _, _ = note.text.partition("\n")
        return any(each.key.name == origin and note.is_signed_by(each.key, verify) for each in self.logs)

    def is_quorum(self, cosigned: Collection[str]) -> bool:
        """Whether the witnesses of these names are enough."""
        met = {NONE, *cosigned}
        for group in self.groups:
            if len(met.intersection(group.members)) >= group.threshold:
                met.add(group.name)
        return self.quorum in met


@dataclass(slots=True)
class _Reading:
    """What has been read so far; a line refers to lines before it alone."""

    logs: list[Log] = field(default_factory=list[Log])
    witnesses: list[Witness] = field(default_factory=list[Witness])
    groups: list[Group] = field(default_factory=list[Group])
    quorum: str | None = None
    free: dict[str, bool] = field(default_factory=dict[str, bool])
    """Every name that is defined, and whether it is no group's member yet."""

    def take(self, line: str) -> None:
        if _FORBIDDEN.search(line):
            raise ValueError("it has control characters")
        words = _BLANKS.split(line.strip(" \t"))
        match words:
            case [""]:
                pass
            case [first, *_] if first.startswith("#"):
                pass
            case ["log", key, *url] if len(url) < 2:
                self.logs.append(Log(self._key(key, ED25519, [each.key for each in self.logs]), *url))
            case ["witness", name, key, *url] if len(url) < 2:
                known = self._key(key, COSIGNATURE, [each.key for each in self.witnesses])
                self.witnesses.append(Witness(self._new(name), known, *url))
            case ["group", name, threshold, *members] if members:
                self.groups.append(self._group(name, threshold, members))
            case ["quorum", name]:
                self._decide(name)
            case _:
                raise ValueError(f"it is none of {', '.join(_FORMS)}")

    def _key(self, line: str, kind: int, known: list[Key]) -> Key:
        """A key of this type; two under different names are the same if their public keys are."""
        key = Key.parse(line)
        if key.kind != kind:
            raise ValueError(f"a log's key is of type {ED25519} and a witness's of type {COSIGNATURE}, not {key.kind}")
        if any(each.public == key.public for each in known):
            raise ValueError(f"the key of {key.name} has been given before")
        return key

    def _new(self, name: str) -> str:
        if name == NONE or name in self.free:
            raise ValueError(f"the name {name} is taken")
        self.free[name] = True
        return name

    def _group(self, name: str, threshold: str, members: list[str]) -> Group:
        for each in members:
            if each not in self.free:
                raise ValueError(f"no line before defines {each}")
            if not self.free[each]:
                raise ValueError(f"{each} is a member already; it may be one once")
            self.free[each] = False
        named = {"any": 1, "all": len(members)}
        least = named.get(threshold) or int(threshold if _THRESHOLD.fullmatch(threshold) else 0)
        if not 1 <= least <= len(members):
            raise ValueError(f"of {len(members)} members all, any, or a number from 1 to {len(members)} can be asked")
        return Group(self._new(name), least, tuple(members))

    def _decide(self, name: str) -> None:
        if self.quorum is not None:
            raise ValueError("there is a quorum line before")
        if name != NONE and name not in self.free:
            raise ValueError(f"no line before defines {name}")
        self.quorum = name

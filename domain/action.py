"""Actions (权限事项): what people may do, by which duties (岗位), and which conflicts rule a person out (回避).

Each context declares its own beside its events; ``domain.actions`` is the table of all.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args
from uuid import UUID

from domain.event import Refused

Duty = Literal[
    "administrator",
    "operator",
    "personnel",
    "secretary",
    "drafter",
    "approver",
    "accepter",
    "filer",
    "verifier",
    "assessor",
    "moderator",
    "panellist",
    "decider",
    "registrar",
    "handler",
    "reviewer",
    "custodian",
    "inspector",
    "auditor",
    "integrator",
]

DUTIES: dict[Duty, str] = {
    "administrator": "管理员",
    "operator": "系统运维",
    "personnel": "组织人事",
    "secretary": "书记",
    "drafter": "起草人",
    "approver": "审批人",
    "accepter": "验收人",
    "filer": "填报人",
    "verifier": "核验人",
    "assessor": "考核员",
    "moderator": "校准人",
    "panellist": "申诉评议人",
    "decider": "决定人",
    "registrar": "信访登记人",
    "handler": "信访承办人",
    "reviewer": "信访复查人",
    "custodian": "身份保管人",
    "inspector": "纪检",
    "auditor": "审计",
    "integrator": "集成方",
}
assert tuple(DUTIES) == get_args(Duty)


def duty_of(text: str) -> Duty:
    """Return the duty that goes by a name; raise Refused where none does."""
    for duty in DUTIES:
        if duty == text:
            return duty
    raise Refused("“{role}” is no duty: choose one of {roles}", field="role", role=text, roles=", ".join(DUTIES))


ALL_ROUND: Duty = "administrator"
"""The one duty that goes with every action: for setting up, and where few people do everything.

Conflicts bind it like any other.
"""


@dataclass(frozen=True)
class Conflict:
    """Whoever took one part in a matter takes no other (职责分离): ``parties`` reads from a record who took the one.

    ``sentence`` tells a person who is ruled out why; it is a key of the catalogue.
    """

    name: str
    term: str
    sentence: str
    parties: Callable[[Any], Iterable[UUID]]

    def uphold(self, record: object, people: frozenset[UUID]) -> None:
        """Raise Conflicted if one of those people, who act or are acted for, took the other part in the matter."""
        if not people.isdisjoint(self.parties(record)):
            raise Conflicted(self)


class Conflicted(Refused):
    """A person is ruled out by a conflict: ``rule`` is its name."""

    def __init__(self, conflict: Conflict, message: str = "") -> None:
        super().__init__(message or conflict.sentence, rule=conflict.name)
        self.rule = conflict.name


@dataclass(frozen=True)
class Action:
    """One thing that is done: ``by`` the duties of which one is needed, besides ``ALL_ROUND``.

    ``by`` is empty for what everybody does in their own name. The duty is held at the organisation concerned or above
    it; with ``above``, above it alone.
    """

    name: str
    term: str
    by: tuple[Duty, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    above: bool = False

    def __str__(self) -> str:
        return f"{self.term} {self.name}"

    @cached_property
    def duties(self) -> tuple[Duty, ...]:
        """Every duty that goes with it."""
        return tuple(dict.fromkeys((*self.by, ALL_ROUND))) if self.by else get_args(Duty)


READ = Action("record.read", "查阅")
"""What every duty goes with, wherever it is held."""


__all__ = ["ALL_ROUND", "DUTIES", "READ", "Action", "Conflict", "Conflicted", "Duty", "duty_of"]

"""Given history, when a command, then events."""

from datetime import date
from typing import TypeVar
from uuid import UUID

from domain.event import Account, Aggregate, Event, Recorded

A = TypeVar("A", bound=Aggregate)
SOME, ANN, BO, CAI, DAI = (UUID(int=n) for n in range(1, 6))


def account(actor: UUID = ANN, on: date = date(2026, 3, 1), **more: object) -> Account:
    return Account.model_validate({"actor": actor, "occurred_on": on, "command_id": UUID(int=9), **more})


def history(*events: Event | tuple[Event, Account]) -> list[Recorded]:
    pairs = [e if isinstance(e, tuple) else (e, account()) for e in events]
    return [Recorded(SOME, n, e, a, n) for n, (e, a) in enumerate(pairs, 1)]


def given(kind: type[A], *events: Event | tuple[Event, Account]) -> A:
    return kind.replay(None, history(*events)) or kind(SOME)

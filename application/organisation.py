"""Organisation commands: load the units and codes concerned, decide, record."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Protocol
from uuid import UUID, uuid5

from application.bulk import Item, Tally, record_all
from application.clock import Clock
from application.gate import Gate
from application.identity import uuid7
from application.lineage import lineage
from application.records import Act, Change, Conflict, Receipt, Records, Work
from domain.action import Action
from domain.event import Account, Refused
from domain.organisation import (
    Cause,
    Code,
    Elected,
    Level,
    Organisation,
    OrganisationEvent,
    Scheme,
    Setting,
    actions,
    code_id,
    organisation_id,
)

_DAY = timedelta(days=1)


class Board(Protocol):
    """Questions to the organisations' view."""

    def live_children(self, organisation: UUID, position: int) -> int:
        """Count the organisations below one that are not dissolved, as known at a position or later."""
        ...

    def terms_over(self, today: date) -> Iterator[UUID]:
        """Yield the organisations with a term of office that ran out before a day, of which no end is recorded."""
        ...


@dataclass(frozen=True)
class Organisations:
    records: Records
    clock: Clock
    board: Board
    gate: Gate

    def establish(
        self,
        act: Act,
        name: str,
        level: Level,
        *,
        parent: UUID | None = None,
        code: str = "",
        uscc: str = "",
        setting: Setting = "",
    ) -> Receipt:
        """Found an organisation. Its identifier follows from its division code where it has one and the code is new."""

        def run(work: Work) -> None:
            account = self.gate.let(work, act, actions.ESTABLISH, parent)
            self.happened(act)
            gated = replace(act, account=account)
            establish(work, gated, name, level, parent=parent, code=code, uscc=uscc, setting=setting)

        return self.records.transact(act, run)

    def rename(self, act: Act, id: UUID, name: str) -> Receipt:
        return self._decide(act, id, actions.RENAME, lambda unit: unit.rename(name))

    def change_setting(self, act: Act, id: UUID, setting: Setting) -> Receipt:
        return self._decide(act, id, actions.CHANGE_SETTING, lambda unit: unit.change_setting(setting))

    def move(self, act: Act, id: UUID, parent: UUID | None) -> Receipt:
        """Let an organisation answer to another; everything from the new parent up to the root is relied on."""

        def run(work: Work) -> None:
            unit = work.load(Organisation, id, act.expected)
            account = self.gate.let(work, act, actions.MOVE, id)
            self.happened(act)
            if parent:
                self.gate.let(work, act, actions.MOVE, parent)
            ancestors = lineage(work, parent)
            neighbour = work.load(Organisation, parent).as_neighbour if parent else None
            work.record(account, (unit, unit.move(neighbour, ancestors)), digest=act.digest)

        return self.records.transact(act, run)

    def assign_code(self, act: Act, id: UUID, scheme: Scheme, code: str, valid_from: date) -> Receipt:
        def run(work: Work) -> None:
            unit = work.load(Organisation, id, act.expected)
            account = self.gate.let(work, act, actions.ASSIGN_CODE, id)
            self.happened(act)
            assigned = unit.assign_code(scheme, code, valid_from)
            register = work.load(Code, code_id(scheme, code))
            changes: list[Change] = [(unit, assigned), (register, register.take(scheme, code, id, valid_from))]
            if assigned.code_before:
                before = work.load(Code, code_id(scheme, assigned.code_before))
                changes.append((before, before.release(id, valid_from - _DAY)))
            work.record(account, *changes, digest=act.digest)

        return self.records.transact(act, run)

    def withdraw_code(self, act: Act, id: UUID, scheme: Scheme, valid_until: date) -> Receipt:
        def run(work: Work) -> None:
            unit = work.load(Organisation, id, act.expected)
            account = self.gate.let(work, act, actions.WITHDRAW_CODE, id)
            self.happened(act)
            withdrawn = unit.withdraw_code(scheme, valid_until)
            register = work.load(Code, code_id(scheme, withdrawn.code))
            work.record(account, (unit, withdrawn), (register, register.release(id, valid_until)), digest=act.digest)

        return self.records.transact(act, run)

    def appoint(
        self,
        act: Act,
        id: UUID,
        post: str,
        person: UUID,
        since: date,
        until: date | None = None,
        *,
        shared: bool = False,
    ) -> Receipt:
        return self._decide(
            act, id, actions.APPOINT_OFFICER, lambda unit: unit.appoint(post, person, since, until, shared=shared)
        )

    def release(self, act: Act, id: UUID, post: str, person: UUID, on: date) -> Receipt:
        return self._decide(act, id, actions.RELEASE_OFFICER, lambda unit: unit.release(post, person, on))

    def expire_terms(self, act: Act, id: UUID) -> Receipt:
        return self._decide(act, id, actions.EXPIRE_TERMS, lambda unit: unit.expire_terms(self.clock.today()))

    def expire_all(self, clockwork: UUID, progress: Callable[[int], None] = lambda _: None) -> Tally:
        """Let the clock record which terms of office ran out before today; ``clockwork`` is the clock's person."""
        today = self.clock.today()

        def items() -> Iterator[Item]:
            for id in self.board.terms_over(today):
                command = uuid5(id, f"expiry {today}")
                yield Item(command, ((Organisation, id),), partial(expire, id=id, command=command))

        def expire(work: Work, id: UUID, command: UUID) -> None:
            unit = work.load(Organisation, id)
            account = Account(actor=clockwork, occurred_on=today, command_id=command)
            work.record(account, (unit, unit.expire_terms(today)))

        return record_all(self.records, items(), lambda *_: None, progress)

    def reelect(
        self,
        act: Act,
        id: UUID,
        on: date,
        results: Sequence[Elected],
        since: date,
        until: date | None = None,
        vacated: Sequence[str] = (),
    ) -> Receipt:
        return self._decide(act, id, actions.REELECT, lambda unit: unit.reelect(on, results, since, until, vacated))

    def admit(self, act: Act, id: UUID, full: int = 0, probationary: int = 0) -> Receipt:
        return self._decide(act, id, actions.ADMIT, lambda unit: unit.admit(full, probationary))

    def confirm(self, act: Act, id: UUID, count: int) -> Receipt:
        return self._decide(act, id, actions.CONFIRM, lambda unit: unit.confirm(count))

    def lose_members(self, act: Act, id: UUID, full: int, probationary: int, cause: Cause) -> Receipt:
        return self._decide(act, id, actions.LOSE, lambda unit: unit.lose_members(full, probationary, cause))

    def transfer(self, act: Act, id: UUID, full: int, probationary: int, to: UUID | None, on: date) -> Receipt:
        """Transfer members; both ends are recorded in one command where the receiving one is kept in this record."""

        def run(work: Work) -> None:
            unit = work.load(Organisation, id, act.expected)
            account = self.gate.let(work, act, actions.TRANSFER, id)
            self.happened(act)
            changes: list[Change] = [(unit, unit.transfer_out(full, probationary, to, on))]
            if to:
                self.gate.let(work, act, actions.TRANSFER, to)
                receiver = work.load(Organisation, to)
                changes.append((receiver, receiver.transfer_in(full, probationary, id, on)))
            work.record(account, *changes, digest=act.digest)

        return self.records.transact(act, run)

    def receive(self, act: Act, id: UUID, full: int, probationary: int, on: date) -> Receipt:
        """Take over members from an organisation that is not kept in this record."""
        return self._decide(act, id, actions.RECEIVE, lambda unit: unit.transfer_in(full, probationary, None, on))

    def register_doubly(self, act: Act, id: UUID, count: int, residence: UUID) -> Receipt:
        def run(work: Work) -> None:
            unit = work.load(Organisation, id, act.expected)
            account = self.gate.let(work, act, actions.REGISTER_DOUBLY, id)
            self.happened(act)
            if work.load(Organisation, residence).standing not in ("live", "closing"):
                raise Refused("no such organisation", field="residence")
            work.record(account, (unit, unit.register_doubly(count, residence)), digest=act.digest)

        return self.records.transact(act, run)

    def begin_dissolution(self, act: Act, id: UUID) -> Receipt:
        return self._decide(act, id, actions.BEGIN_DISSOLUTION, lambda unit: unit.begin_dissolution())

    def abandon_dissolution(self, act: Act, id: UUID) -> Receipt:
        return self._decide(act, id, actions.ABANDON_DISSOLUTION, lambda unit: unit.abandon_dissolution())

    def dissolve(self, act: Act, id: UUID, successor: UUID | None = None) -> Receipt:
        """End an organisation that is being dissolved, once nothing lives below it; its codes become free."""

        def run(work: Work) -> None:
            unit = work.load(Organisation, id, act.expected)
            account = self.gate.let(work, act, actions.DISSOLVE, id)
            self.happened(act)
            on = act.account.occurred_on
            live = 0
            if unit.standing == "closing":
                # Nothing has joined it since its dissolution began: whatever lives below it was recorded before now.
                live = self.board.live_children(id, self.records.recorder.max_notification_id() or 0)
            neighbour = work.load(Organisation, successor).as_neighbour if successor else None
            changes: list[Change] = [(unit, unit.dissolve(on, live, neighbour))]
            for held in unit.codes.held:
                if held.until is None:
                    register = work.load(Code, code_id(held.scheme, held.code))
                    changes.append((register, register.release(id, on)))
            work.record(account, *changes, digest=act.digest)

        return self.records.transact(act, run)

    def holder(self, code: str) -> UUID:
        """Return the organisation that holds a division code; raise Refused if none does."""
        id = self.records.load(Code, code_id("division", code), fresh=True).holder
        if id is None:
            raise Refused("no organisation holds the code {code}", field="organisation", code=code)
        return id

    def happened(self, act: Act) -> None:
        """Nothing is recorded before it happens."""
        if act.account.occurred_on > self.clock.today():
            raise Refused("{day} is still to come", field="occurred_on", day=act.account.occurred_on)

    def _decide(
        self,
        act: Act,
        id: UUID,
        action: Action,
        decide: Callable[[Organisation], OrganisationEvent | Sequence[OrganisationEvent]],
    ) -> Receipt:
        def run(work: Work) -> None:
            unit = work.load(Organisation, id, act.expected)
            account = self.gate.let(work, act, action, id)
            self.happened(act)
            work.record(account, (unit, decide(unit)), digest=act.digest)

        return self.records.transact(act, run)


def establish(
    work: Work,
    act: Act,
    name: str,
    level: Level,
    *,
    parent: UUID | None,
    code: str,
    uscc: str,
    setting: Setting,
) -> UUID:
    """Record the founding of an organisation and the taking of its codes as one command; return its identifier."""
    day = act.account.occurred_on
    id = organisation_id(code) if code else uuid7()
    unit = work.load(Organisation, id) if code else work.create(Organisation, id)
    if act.expected not in (None, unit.version):
        raise Conflict(id, unit.version)
    register = work.load(Code, code_id("division", code)) if code else None
    if register and unit.standing != "absent" and register.holder != unit.id:
        # The code was that one's, which keeps its identifier; whether it is free now, the register says.
        unit = work.create(Organisation, uuid7())
    above = work.load(Organisation, parent).as_neighbour if parent else None
    established = unit.establish(name, level, parent=above, code=code, setting=setting)
    changes: list[Change] = []
    if register:
        changes.append((register, register.take("division", code, unit.id, day)))
    events: list[OrganisationEvent] = [established]
    if uscc:
        codes = work.load(Code, code_id("uscc", uscc))
        changes.append((codes, codes.take("uscc", uscc, unit.id, day)))
        events.append(unit.after(act.account, established).assign_code("uscc", uscc, day))
    work.record(act.account, (unit, events), *changes, digest=act.digest)
    return unit.id


__all__ = ["Board", "Organisations", "establish"]

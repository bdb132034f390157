"""Authority commands: register people, give and take duties, lend them, declare relations, suspend, and emergencies."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID, uuid5

from application.access import person_id
from application.clock import Clock
from application.gate import Gate
from application.identity import uuid7
from application.records import Act, Change, Receipt, Records, Work
from domain.action import Duty
from domain.authority import Emergency, Kind, Person, Tie, actions
from domain.event import Account, Refused
from domain.organisation import Organisation

KEEPER = "command line"
"""The name under which duties are given at the command line: whoever keeps the machine can, and it is on record."""

DECISION = "given at the command line"


class Board(Protocol):
    """Questions to the view of people."""

    def answering(self, organisation: UUID | None, day: date) -> Collection[UUID]:
        """Return the secretaries of an organisation, and the auditors and inspectors of it or what stands above it."""
        ...


class Names(Protocol):
    """Where people's names lie, beside the log."""

    def name(self, id: UUID, name: str) -> None:
        """Remember the name of a person; raise Refused for what is none."""
        ...


@dataclass(frozen=True)
class People:
    records: Records
    clock: Clock
    board: Board
    gate: Gate
    names: Names

    def register(self, act: Act, kind: Kind, name: str) -> Receipt:
        """Register a person, or a service account; their identifier says nothing of who they are.

        The name lies beside the log before they are on record: there is nobody in it who has none.
        """
        id = uuid5(act.account.command_id, "person")

        def run(work: Work) -> None:
            account = self.gate.let(work, act, actions.REGISTER, act.account.organisation)
            person = work.load(Person, id)
            registered = person.register(kind)
            self.names.name(id, name)
            work.record(account, (person, registered), digest=act.digest)

        return self.records.transact(act, run)

    def appoint(
        self,
        act: Act,
        id: UUID,
        duty: Duty,
        organisation: UUID | None,
        since: date,
        until: date | None,
        decision: str,
    ) -> Receipt:
        """Give a person a duty at an organisation, or for the whole record; nobody gives one to themselves."""

        def run(work: Work) -> None:
            person = work.load(Person, id, act.expected)
            account = self.gate.let(work, act, actions.APPOINT, organisation, person)
            if organisation and work.load(Organisation, organisation).standing not in ("live", "closing"):
                raise Refused("no such organisation", field="organisation")
            given = person.appoint(uuid7(), duty, organisation, since, until, decision)
            work.record(account, (person, given), digest=act.digest)

        return self.records.transact(act, run)

    def end_appointment(self, act: Act, id: UUID, appointment: UUID, last: date) -> Receipt:
        def run(work: Work) -> None:
            person = work.load(Person, id, act.expected)
            held = person.appointment(appointment)
            account = self.gate.let(work, act, actions.END_APPOINTMENT, held.organisation, person)
            work.record(account, (person, person.end(appointment, last)), digest=act.digest)

        return self.records.transact(act, run)

    def suspend(self, act: Act, id: UUID, until: date | None) -> Receipt:
        """Let a person do nothing for a while; the reason is in the account."""

        def run(work: Work) -> None:
            person = work.load(Person, id, act.expected)
            account = self.gate.over(work, act, actions.SUSPEND, person)
            if not account.reason.strip():
                raise Refused("say why the person is suspended", field="reason")
            work.record(account, (person, person.suspend(until, self.clock.today())), digest=act.digest)

        return self.records.transact(act, run)

    def reinstate(self, act: Act, id: UUID) -> Receipt:
        def run(work: Work) -> None:
            person = work.load(Person, id, act.expected)
            account = self.gate.over(work, act, actions.REINSTATE, person)
            work.record(account, (person, person.reinstate(self.clock.today())), digest=act.digest)

        return self.records.transact(act, run)

    def delegate(self, act: Act, appointment: UUID, to: UUID, since: date, until: date) -> Receipt:
        """Lend an appointment of one's own to another person."""

        def run(work: Work) -> None:
            person = work.load(Person, act.account.actor, act.expected)
            held = person.appointment(appointment)
            account = self.gate.let(work, act, actions.DELEGATE, held.organisation, person)
            if account.on_behalf_of:
                raise Refused("what was lent to somebody is not lent on", field="on_behalf_of")
            lent = person.delegate(uuid7(), appointment, work.load(Person, to), since, until, self.gate.moment())
            work.record(account, (person, lent), digest=act.digest)

        return self.records.transact(act, run)

    def revoke(self, act: Act, delegation: UUID) -> Receipt:
        """Take back what one lent; whoever holds no duty any more, or is suspended, has lent nothing that holds."""

        def run(work: Work) -> None:
            person = work.load(Person, act.account.actor, act.expected)
            account = self.gate.let(work, act, actions.REVOKE, self._own(person), person)
            work.record(account, (person, person.revoke(delegation)), digest=act.digest)

        return self.records.transact(act, run)

    def declare(self, act: Act, id: UUID, other: UUID, tie: Tie, matter: str = "") -> Receipt:
        """Declare a relation of one's own; personnel and inspectors declare what others left out."""

        def run(work: Work) -> None:
            person, tied = work.load(Person, id, act.expected), work.load(Person, other)
            if id == act.account.actor:
                account = self.gate.let(work, act, actions.DECLARE, self._own(person), person)
            else:
                account = self.gate.over(work, act, actions.DECLARE_FOR, person)
            relation = uuid7()
            work.record(
                account,
                (person, person.declare(relation, other, tie, matter)),
                (tied, tied.declare(relation, id, tie, matter)),
                digest=act.digest,
            )

        return self.records.transact(act, run)

    def end_relation(self, act: Act, id: UUID, relation: UUID) -> Receipt:
        """End a relation; neither of the two may."""

        def run(work: Work) -> None:
            person = work.load(Person, id, act.expected)
            other = work.load(Person, person.relation(relation).other)
            for each in (person, other):
                account = self.gate.over(work, act, actions.END_RELATION, each)
            changes: list[Change] = [(each, each.end_relation(relation)) for each in (person, other)]
            work.record(account, *changes, digest=act.digest)

        return self.records.transact(act, run)

    def request_emergency(self, act: Act, duty: Duty, organisation: UUID | None, hours: int) -> Receipt:
        """Ask for a duty at once and for some hours; somebody else decides."""

        def run(work: Work) -> None:
            person = work.load(Person, act.account.actor)
            account = self.gate.let(work, act, actions.REQUEST_EMERGENCY, self._own(person), person)
            emergency = work.create(Emergency, uuid7())
            asked = emergency.request(person.id, duty, organisation, hours, account)
            work.record(account, (emergency, asked), digest=act.digest)

        return self.records.transact(act, run)

    def grant_emergency(self, act: Act, id: UUID) -> Receipt:
        """Give what was asked for, from now on; the organisation and its auditors are told."""

        def run(work: Work) -> None:
            emergency = work.load(Emergency, id, act.expected)
            asked = emergency.asked
            if asked is None:
                raise Refused("no such emergency")
            account = self.gate.let(work, act, actions.DECIDE_EMERGENCY, asked.organisation, emergency)
            now = self.gate.moment()
            told = self.board.answering(asked.organisation, now.day)
            granted = emergency.grant(uuid7(), told, account, now)
            person = work.load(Person, asked.person)
            given = person.appoint_for(granted, id, asked.duty, asked.organisation, now)
            work.record(account, (emergency, granted), (person, given), digest=act.digest)

        return self.records.transact(act, run)

    def decline_emergency(self, act: Act, id: UUID) -> Receipt:
        def run(work: Work) -> None:
            emergency = work.load(Emergency, id, act.expected)
            if emergency.asked is None:
                raise Refused("no such emergency")
            account = self.gate.let(work, act, actions.DECIDE_EMERGENCY, emergency.asked.organisation, emergency)
            work.record(account, (emergency, emergency.decline(account)), digest=act.digest)

        return self.records.transact(act, run)

    def entrust(
        self,
        id: UUID,
        duty: Duty,
        organisation: UUID | None = None,
        reason: str = DECISION,
        correlation_id: UUID | None = None,
    ) -> None:
        """Let a person hold a duty, as whoever keeps the machine says at its command line; nothing where they do.

        It is on record as an act of the program, which no gate is asked for: there is nobody yet who could be let.
        """
        now = self.gate.moment()
        held = self.records.load(Person, id, fresh=True)
        if any(
            (each.duty, each.organisation) == (duty, organisation) and each.holds(now) for each in held.appointments
        ):
            return

        def run(work: Work) -> None:
            person = work.load(Person, id)
            founded = [] if person.kind else [person.register("person")]
            known = person.after(account, *founded)
            given = known.appoint(uuid7(), duty, organisation, now.day, None, reason)
            work.record(account, (person, [*founded, given]))

        account = self._program(uuid7(), reason, correlation_id)
        self.records.transact(Act(account), run)

    def ensure(self, people: Sequence[UUID]) -> None:
        """Register those people who are not: whoever is named by what is brought in from elsewhere."""
        for start in range(0, len(people), 1000):
            for person in self.records.load_many(Person, people[start : start + 1000]):
                if not person.kind:
                    account = self._program(uuid5(person.id, "registration"))
                    self.records.decide(Act(account), Person, person.id, lambda held: held.register("person"))

    def _program(self, command: UUID, reason: str = DECISION, correlation_id: UUID | None = None) -> Account:
        return Account(
            actor=person_id(KEEPER),
            occurred_on=self.clock.today(),
            command_id=command,
            reason=reason,
            correlation_id=correlation_id,
        )

    def _own(self, person: Person) -> UUID | None:
        """An organisation at which a person acts in their own name: that of a duty they hold, if any."""
        now = self.gate.moment()
        return next((each.organisation for each in person.appointments if each.holds(now)), None)


__all__ = ["DECISION", "KEEPER", "Board", "Names", "People"]

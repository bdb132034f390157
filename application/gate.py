"""The one gate: every service asks it, within the work that records, whether whoever acts may do what they ask.

The people and organisations that it goes by are relied on like any record that is decided on: what was decided on a
mandate that has ended meanwhile is not recorded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from application.clock import Clock
from application.lineage import lineage
from application.records import Act, Receipt, Records, Work
from domain.action import Action
from domain.authority import Forbidden, Limits, Moment, Person, Question
from domain.event import Account, Aggregate, Event
from domain.organisation import Organisation

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True, slots=True)
class Gate:
    clock: Clock

    def moment(self) -> Moment:
        """Now: mandates are judged on the day on which somebody acts, whatever day the act is told to be of."""
        at = self.clock.now()
        return Moment(at.astimezone(self.clock.zone).date(), at)

    def let(
        self, work: Work, act: Act, action: Action, organisation: UUID | None, record: Aggregate | None = None
    ) -> Account:
        """Return the account of an act that is let pass, with its verdict.

        ``organisation`` is the one concerned, None for what concerns the whole record; ``record`` what it is done to.
        The account is in the name of the organisation it says, or else of the one at which the duty is held. Raise
        Forbidden or Conflicted, which say why not and who can help.
        """
        account = act.account
        principal = None if account.on_behalf_of == account.actor else account.on_behalf_of
        # Where no record is consulted, the answer is the same all through a work.
        key = None if action.conflicts else (account.actor, principal, action.name, organisation, act.limits)
        passed = work.passed.get(key)
        if passed is None:
            question = self.question(work, account.actor, principal, action, organisation, record, act.limits)
            ground = question.decide()
            passed = ground.verdict(action), ground.appointment.organisation
            if key:
                work.passed[key] = passed
        verdict, held = passed
        return account.model_copy(
            update={
                "verdict": verdict,
                "organisation": self._name(work, account.organisation, held, act.limits.organisation),
                "on_behalf_of": principal,
            }
        )

    def over(self, work: Work, act: Act, action: Action, person: Person) -> Account:
        """Ask for every organisation at which a person holds a duty; where they hold none, for the actor's."""
        now = self.moment()
        at = {each.organisation for each in person.appointments if each.holds(now)} or {act.account.organisation}
        accounts = [self.let(work, act, action, each, person) for each in sorted(at, key=str)]
        return accounts[0]

    def question(
        self,
        work: Work,
        actor: UUID,
        principal: UUID | None,
        action: Action,
        organisation: UUID | None,
        record: Aggregate | None,
        limits: Limits,
    ) -> Question:
        """Put together what the answer rests on, as it stands now."""
        return Question(
            action,
            work.load(Person, actor),
            self.moment(),
            lineage(work, organisation),
            work.load(Person, principal) if principal else None,
            record,
            limits,
        )

    def decide(
        self,
        records: Records,
        act: Act,
        action: Action,
        kind: type[A],
        id: UUID,
        decide: Callable[[A, Account], Event | Sequence[Event]],
    ) -> Receipt:
        """Run a command that concerns one record, and the whole of what is recorded: load it, ask, decide, record."""

        def run(work: Work) -> None:
            state = work.load(kind, id, act.expected)
            account = self.let(work, act, action, None, state)
            work.record(account, (state, decide(state, account)), digest=act.digest)

        return records.transact(act, run)

    def _name(self, work: Work, named: UUID | None, held: UUID | None, narrowed: UUID | None) -> UUID | None:
        """In whose name it is done: an organisation at which the duty is held, or one below that.

        A token that is ``narrowed`` to an organisation speaks for it, or one below it.
        """
        if named is None or named == held:
            return named or held
        line = lineage(work, named)
        if not work.load(Organisation, named).version or any(each not in line for each in (held, narrowed) if each):
            raise Forbidden(
                "you hold the duty for another organisation than acting_organisation", field="acting_organisation"
            )
        return named

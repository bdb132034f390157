"""Standard commands: draft, draw, publish, amend, retire; and what a published flow says about order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from application.clock import Clock
from application.gate import Gate
from application.records import Act, Receipt, Records, Work
from domain.action import Action
from domain.event import Account, Refused
from domain.ledger import Facts
from domain.standard import (
    Bounds,
    Duty,
    Flow,
    Link,
    Node,
    PublishedVersion,
    Standard,
    StandardEvent,
    actions,
    analyse,
    standard_id,
)

_FACTS: dict[tuple[UUID, int], tuple[PublishedVersion, Facts]] = {}


@dataclass(frozen=True)
class Standards:
    records: Records
    clock: Clock
    gate: Gate

    def draft(self, act: Act, code: str, title: str, area: str, authority: str = "") -> Receipt:
        return self._decide(
            act, actions.DRAFT, standard_id(code), lambda standard, _: standard.draft(code, title, area, authority)
        )

    def describe(self, act: Act, id: UUID, title: str, area: str, authority: str = "") -> Receipt:
        """Give the draft another title, area of work or authority; published versions keep theirs."""
        return self._decide(act, actions.DESCRIBE, id, lambda standard, _: standard.describe(title, area, authority))

    def define_step(self, act: Act, id: UUID, step: str, name: str, bounds: Bounds | None = None) -> Receipt:
        """Add a step to the draft, or change one."""
        return self._decide(act, actions.DRAW, id, lambda standard, _: standard.define_step(step, name, bounds))

    def link(self, act: Act, id: UUID, nodes: Sequence[Node], links: Sequence[Link]) -> Receipt:
        """Say how the draft's steps hang together; it is checked when the draft is published."""
        return self._decide(act, actions.DRAW, id, lambda standard, _: standard.link(nodes, links))

    def draw(self, act: Act, id: UUID, flow: Flow) -> Receipt:
        """Turn the draft's flow into this one."""
        return self._decide(act, actions.DRAW, id, lambda standard, _: standard.draw(flow))

    def separate(self, act: Act, id: UUID, pairs: Sequence[tuple[str, str]]) -> Receipt:
        """Say which steps, by name or id, need different people; it replaces what was said before."""
        return self._decide(act, actions.SEPARATE, id, lambda standard, _: standard.separate(pairs))

    def define_duty(self, act: Act, id: UUID, duty: Duty) -> Receipt:
        return self._decide(act, actions.DEFINE_DUTY, id, lambda standard, _: standard.define_duty(duty))

    def remove_duty(self, act: Act, id: UUID, code: str) -> Receipt:
        return self._decide(act, actions.REMOVE_DUTY, id, lambda standard, _: standard.remove_duty(code))

    def publish(self, act: Act, id: UUID, effective_on: date | None = None) -> Receipt:
        """Publish the draft as the next version; none of its authors may."""
        on = effective_on or act.account.occurred_on
        return self._decide(act, actions.PUBLISH, id, lambda standard, account: standard.publish(account, on))

    def amend(self, act: Act, id: UUID, reason: str) -> Receipt:
        """Open a draft of the next version; what was recorded under an older one is never judged anew."""
        return self._decide(act, actions.AMEND, id, lambda standard, _: standard.amend(reason))

    def retire(self, act: Act, id: UUID, reason: str) -> Receipt:
        return self._decide(act, actions.RETIRE, id, lambda standard, _: standard.retire(reason))

    def _decide(
        self,
        act: Act,
        action: Action,
        id: UUID,
        decide: Callable[[Standard, Account], StandardEvent | Sequence[StandardEvent]],
    ) -> Receipt:
        def run(work: Work) -> None:
            standard = work.load(Standard, id, act.expected)
            owner = standard.owner if standard.version else act.account.organisation
            account = self.gate.let(work, act, action, owner, standard)
            if account.occurred_on > self.clock.today():
                raise Refused("{day} is still to come", field="occurred_on", day=account.occurred_on)
            work.record(account, (standard, decide(standard, account)), digest=act.digest)

        return self.records.transact(act, run)


def flow_facts(standard: UUID, version: PublishedVersion) -> Facts:
    """Return what a published flow says about order, in the ledger's terms. A version's flow never changes."""
    key = (standard, version.number)
    known = _FACTS.get(key)
    # Another log may have a standard of the same code.
    if known is None or (known[0] is not version and known[0] != version):
        found = analyse(version.flow)
        facts = Facts(frozenset(found.steps), found.required, found.precedes, version.separate)
        known = _FACTS[key] = version, facts
    return known[1]

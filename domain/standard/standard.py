"""A standard (工作规范): drafted by some, published by another, amended in versions that stay as they were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self, assert_never
from uuid import UUID, uuid5

from domain.event import Account, Aggregate, Refused, replace
from domain.standard.actions import AUTHOR_APPROVER
from domain.standard.events import (
    Duty,
    DutyDefined,
    DutyRemoved,
    FlowLinked,
    FlowStepDefined,
    FlowStepRemoved,
    PublishedVersion,
    StandardAmended,
    StandardDescribed,
    StandardDrafted,
    StandardEvent,
    StandardPublished,
    StandardRetired,
    StepsSeparated,
)
from domain.standard.flow import Bounds, Flow, Link, Node
from domain.standard.order import check
from domain.standard.rules import check_code, check_description, check_duty, check_text

Standing = Literal["absent", "draft", "published", "amending", "retired"]

_STANDARDS = UUID("c35f61a0-58e2-5a4d-9d0c-8b7e6f1a2d43")


def standard_id(code: str) -> UUID:
    """The identifier of the standard with this code, so that an import is repeatable."""
    return uuid5(_STANDARDS, code)


@dataclass(frozen=True)
class Standard(Aggregate):
    """``versions`` are those published, first to last; the other fields are the draft on its way to the next.

    ``owner`` is the organisation in whose name it was drafted, None for the whole record.
    """

    standing: Standing = "absent"
    code: str = ""
    title: str = ""
    area: str = ""
    authority: str = ""
    steps: tuple[Node, ...] = ()
    rest: tuple[Node, ...] = ()
    links: tuple[Link, ...] = ()
    order: tuple[str, ...] = ()
    separate_ids: tuple[tuple[str, str], ...] = ()
    duties: tuple[Duty, ...] = ()
    authors: frozenset[UUID] = frozenset()
    versions: tuple[PublishedVersion, ...] = ()
    owner: UUID | None = None

    @property
    def flow(self) -> Flow:
        """The draft's flow, in the order of the drawing; what is not drawn yet comes last."""
        place = {id: number for number, id in enumerate(self.order)}
        nodes = sorted((*self.steps, *self.rest), key=lambda node: place.get(node.id, len(place)))
        return Flow(nodes=tuple(nodes), links=self.links)

    def version_of(self, number: int) -> PublishedVersion:
        """Return a published version by its number, from 1."""
        if not 1 <= number <= len(self.versions):
            raise Refused("the standard has no version {number}", field="version", number=number)
        return self.versions[number - 1]

    def in_force(self, on: date | None = None) -> PublishedVersion:
        """Return the version that new work is done under on a day; without one, the last that is published."""
        if self.standing == "absent":
            raise Refused("no such standard", field="standard")
        if self.standing == "retired":
            raise Refused("the standard {code} is retired", field="standard", code=self.code)
        if not self.versions:
            raise Refused("the standard {code} is not published yet", field="standard", code=self.code)
        version = self.begun(on) if on else self.versions[-1]
        if version is None:
            raise Refused(
                "the standard {code} is in force from {day} on",
                field="standard",
                code=self.code,
                day=self.versions[0].effective_on,
            )
        return version

    def begun(self, on: date) -> PublishedVersion | None:
        """Return the version that was in force on a day, whatever became of the standard; None before the first."""
        return next((version for version in reversed(self.versions) if version.effective_on <= on), None)

    def draft(self, code: str, title: str, area: str, authority: str) -> StandardDrafted:
        if self.standing != "absent":
            raise Refused("there is a standard {code} already: amend it", field="code", code=code)
        assert self.id == standard_id(code), "a standard's identifier follows from its code"
        check_code(code)
        check_description(title, area, authority)
        return StandardDrafted(code=code, title=title, area=area, authority=authority)

    def describe(self, title: str, area: str, authority: str) -> StandardDescribed:
        """Give the draft another title, area of work or authority."""
        self._check_draft()
        check_description(title, area, authority)
        before = self.title, self.area, self.authority
        if (title, area, authority) == before:
            raise Refused("the draft is described like this already")
        return StandardDescribed(
            title_before=before[0],
            title=title,
            area_before=before[1],
            area=area,
            authority_before=before[2],
            authority=authority,
        )

    def define_step(self, step: str, name: str, bounds: Bounds | None = None) -> FlowStepDefined:
        """Add a step to the draft, or change one."""
        self._check_draft()
        check_text("step", step, 100)
        check_text("name", name, 200)
        if Node(id=step, kind="task", name=name, bounds=bounds) in self.steps:
            raise Refused("the step “{name}” is there already", field="step", name=name)
        return FlowStepDefined(step=step, name=name, bounds=bounds)

    def link(self, nodes: Sequence[Node], links: Sequence[Link]) -> FlowLinked:
        """Say how the steps hang together: start, ends and gateways, and every link. It is checked when published."""
        self._check_draft()
        if any(node.kind == "task" for node in nodes):
            raise Refused("define tasks as steps", field="nodes")
        order = (*(node.id for node in self.steps), *(node.id for node in nodes))
        return FlowLinked(nodes=tuple(nodes), links=tuple(links), order=order)

    def draw(self, flow: Flow) -> tuple[FlowStepDefined | FlowStepRemoved | FlowLinked | StepsSeparated, ...]:
        """Turn the draft's flow into this one, which must hold.

        Separations go over to it: with the identifier, or where a tool gave the step a new one, with the name.
        Those of a step that is gone go too.
        """
        self._check_draft()
        check(flow)
        steps = {node.id: node for node in flow.nodes if node.kind == "task"}
        events: list[FlowStepDefined | FlowStepRemoved | FlowLinked | StepsSeparated] = []
        events += [FlowStepRemoved(step=node.id) for node in self.steps if node.id not in steps]
        for node in steps.values():
            check_text("name", node.name, 200)
            if node not in self.steps:
                events.append(FlowStepDefined(step=node.id, name=node.name, bounds=node.bounds))
        rest = tuple(node for node in flow.nodes if node.kind != "task")
        order = tuple(node.id for node in flow.nodes)
        if (rest, flow.links, order) != (self.rest, self.links, self.order):
            events.append(FlowLinked(nodes=rest, links=flow.links, order=order))
        kept = self._separate_in(steps)
        if kept != self.separate_ids:
            events.append(StepsSeparated(pairs=kept))
        if not events:
            raise Refused("the flow is drawn like this already", field="flow")
        return tuple(events)

    def separate(self, pairs: Sequence[tuple[str, str]]) -> StepsSeparated:
        """Say which steps, by name or identifier, need different people; in place of what was said before."""
        self._check_draft()
        ids: list[tuple[str, str]] = []
        for one, other in pairs:
            pair = (self._step(one).id, self._step(other).id)
            if pair[0] == pair[1]:
                raise Refused("the step “{step}” cannot be separated from itself", field="separate", step=one)
            if pair in ids or pair[::-1] in ids:
                raise Refused("“{one}” and “{other}” are separated twice", field="separate", one=one, other=other)
            ids.append(pair)
        if tuple(ids) == self.separate_ids:
            raise Refused("these steps are separated already", field="separate")
        return StepsSeparated(pairs=tuple(ids))

    def define_duty(self, duty: Duty) -> DutyDefined:
        """Add a duty, or change one; every demand for evidence says why, and where the evidence can be reused from."""
        self._check_draft()
        check_duty(duty)
        if duty in self.duties:
            raise Refused("the duty {code} is there already", field="code", code=duty.code)
        return DutyDefined(duty=duty)

    def remove_duty(self, code: str) -> DutyRemoved:
        self._check_draft()
        if code not in {duty.code for duty in self.duties}:
            raise Refused("the draft has no duty {code}", field="code", code=code)
        return DutyRemoved(duty=code)

    def publish(self, account: Account, effective_on: date) -> StandardPublished:
        """Publish the draft as the next version. Nobody who had a hand in the draft may, nor anyone acting for them."""
        self._check_draft()
        AUTHOR_APPROVER.uphold(self, account.people)
        if self.versions and effective_on < self.versions[-1].effective_on:
            raise Refused(
                "version {number} is in force from {day} on; the next cannot begin before",
                field="effective_on",
                number=len(self.versions),
                day=self.versions[-1].effective_on,
            )
        flow = self.flow
        check(flow)
        names = {node.id: node.name for node in self.steps}
        return StandardPublished(
            version=PublishedVersion(
                number=len(self.versions) + 1,
                effective_on=effective_on,
                title=self.title,
                area=self.area,
                authority=self.authority,
                flow=flow,
                separate=tuple((names[one], names[other]) for one, other in self.separate_ids),
                duties=self.duties,
                authors=tuple(sorted(self.authors)),
            )
        )

    def amend(self, reason: str) -> StandardAmended:
        """Open a draft of the next version, equal to the one in force."""
        if self.standing == "amending":
            raise Refused("version {number} is being drafted already", number=len(self.versions) + 1)
        self.in_force()
        check_text("reason", reason, 1000)
        return StandardAmended(number=len(self.versions) + 1, reason=reason)

    def retire(self, reason: str) -> StandardRetired:
        self.in_force()
        check_text("reason", reason, 1000)
        return StandardRetired(reason=reason)

    def evolve(self, event: StandardEvent, account: Account) -> Self:
        authors = self.authors | account.people
        match event:
            case StandardDrafted(code=code, title=title, area=area, authority=authority):
                return replace(
                    self,
                    standing="draft",
                    code=code,
                    title=title,
                    area=area,
                    authority=authority,
                    authors=authors,
                    owner=account.organisation,
                )
            case StandardDescribed(title=title, area=area, authority=authority):
                return replace(self, title=title, area=area, authority=authority, authors=authors)
            case FlowStepDefined(step=step, name=name, bounds=bounds):
                node = Node(id=step, kind="task", name=name, bounds=bounds)
                known = step in {each.id for each in self.steps}
                steps = tuple(node if each.id == step else each for each in self.steps)
                return replace(self, steps=steps if known else (*steps, node), authors=authors)
            case FlowStepRemoved(step=step):
                return replace(self, steps=tuple(each for each in self.steps if each.id != step), authors=authors)
            case FlowLinked(nodes=nodes, links=links, order=order):
                return replace(self, rest=nodes, links=links, order=order, authors=authors)
            case StepsSeparated(pairs=pairs):
                return replace(self, separate_ids=pairs, authors=authors)
            case DutyDefined(duty=duty):
                others = tuple(each for each in self.duties if each.code != duty.code)
                return replace(self, duties=(*others, duty), authors=authors)
            case DutyRemoved(duty=removed):
                kept = tuple(each for each in self.duties if each.code != removed)
                return replace(self, duties=kept, authors=authors)
            case StandardPublished(version=version):
                return replace(self, standing="published", versions=(*self.versions, version), authors=frozenset())
            case StandardAmended():
                return replace(self, standing="amending", authors=authors)
            case StandardRetired():
                return replace(self, standing="retired")
            case _:
                assert_never(event)

    def _separate_in(self, steps: Mapping[str, Node]) -> tuple[tuple[str, str], ...]:
        """The separations that these steps, by identifier, take over."""
        by_name = {node.name: node.id for node in steps.values()}
        heirs = {node.id: node.id if node.id in steps else by_name.get(node.name) for node in self.steps}
        kept: list[tuple[str, str]] = []
        for one, other in self.separate_ids:
            first, second = heirs.get(one), heirs.get(other)
            if first and second and first != second and not {(first, second), (second, first)} & {*kept}:
                kept.append((first, second))
        return tuple(kept)

    def _step(self, named: str) -> Node:
        """A step by its identifier or name."""
        for node in self.steps:
            if named == node.id:
                return node
        for node in self.steps:
            if named == node.name:
                return node
        raise Refused("the flow has no step “{step}”", field="separate", step=named)

    def _check_draft(self) -> None:
        match self.standing:
            case "draft" | "amending":
                return
            case "absent":
                raise Refused("no such standard", field="standard")
            case "retired":
                raise Refused("the standard {code} is retired", field="standard", code=self.code)
            case "published":
                raise Refused("a published version stays as it is: amend the standard first")
            case _:
                assert_never(self.standing)

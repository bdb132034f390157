"""A standard that was adopted elsewhere: drafted by one person and published by another, in one step."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from application.gate import Gate
from application.identity import uuid7
from application.log import Appended, Unavailable
from application.records import Act, Records, Work
from domain.event import Account, Event, Refused
from domain.standard import Flow, PublishedVersion, Standard, actions, area_of, standard_id

Outcome = Literal["published", "amended", "repeated"]
ATTEMPTS = 5

Pair = tuple[str, str]


@dataclass(frozen=True)
class Adoption:
    """A standard as it was adopted: ``separate`` are identifiers of steps that need different people."""

    code: str
    title: str
    area: str
    flow: Flow
    separate: tuple[Pair, ...] = ()
    authority: str = ""


def import_standard(
    records: Records, gate: Gate, source: str, adopted: Adoption, *, author: UUID, approver: UUID
) -> tuple[Outcome, int]:
    """Publish a standard, or the next version of one; return what was done, and the version.

    All of it is recorded or none of it; the same again records nothing.
    """
    reason = f"imported from {source}"

    def account(person: UUID) -> Account:
        return Account(
            actor=person,
            occurred_on=gate.clock.today(),
            command_id=uuid7(),
            authority=adopted.authority,
            reason=reason,
        )

    for _ in range(ATTEMPTS):
        work = Work(records)
        done = _publish(work, gate, adopted, reason, account(author), account(approver))
        if isinstance(records.append(work), Appended):
            return done
    raise Unavailable("the standard keeps changing; run the import again")


def _publish(
    work: Work, gate: Gate, adopted: Adoption, reason: str, author: Account, approver: Account
) -> tuple[Outcome, int]:
    before = work.load(Standard, standard_id(adopted.code))
    author = gate.let(work, Act(author), actions.AMEND if before.version else actions.DRAFT, before.owner)
    events: list[Event] = []
    draft = before

    def add(*more: Event) -> Standard:
        events.extend(more)
        return before.after(author, *events)

    match before.standing:
        case "absent":
            draft = add(before.draft(adopted.code, adopted.title, area_of(adopted.area), adopted.authority))
        case "published":
            _check_same(before, adopted)
            version = before.in_force()
            if _as_published(version, adopted):
                return "repeated", version.number
            draft = add(before.amend(reason))
        case "draft" | "amending":
            raise Refused("the standard {code} is being drafted already: publish that first", code=adopted.code)
        case "retired":
            raise Refused("the standard {code} is retired", field="standard", code=adopted.code)
    if draft.flow != adopted.flow:
        draft = add(*draft.draw(adopted.flow))
    if draft.separate_ids != adopted.separate:
        draft = add(draft.separate(adopted.separate))
    work.record(author, (before, events))
    drafted = work.load(Standard, before.id)
    approved = gate.let(work, Act(approver), actions.PUBLISH, drafted.owner, drafted)
    work.record(approved, (drafted, drafted.publish(approved, approved.occurred_on)))
    return "amended" if before.versions else "published", len(before.versions) + 1


def _as_published(version: PublishedVersion, adopted: Adoption) -> bool:
    names = {node.id: node.name for node in adopted.flow.nodes}
    separate = tuple((names[one], names[other]) for one, other in adopted.separate)
    return (version.flow, version.separate) == (adopted.flow, separate)


def _check_same(standard: Standard, adopted: Adoption) -> None:
    """What a standard is called, and what it is about, stays: only its flow is amended."""
    given = (("title", adopted.title), ("area", area_of(adopted.area)), ("authority", adopted.authority))
    for what, text in given:
        if text and text != (known := getattr(standard, what)):
            raise Refused(
                "the standard {code} is on record with the {what} “{known}”, which an import does not change",
                field=what,
                code=adopted.code,
                what=what,
                known=known,
            )


def separations(flow: Flow, given: Sequence[str]) -> tuple[Pair, ...]:
    """Read ``STEP:STEP`` pairs into identifiers.

    A step is given by identifier, by name, which may have colons too, or by the first word of its name (``T02``) where
    no other begins with it.
    """
    tasks = [node for node in flow.nodes if node.kind == "task"]
    words = [node.name.partition(" ")[0] for node in tasks]
    times = Counter(words)
    steps = {word: node.id for word, node in zip(words, tasks, strict=True) if times[word] == 1}
    steps |= {node.name: node.id for node in tasks} | {node.id: node.id for node in tasks}
    pairs: list[Pair] = []
    for text in given:
        cuts = [place for place, character in enumerate(text) if character in ":："]
        halves = [(" ".join(text[:cut].split()), " ".join(text[cut + 1 :].split())) for cut in cuts]
        found = {(steps[one], steps[other]) for one, other in halves if one in steps and other in steps}
        if not found:
            raise Refused(
                "“{text}” names no two steps of the flow as STEP:STEP; its steps are {steps}",
                field="separate",
                text=text,
                steps=", ".join(flow.steps),
            )
        if len(found) > 1:
            raise Refused(
                "“{text}” can be read as two steps in more than one way: give their identifiers",
                field="separate",
                text=text,
            )
        pairs.append(found.pop())
    return tuple(pairs)


__all__ = ["Adoption", "Outcome", "import_standard", "separations"]

"""A standard that was adopted elsewhere: drafted by one person and published by another, in one step."""

from typing import Literal

from application.access import person_id
from application.clock import Clock
from application.identity import uuid7
from application.log import Appended, Unavailable
from application.records import Change, Records, Work
from domain.event import Account, Event, Refused
from domain.standard import Flow, Standard, area_of, standard_id

Outcome = Literal["published", "amended", "repeated"]
ATTEMPTS = 5


def import_standard(
    records: Records,
    clock: Clock,
    *,
    code: str,
    title: str,
    area: str,
    flow: Flow,
    separate: list[tuple[str, str]],
    authority: str,
    author: str,
    approver: str,
    source: str,
) -> tuple[Outcome, int]:
    """Publish a flow as a standard, or as the next version of one; return what was done, and the version.

    All of it is recorded or none of it; the same again records nothing.
    """

    def account(name: str) -> Account:
        return Account(
            actor=person_id(name),
            occurred_on=clock.today(),
            command_id=uuid7(),
            authority=authority,
            reason=f"imported from {source}",
        )

    id = standard_id(code)

    def publish(work: Work) -> tuple[Outcome, int]:
        def step(name: str, *events: Event) -> None:
            change: Change = (work.load(Standard, id), events)
            work.record(account(name), change)

        def now() -> Standard:
            return work.load(Standard, id)

        done: Outcome = "published"
        match now().standing:
            case "published":
                version = now().in_force()
                wanted = tuple((_named(flow, one), _named(flow, other)) for one, other in separate)
                if (version.flow, version.separate) == (flow, wanted):
                    return "repeated", version.number
                done = "amended"
                step(author, now().amend(f"imported from {source}"))
            case "absent":
                step(author, now().draft(code, title, area_of(area), authority))
            case "draft" | "amending":
                raise Refused("the standard {code} is being drafted by somebody else", field="code", code=code)
            case "retired":
                raise Refused("the standard {code} is retired", field="standard", code=code)
        if now().flow != flow:
            step(author, *now().draw(flow))
        wanted_ids = tuple((_id(flow, one), _id(flow, other)) for one, other in separate)
        if now().separate_ids != wanted_ids:
            step(author, now().separate(separate))
        approval = account(approver)
        work.record(approval, (now(), now().publish(approval, approval.occurred_on)))
        return done, now().in_force().number

    for _ in range(ATTEMPTS):
        work = Work(records)
        done = publish(work)
        if isinstance(records.append(work), Appended):
            return done
    raise Unavailable("the standard keeps changing; run the import again")


def separations(flow: Flow, given: list[str]) -> list[tuple[str, str]]:
    """Read ``STEP:STEP`` pairs; a step is named by name or identifier, and a name may contain a colon."""
    known = {node.id for node in flow.nodes if node.kind == "task"} | set(flow.steps)
    pairs = []
    for text in given:
        cuts = [at for at, character in enumerate(text) if character == ":"]
        found = [(text[:at].strip(), text[at + 1 :].strip()) for at in cuts]
        fitting = [pair for pair in found if pair[0] in known and pair[1] in known]
        if not fitting:
            raise Refused("“{text}” does not name two steps of the flow", field="separate", text=text)
        pairs.append(fitting[0])
    return pairs


def _id(flow: Flow, step: str) -> str:
    return next(node.id for node in flow.nodes if node.kind == "task" and step in (node.id, node.name))


def _named(flow: Flow, step: str) -> str:
    return next(node.name for node in flow.nodes if node.kind == "task" and step in (node.id, node.name))

"""What a flow says about the order of its steps, found by following its runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from domain.event import Refused
from domain.standard.flow import Flow, check_drawing, named
from domain.standard.runs import TOKENS, Fault, Runs, Unlawful


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a flow says about order, in step names.

    ``required``: no complete run avoids the step. ``precedes``: (A, B) where no run reaches B without
    A, and no third step lies between them in that sense.
    """

    steps: tuple[str, ...]
    required: frozenset[str]
    precedes: tuple[tuple[str, str], ...]


def check(flow: Flow) -> None:
    """Refuse a flow unless it has one start, nothing orphaned, and whatever happens the run can still be completed.

    A flow that is too large or too entangled for its runs to be followed is refused as well.
    """
    check_drawing(flow)
    analyse(flow)


def analyse(flow: Flow) -> Analysis:
    """Return what a flow says about order; one that passed ``check`` is never refused."""
    number = {node.id: n for n, node in enumerate(flow.nodes)}
    links = [(number[link.source], number[link.target]) for link in flow.links]
    try:
        runs = Runs([node.kind for node in flow.nodes], links)
        runs.check()
        return _analysis(flow, runs)
    except Unlawful as found:
        raise _refusal(found.fault, named(flow.nodes[node] for node in found.nodes)) from None


def _analysis(flow: Flow, runs: Runs) -> Analysis:
    tasks = [n for n, node in enumerate(flow.nodes) if node.kind == "task"]
    every = sum(1 << task for task in tasks)
    inevitable = runs.inevitable()
    after = {task: every & ~runs.reached_without(task) & ~(1 << task) for task in tasks}
    pairs: list[tuple[str, str]] = []
    for task in tasks:
        between = 0
        for other in _bits(after[task]):
            between |= after[other]
        pairs += [(flow.nodes[task].name, flow.nodes[other].name) for other in _bits(after[task] & ~between)]
    return Analysis(flow.steps, frozenset(flow.nodes[task].name for task in _bits(inevitable)), tuple(pairs))


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


def _refusal(fault: Fault, nodes: str) -> Refused:
    match fault:
        case "circuit":
            return Refused(
                "nothing lets a run leave the loop of {nodes}: an exclusive gateway with a way out is missing",
                field="flow",
                nodes=nodes,
            )
        case "stuck":
            return Refused(
                "a run gets stuck before {nodes}: a parallel gateway waits for a branch that is not taken",
                field="flow",
                nodes=nodes,
            )
        case "endless":
            return Refused("a run that has come to {nodes} can never be completed", field="flow", nodes=nodes)
        case "crowded":
            return Refused(
                "work piles up before {nodes}: more than {most} rounds of it can wait there at once",
                field="flow",
                nodes=nodes,
                most=TOKENS,
            )
        case "entangled":
            return Refused("the flow is too entangled around {nodes} to be followed through", field="flow", nodes=nodes)
        case _:
            assert_never(fault)

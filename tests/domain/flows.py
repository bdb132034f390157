"""Flows for tests: written down by hand, made at random, and run by brute force."""

from dataclasses import dataclass
from itertools import pairwise

from domain.standard import Flow, Kind, Link, Node

KINDS: dict[str, Kind] = {"s": "start", "e": "end", "x": "exclusive", "p": "parallel"}


def drawn(*chains: str) -> Flow:
    """A flow from chains such as ``"s a x1 b e"``: s, e, x and p with digits are what they stand for, others tasks."""
    nodes: dict[str, Node] = {}
    links: list[Link] = []
    for chain in chains:
        ids = chain.split()
        for id in ids:
            kind = KINDS[id[0]] if id[0] in KINDS and not id[1:].strip("0123456789") else "task"
            nodes.setdefault(id, Node(id=id, kind=kind, name=id if kind == "task" else ""))
        links += [Link(id=f"l{len(links) + n}", source=a, target=b) for n, (a, b) in enumerate(pairwise(ids))]
    return Flow(nodes=tuple(nodes.values()), links=tuple(links))


class Endless(Exception):
    """There are too many markings to look at one by one."""


@dataclass(frozen=True)
class Found:
    """What a flow says about order, in step names."""

    required: frozenset[str]
    precedes: frozenset[tuple[str, str]]


Marking = tuple[str, ...]


def _firings(flow: Flow, without: str) -> list[tuple[str, Marking, Marking]]:
    """Every way in which a single node can fire: which, the links it takes from, and those it gives to."""
    found: list[tuple[str, Marking, Marking]] = []
    for node in flow.nodes:
        incoming = tuple(link.id for link in flow.links if link.target == node.id)
        outgoing = tuple(link.id for link in flow.links if link.source == node.id)
        takings = [incoming] if node.kind == "parallel" else [(link,) for link in incoming]
        givings = [(link,) for link in outgoing] if node.kind == "exclusive" else [outgoing]
        found += [(node.id, taking, giving) for taking in takings for giving in givings if node.id != without]
    return found


def _markings(flow: Flow, without: str, most: int) -> tuple[dict[Marking, set[Marking]], set[str]]:
    firings = [firing for firing in _firings(flow, without) if firing[1]]
    start = next(node.id for node in flow.nodes if node.kind == "start")
    first = tuple(sorted(link.id for link in flow.links if link.source == start))
    found: dict[Marking, set[Marking]] = {}
    fired: set[str] = set()
    waiting = [first]
    while waiting:
        marking = waiting.pop()
        if marking in found:
            continue
        if len(found) >= most or len(marking) > 12:
            raise Endless
        found[marking] = set()
        for node, taking, giving in firings:
            if all(link in marking for link in taking):
                left = list(marking)
                for link in taking:
                    left.remove(link)
                after = tuple(sorted((*left, *giving)))
                fired.add(node)
                found[marking].add(after)
                waiting.append(after)
    return found, fired


def brute_force(flow: Flow, most: int = 2000) -> Found | None:
    """Look at every marking of a flow whose drawing is sound, once as it is and once without each step.

    None: there is a marking from which no run can be completed.
    """
    found, fired = _markings(flow, "", most)
    complete = {marking for marking in found if not marking}
    while True:
        more = {marking for marking, after in found.items() if marking not in complete and after & complete}
        if not more:
            break
        complete |= more
    if len(complete) < len(found):
        return None
    assert fired == {node.id for node in flow.nodes if node.kind != "start"}, "what is lawful has no dead node"
    tasks = {node.id: node.name for node in flow.nodes if node.kind == "task"}
    required: set[str] = set()
    before: set[tuple[str, str]] = set()
    for task, name in tasks.items():
        without, reached = _markings(flow, task, most)
        if () not in without:
            required.add(name)
        before |= {(name, tasks[other]) for other in tasks.keys() - reached - {task}}
    immediate = {(a, b) for a, b in before if not any((a, c) in before and (c, b) in before for c in tasks.values())}
    return Found(frozenset(required), frozenset(immediate))

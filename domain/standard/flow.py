"""The flow of a standard (流程图): what it may look like, and what it says about the order of steps.

Tokens run as in BPMN 2.0. A link holds tokens. A task or an end takes one from any of its incoming
links, an exclusive gateway too; a parallel gateway takes one from each. An exclusive gateway gives
one to one of its outgoing links; everything else gives one to each. A run is complete when no token
is left.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from domain.event import Fact, Refused

Kind = Literal["start", "end", "task", "exclusive", "parallel"]
Marking = tuple[int, ...]

# Markings of one flow that are looked at, and tokens that may lie on one link, before it is refused.
MARKINGS = 50_000
TOKENS = 20
NODES = 2000


class Bounds(Fact):
    """Where a node is drawn, in the drawing's own units."""

    x: float
    y: float
    width: float
    height: float


class Node(Fact):
    id: str
    kind: Kind
    name: str = ""
    bounds: Bounds | None = None


class Link(Fact):
    """A sequence flow; ``waypoints`` are where its line is drawn."""

    id: str
    source: str
    target: str
    name: str = ""
    waypoints: tuple[tuple[float, float], ...] = ()


class Flow(Fact):
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """The tasks' names, in the order of the drawing."""
        return tuple(node.name for node in self.nodes if node.kind == "task")


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
    """Refuse a flow that is not one start to a reachable end, with nothing orphaned and no run that gets stuck."""
    _check_drawing(flow)
    _check_reach(flow)
    net = _Net(flow)
    seen = _explore(net, None)
    if seen.stuck is not None:
        raise Refused(
            "a run gets stuck before {nodes}: a parallel gateway waits for a branch that is not taken",
            field="flow",
            nodes=_named(net.nodes[net.target[link]] for link in dict.fromkeys(seen.stuck)),
        )
    for index, node in enumerate(net.nodes):
        if node.kind == "task" and not seen.fired >> index & 1:
            raise Refused("no run of the flow comes to the step “{step}”", field="flow", step=node.name)
    if not seen.always_completes:
        raise Refused("there are runs from which the end cannot be reached", field="flow")


def analyse(flow: Flow) -> Analysis:
    """Derive a checked flow's order by letting it run without each step in turn."""
    net = _Net(flow)
    tasks = [index for index, node in enumerate(net.nodes) if node.kind == "task"]
    every = sum(1 << index for index in tasks)
    required = []
    after: dict[int, int] = {}
    for step in tasks:
        seen = _explore(net, step)
        after[step] = every & ~seen.fired & ~(1 << step)
        if not seen.completes:
            required.append(net.nodes[step].name)
    pairs = []
    for step in tasks:
        between = 0
        for other in tasks:
            if after[step] >> other & 1:
                between |= after[other]
        immediate = after[step] & ~between
        pairs += [(net.nodes[step].name, net.nodes[other].name) for other in tasks if immediate >> other & 1]
    return Analysis(flow.steps, frozenset(required), tuple(pairs))


def _check_drawing(flow: Flow) -> None:
    if len(flow.nodes) > NODES:
        raise Refused("the flow has more than {most} nodes", field="flow", most=NODES)
    for id, times in Counter([*(node.id for node in flow.nodes), *(link.id for link in flow.links)]).items():
        if times > 1:
            raise Refused("the identifier {id} is used {times} times", field="flow", id=id, times=times)
    nodes = {node.id: node for node in flow.nodes}
    for link in flow.links:
        for end in (link.source, link.target):
            if end not in nodes:
                raise Refused("the link {link} names {end}, which is not there", field="flow", link=link.id, end=end)
        if nodes[link.source].kind == "end":
            raise Refused("the end {end} has an outgoing link", field="flow", end=link.source)
        if nodes[link.target].kind == "start":
            raise Refused("the start {start} has an incoming link", field="flow", start=link.target)
    starts = [node for node in flow.nodes if node.kind == "start"]
    if len(starts) != 1:
        raise Refused("a flow has one start; this one has {count}", field="flow", count=len(starts))
    if not any(node.kind == "end" for node in flow.nodes):
        raise Refused("the flow has no end", field="flow")
    for node in flow.nodes:
        if node.kind == "task" and (not node.name or node.name != " ".join(node.name.split())):
            raise Refused("the task {id} needs a name", field="flow", id=node.id)
    for name, times in Counter(flow.steps).items():
        if times > 1:
            raise Refused(
                "{times} tasks are named “{name}”; a ledger cannot tell them apart",
                field="flow",
                times=times,
                name=name,
            )
    if not flow.steps:
        raise Refused("the flow has no task", field="flow")


def _check_reach(flow: Flow) -> None:
    ahead: dict[str, list[str]] = {}
    behind: dict[str, list[str]] = {}
    for link in flow.links:
        ahead.setdefault(link.source, []).append(link.target)
        behind.setdefault(link.target, []).append(link.source)
    from_start = _closure([node.id for node in flow.nodes if node.kind == "start"], ahead)
    to_end = _closure([node.id for node in flow.nodes if node.kind == "end"], behind)
    for node in flow.nodes:
        if node.id not in from_start:
            raise Refused("nothing leads from the start to {node}", field="flow", node=_named([node]))
        if node.id not in to_end:
            raise Refused("nothing leads from {node} to an end", field="flow", node=_named([node]))


def _closure(begin: Iterable[str], links: dict[str, list[str]]) -> set[str]:
    found = set(begin)
    waiting = list(found)
    while waiting:
        for other in links.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _named(nodes: Iterable[Node]) -> str:
    return ", ".join(f"“{node.name}”" if node.name else node.id for node in nodes)


class _Net:
    """The flow by number: links are places, nodes transitions."""

    def __init__(self, flow: Flow) -> None:
        self.nodes = flow.nodes
        index = {node.id: number for number, node in enumerate(flow.nodes)}
        self.target = [index[link.target] for link in flow.links]
        self.incoming: list[list[int]] = [[] for _ in flow.nodes]
        self.outgoing: list[list[int]] = [[] for _ in flow.nodes]
        for number, link in enumerate(flow.links):
            self.outgoing[index[link.source]].append(number)
            self.incoming[index[link.target]].append(number)

    @cached_property
    def start(self) -> list[int]:
        return next(self.outgoing[number] for number, node in enumerate(self.nodes) if node.kind == "start")

    @cached_property
    def chooses(self) -> list[bool]:
        return [node.kind == "exclusive" and len(self.outgoing[n]) > 1 for n, node in enumerate(self.nodes)]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What an exploration found: tasks that fired (bits by node), and how runs end."""

    fired: int
    completes: bool
    always_completes: bool
    stuck: Marking | None


def _explore(net: _Net, without: int | None) -> _Seen:
    """Run the net through every choice, one task never firing.

    A token can be taken by one node only, so firing a node that is enabled disables no other and
    commutes with it: whatever can still happen can happen after it. Hence nodes that do not choose
    fire at once, and of those that choose one is branched on and the others wait (a persistent set).
    Where a branch comes back to a marking seen before, all are branched on, so that none waits for
    ever (the cycle proviso).
    """
    fired = [0]
    first = _settle(net, Counter(net.start), without, fired)
    edges: dict[Marking, set[Marking]] = {}
    waiting = [first]
    while waiting:
        marking = waiting.pop()
        if marking in edges:
            continue
        if len(edges) >= MARKINGS:
            raise Refused("the flow is too entangled: more than {most} states", field="flow", most=MARKINGS)
        following = edges[marking] = set()
        choices = sorted({link for link in marking if net.chooses[net.target[link]]})
        for link in choices:
            again = False
            for taken in net.outgoing[net.target[link]]:
                tokens = Counter(marking)
                tokens[link] -= 1
                tokens[taken] += 1
                after = _settle(net, tokens, without, fired)
                again = again or after in edges
                following.add(after)
                waiting.append(after)
            if not again:
                break
    ends = [marking for marking, following in edges.items() if not following]
    stuck = next((marking for marking in ends if marking), None)
    completes = () in edges
    return _Seen(fired[0], completes, completes and _all_reach((), edges), stuck)


def _settle(net: _Net, tokens: Counter[int], without: int | None, fired: list[int]) -> Marking:
    """Fire every node that does not choose until none can; return what tokens are left, on which links."""
    waiting = [link for link, count in tokens.items() if count > 0]
    steps = 0
    while waiting:
        link = waiting.pop()
        node = net.target[link]
        while tokens[link] > 0:
            if net.chooses[node] or node == without:
                break
            taken = net.incoming[node] if net.nodes[node].kind == "parallel" else (link,)
            if any(tokens[each] <= 0 for each in taken):
                break
            for each in taken:
                tokens[each] -= 1
            fired[0] |= 1 << node
            for given in net.outgoing[node]:
                tokens[given] += 1
                if tokens[given] > TOKENS:
                    raise Refused(
                        "work piles up before {node}: it can begin without end",
                        field="flow",
                        node=_named([net.nodes[net.target[given]]]),
                    )
                waiting.append(given)
            steps += 1
            if steps > TOKENS * NODES:
                raise Refused("the flow runs for ever at {node}", field="flow", node=_named([net.nodes[node]]))
    return tuple(sorted(tokens.elements()))


def _all_reach(end: Marking, edges: dict[Marking, set[Marking]]) -> bool:
    back: dict[Marking, list[Marking]] = {}
    for marking, following in edges.items():
        for after in following:
            back.setdefault(after, []).append(marking)
    found = {end}
    waiting = [end]
    while waiting:
        for before in back.get(waiting.pop(), ()):
            if before not in found:
                found.add(before)
                waiting.append(before)
    return len(found) == len(edges)

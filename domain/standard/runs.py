"""The runs of a flow (流程运行): tokens on its links, and what can come of them.

Tokens run as in BPMN 2.0. A link holds tokens. A task or an end takes one from any of its incoming
links, an exclusive gateway too; a parallel gateway takes one from each. An exclusive gateway gives
one to one of its outgoing links; everything else gives one to each. A run is complete when no token
is left.

Every link leads to one node, so firing a node that is enabled takes nothing from another and commutes
with it. Hence nodes that do not choose fire at once, and of the choices that wait one alone is
branched on (a stubborn set: A. Valmari, Stubborn sets for reduced state space generation). Nothing is
missed by that where each run can be completed: whichever node is enabled, a shortest completing run
fires it too and can do so first, which brings its end nearer; so following it through the branches
every firing comes up before nothing can fire any more. The same holds where one task never fires.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from typing import Literal

from domain.standard.flow import Kind

# A link's number for each token on it, ascending.
Marking = tuple[int, ...]

# Tokens that may lie on one link, and markings, tokens and firings that are looked at, before a flow is given up.
TOKENS = 20
WORK = 2_000_000

Fault = Literal["circuit", "crowded", "entangled", "stuck", "endless"]


class Unlawful(Exception):
    """The runs of a flow cannot all be completed, or not be followed; ``nodes`` are where, by number."""

    def __init__(self, fault: Fault, nodes: Iterable[int]) -> None:
        super().__init__(fault)
        self.fault: Fault = fault
        self.nodes = tuple(dict.fromkeys(nodes))


@dataclass(frozen=True, slots=True)
class Step:
    """One outcome of a choice, and all that follows without another: the marking then, and the tasks fired as bits."""

    taken: int
    after: Marking
    fired: int


@dataclass
class Runs:
    """The runs of the flow with these nodes and these links, which are pairs of nodes' numbers.

    Links are numbered anew: of two waiting choices the one with the lower link is taken first. Those
    further down the flow come first, so that what is begun drains before more begins, and a branch's
    links have consecutive numbers, so that parallel branches are worked through one after another.
    """

    kinds: Sequence[Kind]
    links: Sequence[tuple[int, int]]
    _known: dict[Marking, tuple[Step, ...]] = field(default_factory=dict[Marking, tuple[Step, ...]])
    _work: int = 0

    def __post_init__(self) -> None:
        ahead: list[list[int]] = [[] for _ in self.kinds]
        for source, target in self.links:
            ahead[source].append(target)
        rank = _downstream_first(self.kinds.index("start"), ahead)
        ordered = sorted(self.links, key=lambda link: rank[link[1]])
        self.target = [target for _, target in ordered]
        self.incoming: list[list[int]] = [[] for _ in self.kinds]
        self.outgoing: list[list[int]] = [[] for _ in self.kinds]
        for number, (source, target) in enumerate(ordered):
            self.outgoing[source].append(number)
            self.incoming[target].append(number)
        self.chooses = [kind == "exclusive" and len(self.outgoing[n]) > 1 for n, kind in enumerate(self.kinds)]
        self.order = self._without_choice()
        self.turn = {node: turn for turn, node in enumerate(self.order)}

    @cached_property
    def first(self) -> tuple[Marking, int]:
        """The marking that the start leads to, and the tasks fired on the way."""
        return self._begin(None)

    def check(self) -> None:
        """Refuse unless from every marking that can be come to a run can be completed."""
        for marking in _never(_closure(self.first[0], self._steps_on), ()):
            raise Unlawful("endless", self._waiting_at(marking))

    def inevitable(self) -> int:
        """Return the tasks (bits) that every complete run fires, of runs that passed ``check``."""
        first, fired = self.first
        on_every_way = {first: fired}
        waiting = [first]
        while waiting:
            marking = waiting.pop()
            so_far = on_every_way[marking]
            for step in self._steps(marking):
                fired = on_every_way.get(step.after, -1) & (so_far | step.fired)
                if fired != on_every_way.get(step.after):
                    on_every_way[step.after] = fired
                    waiting.append(step.after)
        return on_every_way[()]

    def reached_without(self, task: int) -> int:
        """Return the tasks (bits) that some run fires although this one never fires, of runs that passed ``check``."""
        first, reached = self._begin(task)

        def avoiding(marking: Marking) -> tuple[Step, ...]:
            return tuple(
                self._take(marking, step.taken, task) if step.fired >> task & 1 else step
                for step in self._steps(marking)
            )

        for steps in _closure(first, avoiding).values():
            for step in steps:
                reached |= step.fired
        return reached

    def _steps_on(self, marking: Marking) -> tuple[Step, ...]:
        steps = self._steps(marking)
        if marking and not steps:
            raise Unlawful("stuck", self._waiting_at(marking))
        return steps

    def _steps(self, marking: Marking) -> tuple[Step, ...]:
        """What the first waiting choice can lead to."""
        known = self._known.get(marking)
        if known is None:
            link = next((link for link in marking if self.chooses[self.target[link]]), None)
            outcomes = () if link is None else self.outgoing[self.target[link]]
            known = self._known[marking] = tuple(self._take(marking, taken, None) for taken in outcomes)
        self._work += 1 + len(known)
        if known and self._work > WORK:
            raise Unlawful("entangled", self._waiting_at(marking))
        return known

    def _take(self, marking: Marking, taken: int, without: int | None) -> Step:
        tokens = Counter(marking)
        link = next(link for link in marking if self.chooses[self.target[link]])
        tokens[link] -= 1
        self._work += len(marking)
        return Step(taken, *self._settle(tokens, [taken], without))

    def _begin(self, without: int | None) -> tuple[Marking, int]:
        return self._settle(Counter(), self.outgoing[self.kinds.index("start")], without)

    def _settle(self, tokens: Counter[int], given: Iterable[int], without: int | None) -> tuple[Marking, int]:
        """Put a token on each of these links; fire what does not choose until nothing can; one task swallows its own.

        Nodes take their turns in an order in which none gives to an earlier one, so one turn each is enough.
        """
        fired = 0
        turns: list[int] = []

        def give(links: Iterable[int], times: int) -> None:
            for link in links:
                tokens[link] += times
                if tokens[link] > TOKENS:
                    raise Unlawful("crowded", [self.target[link]])
                if not self.chooses[self.target[link]]:
                    heappush(turns, self.turn[self.target[link]])

        give(given, 1)
        while turns:
            node = self.order[heappop(turns)]
            incoming = self.incoming[node]
            if self.kinds[node] == "parallel":
                times = min(tokens[link] for link in incoming)
                for link in incoming:
                    tokens[link] -= times
            else:
                times = sum(tokens.pop(link, 0) for link in incoming)
            if not times or node == without:
                continue
            self._work += 1
            if self.kinds[node] == "task":
                fired |= 1 << node
            give(self.outgoing[node], times)
        return tuple(sorted(tokens.elements())), fired

    def _without_choice(self) -> list[int]:
        """Return the nodes that do not choose, each before those it gives to.

        A circuit of such nodes never loses a token that has come on it, so no run that comes there completes.
        """
        before = [0] * len(self.kinds)
        ahead = [
            [] if choosing else [self.target[n] for n in self.outgoing[node]]
            for node, choosing in enumerate(self.chooses)
        ]
        for targets in ahead:
            for target in targets:
                before[target] += 1
        order = [node for node, choosing in enumerate(self.chooses) if not (choosing or before[node])]
        for node in order:
            for target in ahead[node]:
                before[target] -= 1
                if not (before[target] or self.chooses[target]):
                    order.append(target)
        left = {node for node, choosing in enumerate(self.chooses) if not choosing} - set(order)
        if left:
            raise Unlawful("circuit", _circuit(left, ahead))
        return order

    def _waiting_at(self, marking: Marking) -> Iterable[int]:
        return (self.target[link] for link in marking)


def _closure(first: Marking, steps: Callable[[Marking], tuple[Step, ...]]) -> dict[Marking, tuple[Step, ...]]:
    found: dict[Marking, tuple[Step, ...]] = {}
    waiting = [first]
    while waiting:
        marking = waiting.pop()
        if marking not in found:
            found[marking] = steps(marking)
            waiting += [step.after for step in found[marking]]
    return found


def _never(markings: dict[Marking, tuple[Step, ...]], end: Marking) -> list[Marking]:
    """Return the markings from which this one cannot be reached."""
    behind: dict[Marking, list[Marking]] = {}
    for marking, steps in markings.items():
        for step in steps:
            behind.setdefault(step.after, []).append(marking)
    found = {end}
    waiting = [end]
    while waiting:
        for before in behind.get(waiting.pop(), ()):
            if before not in found:
                found.add(before)
                waiting.append(before)
    return [marking for marking in markings if marking not in found]


def _downstream_first(start: int, ahead: Sequence[Sequence[int]]) -> dict[int, tuple[int, int]]:
    """Rank the nodes in the order in which a search in depth leaves them, those of one loop together."""
    left: dict[int, int] = {}
    way = [(start, iter(ahead[start]))]
    met = {start}
    while way:
        node, targets = way[-1]
        target = next((each for each in targets if each not in met), None)
        if target is None:
            left[node] = len(left)
            way.pop()
        else:
            met.add(target)
            way.append((target, iter(ahead[target])))
    behind: dict[int, list[int]] = {}
    for node in left:
        for target in ahead[node]:
            behind.setdefault(target, []).append(node)
    loop: dict[int, int] = {}
    for last in sorted(left, key=left.__getitem__, reverse=True):
        waiting = [] if last in loop else [last]
        while waiting:
            node = waiting.pop()
            if node not in loop:
                loop[node] = left[last]
                waiting += behind.get(node, ())
    return {node: (loop[node], left[node]) for node in left}


def _circuit(among: set[int], ahead: Sequence[Sequence[int]]) -> list[int]:
    """Return the nodes of one circuit; each of these nodes has one of them before it."""
    before = {target: node for node in among for target in ahead[node] if target in among}
    node = min(among)
    way: list[int] = []
    while node not in way:
        way.append(node)
        node = before[node]
    around = way[way.index(node) :][::-1]
    first = around.index(min(around))
    return around[first:] + around[:first]

"""Who holds which post on which day (任期): closed intervals of days that do not collide."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain
from typing import Self, assert_never
from uuid import UUID

from domain.event import Refused
from domain.organisation.events import OfficerAppointed, OfficerReleased, ReelectionHeld, TermExpired
from domain.organisation.text import check_day, check_text

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Term:
    """One person in one post from ``since`` to ``until``, both included; None is without a term.

    ``settled``: the term's end is recorded, by release, re-election or expiry.
    """

    post: str
    person: UUID
    since: date
    until: date | None
    shared: bool
    settled: bool = False

    def covers(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)

    def meets(self, other: "Term") -> bool:
        """Whether both run on some day."""
        return (self.until is None or other.since <= self.until) and (other.until is None or self.since <= other.until)

    def cut(self, last: date) -> tuple["Term", ...]:
        """The term with this last day; nothing if it had not begun."""
        return (replace(self, until=last, settled=True),) if self.since <= last else ()


@dataclass(frozen=True, slots=True)
class Terms:
    """Every term of one organisation, past and to come, in the order recorded.

    Two terms in one post share a day only if different people hold them and both are declared shared.
    """

    all: tuple[Term, ...] = ()

    def on(self, day: date) -> tuple[Term, ...]:
        return tuple(term for term in self.all if term.covers(day))

    def appoint(self, post: str, person: UUID, since: date, until: date | None, *, shared: bool) -> OfficerAppointed:
        self.plus(Term(post, person, since, until, shared))
        return OfficerAppointed(post=post, person=person, since=since, until=until, shared=shared)

    def release(self, post: str, person: UUID, on: date) -> OfficerReleased:
        """End the person's running term, or else the next one to come; refuse where there is none."""
        check_day(on, "on")
        open_ = [term for term in self.all if (term.post, term.person) == (post, person) and not term.settled]
        for term in sorted(open_, key=lambda term: term.since):
            if term.until is None or on <= term.until:
                return OfficerReleased(post=post, person=person, since=term.since, on=on)
        raise Refused(
            "this person has no term as {post} that could still end on {on}", field="person", post=post, on=on
        )

    def release_all(self, on: date) -> tuple[OfficerReleased, ...]:
        """End every term that would run longer than ``on``, or to it with nothing recorded of its end."""
        return tuple(
            OfficerReleased(post=term.post, person=term.person, since=term.since, on=on)
            for term in self.all
            if term.until is None or on < term.until or (on == term.until and not term.settled)
        )

    def expire(self, today: date) -> tuple[TermExpired, ...]:
        return tuple(
            TermExpired(post=term.post, person=term.person, since=term.since, due=term.until)
            for term in self.all
            if not term.settled and term.until is not None and term.until < today
        )

    def reelect(self, election: ReelectionHeld) -> ReelectionHeld:
        """Check an election against the terms that it leaves standing, and its results against each other."""
        check_day(election.on, "on")
        check_day(election.since, "since")
        if not election.results:
            raise Refused("say who was elected", field="results")
        if election.since < election.on:
            raise Refused(
                "the new term begins on {since}, before the election of {on}",
                field="since",
                since=election.since,
                on=election.on,
            )
        for post in election.vacated:
            check_text(post, "vacated")
            if any(elected.post == post for elected in election.results):
                raise Refused("{post} cannot be both filled and left vacant", field="vacated", post=post)
        left = self._cut_by(election)
        for term in _elected(election):
            left = left.plus(term)
        return election

    def after(self, event: OfficerAppointed | OfficerReleased | TermExpired | ReelectionHeld) -> Self:
        match event:
            case OfficerAppointed(post=post, person=person, since=since, until=until, shared=shared):
                return replace(self, all=(*self.all, Term(post, person, since, until, shared)))
            case OfficerReleased(on=on):
                return self._change(event, lambda term: term.cut(on))
            case TermExpired():
                return self._change(event, lambda term: (replace(term, settled=True),))
            case ReelectionHeld():
                return replace(self, all=(*self._cut_by(event).all, *_elected(event)))
            case _:
                assert_never(event)

    def plus(self, term: Term) -> Self:
        """The terms with one more; refuse one that is not well formed or collides."""
        check_text(term.post, "post")
        check_day(term.since, "since")
        if term.until is not None:
            check_day(term.until, "until")
            if term.until < term.since:
                raise Refused(
                    "the term ends on {until}, before it begins on {since}",
                    field="until",
                    until=term.until,
                    since=term.since,
                )
        for other in self.all:
            if other.post == term.post and other.meets(term):
                if other.person == term.person:
                    raise Refused(
                        "this person has a term as {post} from {since} already, which the new one would overlap",
                        field="since",
                        post=term.post,
                        since=other.since,
                    )
                if not (other.shared and term.shared):
                    raise Refused(
                        "somebody else has a term as {post} from {since}, which the new one would overlap;"
                        " release them first, or declare the post as shared in both appointments",
                        field="post",
                        post=term.post,
                        since=other.since,
                    )
        return replace(self, all=(*self.all, term))

    def _change(self, event: OfficerReleased | TermExpired, change: Callable[[Term], tuple[Term, ...]]) -> Self:
        key = (event.post, event.person, event.since)
        changed = (change(t) if (t.post, t.person, t.since) == key else (t,) for t in self.all)
        return replace(self, all=tuple(chain.from_iterable(changed)))

    def _cut_by(self, election: ReelectionHeld) -> Self:
        cut = (t.cut(election.since - _DAY) if _ends(t, election) else (t,) for t in self.all)
        return replace(self, all=tuple(chain.from_iterable(cut)))


def _ends(term: Term, election: ReelectionHeld) -> bool:
    return term.post in election.posts and term.covers(election.since)


def _elected(election: ReelectionHeld) -> tuple[Term, ...]:
    return tuple(Term(e.post, e.person, election.since, election.until, e.shared) for e in election.results)

"""The wiring: one log with its services, views and engine, put together in one place."""

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Self
from uuid import UUID

from application.access import Access
from application.accounts import Accounts
from application.authority import KEEPER, People
from application.bundles import Bundles
from application.clock import Clock
from application.database import Database, Role
from application.explaining import Explaining
from application.gate import Gate
from application.identity import uuid7
from application.installation import Installations
from application.keyring import Keyrings
from application.ledger import Ledger
from application.organisation import Organisations
from application.passwords import Passwords
from application.proofs import Proofs
from application.provider import Provider
from application.reading import Reading
from application.records import Act, Receipt, Records
from application.redaction import Redaction
from application.sealed import SEALED, Sealed
from application.sessions import Sessions
from application.standard import Standards
from application.throttle import Throttle
from application.vouching import Vouching
from domain.action import Duty, duty_of
from domain.authority import WHOLE, Limits
from domain.event import Account, Refused
from domain.views import SKIP, EventSkipped, ViewDecisions, decisions_id
from interface.pages import LogPages, Without
from projections.authority import AuthorityView
from projections.board import Board
from projections.conformance import ConformanceView
from projections.engine import Engine, concerns
from projections.ledger import LedgerView
from projections.mandates import Mandates
from projections.organisation import OrganisationRow, OrganisationView
from projections.query import NOW, Behind, Views
from projections.registry import begin
from projections.replay import Stopped, replay
from projections.standard import StandardView
from projections.view import View

# Seconds for which another process may fold nothing before it is no longer waited for.
PATIENCE = 60.0


def all_views() -> list[View]:
    """Every view, in the order in which they are folded."""
    return [AuthorityView(), OrganisationView(), StandardView(), LedgerView(), ConformanceView()]


class Installation:
    """One log, everything that writes to it and everything that reads it. Close it, or use it as a context."""

    def __init__(
        self,
        database: Database,
        clock: Clock | None = None,
        sealed: Sealed | None = None,
        provider: Provider | None = None,
    ) -> None:
        self.database = database
        self.sealed = sealed or Sealed(database.keys.parent / SEALED)
        self.proofs = Proofs(self.sealed)
        self.clock = clock or Clock()
        self.records = Records(database)
        self.reads = database.reads(Role.reader)
        self.bundles = Bundles(self.reads, self.sealed)
        self.pages = LogPages(self.records)
        self.views = Views(database.schema, self.reads, all_views())
        # As services and whoever keeps the machine see it; a person, only within their scope.
        self.whole = self.views.within(WHOLE)
        self.board = Board(self.whole)
        beside = database.reads(Role.writer, 4)
        self.access = Access(database, beside)
        self.gate = Gate(self.clock)
        self.sessions = Sessions(beside)
        self.accounts = Accounts(self.records, self.gate, beside, Passwords(), self.sessions, Throttle(beside))
        self.vouching = Vouching(self.accounts, provider, beside) if provider else None
        self.mandates = Mandates(self.whole)
        self.reading = Reading(self.records)
        self.explaining = Explaining(self.records, self.gate)
        self.people = People(self.records, self.clock, self.mandates, self.gate, self.access)
        self.organisations = Organisations(self.records, self.clock, self.board, self.gate)
        self.standards = Standards(self.records, self.clock, self.gate)
        self.keyrings = Keyrings(self.records, self.gate, self.sealed)
        self.redaction = Redaction(self.records, self.gate, database)
        self.ledger = Ledger(self.records, self.clock, self.board, self.gate)
        self.installations = Installations(self.records, self.reads)
        self._stop = threading.Event()
        self._engine: threading.Thread | None = None

    def engine(self) -> Engine:
        return Engine(self.database.schema, all_views(), self.pages, partial(self.database.connect, Role.projector))

    def fold(self) -> None:
        """Fold views in the background until closed; another process may be doing so, then this one stands by."""
        self._engine = threading.Thread(target=self.engine().run, args=(self._stop,), name="taizhang views")
        self._engine.start()

    def fold_now(self, progress: Callable[[int], None] = lambda _: None) -> None:
        """Return once every view has folded what is in the log now, or is stopped; fold it here if nobody else does.

        ``progress`` is told the position that all of them have folded. Raise Behind where nothing moves.
        """
        head = self.head()

        def folded() -> int:
            removals = self.records.recorder.removals()
            serving = {
                each.name: each
                for each in self.views.standings()
                if not each.building and (each.removals >= removals or each.stopped_at is not None)
            }
            found = [serving.get(name) for name in self.views.views]
            return min(0 if each is None else each.position if each.stopped_at is None else head for each in found)

        self._fold_until(head, folded, progress)

    def head(self) -> int:
        """Return the last position of the log, 0 while it is empty."""
        return self.records.recorder.max_notification_id() or 0

    def rebuild(self, names: Sequence[str], progress: Callable[[int], None] = lambda _: None) -> None:
        """Fold views anew beside those that serve; return once they have taken their place, or are stopped.

        ``progress`` is told the position that all of them have folded. Raise Behind where nothing moves.
        """
        head = self.head()

        def folded() -> int:
            building = [each for each in self.views.standings() if each.building and each.name in names]
            return min((each.position for each in building if each.stopped_at is None), default=head + 1)

        removals = self.records.recorder.removals()
        with self.database.connect(Role.projector) as connection:
            for name in names:
                begin(connection, self.database.schema, self.views.views[name], removals, building=True)
        self._fold_until(head + 1, folded, progress)

    def _fold_until(self, position: int, folded: Callable[[], int], progress: Callable[[int], None]) -> None:
        """Fold here, or wait for whoever folds, until ``folded`` is a position."""
        furthest, deadline = -1, monotonic() + PATIENCE
        while (now := folded()) < position:
            if self._engine is None and self.engine().catch_up(progress):
                return
            progress(now)
            if now > furthest:
                furthest, deadline = now, monotonic() + PATIENCE
            elif monotonic() > deadline:
                raise Behind("the views have folded position {now}, and do not go on", now=now)
            self._stop.wait(0.1)

    def act(self, name: str, reason: str, duty: Duty) -> Act:
        """Return an act of a person, today, for commands given on this machine; they hold the duty that they need."""
        person = self.entrust(name, duty)
        return Act(Account(actor=person, occurred_on=self.clock.today(), command_id=uuid7(), reason=reason))

    def entrust(self, name: str, duty: str, organisation: UUID | None = None) -> UUID:
        """Let whoever goes by a name hold a duty, as whoever keeps the machine says; return who they are."""
        person, _ = self.access.introduce([name, KEEPER])
        self.people.entrust(person, duty_of(duty), organisation)
        return person

    def ensure(self, names: Sequence[str]) -> None:
        """Register whoever is named by what is brought in from elsewhere, and is not yet."""
        self.people.ensure(self.access.introduce([*names, KEEPER])[:-1])

    def token(self, name: str, duty: str, organisation: UUID | None = None, expires_at: datetime | None = None) -> str:
        """Let somebody hold a duty and come in with it; return the token, which is shown this once."""
        person = self.entrust(name, duty, organisation)
        return self.access.create(person, Limits(duty_of(duty), None, organisation), expires_at)

    def known_at(self, moment: str | int | datetime | None, field: str = "known_at") -> int:
        """Return the position that a moment stands for: a position, a time (RFC 3339), or None for now.

        Refused, naming the ``field`` that it was given in, if it is neither, or still to come.
        """
        if moment is None:
            return NOW
        if isinstance(moment, str):
            moment = read_moment(moment, self.clock, field)
        if moment is None:
            return self.head()
        if isinstance(moment, int):
            if not 0 <= moment <= (head := self.head()):
                raise Refused("the log ends at position {head}", field=field, head=head)
            return moment
        position = self.records.recorder.position_at(moment)
        if position is None:
            raise Refused("{moment} is still to come", field=field, moment=moment.isoformat())
        return position

    def skip(self, act: Act, view: str) -> Receipt:
        """Let a stopped view pass over the event that stopped it: a decision on record, with its reason."""
        if view not in self.views.views:
            raise Refused("there is no view {view}", field="view", view=view)

        def decide(held: ViewDecisions, account: Account) -> EventSkipped:
            # Either may be: the one that serves, or the one being built beside it.
            stops = [(each.stopped_at, each.error) for each in self.views.standings() if each.name == view]
            position, error = next((stop for stop in stops if stop[0] is not None), (None, None))
            if position is None or error is None:
                raise Refused("the view {view} is not stopped", field="view", view=view)
            return held.skip(view, position, error, account)

        return self.gate.decide(self.records, act, SKIP, ViewDecisions, decisions_id(view), decide)

    def remove(self, act: Act, positions: Sequence[int]) -> Receipt:
        """Remove payloads lawfully; refused where a view could not go on without them.

        The views that had them are folded anew by whoever folds: ``fold_now`` waits for it.
        """
        topics = self.redaction.topics(positions).values()
        stopped = {each.name for each in self.views.standings() if each.stopped_at is not None}
        for name, view in self.views.views.items():
            if name not in stopped and any(concerns(view, topic) for topic in topics):
                try:
                    replay(view, Without(self.pages, positions), self.head())
                except Stopped as stop:
                    raise Refused(
                        "without it the view {view} cannot go on: the event at position {position} rests on it; remove"
                        " that as well",
                        field="positions",
                        view=name,
                        position=stop.position,
                    ) from None
        return self.redaction.remove(act, positions)

    def names(self, ids: Collection[UUID]) -> dict[UUID, str]:
        """Return the names of people and organisations that an event speaks of, for whoever may read the event."""
        names = self.access.names(sorted(ids)) if ids else {}
        # What happened is told from the log: a view that is not there yet takes only names away.
        with suppress(Behind):
            found = self.whole.page(OrganisationRow, (), where={"key": sorted(ids)}, limit=len(ids))
            names |= {row.key: row.name for row in found.rows}
        return names

    def organisation(self, code: str) -> UUID:
        """Return the organisation that holds a division code; raise Refused if none does."""
        return self.organisations.holder(code)

    def close(self) -> None:
        self._stop.set()
        if self._engine:
            self._engine.join()
        self.reads.close()
        self.access.close()
        self.records.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_moment(text: str, clock: Clock, field: str) -> int | datetime | None:
    """Read a position or a time; None is now.

    One without an offset is local to the organisations; a day stands for its end, today for now.
    """
    try:
        if text.isdecimal() and text.isascii():
            return int(text)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=clock.zone)
            if len(text) <= len("2026-06-30"):
                end = moment + timedelta(days=1, microseconds=-1)
                return end if end < (now := clock.now()) else None if moment <= now else moment
    except (ValueError, OverflowError):
        raise Refused(
            "“{text}” is neither a position nor a time such as 2026-06-30T08:00:00Z", field=field, text=text
        ) from None
    return moment

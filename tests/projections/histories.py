"""Random histories: commands through the services, of which each is recorded, or refused and changes nothing."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import strategies as st

from application.clock import Clock
from application.database import Database
from application.records import Act
from domain.authority import Person
from domain.event import Account, Refused
from domain.ledger import Attendance, EvidenceReference, Revision, case_duty_id, case_id, obligation_id
from domain.organisation import Elected, Level, Setting, organisation_id
from domain.standard import Duty, QuorumRule, standard_id
from interface.app import Installation
from projections.authority import EmergencyRow
from projections.query import Behind
from tests.domain.flows import drawn
from tests.spec import ANN, BO, CAI

PEOPLE = (ANN, BO, CAI)
CODES = ("33", "3305", "330523", "330523100", "330523100201", "330523100202")
LEVELS: tuple[Level, ...] = ("province", "prefecture", "county", "township", "village", "village")
SETTINGS: tuple[Setting, ...] = ("", "rural", "urban")
UNITS = tuple(organisation_id(code) for code in CODES)
STANDARD = standard_id("meetings")
STEPS = ("notice", "meeting", "minutes", "a walk")
FLOW, OTHER = drawn("s notice meeting minutes e"), drawn("s notice x1 meeting x2 minutes e", "x1 x2")
MONTHLY = Duty(
    code="monthly", title="党小组会", frequency="monthly", soft=True, soft_because="farming", levels=("village",)
)
YEARLY = Duty(
    code="yearly",
    title="组织生活会",
    frequency="yearly",
    days_after=10,
    levels=("village",),
    quorum=QuorumRule(numerator=1, denominator=2),
)
EACH = Duty(code="each", title="归档", frequency="per case", days_after=5)
OBLIGATIONS = (
    *(obligation_id(unit, STANDARD, "monthly", "2026-01") for unit in UNITS[-2:]),
    case_duty_id(STANDARD, "one", "each"),
    *(case_id(STANDARD, case) for case in ("one", "two")),
)


@dataclass
class Calendar:
    day: date = date(2026, 1, 15)

    def clock(self) -> Clock:
        return Clock(now=lambda: datetime(self.day.year, self.day.month, self.day.day, 4, tzinfo=UTC))


@dataclass
class Play:
    """An installation to play commands on; ``n`` and ``m`` choose what each of them is about."""

    at: Installation
    calendar: Calendar = field(default_factory=Calendar)

    def act(self, n: int, unit: UUID | None = None) -> Act:
        given = Account(
            actor=PEOPLE[n % 3],
            occurred_on=self.calendar.day,
            command_id=uuid4(),
            organisation=unit,
            reason="" if n % 4 == 0 else "as agreed",
        )
        return Act(given)

    def found(self, n: int, m: int) -> None:
        n, parent = n % len(CODES), UNITS[m % len(CODES)] if m < len(CODES) else None
        self.at.organisations.establish(
            self.act(n), f"单位{n}", LEVELS[n], parent=parent, code=CODES[n], setting=SETTINGS[m % 3]
        )

    def name(self, n: int, m: int) -> None:
        self.at.organisations.rename(self.act(n), UNITS[n % 6], f"新名{m}")

    def move(self, n: int, m: int) -> None:
        self.at.organisations.move(self.act(n), UNITS[n % 6], UNITS[m % 6] if m < 6 else None)

    def set(self, n: int, m: int) -> None:
        self.at.organisations.change_setting(self.act(n), UNITS[n % 6], SETTINGS[m % 3])

    def code(self, n: int, m: int) -> None:
        if m == 7:
            self.at.organisations.withdraw_code(self.act(n), UNITS[n % 6], "division", self.calendar.day)
        elif m == 6:
            self.at.organisations.assign_code(
                self.act(n), UNITS[n % 6], "uscc", "914403001922038216", self.calendar.day
            )
        else:
            self.at.organisations.assign_code(self.act(n), UNITS[n % 6], "division", CODES[m], self.calendar.day)

    def staff(self, n: int, m: int) -> None:
        unit, day, post = UNITS[n % 6], self.calendar.day, ("书记", "委员")[m % 2]
        match m // 2:
            case 0:
                until = day + timedelta(days=40)
                self.at.organisations.appoint(self.act(n), unit, post, PEOPLE[n % 3], day, until, shared=m % 2 == 1)
            case 1:
                self.at.organisations.release(self.act(n), unit, post, PEOPLE[n % 3], day)
            case 2:
                self.at.organisations.expire_terms(self.act(n), unit)
            case _:
                elected = (Elected(post=post, person=PEOPLE[(n + 1) % 3]),)
                self.at.organisations.reelect(self.act(n), unit, day, elected, day)

    def count(self, n: int, m: int) -> None:
        act, unit, other = self.act(n), UNITS[n % 6], UNITS[m % 6]
        match m:
            case 0 | 1:
                self.at.organisations.admit(act, unit, n + 1, m)
            case 2:
                self.at.organisations.confirm(act, unit, 1)
            case 3:
                self.at.organisations.lose_members(act, unit, 1, 0, "death")
            case 4:
                self.at.organisations.register_doubly(act, unit, 1, other)
            case _:
                self.at.organisations.transfer(act, unit, 1, 0, None if m == 7 else other, self.calendar.day)

    def end(self, n: int, m: int) -> None:
        match m % 4:
            case 0 | 1:
                self.at.organisations.begin_dissolution(self.act(n), UNITS[n % 6])
            case 2:
                self.at.organisations.abandon_dissolution(self.act(n), UNITS[n % 6])
            case _:
                self.at.fold_now()
                self.at.organisations.dissolve(self.act(n), UNITS[n % 6])

    def draft(self, n: int, m: int) -> None:
        standards, act = self.at.standards, self.act(0)
        match m:
            case 0 | 1:
                standards.draft(act, "meetings", "三会一课", "organisation")
                standards.draw(self.act(0), STANDARD, FLOW)
                standards.define_duty(self.act(0), STANDARD, MONTHLY)
                standards.define_duty(self.act(0), STANDARD, EACH)
                standards.publish(self.act(1), STANDARD)
            case 2:
                standards.amend(self.act(n), STANDARD, "the year's review")
            case 3:
                standards.draw(act, STANDARD, OTHER if n % 2 else FLOW)
            case 4:
                standards.separate(act, STANDARD, (("notice", "minutes"),))
            case 5:
                standards.define_duty(act, STANDARD, YEARLY)
            case 6:
                standards.publish(self.act(n), STANDARD)
            case _ if n == 7:
                standards.retire(self.act(n), STANDARD, "replaced")
            case _:
                standards.remove_duty(act, STANDARD, "monthly")

    def ask(self, n: int, m: int) -> None:
        if m < 3:
            self.at.fold_now()
            self.at.ledger.raise_year(self.act(n), STANDARD, 2026, below=UNITS[n % 6] if m else None)
        else:
            due = date(2026, 2, 1) if m % 2 else None
            self.at.ledger.raise_case(self.act(n), STANDARD, ("one", "two")[n % 2], UNITS[m % 6], due)

    def step(self, n: int, m: int) -> None:
        take = self.at.ledger.start_step if m < 2 else self.at.ledger.complete_step
        take(self.act(m), OBLIGATIONS[-1 - n % 3], STEPS[m % 4])

    def file(self, n: int, m: int) -> None:
        ledger, act, id = self.at.ledger, self.act(m), OBLIGATIONS[n % len(OBLIGATIONS)]
        piece = EvidenceReference(kind="minutes", hash="sha256:" + "a" * 64)
        match m:
            case 0 | 1 | 2:
                ledger.file(act, id, f"held {n}", (piece,), Attendance(entitled=9, present=8))
            case 3:
                ledger.attach(act, id, EvidenceReference(kind="photo", hash="sha256:" + f"{n}" * 64))
            case 4 | 5:
                ledger.verify(act, id)
            case 6:
                ledger.reject(act, id, "no minutes")
            case _:
                ledger.correct(act, id, "a slip", Revision(summary=f"held twice {n}", occurred_on=date(2026, 1, 9)))

    def excuse(self, n: int, m: int) -> None:
        ledger, id, unit = self.at.ledger, OBLIGATIONS[n % 2], UNITS[-2:][n % 2]
        match m % 4:
            case 0:
                ledger.explain(self.act(m, unit), id, "flood")
            case 1 | 2:
                above = self.act(m + 1, UNITS[3])
                ledger.accept_exception(above, id) if n < 4 else ledger.decline_exception(above, id, "no flood")
            case _:
                ledger.waive(
                    self.act(m, UNITS[3] if n % 2 else None), id, "no such group here", "the county's decision 3"
                )

    def mandate(self, n: int, m: int) -> None:
        """A duty is given, lent or taken away, a relation declared or ended, an emergency asked for or decided."""
        people, one, other = self.at.people, PEOPLE[m % 3], PEOPLE[(m + 1) % 3]
        held = self.at.records.load(Person, one)
        day = self.calendar.day
        match n:
            case 0:
                people.appoint(self.act(m + 1), one, "verifier", UNITS[m % 6], day, None, "the county's decision 4")
            case 1:
                people.delegate(self.act(m), held.appointments[-1].id, other, day, day + timedelta(days=9))
            case 2:
                people.revoke(self.act(m), held.delegations[-1].id)
            case 3:
                people.declare(self.act(m), one, other, "household")
            case 4:
                people.end_relation(self.act(m + 2), one, held.relations[-1].id)
            case 5:
                people.request_emergency(self.act(m), "filer", UNITS[m % 6], 1 + m)
            case 6:
                asked = [row for row in self.at.whole.every(EmergencyRow) if row.standing == "requested"]
                decide = people.grant_emergency if m % 2 else people.decline_emergency
                decide(self.act(m), asked[-1].key)
            case _:
                people.end_appointment(self.act(m + 1), one, held.appointments[-1].id, day)

    def later(self, n: int, m: int) -> None:
        self.calendar.day += timedelta(days=7 * n)
        self.at.fold_now()
        self.at.ledger.detect_omissions(CAI)


COMMANDS: tuple[Callable[[Play, int, int], None], ...] = (
    *(Play.found, Play.name, Play.move, Play.set, Play.code, Play.staff, Play.count, Play.end),
    *(Play.draft, Play.ask, Play.step, Play.file, Play.excuse, Play.later),
    *(Play.count, Play.step, Play.file, Play.excuse, Play.file, Play.mandate),
)
Move = tuple[Callable[[Play, int, int], None], int, int]
EIGHT = st.integers(0, 7)
MOVES: st.SearchStrategy[list[Move]] = st.lists(st.tuples(st.sampled_from(COMMANDS), EIGHT, EIGHT), max_size=40)

# What most histories begin with, so that the rest of them finds something to be about.
OPENING: tuple[Move, ...] = (
    *((Play.found, n, n - 1 if n else 7) for n in range(5)),
    (Play.found, 5, 3),
    (Play.draft, 0, 0),
    (Play.ask, 0, 0),
    (Play.ask, 0, 5),
    (Play.ask, 1, 4),
    (Play.mandate, 0, 0),
    (Play.mandate, 1, 0),
    (Play.mandate, 3, 0),
    (Play.mandate, 5, 2),
)


def play(database: Database, moves: list[Move]) -> None:
    """Play moves on an empty log; what is refused is passed over."""
    calendar = Calendar()
    with Installation(database, calendar.clock()) as at:
        game = Play(at, calendar)
        for person in PEOPLE:
            at.people.entrust(person, "administrator")
        for command, n, m in moves:
            with suppress(Refused, IndexError, Behind):
                command(game, n, m)

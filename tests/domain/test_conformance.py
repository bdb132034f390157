"""Flow conformance, held against its definition and against real cases."""

import csv
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from uuid import NAMESPACE_OID, UUID, uuid5

from hypothesis import given as examples
from hypothesis import strategies as st

from domain.ledger import Completion, Facts, Findings, judge

T01 = "Confirmation of receipt"
T02 = "T02 Check confirmation of receipt"
T04 = "T04 Determine confirmation of receipt"
T05 = "T05 Print and send confirmation of receipt"
T06 = "T06 Determine necessity of stop advice"
T10 = "T10 Determine necessity to stop indication"
RECEIPT = Facts(
    steps=frozenset({T01, T02, T04, T05, T06, T10}),
    required=frozenset({T01, T02, T04, T05, T06, T10}),
    pairs=((T01, T02), (T02, T04), (T04, T05), (T01, T06), (T06, T10)),
    separate=((T02, T04),),
)
REAL = Path(__file__).parents[3] / "shared" / "data" / "permit-receipts.csv"

SOME_REAL_CASES = """\
case-7917|Confirmation of receipt|2011-06-30 11:07:53.965000+02:00|Resource01
case-7917|T02 Check confirmation of receipt|2011-06-30 11:08:17.914000+02:00|Resource01
case-7917|T05 Print and send confirmation of receipt|2011-06-30 11:13:21.705000+02:00|Resource01
case-7917|T06 Determine necessity of stop advice|2011-06-30 11:13:52.277000+02:00|Resource01
case-7917|T10 Determine necessity to stop indication|2011-06-30 11:14:09.223000+02:00|Resource01
case-3983|Confirmation of receipt|2010-11-25 08:59:33.164000+01:00|Resource06
case-3983|T02 Check confirmation of receipt|2010-11-25 09:01:56.987000+01:00|Resource04
case-3983|T03 Adjust confirmation of receipt|2010-11-25 09:07:20.020000+01:00|Resource06
case-3983|T02 Check confirmation of receipt|2010-11-25 09:07:47.085000+01:00|Resource06
case-3983|T04 Determine confirmation of receipt|2010-11-25 09:08:09.843000+01:00|Resource06
case-3983|T06 Determine necessity of stop advice|2010-11-25 09:08:35.547000+01:00|Resource06
case-3983|T10 Determine necessity to stop indication|2010-11-25 09:08:59.165000+01:00|Resource06
case-3983|T05 Print and send confirmation of receipt|2010-11-30 09:31:08.264000+01:00|admin1
case-3756|Confirmation of receipt|2010-10-05 08:32:48.565000+02:00|Resource02
case-3756|T06 Determine necessity of stop advice|2010-10-05 08:42:49.801000+02:00|Resource02
case-3756|T02 Check confirmation of receipt|2010-10-05 09:31:29.133000+02:00|Resource24
case-3756|T07-1 Draft intern advice aspect 1|2010-10-05 09:32:37.563000+02:00|Resource24
case-3756|T06 Determine necessity of stop advice|2010-10-05 09:39:14.231000+02:00|Resource02
case-3756|T10 Determine necessity to stop indication|2010-10-05 09:40:16.663000+02:00|Resource02
case-3756|T04 Determine confirmation of receipt|2010-10-05 10:44:20.945000+02:00|Resource19
case-3756|T05 Print and send confirmation of receipt|2010-10-05 15:16:10.469000+02:00|Resource21
"""


def at(minute: int) -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minute)


def done(step: str, minute: int, by: int = 1) -> Completion:
    return Completion(step, at(minute), UUID(int=by))


CHAIN = Facts(
    steps=frozenset("ABCD"),
    required=frozenset("ABC"),
    pairs=(("A", "B"), ("B", "C"), ("B", "D")),
    separate=(("A", "C"),),
)


def test_a_case_that_ran_as_drawn_is_faultless() -> None:
    findings = judge(CHAIN, [done("A", 1), done("B", 2), done("C", 3, by=2)])
    assert findings == Findings((), (), (), (), (), ())
    assert findings.faultless


def test_a_required_step_that_nobody_completed_is_omitted_and_an_optional_one_is_not() -> None:
    assert judge(CHAIN, [done("A", 1), done("B", 2)]).omitted == ("C",)
    assert judge(CHAIN, []).omitted == ("A", "B", "C")


def test_order_is_judged_by_first_completions_and_equal_times_are_in_order() -> None:
    assert judge(CHAIN, [done("A", 2), done("B", 1)]).out_of_order == ("A → B",)
    assert judge(CHAIN, [done("A", 2), done("B", 2)]).out_of_order == ()
    assert judge(CHAIN, [done("B", 3), done("A", 5), done("A", 2)]).out_of_order == ()
    assert judge(CHAIN, [done("A", 2), done("B", 3), done("B", 1)]).out_of_order == ("A → B",)


def test_a_step_whose_predecessor_nobody_completed_is_without_it_and_not_out_of_order() -> None:
    findings = judge(CHAIN, [done("C", 1), done("A", 2)])
    assert findings.without_predecessor == ("B → C",)
    assert findings.out_of_order == ()
    assert not findings.faultless


def test_repeated_and_additional_steps_are_found_and_are_no_faults() -> None:
    ran = [done("A", 1), done("B", 2), done("C", 3, by=2), done("B", 4), done("X", 5), done("X", 6)]
    findings = judge(CHAIN, ran)
    assert (findings.repeated, findings.additional) == (("B", "X"), ("X",))
    assert findings.faultless


def test_one_person_in_both_of_a_separated_pair_is_a_duty_conflict_whoever_else_took_part() -> None:
    assert judge(CHAIN, [done("A", 1, by=1), done("C", 2, by=2)]).duty_conflict == ()
    assert judge(CHAIN, [done("A", 1, by=1), done("C", 2, by=2), done("A", 3, by=2)]).duty_conflict == ("A → C",)


def test_any_one_fault_makes_a_case_faulty_and_nothing_else_does() -> None:
    none = Findings((), (), (), (), (), ())
    faults = {kind for kind in Findings._fields if not none._replace(**{kind: ("A",)}).faultless}
    assert faults == {"omitted", "out_of_order", "without_predecessor", "duty_conflict"}
    assert none.faultless


def test_times_are_instants_whatever_their_zone() -> None:
    a = Completion("A", datetime.fromisoformat("2026-03-01T12:00:00+08:00"), UUID(int=1))
    b = Completion("B", datetime.fromisoformat("2026-03-01T05:00:00+00:00"), UUID(int=1))
    assert judge(CHAIN, [a, b]).out_of_order == ()


names = st.sampled_from("ABCDEXY")
pairs = st.lists(st.sampled_from(list(permutations("ABCDE", 2))), max_size=6, unique=True).map(tuple)
flows = st.builds(Facts, st.just(frozenset("ABCDE")), st.frozensets(st.sampled_from("ABCDE")), pairs, pairs)
cases = st.lists(st.builds(done, names, st.integers(0, 8), st.integers(1, 3)), max_size=14)


def naive(facts: Facts, case: list[Completion]) -> Findings:
    """The definition, word by word, and slowly."""

    def times(step: str) -> list[datetime]:
        return sorted(c.at for c in case if c.step == step)

    present = {c.step for c in case}
    return Findings(
        omitted=tuple(sorted(s for s in facts.required if not times(s))),
        out_of_order=tuple(
            sorted(f"{a} → {b}" for a, b in facts.pairs if times(a) and times(b) and times(b)[0] < times(a)[0])
        ),
        without_predecessor=tuple(sorted(f"{a} → {b}" for a, b in facts.pairs if times(b) and not times(a))),
        repeated=tuple(sorted(s for s, n in Counter(c.step for c in case).items() if n > 1)),
        additional=tuple(sorted(s for s in present if s not in facts.steps)),
        duty_conflict=tuple(
            sorted(
                f"{a} → {b}"
                for a, b in facts.separate
                if any(x.step == a and y.step == b and x.by == y.by for x in case for y in case)
            )
        ),
    )


@examples(flows, cases)
def test_the_verdict_is_the_definition(facts: Facts, case: list[Completion]) -> None:
    assert judge(facts, case) == naive(facts, case)


@examples(flows, cases.flatmap(lambda case: st.tuples(st.just(case), st.permutations(case))))
def test_the_order_of_recording_does_not_matter(
    facts: Facts, orders: tuple[list[Completion], list[Completion]]
) -> None:
    assert judge(facts, orders[0]) == judge(facts, orders[1])


def read(rows: Iterable[Sequence[str]]) -> dict[str, list[Completion]]:
    found: dict[str, list[Completion]] = defaultdict(list)
    for case, step, time, person in rows:
        found[case].append(Completion(step, datetime.fromisoformat(time), uuid5(NAMESPACE_OID, person)))
    return found


def test_three_real_cases_are_found_as_a_reader_finds_them() -> None:
    found = read(line.split("|") for line in SOME_REAL_CASES.splitlines())
    assert {case: judge(RECEIPT, completions) for case, completions in found.items()} == {
        "case-7917": Findings((T04,), (), (f"{T04} → {T05}",), (), (), ()),
        "case-3983": Findings((), (), (), (T02,), ("T03 Adjust confirmation of receipt",), (f"{T02} → {T04}",)),
        "case-3756": Findings((), (), (), (T06,), ("T07-1 Draft intern advice aspect 1",), ()),
    }


BY_SQL = {
    "omitted": "SELECT s, c FROM (SELECT DISTINCT c FROM done), required EXCEPT SELECT s, c FROM done",
    "out_of_order": """SELECT a || ' → ' || b, x.c FROM pair JOIN first x ON x.s = a JOIN first y ON y.s = b
                       WHERE x.c = y.c AND y.t < x.t""",
    "without_predecessor": """SELECT a || ' → ' || b, c FROM pair JOIN first ON s = b
                              WHERE NOT EXISTS (SELECT 1 FROM first x WHERE x.c = first.c AND x.s = a)""",
    "repeated": "SELECT s, c FROM first WHERE n > 1",
    "additional": "SELECT s, c FROM first WHERE s NOT IN (SELECT s FROM required)",
    "duty_conflict": """SELECT DISTINCT a || ' → ' || b, x.c FROM apart JOIN done x ON x.s = a JOIN done y ON y.s = b
                        WHERE x.c = y.c AND x.p = y.p""",
}


def test_real_cases_are_judged_as_sql_judges_them() -> None:
    if REAL.exists():
        with REAL.open(newline="") as file:
            columns = ("case:concept:name", "concept:name", "time:timestamp", "org:resource")
            found = read([row[column] for column in columns] for row in csv.DictReader(file))
        totals = {"cases": 1434, "faultless": 251, "omitted": 157, "repeated": 91, "additional": 152, "conflicts": 1042}
    else:
        found = read(line.split("|") for line in SOME_REAL_CASES.splitlines())
        totals = {"cases": 3, "faultless": 1, "omitted": 1, "repeated": 2, "additional": 2, "conflicts": 1}
    with closing(sqlite3.connect(":memory:")) as sql:
        sql.executescript(
            """CREATE TABLE done (c, s, t INTEGER, p); CREATE TABLE required (s);
            CREATE TABLE pair (a, b); CREATE TABLE apart (a, b);
            CREATE VIEW first AS SELECT c, s, min(t) t, count(*) n FROM done GROUP BY c, s;"""
        )
        epoch, tick = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
        done = [(c, step, (at - epoch) // tick, str(by)) for c, case in found.items() for step, at, by in case]
        sql.executemany("INSERT INTO done VALUES (?, ?, ?, ?)", done)
        sql.executemany("INSERT INTO required VALUES (?)", [(step,) for step in RECEIPT.required])
        sql.executemany("INSERT INTO pair VALUES (?, ?)", RECEIPT.pairs)
        sql.executemany("INSERT INTO apart VALUES (?, ?)", RECEIPT.separate)
        counted = {kind: sorted(sql.execute(query)) for kind, query in BY_SQL.items()}
    verdicts = {case: judge(RECEIPT, completions) for case, completions in found.items()}
    assert counted == {
        kind: sorted((name, case) for case, verdict in verdicts.items() for name in getattr(verdict, kind))
        for kind in Findings._fields
    }
    assert totals == {
        "cases": len(verdicts),
        "faultless": sum(v.faultless for v in verdicts.values()),
        "omitted": sum(bool(v.omitted) for v in verdicts.values()),
        "repeated": sum(bool(v.repeated) for v in verdicts.values()),
        "additional": sum(bool(v.additional) for v in verdicts.values()),
        "conflicts": sum(bool(v.duty_conflict) for v in verdicts.values()),
    }

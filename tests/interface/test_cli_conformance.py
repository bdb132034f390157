"""Cases go in through the command line, and it answers what a plain count of the same rows says, now and then."""

import csv
import json
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from application.database import Database
from application.migrate import migrate
from domain.standard import Flow, bpmn
from tests.domain.flows import brute_force, drawn

TAIZHANG = Path(sys.executable).with_name("taizhang")
HEADER = ("case", "step", "at", "by")
# A loop around a required step, a choice, two branches at once, and a step that nothing leads past.
FLOW = drawn("s ask x1 draft x2 p1 check p2 sign e", "x2 x1", "p1 x3 seal x4 p2", "x3 x4")
SEPARATE = (("draft", "check"), ("seal", "sign"))
STEPS = [node.id for node in FLOW.nodes if node.kind == "task"]
CHINA = timezone(timedelta(hours=8))

Row = tuple[str, str, str, str]


def rows(seed: int, cases: int) -> list[Row]:
    """Cases that run as drawn, or nearly, or not at all; times that tie, told with any offset or none."""
    chance = random.Random(seed)  # noqa: S311  # no secrets hang on it
    found: list[Row] = []
    for case in range(cases):
        kept = [step for step in STEPS if chance.random() < 0.85]
        ran = chance.choice([kept, chance.choices([*STEPS, "unheard of", "Ask"], k=chance.randint(1, 9))])
        at = datetime(2026, 1, 5, 9, tzinfo=CHINA)
        for step in ran or STEPS[:1]:
            at += timedelta(hours=chance.choice([0, 0, 1, 7, -2]))
            told = chance.choice([at, at.astimezone(UTC), at.replace(tzinfo=None)]).isoformat()
            found.append((f"case {case}", step, told, chance.choice(["Ann", "ann", "张三"])))
    chance.shuffle(found)
    return found


def count(flow: Flow, given: list[Row]) -> Any:
    """The definition of the issue, word by word, over the rows themselves."""
    known = brute_force(flow)
    assert known
    cases: dict[str, list[tuple[str, datetime, str]]] = defaultdict(list)
    for case, step, told, by in given:
        at = datetime.fromisoformat(told)
        cases[case].append((step, at if at.tzinfo else at.replace(tzinfo=CHINA), by))
    found: dict[str, list[list[str]]] = defaultdict(list)
    faultless = 0
    for done in cases.values():
        first = {step: min(at for other, at, _ in done if other == step) for step, _, _ in done}
        people = {step: {by for other, _, by in done if other == step} for step in first}
        of = {
            "omitted": [step for step in known.required if step not in first],
            "out_of_order": [f"{a} → {b}" for a, b in known.precedes if {a, b} <= first.keys() and first[b] < first[a]],
            "without_predecessor": [f"{a} → {b}" for a, b in known.precedes if b in first and a not in first],
            "repeated": [step for step, times in Counter(step for step, _, _ in done).items() if times > 1],
            "additional": [step for step in first if step not in flow.steps],
            "duty_conflict": [f"{a} → {b}" for a, b in SEPARATE if people.get(a, set()) & people.get(b, set())],
        }
        faults = ("omitted", "out_of_order", "without_predecessor", "duty_conflict")
        faultless += not any(of[kind] for kind in faults)
        for kind, names in of.items():
            found[kind].append(names)
    return {"cases": len(cases), "steps": len(given), "faultless": faultless} | {
        kind: {"cases": sum(map(bool, lists)), "by_step": dict(Counter(name for names in lists for name in names))}
        for kind, lists in found.items()
    }


def test_conformance_is_what_a_plain_count_says_now_and_halfway(database: Database, tmp_path: Path) -> None:
    migrate(database)  # a copied database has not the template's grants upon itself

    def taizhang(*words: str | Path) -> Any:
        environment = {**os.environ, "TAIZHANG_DATABASE": database.dsn, "TAIZHANG_HOME": str(database.keys.parent)}
        ran = subprocess.run([TAIZHANG, *words, "--json"], capture_output=True, text=True, env=environment, check=False)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def give(name: str, given: list[Row]) -> Any:
        file = tmp_path / name
        with file.open("w", encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows([HEADER, *given])
        columns = (f"--{column}={column}" for column in HEADER)
        return taizhang("import", "cases", file, "--standard", "permits", *columns)

    drawing = tmp_path / "permits.bpmn"
    drawing.write_bytes(bpmn.write(FLOW, "permits", "Permits"))
    apart = (f"{a}:{b}" for a, b in SEPARATE)
    taizhang(
        *("import", "standard", drawing, "--code", "permits", "--title", "Permits", "--area", "custom:permits"),
        *("--separate", *apart),
    )
    every = rows(1, 60)
    half = every[: len(every) // 2]
    halfway = give("half.csv", half)["position"]
    assert give("whole.csv", every)["recorded"] > 0
    assert taizhang("conformance", "permits") == count(FLOW, every)
    assert taizhang("conformance", "permits", "--known-at", str(halfway)) == count(FLOW, half)

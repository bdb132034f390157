"""Results as a page: the machine, the date, each row with its figures, its ratio and its target."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median

from benchmarks.measure import Comparison

HEAD = """\
# What was measured

`make bench` writes this page. Each row is measured beside its yardstick, on the same server with fsync on, in rounds
that take turns; the figures are medians of the rounds, the ratio is that of the medians, and in brackets stand the
lowest and the highest ratio of two neighbouring rounds. Server, clients and yardsticks share the machine's cores.
Each module of this folder says what exactly it compares.

"""


def line(row: Comparison) -> str:
    """One row in one line, for a terminal."""
    other = f" | {_figure(median(row.others))}: {row.yardstick}" if row.others else ""
    return f"{_verdict(row)} {_ratio(row)} | {_figure(median(row.ours))} {row.unit}: {row.what}{other}"


def report(facts: Mapping[str, str], rows: Sequence[Comparison]) -> str:
    lines = [f"- {name}: {fact}" for name, fact in {"Date": f"{datetime.now(UTC):%Y-%m-%d}", **facts}.items()]
    lines += ["", "| What | Measured | Yardstick | Measured | Ratio | Target | |", "|---|--:|---|--:|--:|--:|---|"]
    for row in rows:
        other = f"{_figure(median(row.others))} {row.unit}" if row.others else ""
        ours = f"{_figure(median(row.ours))} {row.unit}"
        cells = (row.what, ours, row.yardstick, other, _ratio(row), _target(row), _verdict(row))
        lines.append(f"| {' | '.join(cells)} |")
    return HEAD + "\n".join(lines) + "\n"


def _ratio(row: Comparison) -> str:
    if row.ratio is None or row.spread is None:
        return ""
    return f"{row.ratio:.2f} ({row.spread[0]:.2f} to {row.spread[1]:.2f})"


def _target(row: Comparison) -> str:
    times = " ×" if row.others else f" {row.unit}"
    if row.at_least is not None:
        return f"≥ {row.at_least:g}{times}"
    return f"≤ {row.at_most:g}{times}" if row.at_most is not None else ""


def _verdict(row: Comparison) -> str:
    if row.at_least is None and row.at_most is None:
        return ""
    return "reached" if row.reached else "missed"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

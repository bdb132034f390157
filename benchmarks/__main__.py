"""``python -m benchmarks [NAME …]``: measure every row, or those of the modules named, and print them as they come.

Results are written to RESULTS.md once every row is measured.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from application.process import settle
from benchmarks import bulk, bundle, commands, fold, gate, http, imports, moments, proofs, replay, scopes, sealed
from benchmarks.measure import Comparison
from benchmarks.results import line, report
from benchmarks.server import Server, serving

RESULTS = Path(__file__).with_name("RESULTS.md")
ALL: dict[str, Callable[[Server], Iterator[Comparison]]] = {
    "commands": commands.run,
    "gate": gate.run,
    "bulk": bulk.run,
    "fold": fold.run,
    "moments": moments.run,
    "scopes": scopes.run,
    "http": http.run,
    "replay": replay.run,
    "imports": imports.run,
    "proofs": proofs.run,
    "sealed": sealed.run,
    "bundle": bundle.run,
}


def main(chosen: list[str]) -> None:
    if unknown := set(chosen) - set(ALL):
        sys.exit(f"no benchmark is called {', '.join(unknown)}: there are {', '.join(ALL)}")
    # As the service itself is set up; the yardsticks gain by it as well.
    settle()
    with serving() as server:
        facts = server.facts()
        rows: list[Comparison] = []
        for name in chosen or ALL:
            for row in ALL[name](server):
                print(line(row), flush=True)
                rows.append(row)
    if not chosen:
        RESULTS.write_text(report(facts, rows), encoding="utf-8")
        print(f"written to {RESULTS}")


if __name__ == "__main__":
    main(sys.argv[1:])

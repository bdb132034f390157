"""Over HTTP: `taizhang serve` beside a bare FastAPI application, a process each, asked by a third.

Commands: 64 keep-alive clients each admit a member to an organisation, beside a ``def`` route that inserts a row and
commits through a psycopg pool; ours folds its views meanwhile. The omissions board: a page for a county, from
8 clients, beside a route that runs the same SQL.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.abc import Params
from psycopg.rows import TupleRow

from application.bulk import record_all
from benchmarks.ledger import COUNTY, keep
from benchmarks.measure import Comparison, alternate
from benchmarks.nation import fail, founding, nation
from benchmarks.server import Server
from domain.organisation import organisation_id
from interface.app import all_views
from projections.board import Board
from projections.query import Views

CLIENTS, READERS, SECONDS = 64, 8, 2.0
UNITS, COUNT = CLIENTS * 30, 8000
SERVE = "import sys; from interface.cli import main; sys.argv = ['taizhang', 'serve', '--port', '0']; main()"
ADMISSION = {"full": 1, "reason": "转正"}


def run(server: Server) -> Iterator[Comparison]:
    with server.installation() as installation:
        database = installation.database
        record_all(installation.records, map(founding, nation(UNITS)), fail)
        keep(installation, COUNT)
        installation.fold_now()
        token = installation.token("benchmark", "administrator")
        ids = [organisation_id(unit.code) for unit in nation(UNITS)]
        county = organisation_id(next(unit.code for unit in nation(COUNTY) if unit.level == "county"))
        board = sql_of_board(database.schema, county)
        path = f"/api/omissions?organisation={county}"
        schema = {"PGOPTIONS": f"-c search_path={database.schema}"}
        with (
            process(
                ["-c", SERVE], {"TAIZHANG_DATABASE": database.dsn, "TAIZHANG_HOME": str(database.keys.parent)}
            ) as ours,
            process(["-m", "benchmarks.bare", database.dsn], schema, board) as bare,
        ):
            commands = [request("POST", f"/api/organisations/{id}/members/admission", token, ADMISSION) for id in ids]
            inserts = [request("POST", f"/entries/{id}", "", ADMISSION) for id in ids]
            measured, others = alternate(lambda: ask(ours, CLIENTS, commands), lambda: ask(bare, CLIENTS, inserts))
            yield Comparison(
                "commands over HTTP, 64 keep-alive clients",
                "a bare FastAPI `def` route: one INSERT + commit through a psycopg pool",
                "commands/s",
                measured,
                others,
                at_least=0.8,
            )
            measured, others = alternate(
                lambda: ask(ours, READERS, [request("GET", path, token)] * READERS),
                lambda: ask(bare, READERS, [request("GET", "/omissions", "")] * READERS),
            )
            yield Comparison(
                "a page of the omissions board over HTTP",
                "a bare route running the same SQL",
                "pages/s",
                measured,
                others,
                at_least=0.6,
            )


@contextmanager
def process(program: Sequence[str], environment: Mapping[str, str], given: str = "") -> Generator[int]:
    """Run a server until this ends; yield its port, the last number that the first line it prints holds."""
    with subprocess.Popen(
        [sys.executable, *program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as running:
        assert running.stdin and running.stdout
        running.stdin.write(given)
        running.stdin.close()
        try:
            yield int(re.findall(r"(\d+)(?:/|$)", running.stdout.readline().strip())[-1])
        finally:
            running.terminate()


def ask(port: int, clients: int, requests: Sequence[str]) -> float:
    """Return the answers a second that a client process got."""
    answered = subprocess.run(
        [sys.executable, "-m", "benchmarks.client", str(port), str(clients), str(SECONDS)],
        input="".join(json.dumps(each) + "\n" for each in requests),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(answered.stdout)


def request(method: str, path: str, token: str, body: Mapping[str, Any] | None = None) -> str:
    content = json.dumps(body) if body else ""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", content])


def sql_of_board(schema: str, county: UUID) -> str:
    """Return the board's query and its parameters as JSON, as our own code would ask them."""
    asked: list[tuple[str, Any]] = []

    class Asked:
        def fetch(
            self,
            query: str | sql.SQL | sql.Composed,
            parameters: Params | None = None,
            before: tuple[sql.Composed, Params] | None = None,
        ) -> list[TupleRow]:
            asked.append((query if isinstance(query, str) else query.as_string(None), parameters))
            # Nothing is folded, and no row answers.
            return [(0, None)]

    Board(Views(schema, Asked(), all_views())).omissions(county)
    query, parameters = asked[0]
    return json.dumps({"query": query, "parameters": parameters}, default=str)

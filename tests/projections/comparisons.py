"""What the tests of comparing views share: comparing one, and changing behind its back what it keeps."""

from collections.abc import Callable
from typing import Any

import pytest

from application.database import Database, Role
from interface.app import Installation, all_views
from projections.comparison import Comparison, Different
from tests.projections.histories import UNITS

VIEWS = {view.name: view for view in all_views()}
TOWNSHIP = UNITS[3]


def compare(at: Installation, name: str = "organisation", progress: Callable[[int], None] = lambda _: None) -> None:
    with at.database.connect(Role.reader) as connection:
        Comparison(VIEWS[name], at.pages, connection, at.database.schema).compare(progress)


def different(at: Installation, name: str = "organisation") -> str:
    with pytest.raises(Different) as raised:
        compare(at, name)
    return str(raised.value)


def tamper(database: Database, *statements: str, view: str = "organisation") -> list[tuple[Any, ...]]:
    """Run statements as the owner where a view's tables lie; return the rows that the last of them gives."""
    with database.connect(Role.owner) as connection:
        connection.execute(f"SET search_path = {database.schema}_{view}, {database.schema}".encode())
        rows: list[tuple[Any, ...]] = []
        for statement in statements:
            ran = connection.execute(statement.encode())
            assert ran.description is None or ran.rowcount > 0
            rows = ran.fetchall() if ran.description else []
        return rows

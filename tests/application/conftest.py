"""Threads to wait in, and a wire to cut."""

from collections.abc import Iterator

import pytest

from application.database import Database
from tests.faults.proxy import Proxy, proxied
from tests.faults.threads import Threads


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture
def proxy(database: Database) -> Iterator[Proxy]:
    with proxied(database.dsn) as proxy:
        yield proxy

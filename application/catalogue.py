"""What guards a log, as the database's own catalogue has it: the log's tables, and who may do what to them.

What seals the catalogue at a deployment and what verifies it later both read it here: to both it is the same question,
and a second reading of our own would be no second opinion.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from psycopg import Connection
from psycopg.rows import TupleRow

from application.database import Role

Parts = Mapping[str, str]
"""What each part is, by the words that name it."""

# A part is put on record whole up to so many characters, and beyond as so many of its SHA-256, in hexadecimal.
_LONGEST = 160
_KEPT = 16


def read(connection: Connection[TupleRow], schema: str) -> dict[str, str]:
    """Return every part, whole. It reads the same for everybody who may connect, and after a dump was put back."""
    found: dict[str, list[str]] = {}
    # What is set here is as it was before, once this is undone.
    with connection.transaction(force_rollback=True):
        # A table or an operator of somebody's own would else be found before that of the system.
        connection.execute("SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)")
        for part, text in connection.execute(
            _query(), {"schema": schema, "roles": [role.value for role in Role if role]}
        ):
            found.setdefault(part, []).append(text)
    return {part: "; ".join(sorted(texts)) for part, texts in sorted(found.items())}


def fingerprint(parts: Parts) -> str:
    """Return the SHA-256 of a catalogue, in hexadecimal."""
    lines = (f"{part}\t{text}\n" for part, text in sorted(parts.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def shortened(parts: Parts) -> dict[str, str]:
    """Return a catalogue as it is put on record: each part whole where short, else a piece of its SHA-256."""
    return {part: _short(text) for part, text in parts.items()}


def _short(text: str) -> str:
    if len(text) <= _LONGEST and text.isprintable():
        return text
    return f"SHA-256 {hashlib.sha256(text.encode()).hexdigest()[:_KEPT]}…"


@cache
def _query() -> bytes:
    return files("application").joinpath("catalogue.sql").read_bytes()

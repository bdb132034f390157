"""One view's fold under way: what a batch makes is written while the next one is folded."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.event import Event, Recorded
from projections.live import Changes, Live
from projections.registry import Place, Superseded
from projections.tables import Unfit
from projections.view import View


class Past(Protocol):
    """An event of the log, read only when a view asks for it, and then once for all views."""

    @property
    def position(self) -> int: ...

    @property
    def topic(self) -> str:
        """The topic of the event's present shape."""
        ...

    def read(self) -> Recorded:
        """Return the event; raise ValueError if this program cannot read it."""
        ...


@dataclass(frozen=True)
class Hands:
    """What folds work with: a connection that looks rows up, another that one thread alone writes with, its thread.

    ``ahead`` reads the log meanwhile.
    """

    reading: Connection[TupleRow]
    writing: Connection[TupleRow]
    writer: Executor
    ahead: Executor


class Fold:
    """The fold into one place. ``place.position`` is what is folded, ``written`` what the database has of it.

    Whoever meets an exception here drops the fold, and begins another one from what is written.
    """

    def __init__(self, place: Place, log_schema: str, hands: Hands) -> None:
        self.place = place
        self.written = place.position
        self._hands = hands
        self._live = Live(hands.reading, place.schema(log_schema))
        self._flying: Future[None] | None = None

    @property
    def flying(self) -> bool:
        """Whether a batch is on its way to the database."""
        return self._flying is not None

    def fold(self, page: Sequence[Past], skipped: frozenset[int]) -> tuple[int, str] | None:
        """Fold a page, and let it be written; return the position and error of the event that stopped the view.

        Raise what the batch before it met: Unfit for a row not taken, Superseded, or what the database raised.
        """
        view = self.place.view
        position, error = page[-1].position, None
        wanted: list[Recorded] = []
        for past in page:
            if past.position not in skipped and concerns(view, past.topic):
                try:
                    wanted.append(past.read())
                except psycopg.Error:
                    raise
                except Exception as raised:  # noqa: BLE001  # what cannot be read stops its view, not the engine
                    position, error = past.position - 1, (past.position, _told(raised))
                    break
        self._live.fetch(view.rows, (key for past in wanted for key in _touched(view, past)))
        for recorded in wanted:
            try:
                view.fold(recorded, self._live)
            except psycopg.Error:
                raise
            except Exception as raised:  # noqa: BLE001  # whatever a fold raises stops its view, not the engine
                self._live.drop()
                position, error = recorded.position - 1, (recorded.position, _told(raised))
                break
            self._live.settle(recorded.position)
        self.land()
        self._fly(self._live.take(), position, error)
        if error:
            self.land()
        return error

    def fold_alone(self, past: Past, skipped: frozenset[int]) -> tuple[int, str] | None:
        """Fold and write one event; if its rows are not taken, it stops the view."""
        try:
            error = self.fold([past], skipped)
            self.land()
        except Unfit as refused:
            error = past.position, str(refused)
            self._fly(Changes(), past.position - 1, error)
            self.land()
        return error

    def land(self) -> None:
        """Wait until what was folded is written; raise what writing it raised."""
        if self._flying is not None:
            flying, self._flying = self._flying, None
            flying.result()
            self.written = self.place.position

    def _fly(self, changes: Changes, position: int, error: tuple[int, str] | None) -> None:
        self._flying = self._hands.writer.submit(self._write, changes, self.written, position, error)
        self.place.position = position
        self.place.stopped_at = error[0] if error else None

    def _write(self, changes: Changes, since: int, position: int, error: tuple[int, str] | None) -> None:
        connection, place = self._hands.writing, self.place
        with connection.transaction():
            # First the view's line: it is what everybody who begins, folds or switches a view takes turns on.
            moved = connection.execute(
                "UPDATE views SET position = %s, updated_at = now(), stopped_at = %s, error = %s"
                " WHERE name = %s AND building = %s AND position = %s AND version = %s",
                (position, *(error or (None, None)), place.view.name, place.building, since, place.view.version),
            )
            if not moved.rowcount:
                raise Superseded
            changes.flush(connection, self._live.schema)


def concerns(view: View, topic: str) -> bool:
    """Whether a view folds an event, or would if this program knew what it is."""
    return topic in view.topics or (topic not in Event.topics and topic.partition(".")[0] in view.contexts)


def _touched(view: View, past: Recorded) -> Sequence[UUID]:
    try:
        return list(view.touches(past))
    except Exception:  # noqa: BLE001  # the fold will raise the same, and say so
        return ()


def _told(error: Exception) -> str:
    """What the registry says of an error; a text there holds no NUL."""
    return f"{type(error).__name__}: {error}".replace("\0", "\ufffd")


__all__ = ["Fold", "Hands", "Past", "concerns"]

"""The log, as the eventsourcing library's persistence module: group commit, gapless positions, tailing readers."""

from pathlib import Path
from typing import Any, NoReturn

from eventsourcing.persistence import InfrastructureFactory

from application.database import Database, Unavailable
from application.log.mapper import Entry, RecordMapper
from application.log.recorder import LogRecorder, Recording
from application.log.submission import Appended, Command, Outcome, Repeated, Stale, Submission
from application.log.tail import Tail, Tailer
from application.log.within import Within

__all__ = [
    "Appended",
    "Command",
    "Entry",
    "Factory",
    "LogRecorder",
    "Outcome",
    "RecordMapper",
    "Recording",
    "Repeated",
    "Stale",
    "Submission",
    "Tail",
    "Tailer",
    "Unavailable",
    "Within",
]


class Factory(InfrastructureFactory[Any]):
    """Chosen by ``PERSISTENCE_MODULE=application.log``; reads ``LOG_DSN`` and so on."""

    def application_recorder(self) -> LogRecorder:
        dsn, keys, schema, patience = (self.env.get(f"LOG_{name}") for name in ("DSN", "KEYS", "SCHEMA", "PATIENCE"))
        assert dsn and keys and schema and patience
        command = self.env.get("LOG_SIGN_COMMAND") or ""
        return LogRecorder(Database(dsn, Path(keys), schema, float(patience), command))

    def aggregate_recorder(self, purpose: str = "events") -> LogRecorder:
        """The log alone is kept: there are no snapshots to record."""
        return self.application_recorder()

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> NoReturn:
        """Views keep their own positions (``projections.engine``)."""
        raise TypeError("the log tracks no positions")

    def process_recorder(self) -> NoReturn:
        raise TypeError("the log tracks no positions")

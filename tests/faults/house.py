"""An installation with keys of its own, which are changed."""

from datetime import UTC, datetime
from pathlib import Path

from application.keys import LOG, WRITER, create_next, load, load_all, verify
from application.log import Appended
from application.seal import Sealer
from domain.keyring import Role
from domain.note import Key
from interface.app import Installation
from tests.faults.load import submission


class House:
    """An installation with keys of its own, its sealer, and what is published."""

    def __init__(self, at: Installation, home: Path) -> None:
        self.at = at
        self.keys = at.database.keys
        self.sealed = at.sealed
        self.folder = home / "sealer"
        Sealer.begin(load(self.keys, LOG), self.folder, self.sealed, [load(self.keys, WRITER).key])
        self._sealer: Sealer | None = None

    @property
    def sealer(self) -> Sealer:
        self._sealer = self._sealer or self.new_sealer()
        return self._sealer

    def new_sealer(self) -> Sealer:
        return Sealer(
            self.at.database, lambda: load_all(self.keys, LOG), self.folder, self.sealed, lambda: datetime.now(UTC)
        )

    def record(self, count: int = 1) -> None:
        assert isinstance(self.at.records.recorder.append(submission(events=count)), Appended)

    def seals(self) -> None:
        self.sealer.seal()

    def adds(self, role: Role, key: Key) -> int:
        act = self.at.act("安吉", "三年一换", "operator")
        return self.at.keyrings.add(act, role, key, load(self.keys, role).key).position

    def retires(self, key: Key) -> int:
        return self.at.keyrings.retire(self.at.act("安吉", "三年一换", "operator"), key).position

    def signers(self) -> list[Key]:
        """Those of the log's keys that signed the newest checkpoint."""
        note = self.sealed.note()
        return [each.key for each in load_all(self.keys, LOG) if note.is_signed_by(each.key, verify)]

    def writers(self) -> list[bytes]:
        """The id of the key that signed each group."""
        return [id for (id,) in self.at.reads.fetch("SELECT key_id FROM event_groups ORDER BY first")]


def next_key(house: House, role: Role) -> Key:
    return create_next(house.keys, role, load(house.keys, role).key.name).key

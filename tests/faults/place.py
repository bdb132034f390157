"""A log, what seals it, and the place where that publishes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from application.database import Database
from application.keys import Signer, verify
from application.log import LogRecorder
from application.seal import Sealer, Unaccountable
from application.sealed import Sealed
from domain.merkle import inclusion, is_included, leaf_hash, root_of
from domain.note import Checkpoint
from domain.tile import ENTRIES, Tile, Tiles, tiles, unbundle
from tests.faults.load import submission
from tests.faults.log import ORIGIN, leaves


@dataclass
class Place:
    """A log, what seals it, and the sealer's clock."""

    database: Database
    log: LogRecorder
    folder: Path
    sealed: Sealed
    signer: Signer
    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def record(self, *sizes: int) -> None:
        for size in sizes:
            self.log.append(submission(events=size))

    def sealer(self) -> Sealer:
        return Sealer(self.database, lambda: [self.signer], self.folder, self.sealed, self.now)

    def seals(self, *sizes: int) -> Checkpoint:
        """Record, seal, and return the checkpoint, which is of the log as it is stored."""
        self.record(*sizes)
        self.sealer().seal()
        self.check()
        return self.sealed.checkpoint()

    def check(self) -> None:
        stored = leaves(self.database)
        note, checkpoint = self.sealed.note(), self.sealed.checkpoint()
        assert note.is_signed_by(self.signer.key, verify)
        assert checkpoint == Checkpoint(ORIGIN, len(stored), root_of(stored))
        for tile in tiles(0, checkpoint.size):
            assert len(self.sealed.tile(tile)) == 32 * tile.width
        subtrees = Tiles(checkpoint.size, self.sealed.tile)
        for index, leaf in enumerate(stored):
            assert is_included(leaf, index, len(stored), inclusion(index, len(stored), subtrees), checkpoint.root)
        for number in range(-(-len(stored) // 256)):
            width = min(256, len(stored) - 256 * number)
            entries = unbundle(self.sealed.tile(Tile(ENTRIES, number, width)))
            assert [leaf_hash(each) for each in entries] == stored[256 * number : 256 * number + width]

    def refuses(self) -> Unaccountable:
        """Find that the sealer refuses, now and whenever it is asked again, and return what it said."""
        with pytest.raises(Unaccountable) as first:
            self.sealer().seal()
        with pytest.raises(Unaccountable) as again:
            self.sealer().seal()
        assert str(first.value) == str(again.value)
        refusal = self.sealed.refusal()
        assert refusal is not None
        assert (refusal.index, refusal.kind) == (first.value.index, first.value.kind)
        return first.value

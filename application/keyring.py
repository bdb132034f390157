"""The log's keys: adding one, and retiring one, on record."""

from collections.abc import Sequence

from application.gate import Gate
from application.keys import verify
from application.records import Act, Receipt, Records
from application.sealed import Sealed, Unsealed
from domain.keyring import ADD, RETIRE, Keyring, Role, keyring_id
from domain.note import Key


class Keyrings:
    def __init__(self, records: Records, gate: Gate, sealed: Sealed) -> None:
        self._records = records
        self._gate = gate
        self._sealed = sealed

    @property
    def origin(self) -> str:
        """The log's name."""
        return self._records.recorder.origin()

    def keyring(self) -> Keyring:
        """Return the log's keyring as it is stored now."""
        return self._records.load(Keyring, keyring_id(self.origin), fresh=True)

    def add(self, act: Act, role: Role, key: Key, held: Key) -> Receipt:
        """Add a key; ``held`` is the one of its role that signed until now."""
        origin = self.origin
        return self._gate.decide(
            self._records,
            act,
            ADD,
            Keyring,
            keyring_id(origin),
            lambda ring, account: ring.add(role, key, held, origin, account),
        )

    def retire(self, act: Act, key: Key) -> Receipt:
        """Retire a key; the writers that still sign with it take another by themselves."""
        return self._gate.decide(
            self._records,
            act,
            RETIRE,
            Keyring,
            keyring_id(self.origin),
            lambda ring, account: ring.retire(key, self._seals(ring.in_force("log")), account),
        )

    def _seals(self, keys: Sequence[Key]) -> list[Key]:
        """Those of the keys that signed the newest checkpoint."""
        try:
            note = self._sealed.note()
        except Unsealed:
            return []
        return [key for key in keys if note.is_signed_by(key, verify)]

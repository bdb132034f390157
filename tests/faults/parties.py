"""Witnesses on machines of their own, and a sealer that asks them."""

from contextlib import ExitStack
from pathlib import Path

from application.seal import Sealer, Witnessed
from application.witness import witnessing
from domain.note import Key
from domain.policy import Policy
from tests.faults.place import Place
from tests.interface.test_witnessing import served


class Parties:
    """Two witnesses, each on a machine of its own, of whom both must cosign, or one."""

    def __init__(self, folder: Path, log: Key, quorum: str) -> None:
        self.folder = folder
        self.log = log
        self.quorum = quorum
        self.running = ExitStack()

    def start(self) -> Policy:
        lines = [f"log {self.log}"]
        for name in ("county", "province"):
            home = self.folder / name
            witness = self.running.enter_context(
                witnessing(home / "witness", home / "keys", f"{name}.example", [self.log])
            )
            lines.append(f"witness {name} {witness.key} {self.running.enter_context(served(witness))}")
        return Policy.parse("\n".join([*lines, f"group both {self.quorum} county province", "quorum both"]) + "\n")

    def stop(self) -> None:
        self.running.close()
        self.running = ExitStack()


def sealing(place: Place, policy: Policy, *, hold: bool = False) -> Sealer:
    return Sealer(
        place.database, lambda: [place.signer], place.folder, place.sealed, place.now, Witnessed(policy, hold)
    )

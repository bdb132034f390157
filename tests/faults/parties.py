"""Witnesses on machines of their own, and a sealer that asks them."""

import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import uvicorn

from application.seal import Sealer, Witnessed
from application.witness import Witness, witnessing
from domain.note import Key
from domain.policy import Policy
from interface.http.witness import create_witness
from tests.faults.place import Place


@contextmanager
def served(witness: Witness) -> Generator[str]:
    """Serve a witness, and yield its submission prefix."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = uvicorn.Server(uvicorn.Config(create_witness(witness), log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


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

"""An application that listens until its process is told to stop."""

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI


def listen(app: FastAPI, bound: socket.socket, announce: Callable[[str], None], grace: int) -> None:
    """Serve at an address that was taken; ``announce`` hears which once it is heard there.

    Requests under way have ``grace`` seconds when it stops; then the signal that stopped it is raised anew.
    """

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            announce(_address(bound))

    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=grace, access_log=False)
    Server(config).run(sockets=[bound])


def _address(bound: socket.socket) -> str:
    address, port = bound.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    return f"http://{shown}:{port}"

"""A server seen through a wire that can be cut at a chosen moment."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Proxy:
    """Carries connections to a server.

    ``deaf``: the next thing a client sends does not reach the server, and its connection is cut.
    ``mute()``: what the server answers from now on does not reach the clients there are.
    """

    def __init__(self, dsn: str) -> None:
        given: dict[str, Any] = conninfo_to_dict(dsn)
        with psycopg.connect(dsn) as connection:
            self._server = connection.info.host, connection.info.port
        for name in ("host", "hostaddr", "port", "requirepeer"):
            given.pop(name, None)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.dsn = make_conninfo(
            **given, host="127.0.0.1", port=self._listener.getsockname()[1], sslmode="disable", gssencmode="disable"
        )
        self.deaf = self._unplugged = False
        self._open: set[socket.socket] = set()
        self._muted: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def mute(self) -> None:
        # Of those there are: whoever comes back after a cut is heard, however soon that is.
        with self._lock:
            self._muted |= self._open

    def cut(self) -> None:
        """Cut every connection, on both sides; new ones are carried again."""
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            _end(end)

    @contextmanager
    def unplugged(self) -> Generator[None]:
        """Cut every connection, and every new one at once, for a time."""
        self._unplugged = True
        self.cut()
        yield
        self._unplugged = False

    def close(self) -> None:
        """Take no more connections, and cut those there are."""
        _end(self._listener)
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._unplugged:
                    _end(client)
                    continue
                server = self._connect()
                with self._lock:
                    self._open |= {client, server}
                for work in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._carry, args=work, daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = self._server
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _carry(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if self.deaf and not answers:
                    self.deaf = False
                    break
                if not (answers and source in self._muted):
                    target.sendall(data)
        with self._lock:
            self._open -= {source, target}
        _end(source)
        _end(target)


def _end(end: socket.socket) -> None:
    # Closing alone would not wake the thread that reads from it.
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def proxied(dsn: str) -> Generator[Proxy]:
    proxy = Proxy(dsn)
    try:
        yield proxy
    finally:
        proxy.close()

"""The client of the measurements over HTTP/1.1: so many connections kept alive, each with one request at a time.

``python -m benchmarks.client PORT CONNECTIONS SECONDS`` reads whole requests, one JSON string a line, from standard
input; connection *c* sends request *c*, *c* + CONNECTIONS … round and round. It prints the answers a second.
"""

import asyncio
import json
import sys
from functools import partial
from time import perf_counter


class Connection(asyncio.Protocol):
    """Sends a request, and the next one as soon as its answer is complete."""

    def __init__(self, requests: list[bytes], ended: "asyncio.Future[None]") -> None:
        self.requests = requests
        self.ended = ended
        self.answered = 0
        self.stopping = False
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, found, body = self._read.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        if not head.startswith(b"HTTP/1.1 2"):
            self.ended.set_exception(RuntimeError(self._read.decode()))
        self._read = b""
        self.answered += 1
        if not self.stopping:
            self._send()
        elif not self.ended.done():
            self.ended.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("the server closed a connection"))

    def _send(self) -> None:
        self._transport.write(self.requests[self.answered % len(self.requests)])


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])


async def ask(port: int, requests: list[bytes], connections: int, seconds: float) -> float:
    """Return the answers a second, after a second of warming up."""
    loop = asyncio.get_running_loop()
    opened: list[Connection] = []
    for number in range(connections):
        make = partial(Connection, requests[number::connections], loop.create_future())
        _, connection = await loop.create_connection(make, "127.0.0.1", port)
        opened.append(connection)
    all_ended = asyncio.gather(*(connection.ended for connection in opened))
    await asyncio.wait([all_ended], timeout=1)
    begun, before = perf_counter(), sum(connection.answered for connection in opened)
    await asyncio.wait([all_ended], timeout=seconds)
    rate = (sum(connection.answered for connection in opened) - before) / (perf_counter() - begun)
    for connection in opened:
        connection.stopping = True
    await all_ended
    return rate


if __name__ == "__main__":
    given = [json.loads(line).encode() for line in sys.stdin]
    print(asyncio.run(ask(int(sys.argv[1]), given, int(sys.argv[2]), float(sys.argv[3]))))

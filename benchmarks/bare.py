"""The yardstick of the measurements over HTTP: FastAPI with a psycopg pool, and nothing else.

``python -m benchmarks.bare DSN`` serves on a free port of 127.0.0.1 and prints it; it reads the SQL of the omissions
board and its parameters, as JSON, from standard input.
"""

import json
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import anyio.to_thread
import uvicorn
from fastapi import FastAPI
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from pydantic import BaseModel

TABLE = """
CREATE TABLE IF NOT EXISTS entries (
    id uuid PRIMARY KEY, organisation uuid NOT NULL, full_members integer NOT NULL, reason text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
)
"""


class Admission(BaseModel):
    full: int
    probationary: int = 0
    reason: str = ""


def create_app(pool: ConnectionPool, query: str, parameters: dict[str, Any]) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 80
        yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/entries/{organisation}")
    def insert(organisation: UUID, body: Admission) -> dict[str, str]:
        id = uuid4()
        with pool.connection() as connection:
            connection.execute(
                "INSERT INTO entries (id, organisation, full_members, reason) VALUES (%s, %s, %s, %s)",
                (id, organisation, body.full, body.reason),
            )
        return {"id": str(id)}

    @app.get("/omissions")
    def omissions() -> list[dict[str, Any]]:
        with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()

    return app


def main() -> None:
    given = json.load(sys.stdin)
    opened: ConnectionPool = ConnectionPool(sys.argv[1], min_size=16, max_size=16, open=True)
    with opened as pool, socket.socket() as listening:
        with pool.connection() as connection:
            connection.execute(TABLE)
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        print(listening.getsockname()[1], flush=True)
        app = create_app(pool, given["query"], given["parameters"])
        uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listening])


if __name__ == "__main__":
    main()

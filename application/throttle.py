"""How often somebody may try (限流): counted in the database, so that it holds for all processes together."""

import hashlib
from dataclasses import dataclass

import psycopg
from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from application.database import Reads

INCREMENT = """
INSERT INTO attempts AS kept (key, count, expires_at)
VALUES (%(key)s, %(amount)s, now() + make_interval(secs => %(expiry)s))
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN kept.expires_at <= now() THEN 0 ELSE kept.count END + excluded.count,
    expires_at = CASE WHEN kept.expires_at <= now() THEN excluded.expires_at ELSE kept.expires_at END
RETURNING count
"""


class Throttled(Exception):
    """Tried too often; ``seconds`` until the next attempt."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many attempts: try again in {seconds} seconds")
        self.seconds = seconds


class Counts(Storage):
    """Where the library counts: a table of the log's database. Counts that are over are dropped in passing."""

    STORAGE_SCHEME = ["taizhang"]  # noqa: RUF012  # as the library has it

    def __init__(self, reads: Reads) -> None:
        super().__init__()
        self._reads = reads

    @property
    def base_exceptions(self) -> type[Exception]:
        return psycopg.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        self._reads.once("DELETE FROM attempts WHERE expires_at < now() - interval '1 hour' RETURNING 1")
        [(count,)] = self._reads.once(INCREMENT, {"key": key, "amount": amount, "expiry": expiry})
        return int(count)

    def get(self, key: str) -> int:
        found = self._reads.fetch("SELECT count FROM attempts WHERE key = %s AND expires_at > now()", (key,))
        return int(found[0][0]) if found else 0

    def get_expiry(self, key: str) -> float:
        """Return the second, since 1970, at which counting begins anew."""
        found = self._reads.fetch(
            "SELECT extract(epoch FROM greatest(expires_at, now()))::float8 FROM attempts WHERE key = %s"
            " UNION ALL SELECT extract(epoch FROM now())::float8",
            (key,),
        )
        return float(found[0][0])

    def check(self) -> bool:
        return bool(self._reads.fetch("SELECT 1"))

    def reset(self) -> int:
        return len(self._reads.once("DELETE FROM attempts RETURNING 1"))

    def clear(self, key: str) -> None:
        self._reads.once("DELETE FROM attempts WHERE key = %s RETURNING 1", (key,))


@dataclass(frozen=True)
class Limit:
    """So many attempts in so long, as ``10 per 15 minute``, by what ``name`` says."""

    name: str
    item: RateLimitItem

    @classmethod
    def of(cls, name: str, rate: str) -> "Limit":
        return cls(name, parse(rate))


class Throttle:
    """Counts attempts, before it is known what becomes of them."""

    def __init__(self, reads: Reads) -> None:
        self._counts = Counts(reads)
        self._limiter = FixedWindowRateLimiter(self._counts)

    def attempt(self, limit: Limit, *by: str) -> None:
        """Count one; raise Throttled if there were too many."""
        key = _key(limit, by)
        if not self._limiter.hit(limit.item, key):
            window = self._limiter.get_window_stats(limit.item, key)
            left = window.reset_time - self._counts.get_expiry("")
            raise Throttled(max(int(left) + 1, 1))

    def forget(self, limit: Limit, *by: str) -> None:
        """Begin to count anew: the attempt was good."""
        self._limiter.clear(limit.item, _key(limit, by))


def _key(limit: Limit, by: tuple[str, ...]) -> str:
    """What is counted by: a hash, since people type passwords where names belong."""
    digest = hashlib.sha256("\0".join(by).encode(errors="surrogatepass"))
    return f"{limit.name} {digest.hexdigest()}"


__all__ = ["Limit", "Throttle", "Throttled"]

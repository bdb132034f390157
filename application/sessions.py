"""Sessions (会话): who signed in, until they end it, somebody ends it for them, or it runs out.

The secret in the cookie is known by its hash alone, and changes every quarter of an hour. The one before is good for a
minute more, for requests that were on their way; whoever comes with it later, when the new one was used, has one of the
two from elsewhere: the session ends. Where the new one was never used, the answer that held it was lost.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from application.database import Reads

IDLE: Final = timedelta(hours=2)
LONGEST: Final = timedelta(hours=12)
ROTATED: Final = timedelta(minutes=15)
GRACE: Final = timedelta(minutes=1)
# How often it is written down that a session is used.
SEEN: Final = timedelta(minutes=1)

LIVE = f"""ended_at IS NULL AND seen_at > now() - interval '{IDLE.total_seconds():.0f} s'
    AND begun_at > now() - interval '{LONGEST.total_seconds():.0f} s'"""


@dataclass(frozen=True, slots=True)
class Session:
    """``way``: by a password, or the issuer of the identity; ``ends_at``: when it runs out, however it is used."""

    id: UUID
    person: UUID
    way: str
    begun_at: datetime
    seen_at: datetime
    ends_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """A session that somebody came in with; ``secret`` is a new one, to be given to them, where it was changed.

    ``proof`` is what a page of ours sends beside the cookie; ``way`` as in ``Session``.
    """

    id: UUID
    person: UUID
    proof: str
    way: str
    secret: str | None = None


class Sessions:
    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    def begin(self, person: UUID, way: str) -> Found:
        """Begin a session; its secret is told this once."""
        secret, proof = secrets.token_urlsafe(32), secrets.token_bytes(32)
        [(id,)] = self._reads.once(
            "INSERT INTO sessions (digest, proof, person, way) VALUES (%s, %s, %s, %s) RETURNING id",
            (_digest(secret), proof, person, way),
        )
        return Found(id, person, proof.hex(), way, secret)

    def find(self, secret: str) -> Found | None:
        """Return the session that a secret is of, changing the secret when it is time; None where there is none."""
        digest = _digest(secret)
        rows = self._reads.fetch(
            f"""SELECT id, person, proof, way, digest = %(digest)s, arrived, now() - rotated_at, now() - seen_at
                FROM sessions WHERE (digest = %(digest)s OR previous = %(digest)s) AND {LIVE}""",
            {"digest": digest},
        )
        if not rows:
            return None
        [(id, person, proof, way, newest, arrived, rotated, seen)] = rows
        lost = not newest and not arrived and rotated > GRACE
        if not newest and arrived and rotated > GRACE:
            self.end(id, person)
            return None
        fresh = None
        if lost or (newest and rotated > ROTATED):
            fresh = self._rotate(digest)
        elif seen > SEEN or (newest and not arrived):
            self._reads.once(
                "UPDATE sessions SET seen_at = now(), arrived = arrived OR digest = %s WHERE id = %s RETURNING 1",
                (digest, id),
            )
        return Found(id, person, bytes(proof).hex(), way, fresh)

    def renew(self, id: UUID) -> str | None:
        """Change the secret of a session now; return the new one."""
        rows = self._reads.fetch(f"SELECT digest FROM sessions WHERE id = %s AND {LIVE}", (id,))
        return self._rotate(bytes(rows[0][0])) if rows else None

    def of(self, person: UUID) -> list[Session]:
        """Return a person's sessions that are not over, the oldest first."""
        rows = self._reads.fetch(
            f"SELECT id, person, way, begun_at, seen_at, begun_at + %s, ended_at FROM sessions"
            f" WHERE person = %s AND {LIVE} ORDER BY begun_at, id",
            (LONGEST, person),
        )
        return [Session(*row) for row in rows]

    def end(self, id: UUID, person: UUID) -> bool:
        """End a session of a person's: from now on it lets nobody in. False where there is no such one."""
        return bool(
            self._reads.once(
                f"UPDATE sessions SET ended_at = now() WHERE id = %s AND person = %s AND {LIVE} RETURNING 1",
                (id, person),
            )
        )

    def end_all(self, person: UUID, but: UUID | None = None) -> int:
        """End every session of a person's, but for one; return how many."""
        return len(
            self._reads.once(
                "UPDATE sessions SET ended_at = now() WHERE person = %s AND id IS DISTINCT FROM %s"
                " AND ended_at IS NULL RETURNING 1",
                (person, but),
            )
        )

    def _rotate(self, digest: bytes) -> str | None:
        """Of several who would change a secret at once one does; the others go on with the one before for a while."""
        secret = secrets.token_urlsafe(32)
        changed = self._reads.once(
            "UPDATE sessions SET previous = %(before)s, digest = %(after)s, arrived = false, rotated_at = now(),"
            " seen_at = now() WHERE digest = %(before)s"
            " OR (previous = %(before)s AND NOT arrived AND rotated_at < now() - %(grace)s) RETURNING 1",
            {"before": digest, "after": _digest(secret), "grace": GRACE},
        )
        return secret if changed else None


def proves(found: Found, given: str) -> bool:
    """Whether what a page sent beside the cookie is the session's."""
    return hmac.compare_digest(found.proof.encode(), given.encode(errors="replace"))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


__all__ = ["Found", "Session", "Sessions", "proves"]

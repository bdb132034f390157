"""Accounts (登录账号): people are let sign in, choose a password, and sign in with it."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from psycopg.errors import UniqueViolation

from application.database import Reads
from application.gate import Gate
from application.passwords import Passwords, check, generate
from application.records import Act, Receipt, Records, Work
from application.sessions import Found, Sessions
from application.throttle import Limit, Throttle
from domain.authority import Person, actions
from domain.event import Refused

# How long a code is good.
GOOD: Final = timedelta(days=7)

# Whoever guesses meets the first; whoever guesses the names of many, the second; many who guess one, the third.
BY_NAME_AND_ADDRESS: Final = Limit.of("name and address", "10 per 15 minute")
BY_ADDRESS: Final = Limit.of("address", "100 per 15 minute")
BY_NAME: Final = Limit.of("name", "100 per hour")

WAY: Final = "password"
"""How a session was begun that was begun here."""

_LOGIN = re.compile(r"[^\s\x00-\x1f\x7f]{1,100}")


class Unrecognised(Exception):
    """Nobody can sign in like that; what was wrong is not told."""


@dataclass(frozen=True)
class Accounts:
    records: Records
    gate: Gate
    reads: Reads
    passwords: Passwords
    sessions: Sessions
    throttle: Throttle

    def open(self, act: Act, id: UUID, login: str) -> tuple[Receipt, str | None]:
        """Let a person sign in under a name; return the receipt, and a code that is good once, for a week.

        With the code the person chooses a password. What they signed in with before is void, and their sessions end.
        There is no code where this is the repetition of a command, and the person has used it.
        """
        login = _login(login)

        def run(work: Work) -> None:
            person = work.load(Person, id, act.expected)
            account = self.gate.over(work, act, actions.OPEN_SIGN_IN, person)
            opened = person.open_sign_in()
            self._claim(id, login)
            work.record(account, (person, opened), digest=act.digest)

        receipt = self.records.transact(act, run)
        return receipt, self._code(id, receipt.command_id)

    def close(self, act: Act, id: UUID) -> Receipt:
        """Let a person sign in no more, and end their sessions."""

        def run(work: Work) -> None:
            person = work.load(Person, id, act.expected)
            account = self.gate.over(work, act, actions.CLOSE_SIGN_IN, person)
            work.record(account, (person, person.close_sign_in()), digest=act.digest)

        receipt = self.records.transact(act, run)
        if not self.records.load(Person, id, fresh=True).signs_in:
            self._void(id)
            self.reads.once("DELETE FROM accounts WHERE person = %s RETURNING 1", (id,))
        return receipt

    def sign_in(self, login: str, password: str, chosen: str | None, address: str) -> Found:
        """Begin a session for whoever knows a name and its password, or its code with a password ``chosen`` now.

        Raise Unrecognised for any other, which takes as long; Throttled where it was tried too often; Refused for a
        password that is easily guessed, or for a code without one.
        """
        login = unicodedata.normalize("NFKC", login).casefold()
        for limit, by in ((BY_ADDRESS, (address,)), (BY_NAME, (login,)), (BY_NAME_AND_ADDRESS, (login, address))):
            self.throttle.attempt(limit, *by)
        rows = self.reads.fetch(
            "SELECT person, password, code, code_expires_at > now() FROM accounts WHERE login = %s", (_kept(login),)
        )
        person, hash, code, good = rows[0] if rows else (None, None, None, None)
        knows = self.passwords.verify(password, hash)
        by_code = bool(code and good and bytes(code) == digest_of(password))
        if not (knows or by_code) or person is None or not self.may(person):
            raise Unrecognised
        if by_code:
            if chosen is None:
                raise Refused(
                    "the code is good once: send with it the password that you choose, as new_password",
                    field="body.new_password",
                )
            self.choose(person, code=password, chosen=chosen)
        elif chosen is not None:
            raise Refused("change a password once you are signed in", field="body.new_password")
        self.throttle.forget(BY_NAME_AND_ADDRESS, login, address)
        return self.sessions.begin(person, WAY)

    def choose(self, person: UUID, code: str, chosen: str) -> None:
        """Give a person the password that they choose with their code; raise Unrecognised where it is not the code."""
        rows = self.reads.fetch("SELECT login FROM accounts WHERE person = %s", (person,))
        check(chosen, rows[0][0] if rows else "", "body.new_password")
        used = self.reads.once(
            "UPDATE accounts SET password = %s, code = NULL, code_expires_at = NULL"
            " WHERE person = %s AND code = %s AND code_expires_at > now() RETURNING 1",
            (self.passwords.hash(chosen), person, digest_of(code)),
        )
        if not used:
            raise Unrecognised

    def change(self, person: UUID, session: UUID, password: str, chosen: str) -> str:
        """Change one's own password, which ends every other session; return the new secret of this one.

        Raise Unrecognised where the password is not the present one, and Throttled as for signing in.
        """
        self.throttle.attempt(BY_NAME_AND_ADDRESS, str(person), "change")
        rows = self.reads.fetch("SELECT login, password FROM accounts WHERE person = %s", (person,))
        login, hash = rows[0] if rows else ("", None)
        if not self.passwords.verify(password, hash):
            raise Unrecognised
        check(chosen, login, "body.new_password")
        self.reads.once(
            "UPDATE accounts SET password = %s WHERE person = %s AND password = %s RETURNING 1",
            (self.passwords.hash(chosen), person, hash),
        )
        self.sessions.end_all(person, session)
        self.throttle.forget(BY_NAME_AND_ADDRESS, str(person), "change")
        secret = self.sessions.renew(session)
        if secret is None:
            raise Unrecognised
        return secret

    def may(self, person: UUID) -> bool:
        """Whether the record lets a person sign in."""
        return self.records.load(Person, person, fresh=True).signs_in

    def _claim(self, person: UUID, login: str) -> None:
        try:
            self.reads.once(
                "INSERT INTO accounts (person, login) VALUES (%s, %s)"
                " ON CONFLICT (person) DO UPDATE SET login = excluded.login RETURNING 1",
                (person, login),
            )
        except UniqueViolation:
            raise Refused("somebody else signs in as {login}", field="login", login=login) from None

    def _code(self, person: UUID, command: UUID) -> str | None:
        """Make a code in place of what was there; none where the command's was used already."""
        code = generate()
        made = self.reads.once(
            "UPDATE accounts SET password = NULL, code = %s, code_expires_at = now() + %s, command_id = %s"
            " WHERE person = %s AND (command_id IS DISTINCT FROM %s OR code IS NOT NULL) RETURNING 1",
            (digest_of(code), GOOD, command, person, command),
        )
        if not made:
            return None
        self._void(person)
        return code

    def _void(self, person: UUID) -> None:
        self.reads.once("DELETE FROM identities WHERE person = %s RETURNING 1", (person,))
        self.sessions.end_all(person)


def _login(text: str) -> str:
    login = unicodedata.normalize("NFKC", text).casefold()
    if not _LOGIN.fullmatch(login):
        raise Refused("a name to sign in with has 1 to 100 characters, and no blanks", field="login")
    return login


def _kept(login: str) -> str:
    """What the database can look up: no other text is anybody's name."""
    return login if _LOGIN.fullmatch(login) and login.isprintable() else ""


def digest_of(code: str) -> bytes:
    """By what a code is known."""
    return hashlib.sha256(code.strip().lower().encode(errors="surrogatepass")).digest()


__all__ = ["BY_ADDRESS", "Accounts", "Unrecognised", "digest_of"]

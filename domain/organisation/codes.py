"""Codes of organisations: their form, the identifiers made of them, and on which days one organisation held which."""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import chain
from typing import Final, Self, assert_never
from uuid import UUID, uuid5

from domain.event import Refused
from domain.organisation.events import OrganisationCodeAssigned, OrganisationCodeWithdrawn, Scheme
from domain.organisation.text import check_day

ORGANISATIONS: Final = UUID("6a0c9f5e-2f0b-5d0c-9a53-0f6c3c9d7a11")
CODES: Final = UUID("d2b7f0a4-91c3-5b6e-8f27-5e4a1c60b3d8")

_DIVISION = re.compile(r"[A-Za-z0-9-]{1,32}")
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUE = {character: value for value, character in enumerate(_ALPHABET)}
_LENGTH = 18
_WEIGHTS = tuple(pow(3, place, 31) for place in range(_LENGTH - 1))
_DAY = timedelta(days=1)


@lru_cache(maxsize=10_000)
def organisation_id(code: str) -> UUID:
    """The identifier of an organisation first recorded under this division code, so that an import is repeatable.

    The organisation keeps it when its code changes: who holds a code today, only the register (``Code``) knows.
    """
    return uuid5(ORGANISATIONS, code)


@lru_cache(maxsize=10_000)
def code_id(scheme: Scheme, code: str) -> UUID:
    """The identifier of a code's stream in the register."""
    return uuid5(CODES, f"{scheme}:{code}")


def uscc_check_character(first_17: str) -> str:
    """The 18th character of a unified social credit identifier (统一社会信用代码, GB 32100-2015).

    The weight of place i is 3^(i-1) mod 31, and C18 = (31 - sum mod 31) mod 31. Raise KeyError for a character
    outside the alphabet, ValueError for another length than 17.
    """
    total = sum(_VALUE[character] * weight for character, weight in zip(first_17, _WEIGHTS, strict=True))
    return _ALPHABET[-total % 31]


def check_code(scheme: Scheme, code: str) -> None:
    """Refuse a code that its scheme does not admit.

    ``division``: 1 to 32 letters, digits or hyphens. Statistical division codes have 2, 4, 6, 9 or 12 digits;
    bodies without one may use a code of their own, or their credit identifier: what has its length and no hyphen
    is held to its rule. ``uscc``: 18 characters in capitals, the last one a check.
    """
    match scheme:
        case "division":
            if not _DIVISION.fullmatch(code):
                raise Refused(
                    "a code has 1 to 32 letters, digits or hyphens; “{code}” does not", field="code", code=code
                )
            if len(code) == _LENGTH and "-" not in code:
                _check_uscc(code)
        case "uscc":
            _check_uscc(code)
        case _:
            assert_never(scheme)


def _check_uscc(code: str) -> None:
    if len(code) != _LENGTH:
        raise Refused(
            "a unified social credit identifier has {length} characters; “{code}” has {count}",
            field="code",
            code=code,
            length=_LENGTH,
            count=len(code),
        )
    for place, character in enumerate(code, 1):
        if character not in _VALUE:
            raise Refused(
                "a unified social credit identifier has digits and capital letters without I, O, S, V and Z;"
                " place {place} is “{character}”",
                field="code",
                place=place,
                character=character,
            )
    if code[-1] != uscc_check_character(code[:-1]):
        raise Refused(
            "the check character of “{code}” is wrong: at least one character was mistyped", field="code", code=code
        )


@dataclass(frozen=True, slots=True)
class HeldCode:
    """A code and the days on which it is valid, both included; ``until`` None is without an end."""

    scheme: Scheme
    code: str
    since: date
    until: date | None = None

    def covers(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Codes:
    """Every code that one organisation held or holds. No two of one scheme are valid on the same day."""

    held: tuple[HeldCode, ...] = ()

    def now(self, scheme: Scheme) -> str:
        """The code held, though its first day may be still to come; empty if there is none."""
        return next((held.code for held in self.held if held.scheme == scheme and held.until is None), "")

    def on(self, scheme: Scheme, day: date) -> str:
        """The code valid on a day; empty if there was none."""
        return next((held.code for held in self.held if held.scheme == scheme and held.covers(day)), "")

    def assign(self, scheme: Scheme, code: str, valid_from: date) -> OrganisationCodeAssigned:
        check_code(scheme, code)
        check_day(valid_from, "valid_from")
        before = self.now(scheme)
        if code == before:
            raise Refused("the organisation holds code {code} already", field="code", code=code)
        for held in self.held:
            if held.scheme == scheme and (valid_from < held.since or (held.until and valid_from <= held.until)):
                raise Refused(
                    "code {held} is on record from {since} on; a new code must begin later",
                    field="valid_from",
                    held=held.code,
                    since=held.since,
                )
        return OrganisationCodeAssigned(scheme=scheme, code=code, code_before=before, valid_from=valid_from)

    def withdraw(self, scheme: Scheme, valid_until: date) -> OrganisationCodeWithdrawn:
        check_day(valid_until, "valid_until")
        code = self.now(scheme)
        if not code:
            raise Refused("the organisation holds no such code", field="scheme")
        return OrganisationCodeWithdrawn(scheme=scheme, code=code, valid_until=valid_until)

    def after(self, event: OrganisationCodeAssigned | OrganisationCodeWithdrawn) -> Self:
        match event:
            case OrganisationCodeAssigned(scheme=scheme, code=code, valid_from=valid_from):
                ended = self._ended(scheme, valid_from - _DAY)
                return replace(self, held=(*ended, HeldCode(scheme, code, valid_from)))
            case OrganisationCodeWithdrawn(scheme=scheme, valid_until=valid_until):
                return replace(self, held=self._ended(scheme, valid_until))
            case _:
                assert_never(event)

    def ended(self, last: date) -> Self:
        """The codes once the organisation ended: none is valid after its last day."""
        reaching = (
            replace(held, until=None) if held.until is not None and held.until > last else held for held in self.held
        )
        return replace(self, held=tuple(chain.from_iterable(_until(held, last) for held in reaching)))

    def _ended(self, scheme: Scheme, last: date) -> tuple[HeldCode, ...]:
        each = (_until(held, last) if held.scheme == scheme else (held,) for held in self.held)
        return tuple(chain.from_iterable(each))


def _until(held: HeldCode, last: date) -> tuple[HeldCode, ...]:
    """The holding with this last day, if it has none; nothing if it would have had no day at all."""
    if held.until is not None:
        return (held,)
    return (replace(held, until=last),) if held.since <= last else ()

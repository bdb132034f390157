"""The named rules that an obligation's decisions consult."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import Final

from domain.event import Account, Refused
from domain.ledger.conformance import Completion, Facts
from domain.ledger.events import Attendance, EvidenceReference, Quorum

CIVIL_TIME: Final = timezone(timedelta(hours=8))
"""China's one civil time: the zone of days that were recorded without an hour."""

LATEST: Final = timezone(timedelta(hours=-12))
"""Where on earth a day ends last."""

_HASH = re.compile(r"sha256:[0-9a-f]{64}")


def instant(account: Account) -> datetime:
    """When the act took effect; the first moment of its day where no hour is given."""
    return account.occurred_at or datetime.combine(account.occurred_on, time(), CIVIL_TIME)


def happened(account: Account, today: date) -> None:
    """Nothing is recorded before it happens: on a later day, or at an instant when today is over all over the earth."""
    come(account.occurred_on, today)
    if account.occurred_at and account.occurred_at > datetime.combine(today, time.max, LATEST):
        raise Refused("{time} is still to come", field="occurred_at", time=account.occurred_at)


def come(day: date, today: date) -> None:
    if day > today:
        raise Refused("{day} is still to come", field="occurred_on", day=day)


def evidenced(demanded: Iterable[str], evidence: Sequence[EvidenceReference]) -> None:
    """Each piece is well formed and cited once, and every kind demanded is there."""
    for piece in evidence:
        well_formed(piece)
    seen: set[tuple[str, str]] = set()
    for piece in evidence:
        if (piece.kind, piece.hash) in seen:
            raise Refused("the evidence {hash} is cited twice", field="evidence", hash=piece.hash)
        seen.add((piece.kind, piece.hash))
    if missing := sorted(set(demanded) - {piece.kind for piece in evidence}):
        raise Refused("evidence of these kinds is missing: {kinds}", field="evidence", kinds=", ".join(missing))


def well_formed(piece: EvidenceReference) -> None:
    if not piece.kind.strip():
        raise Refused("say what kind of evidence {hash} is", field="evidence", hash=piece.hash)
    if not _HASH.fullmatch(piece.hash):
        raise Refused(
            "“{hash}” is no evidence hash: it is “sha256:” and 64 lower-case hexadecimal digits",
            field="evidence",
            hash=piece.hash,
        )


def quorate(quorum: Quorum | None, attendance: Attendance | None) -> None:
    """A duty with a quorum is done only in a meeting that had it."""
    if attendance is None:
        if quorum:
            raise Refused(
                "this duty has a quorum: say how many were entitled to attend and how many did", field="attendance"
            )
        return
    entitled, present = attendance.entitled, attendance.present
    if entitled < 1 or not 0 <= present <= entitled:
        raise Refused(
            "{present} present of {entitled} entitled cannot be", field="attendance", present=present, entitled=entitled
        )
    if quorum and present < (minimum := quorum.minimum(entitled)):
        raise Refused(
            "{present} of {entitled} were present, and the quorum is {minimum}: the meeting does not count",
            field="attendance",
            present=present,
            entitled=entitled,
            minimum=minimum,
        )


def stated(field: str, text: str) -> None:
    """A reason, summary or ground is words, not blanks."""
    if not text.strip():
        raise Refused("“{what}” is empty: state it", field=field, what=field)


def known(step: str, facts: Facts, account: Account) -> bool:
    """Whether the flow knows the step; one that it does not know is taken only with a reason."""
    stated("step", step)
    if step in facts.steps:
        return True
    if not account.reason.strip():
        raise Refused(
            "the flow does not know the step “{step}”: check its name, or give the reason", field="step", step=step
        )
    return False


def preceded(facts: Facts, done: Completion, earlier: Sequence[Completion], account: Account) -> tuple[str, ...]:
    """The steps that should have come before this one and had not: only with a reason. Equal times are in order."""
    missing = sorted(
        before
        for before, after in facts.pairs
        if after == done.step and not any(c.step == before and c.at <= done.at for c in earlier)
    )
    if missing and not account.reason.strip():
        raise Refused(
            "“{step}” comes after “{missing}”: complete that first, or give the reason",
            field="step",
            step=done.step,
            missing="”, “".join(missing),
        )
    return tuple(missing)


def apart(facts: Facts, done: Completion, earlier: Sequence[Completion], account: Account) -> tuple[str, ...]:
    """The steps that the same person completed although they need somebody else: only with a reason."""
    others = {b if a == done.step else a for a, b in facts.separate if done.step in (a, b)}
    conflict = sorted({c.step for c in earlier if c.step in others and c.by == done.by}) if others else ()
    if conflict and not account.reason.strip():
        raise Refused(
            "“{step}” and “{others}” need different people: let somebody else do it, or give the reason",
            field="by",
            step=done.step,
            others="”, “".join(conflict),
        )
    return tuple(conflict)


def discharged(facts: Facts, completions: Sequence[Completion]) -> datetime | None:
    """When the last required step was first completed; None while one is missing."""
    first: dict[str, datetime] = {}
    for step, at, _ in completions:
        if step not in first or at < first[step]:
            first[step] = at
    if not facts.required <= first.keys():
        return None
    return max((first[step] for step in facts.required), default=min(first.values(), default=None))

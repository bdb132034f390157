"""What a standard's texts, area and duties may be."""

import re
from typing import Final

from domain.event import Refused
from domain.standard.events import AREAS, Duty

# Days after the end of its period by which a duty can be due.
LATEST: Final = 3660

# Which organisations a duty can be asked of; the organisation context has the same names.
LEVELS: Final = ("nation", "province", "prefecture", "county", "township", "village", "branch", "other")
SETTINGS: Final = ("urban", "rural")

_CODE = re.compile(r"[\w.-]{1,64}")


def area_of(text: str) -> str:
    """Return the area that a text names: one of the six by identifier or Chinese name, else a custom one."""
    by_name = {name: id for id, name in AREAS.items()}
    text = " ".join(text.split())
    return text if text in AREAS or text.startswith("custom:") else by_name.get(text, f"custom:{text}")


def check_code(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise Refused(
            "a standard's code has 1 to 64 letters, digits, -, _ or .; “{code}” does not", field="code", code=code
        )


def check_area(area: str) -> None:
    if area in AREAS:
        return
    custom = area.removeprefix("custom:")
    if custom == area:
        raise Refused("“{area}” is none of the six areas; write custom:{area}", field="area", area=area)
    check_text("area", custom, 100)


def check_description(title: str, area: str, authority: str) -> None:
    check_text("title", title, 200)
    check_area(area)
    if authority:
        check_text("authority", authority, 1000)


def check_duty(duty: Duty) -> None:
    """Refuse a duty that nobody can keep, or evidence demanded without saying why and where it can be reused from."""
    if not _CODE.fullmatch(duty.code):
        raise Refused(
            "a duty's code has 1 to 64 letters, digits, -, _ or .; “{code}” does not", field="code", code=duty.code
        )
    check_text("title", duty.title, 200)
    if duty.days_after > LATEST:
        raise Refused("a duty is due at most {most} days after its period", field="days_after", most=LATEST)
    _check_among("levels", duty.levels, LEVELS)
    _check_among("settings", duty.settings, SETTINGS)
    for field in ("source", "article", "text_excerpt"):
        if text := getattr(duty, field):
            check_text(field, text, 1000)
    if duty.soft:
        check_text("soft_because", duty.soft_because, 1000)
    if duty.quorum and duty.quorum.numerator > duty.quorum.denominator:
        raise Refused("a quorum is at most everybody", field="quorum")
    if duty.quorum and duty.quorum.more_than and duty.quorum.numerator == duty.quorum.denominator:
        raise Refused("more than everybody can never be there", field="quorum")
    kinds = [demand.kind for demand in duty.evidence]
    if len(set(kinds)) < len(kinds):
        raise Refused("a kind of evidence is demanded twice", field="evidence")
    for demand in duty.evidence:
        check_text("evidence.kind", demand.kind, 500)
        check_text("evidence.why", demand.why, 500)
        check_text("evidence.reusable_from", demand.reusable_from, 500)


def _check_among(field: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise Refused(
                "“{name}” is none of the {what}: {known}", field=field, name=name, what=field, known=", ".join(known)
            )
        if names.count(name) > 1:
            raise Refused("“{name}” stands twice among the {what}", field=field, name=name, what=field)


def check_text(field: str, text: str, most: int) -> None:
    if not text.strip():
        raise Refused("“{what}” is empty: state it", field=field, what=field)
    if text != text.strip() or len(text) > most or not text.isprintable():
        raise Refused(
            "“{what}” has at most {most} printable characters, and no blank at either end",
            field=field,
            what=field,
            most=most,
        )

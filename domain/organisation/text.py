"""What a name and a day may be, and what a name says about town and country."""

import unicodedata
from datetime import date
from typing import Final

from domain.event import Refused
from domain.organisation.events import Setting

LONGEST: Final = 200
EARLIEST: Final = date(1900, 1, 1)
LATEST: Final = date(2999, 12, 31)

_CONTROL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Joiners that Arabic-script and Mongolian names are spelt with; other invisible characters only deceive the eye.
_SPELLING = frozenset("\u200c\u200d\u180e")

_URBAN = ("居委会", "居民委员会", "社区")
_RURAL = ("村委会", "村民委员会", "村")


def check_text(text: str, field: str) -> None:
    """Refuse a name or post that is empty, too long, blank at either end, or has control or invisible characters."""
    if not text or text.isspace():
        raise Refused("give a text that is not empty", field=field)
    if text != text.strip():
        raise Refused("remove the blanks at the beginning or end of “{text}”", field=field, text=text)
    if len(text) > LONGEST:
        raise Refused("use at most {most} characters, not {count}", field=field, most=LONGEST, count=len(text))
    if not text.isprintable():
        for place, character in enumerate(text, 1):
            if unicodedata.category(character) in _CONTROL and character not in _SPELLING:
                raise Refused(
                    "remove the control or invisible character {character} in place {place}",
                    field=field,
                    character=f"U+{ord(character):04X}",
                    place=place,
                )


def check_day(day: date, field: str) -> None:
    """Refuse a day that no record of this kind can mean; day arithmetic is then safe."""
    if not EARLIEST <= day <= LATEST:
        raise Refused(
            "give a day between {earliest} and {latest}, not {day}",
            field=field,
            earliest=EARLIEST,
            latest=LATEST,
            day=day,
        )


def setting_from_name(name: str) -> Setting:
    """Tell town from country by how a name ends: 居委会 or 社区 is urban, 村委会 or 村 is rural.

    Meant for the level of villages: some towns and townships too have names that end in 村.
    """
    if name.endswith(_URBAN):
        return "urban"
    if name.endswith(_RURAL):
        return "rural"
    return ""

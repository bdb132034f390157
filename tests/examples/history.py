"""One short history in which every event happens, and every field of it says something: what goldens are made of.

What is told here is stored somewhere for ever. Add to its end; change nothing, or goldens and fingerprints change.
"""

from datetime import date
from typing import Final

from domain.event import Recorded
from domain.keyring import KeyAdded, KeyRetired, keyring_id
from domain.redaction import PayloadRemoved, redactions_id
from domain.standard import StandardRetired
from domain.views import EventSkipped, decisions_id
from tests.examples import authority, later, ledger, organisation, standard
from tests.examples.tale import MEETINGS, Tale
from tests.spec import BO

WRITER: Final = "records.anji.example/log/writer+3df31eed+AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"


def _history() -> tuple[Recorded, ...]:
    tale = Tale()
    organisation.tell(tale)
    standard.tell(tale)
    ledger.tell(tale)
    tale.happened(MEETINGS, StandardRetired(reason="并入新规范"), on=date(2026, 12, 1))
    tale.happened(
        decisions_id("ledger"), EventSkipped(view="ledger", position=7, error="LookupError: no ObligationRow")
    )
    later.tell(tale)
    tale.happened(keyring_id("records.anji.example/log"), KeyAdded(role="writer", vkey=WRITER), by=BO)
    tale.happened(keyring_id("records.anji.example/log"), KeyRetired(role="writer", vkey=WRITER), by=BO)
    tale.happened(redactions_id("records.anji.example/log"), PayloadRemoved(positions=(7, 9)), by=BO)
    authority.tell(tale)
    return tuple(tale.past)


HISTORY: Final = _history()

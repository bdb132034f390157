"""The clock of a running service puts on record what fell due, once."""

from time import monotonic, sleep
from uuid import UUID

from application.access import person_id
from application.bulk import Tally
from interface.app import Installation
from interface.cli.clockwork import CLOCK, Clockwork
from tests.interface.callers import TOWN, Person


def told(at: Installation, topic: str) -> list[dict[str, object]]:
    entries = at.records.recorder.select_notifications(1, 10_000)
    pasts = [at.records.recorded(entry) for entry in entries if entry.topic == topic]
    assert {past.account.actor for past in pasts} <= {person_id(CLOCK)}
    return [past.event.model_dump(mode="json") for past in pasts]


def test_the_clock_finds_omissions_and_terms_that_ran_out(
    installation: Installation, ann: Person, permits: UUID, village: UUID
) -> None:
    term = {"post": "书记", "person": str(ann.id), "since": "2021-01-01", "until": "2025-12-31"}
    ann.did(f"/organisations/{village}/officers", term)
    ann.did(f"/organisations/{TOWN}/officers", {**term, "until": "2999-12-31"})
    opened = ann.post(f"/standards/{permits}/cases", {"case": "1", "due": "2026-01-31"})
    clock = Clockwork(installation)
    clock.start()
    try:
        deadline = monotonic() + 20
        while not (told(installation, "ledger.OmissionDetected") and told(installation, "organisation.TermExpired")):
            assert monotonic() < deadline, "the clock found nothing"
            sleep(0.05)
    finally:
        clock.stop()
    [expired] = told(installation, "organisation.TermExpired")
    assert (expired["post"], expired["due"]) == ("书记", "2025-12-31")
    assert told(installation, "ledger.OmissionDetected") == [{"due": "2026-01-31"}]
    installation.fold_now()
    assert installation.organisations.expire_all(person_id(CLOCK)) == Tally()
    assert installation.ledger.detect_omissions(person_id(CLOCK)) == Tally()
    assert ann.saw(opened.headers["Location"].removeprefix("/api"))["outcome"] == "missing"
    [shown] = ann.saw(f"/organisations/{village}")["terms"]
    assert shown["settled"]

"""What a submitter and a subscriber hold against the service: a receipt, and how far they have read."""

from base64 import b64decode

from application.keys import WRITER, load, verify
from application.seal import Sealer
from interface.app import Installation
from tests.faults.log import ORIGIN
from tests.faults.tamper import tamper
from tests.interface.callers import Person

UNIT = {"name": "梅溪镇", "level": "township", "code": "330523101"}


def cut(installation: Installation, position: int) -> None:
    """Delete the tail from a position on, groups and all."""
    tamper(
        installation.database,
        f"DELETE FROM events WHERE position >= {position}",
        f"DELETE FROM event_groups WHERE first >= {position}",
    )


def test_a_receipt_shows_that_the_tail_was_another_before_it_was_sealed(
    installation: Installation, sealer: Sealer, ann: Person
) -> None:
    """Tampering 4: nobody but who submitted it knows that it was there."""
    kept = ann.did("/organisations", UNIT)["events"][0]
    cut(installation, kept["position"])
    with Installation(installation.database, sealed=installation.sealed) as another:
        another.organisations.establish(
            another.act("bo", "instead", "personnel"), "别的镇", "township", code="330523102"
        )
    sealer.seal()
    ann.seen.clear()
    proof = ann.saw(f"/events/{kept['position']}/proof")
    assert proof["leaf"] != kept["leaf"]


def test_a_receipt_is_signed_by_the_writer_and_proves_what_was_recorded_though_it_is_gone(
    installation: Installation, sealer: Sealer, ann: Person
) -> None:
    """Tamperings 3 and 4: whoever deleted the tail cannot say that it was never there."""
    kept = ann.did("/organisations", UNIT, headers={"Idempotency-Key": "once"})
    cut(installation, kept["events"][0]["position"])
    sealer.seal()
    [group] = kept["signed"]
    signature, leaves = (b64decode(group[part]) for part in ("signature", "leaves"))
    writer = load(installation.database.keys, WRITER).key
    assert group["key"] == writer.id.hex()
    assert verify(writer.public, b"%b/group/v1\n%d\n%b" % (ORIGIN.encode(), group["first"], leaves), signature)
    for event in kept["events"]:
        place = 32 * (event["position"] - group["first"])
        assert b64decode(event["leaf"]) == leaves[place : place + 32]


def test_a_receipt_that_is_asked_for_again_is_the_first(ann: Person) -> None:
    first, again = (ann.did("/organisations", UNIT, headers={"Idempotency-Key": "once"}) for _ in range(2))
    assert first["signed"] == again["signed"]
    assert first == again


def test_whoever_has_read_further_finds_that_the_log_went_back(installation: Installation, ann: Person) -> None:
    """Tampering 7: a subscriber's cursor is ahead of the log."""
    before = installation.head()
    read = ann.did("/organisations", UNIT)["position"]
    ann.seen.clear()
    assert ann.get("/organisations", params={"known_at": read}).status_code == 200
    cut(installation, before + 1)
    answer = ann.get("/organisations", params={"known_at": read})
    assert answer.status_code == 422
    assert f"the log ends at position {before}" in answer.text

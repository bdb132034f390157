"""Whoever holds the server holds its keys, its sealer's state and its files: what parties outside it find all the same.

The administrator edits the log, signs its groups again with the writer's key, has a sealer of his own begin anew with
the log's key, and shows that. ``tests/application/test_verify.py`` has what is found without his keys.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

import pytest

from application.bundles import Bundles
from application.database import Role
from application.keys import WRITER, load, verify
from application.seal import Sealer, Unaccountable
from application.sealed import Sealed
from application.verify import Verifier
from domain.bundle import Report, Trust
from domain.bundle import verify as inspect
from domain.cosign import origin_hash
from domain.group import signed
from domain.note import Note
from domain.policy import Policy
from tests.faults.load import submission
from tests.faults.log import ORIGIN, leaves, recorder
from tests.faults.parties import Parties, sealing
from tests.faults.place import Place
from tests.faults.tamper import FORGED, renumber, tamper

EARLIER = "UPDATE events SET recorded_at = recorded_at - '{}'::interval"


@dataclass
class Outside:
    """A log that was sealed, the policy of its witnesses, and the checkpoint that an inspector took away."""

    place: Place
    policy: Policy
    kept: Note

    def resigned(self) -> None:
        """Sign all events as one group, as its writer would."""
        database, writer = self.place.database, load(self.place.database.keys, WRITER)
        found = leaves(database)
        group = [1, b"".join(found), writer.key.id, writer.sign(signed(ORIGIN, 1, found))]
        tamper(database, "TRUNCATE event_groups")
        tamper(database, "INSERT INTO event_groups VALUES (%s, %s, %s, %s)", given=group)

    def forged(self, folder: Path) -> Sealer:
        """Have a sealer that remembers nothing seal what is there, under the log's own key, and show that."""
        place = self.place
        place.folder, place.sealed = folder / "another", Sealed(folder / "rewritten")
        Sealer.begin(place.signer, place.folder, place.sealed, [load(place.database.keys, WRITER).key])
        forger = sealing(place, self.policy)
        forger.seal()
        return forger

    def inspected(self, since: Note | None = None, policy: Policy | None = None) -> Report:
        """What an inspector says of the bundle that he is given of the whole log."""
        file = BytesIO()
        with closing(self.place.database.reads(Role.reader)) as reads:
            Bundles(reads, self.place.sealed).of_all(file)
        return inspect(file, Trust((self.place.signer.key,), policy, kept=since), verify)

    def verified(self) -> str:
        """What is said by whoever has the database and the files, and nothing from outside."""
        writers = [load(self.place.database.keys, WRITER).key]
        return Verifier(self.place.database, self.place.sealed, [self.place.signer.key], writers).verify().verdict


@pytest.fixture
def outside(place: Place, parties: Parties) -> Outside:
    policy = parties.start()
    place.record(*[20] * 15)
    sealing(place, policy).seal()
    return Outside(place, policy, place.sealed.note())


def put_back(outside: Outside) -> None:
    """Put back what the log was before its last events, and let others happen."""
    tamper(
        outside.place.database, "DELETE FROM events WHERE position > 280", "DELETE FROM event_groups WHERE first > 280"
    )
    with recorder(outside.place.database) as log:
        log.append(submission(events=40))


def emptied(outside: Outside) -> None:
    """Empty the log, and fill it anew with what never happened."""
    tamper(outside.place.database, "TRUNCATE events, event_groups")
    with recorder(outside.place.database) as log:
        log.append(submission(events=310))


def runs(*statements: str) -> Callable[[Outside], None]:
    def tampers(outside: Outside) -> None:
        tamper(outside.place.database, *statements)
        outside.resigned()

    return tampers


SWAP = (
    "UPDATE events one SET state = other.state, salt = other.salt FROM events other"
    " WHERE (one.position, other.position) IN ((5, 6), (6, 5))"
)
REWRITTEN = {
    "an old event edited (1)": runs("UPDATE events SET state = '{}' WHERE position = 9"),
    "an old event dated otherwise (1)": runs(EARLIER.format("1 day") + " WHERE position = 1"),
    "one deleted, the last repeated (2)": runs(
        "DELETE FROM events WHERE position = 300", FORGED.format(position=300, at="clock_timestamp()")
    ),
    "two swapped (2)": runs(SWAP),
    "one inserted in the middle (2)": runs(renumber(9, 1), FORGED.format(position=9, at="recorded_at")),
    "an old backup put back, and grown since (7, 8)": put_back,
    "everything emptied and filled anew (9, 16)": emptied,
}


@pytest.mark.parametrize("what", REWRITTEN)
def test_a_past_that_was_written_anew_with_every_key_is_found_outside(
    outside: Outside, what: str, tmp_path: Path
) -> None:
    REWRITTEN[what](outside)
    forger = outside.forged(tmp_path)
    assert not forger.standing.met
    assert forger.standing.contradicted, "the witness says so"
    found = outside.inspected(outside.kept).verdict
    assert (found.name, found.kind) == ("TAMPERED", "consistency"), "an inspector with an older checkpoint"
    assert outside.inspected(policy=outside.policy).verdict.kind == "quorum", "one with the policy alone"
    assert outside.inspected().verdict.holds, "one with nothing but the key cannot know"


def test_a_log_whose_tail_was_cut_off_is_behind_what_others_have_seen(outside: Outside, tmp_path: Path) -> None:
    """Tamperings 3, 7, 8 and 13: what is shown was true once."""
    tamper(outside.place.database, "DELETE FROM events WHERE position > 280")
    outside.resigned()
    forger = outside.forged(tmp_path)
    assert forger.standing.contradicted
    found = outside.inspected(outside.kept).verdict
    assert (found.name, found.kind) == ("STALE", "age")
    assert outside.verified() == "VERIFIED", "whoever has nothing from outside cannot know"


def test_a_witness_gives_what_it_saw_to_whoever_kept_nothing(outside: Outside, tmp_path: Path) -> None:
    """Tamperings 12 and 13: the published files are others, and the witness's copy is not among them."""
    emptied(outside)
    outside.forged(tmp_path)
    address = f"{outside.policy.witnesses[0].url}/{origin_hash(ORIGIN)}/checkpoint"
    with urlopen(address, timeout=30) as answer:  # noqa: S310  # an address of our own
        seen = Note.parse(answer.read())
    found = outside.inspected(seen).verdict
    assert (found.name, found.kind) == ("TAMPERED", "consistency")


def test_two_histories_that_two_inspectors_were_shown_are_together_the_proof(outside: Outside, tmp_path: Path) -> None:
    """Tampering 10: of one size, under one key, with two roots."""
    runs("UPDATE events SET state = '{}' WHERE position = 9")(outside)
    outside.forged(tmp_path)
    shown = outside.place.sealed.note()
    assert shown.text != outside.kept.text
    assert all(note.is_signed_by(outside.place.signer.key, verify) for note in (shown, outside.kept))
    assert outside.inspected(outside.kept).verdict.kind == "consistency"


def test_an_event_that_is_dated_back_stands_behind_a_checkpoint_that_is_later(place: Place, parties: Parties) -> None:
    """Tampering 6: in a quiet hour, with the writer's key, while nobody looks; all else about the event is in order.

    The sealer refuses it, until somebody who may decide so has it go on.
    """
    policy = parties.start()
    place.record(300)
    tamper(place.database, EARLIER.format("2 hours"))
    outside = Outside(place, policy, Note("", ()))
    outside.resigned()
    sealing(place, policy).seal()
    outside.kept = place.sealed.note()
    at = "clock_timestamp() - '1 hour'::interval"
    tamper(place.database, FORGED.format(position=301, at=at))
    writer, [leaf] = load(place.database.keys, WRITER), leaves(place.database)[300:]
    group = [301, leaf, writer.key.id, writer.sign(signed(ORIGIN, 301, [leaf]))]
    tamper(place.database, "INSERT INTO event_groups VALUES (%s, %s, %s, %s)", given=group)
    with pytest.raises(Unaccountable, match="the event at position 301 is dated"):
        sealing(place, policy).seal()
    Sealer.resume(place.folder, place.sealed)
    sealing(place, policy).seal()
    assert outside.verified() == "VERIFIED"
    assert outside.inspected(policy=policy).verdict.holds
    found = outside.inspected(outside.kept, policy=policy).verdict
    assert (found.name, found.kind, found.index) == ("TAMPERED", "time", 300)

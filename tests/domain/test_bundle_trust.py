"""Which keys speak for a log follows from those pinned; which checkpoint is enough, from the policy and the time."""

from dataclasses import replace

import pytest

from application.keys import Signer
from domain.bundle import Link, Trust
from domain.bundle.events import REMOVED
from domain.note import COSIGNATURE, Checkpoint, Note, cosigned
from domain.policy import Group, Policy, Witness
from domain.policy import Log as Listed
from domain.proof import Proof
from tests.domain.bundles import LAST, LATER, LOG, ORIGIN, STRANGER, Log, flipped, outcome, story, verified

W1, W2 = (Signer.of(f"w{n}.example/witness", bytes([20 + n]) * 32, COSIGNATURE) for n in (1, 2))
WITNESSES = (Witness("W1", W1.key), Witness("W2", W2.key))
ONE = Policy("any", (), WITNESSES, (Group("any", 1, ("W1", "W2")),))
BOTH = replace(ONE, groups=(Group("any", 2, ("W1", "W2")),))
AT = 1_773_000_000


def rotated() -> tuple[Log, list[Link]]:
    """A log whose key was followed by a second and that by a third, and the history of these keys."""
    log = story(2)
    links = [log.link(log.add_key(LATER)), log.link(log.add_key(LAST), LATER)]
    log.record(log.leaves[0].stream)
    return log, links


def witnessed(note: Note, *times: tuple[Signer, int]) -> Note:
    for signer, at in times:
        note = note.with_signature(signer.key, at.to_bytes(8) + signer.sign(cosigned(note.text, at)))
    return note


def test_a_key_that_a_trusted_one_added_is_trusted() -> None:
    log, links = rotated()
    by = {signer: log.bundle(checkpoint=log.checkpoint(signer), links=links) for signer in (LOG, LATER, LAST)}
    for signer, found in by.items():
        assert outcome(found) == ("VERIFIED", "", None)
        assert verified(found).keys == (str(signer.key),)
    assert outcome(log.bundle(checkpoint=log.checkpoint(LATER, LAST), links=links)) == ("VERIFIED", "", None)


def test_a_later_key_may_be_pinned_and_trusts_no_earlier_one() -> None:
    log, links = rotated()
    assert outcome(log.bundle(checkpoint=log.checkpoint(LAST), links=links), LATER) == ("VERIFIED", "", None)
    assert outcome(log.bundle(checkpoint=log.checkpoint(LAST), links=links), LAST) == ("VERIFIED", "", None)
    assert outcome(log.bundle(checkpoint=log.checkpoint(LOG), links=links), LATER) == ("UNKNOWN KEY", "key", None)


def test_without_its_history_a_later_key_is_unknown() -> None:
    log, [first, second] = rotated()
    note = log.checkpoint(LAST)
    for links in ([], [first], [second], [second, first]):
        assert outcome(log.bundle(checkpoint=note, links=links)) == ("UNKNOWN KEY", "key", None)


def test_a_key_that_was_swapped_is_unknown() -> None:
    log = story(2)
    forged = log.link(log.add_key(STRANGER), STRANGER)
    assert outcome(log.bundle(checkpoint=log.checkpoint(STRANGER), links=[forged])) == ("UNKNOWN KEY", "key", None)


@pytest.mark.parametrize("role", ["writer", "witness", ""])
def test_a_key_added_in_another_role_signs_no_checkpoint(role: str) -> None:
    log = story(2)
    links = [log.link(log.add_key(LATER, role))]
    assert outcome(log.bundle(links=links)) == ("VERIFIED", "", None)
    assert outcome(log.bundle(checkpoint=log.checkpoint(LATER), links=links)) == ("UNKNOWN KEY", "key", None)


def test_a_link_that_does_not_hold_is_named() -> None:
    log, [first, second] = rotated()
    other, removed = story(5), story(2)
    named = removed.record(log.leaves[2].stream, "keyring.KeyRetired", role="log", vkey=str(LATER.key))
    nothing = removed.record(log.leaves[2].stream, "keyring.KeyAdded", role="log")
    foreign = removed.add_key(Signer.of("other.example/log", bytes(32)))
    cosigner = removed.add_key(Signer.of(ORIGIN, bytes(32), COSIGNATURE))
    broken = [
        replace(first, state=first.state.replace(str(LATER.key).encode(), str(STRANGER.key).encode())),
        replace(first, state=REMOVED),
        replace(first, state=first.state * 2),
        replace(first, state=first.state[:-1]),
        replace(first, state=b""),
        replace(first, entry=other.leaves[2].entry()),
        replace(first, entry=first.entry.replace(b"KeyAdded", b"KeyAbbed")),
        replace(first, proof=first.proof.replace(b"index 2", b"index 1")),
        replace(first, proof=bytes(flipped(first.proof, 8 * first.proof.rindex(b"=") - 48))),
        *(removed.link(position) for position in (named, nothing, foreign, cosigner)),
    ]
    for number, link in enumerate(broken):
        name, kind, index = outcome(log.bundle(links=[link, second]))
        assert (name, kind) == ("TAMPERED", "key"), number
        assert index is not None
    assert outcome(log.bundle(links=[first, replace(second, state=bytes(2**20 + 1))])) == ("TAMPERED", "key", None)
    assert outcome(log.bundle(links=[replace(first, proof=b"none")])) == ("TAMPERED", "key", None)
    assert outcome(log.bundle(links=[first, replace(second, state=REMOVED)])) == ("TAMPERED", "key", 3)


def test_a_link_holds_under_a_checkpoint_of_its_own_log_and_at_its_own_position() -> None:
    log, [first, second] = rotated()
    proof = Proof.parse(first.proof)
    sealed = Checkpoint.parse(proof.checkpoint.text)
    foreign = LOG.sign_note(Note(replace(sealed, origin="other.example/log").text))
    unsound = log.bundle(links=[replace(first, proof=bytes(replace(proof, checkpoint=foreign))), second])
    assert outcome(unsound) == ("TAMPERED", "key", 2)
    unproved = log.bundle(links=[replace(first, proof=bytes(replace(proof, hashes=(bytes(32),)))), second])
    assert outcome(unproved) == ("TAMPERED", "key", 2)
    moved = story(2)
    moved.change(moved.add_key(LATER), position=2)
    assert outcome(log.bundle(links=[moved.link(3)])) == ("TAMPERED", "key", 2)


def test_a_key_speaks_for_the_log_that_it_is_named_after() -> None:
    log = story()
    other = Signer.of("other.example/log", bytes([5]) * 32)
    assert outcome(log.bundle(checkpoint=log.checkpoint(LOG, other)), other) == ("UNKNOWN KEY", "key", None)


def test_every_line_of_a_trusted_key_must_hold() -> None:
    log = story()
    good, bad = log.checkpoint().signatures[0], log.checkpoint(size=7).signatures[0]
    for lines in ((bad,), (good, bad), (bad, good)):
        found = log.bundle(checkpoint=Note(log.checkpoint().text, lines))
        assert outcome(found) == ("TAMPERED", "checkpoint", None)


def test_the_policys_logs_are_pinned_as_well() -> None:
    found = story().bundle()
    assert outcome(found, STRANGER, policy=Policy("none", (Listed(LOG.key),))) == ("VERIFIED", "", None)
    assert outcome(found, STRANGER, policy=Policy("none", ())) == ("UNKNOWN KEY", "key", None)


def test_a_policy_that_lists_the_first_key_is_met_by_one_that_it_added() -> None:
    log, links = rotated()
    found = log.bundle(checkpoint=log.checkpoint(LAST), links=links)
    assert outcome(found, policy=Policy("none", (Listed(LOG.key),))) == ("VERIFIED", "", None)


def test_too_few_witnesses_leave_it_incomplete() -> None:
    log = story()
    note = witnessed(log.checkpoint(), (W1, AT))
    found = log.bundle(checkpoint=note)
    assert outcome(found, policy=BOTH) == ("INCOMPLETE", "quorum", None)
    assert outcome(log.bundle(), policy=ONE) == ("INCOMPLETE", "quorum", None)
    assert outcome(found, policy=ONE) == ("VERIFIED", "", None)
    assert verified(found, policy=ONE).cosigned_at == {"W1": AT}
    assert outcome(log.bundle(checkpoint=witnessed(note, (W2, AT + 5))), policy=BOTH) == ("VERIFIED", "", None)


def test_what_was_cosigned_too_long_ago_is_stale() -> None:
    log = story()
    found = log.bundle(checkpoint=witnessed(log.checkpoint(), (W1, AT), (W2, AT - 100)))
    assert outcome(found, policy=ONE, oldest=AT) == ("VERIFIED", "", None)
    assert outcome(found, policy=ONE, oldest=AT + 1) == ("STALE", "age", None)
    assert verified(found, policy=ONE, oldest=AT + 1).verdict.detail == (
        "the checkpoint is older than 2026-03-08T20:00:01Z: it was cosigned last at 2026-03-08T20:00:00Z"
    )
    assert outcome(found, policy=Policy("none", (), WITNESSES[1:]), oldest=AT) == ("STALE", "age", None)
    assert outcome(found, policy=Policy("none"), oldest=AT) == ("STALE", "age", None)


def test_what_is_tampered_with_is_not_merely_incomplete_or_stale() -> None:
    log = story()
    log.removed = {2}
    assert outcome(log.bundle(), policy=BOTH, oldest=AT) == ("TAMPERED", "redaction", 1)


def test_age_is_judged_by_witnesses() -> None:
    with pytest.raises(ValueError, match="give the policy"):
        Trust((LOG.key,), oldest=AT)

"""A checkpoint that an inspector kept: the log goes on from there, and what came behind it is dated behind it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from application.keys import Signer
from domain.bundle import Trust
from domain.bundle.bracket import SLACK
from domain.note import COSIGNATURE, Checkpoint, Note
from domain.policy import Group, Policy, Witness
from tests.domain.bundles import (
    BEGUN,
    LATER,
    LOG,
    MINUTE,
    STRANGER,
    VILLAGE,
    Log,
    archived,
    files,
    flipped,
    outcome,
    rewritten,
    story,
)
from tests.domain.bundles import verified as report

FIRST, SECOND = (Signer.of(f"w{n}.example/witness", bytes([20 + n]) * 32, COSIGNATURE) for n in (1, 2))
WITNESSES = (Witness("W1", FIRST.key), Witness("W2", SECOND.key))
ONE = Policy("any", (), WITNESSES, (Group("any", 1, ("W1", "W2")),))
BOTH = replace(ONE, groups=(Group("any", 2, ("W1", "W2")),))
SLACKEN, SECONDS = timedelta(seconds=SLACK), timedelta(seconds=1)


def cosigned(note: Note, *times: datetime) -> Note:
    for signer, at in zip((FIRST, SECOND), times, strict=False):
        note = Note(note.text, (*note.signatures, signer.cosign(note.text, int(at.timestamp()))))
    return note


def at(position: int) -> datetime:
    return BEGUN + position * MINUTE


@pytest.mark.parametrize("since", range(1, 10))
def test_a_bundle_proves_that_the_log_goes_on_from_what_was_kept(since: int) -> None:
    log = story(9)
    kept = log.checkpoint(size=since)
    for made in (
        log.bundle([3], asked=(3, 3), since=since),
        log.bundle([1, 3, 5, 7, 9], record=VILLAGE, since=since),
        log.bundle(since=since),
        log.bundle(),
    ):
        assert outcome(made, kept=kept) == ("VERIFIED", "", None)
        assert report(made, kept=kept).continues == since
        assert report(made).continues is None


def test_the_beginning_of_every_log_is_gone_on_from() -> None:
    log = story(3)
    assert outcome(log.bundle([2], asked=(2, 2)), kept=Log().checkpoint()) == ("VERIFIED", "", None)
    assert outcome(log.bundle([2], asked=(2, 2)), kept=log.checkpoint()) == ("VERIFIED", "", None)


def test_what_is_not_proved_is_incomplete_and_names_what_to_ask_for() -> None:
    log = story(9)
    for since in (None, 4):
        found = report(log.bundle([3], asked=(3, 3), since=since), kept=log.checkpoint(size=5))
        assert (found.verdict.name, found.verdict.kind) == ("INCOMPLETE", "consistency")
        assert "--since 5" in found.verdict.detail


@pytest.mark.parametrize("size", [1, 4, 5, 9])
def test_a_log_that_was_written_anew_does_not_go_on_from_what_was_kept(size: int) -> None:
    """All keys are the administrator's, and nobody cosigned anything: what was kept is enough (tamperings 9 and 10)."""
    log, other = story(9), Log()
    for n in range(9):
        other.record(VILLAGE, full=n + 100)
    kept = log.checkpoint(size=size)
    assert outcome(other.bundle([3], asked=(3, 3), since=size)) == ("VERIFIED", "", None)
    for made in (other.bundle([3], asked=(3, 3), since=size), other.bundle()):
        assert outcome(made, kept=kept) == ("TAMPERED", "consistency", None)
    [_, *proof] = other.consistency(size)
    forged = Checkpoint.parse(kept.text).root + b"".join(proof)
    made = rewritten(other.bundle(since=size), {"consistency": lambda _: forged})
    assert outcome(made, kept=kept) == ("TAMPERED", "consistency", None)


def test_a_log_that_went_back_is_stale() -> None:
    """A backup was put back, and the sealer's state with it: a later checkpoint is enough to see that (8, 13)."""
    log = story(9)
    made = story(7).bundle()
    assert outcome(made) == ("VERIFIED", "", None)
    assert outcome(made, kept=log.checkpoint()) == ("STALE", "age", None)


def test_every_bit_of_the_proof_counts_though_nothing_was_kept() -> None:
    log = story(9)
    made = log.bundle([3], asked=(3, 3), since=6)
    whole = b"".join(log.consistency(6))
    assert outcome(made) == ("VERIFIED", "", None)

    def proved_by(proof: bytes) -> tuple[str, str, int | None]:
        return outcome(rewritten(made, {"consistency": lambda _: proof}))

    for bit in range(8 * len(whole)):
        assert proved_by(flipped(whole, bit)) == ("TAMPERED", "consistency", None), bit
    for length in range(len(whole)):
        assert proved_by(whole[:length]) == ("TAMPERED", "consistency", None), length
    assert proved_by(whole + bytes(32)) == ("TAMPERED", "consistency", None)


@pytest.mark.parametrize(
    ("becomes", "kind"),
    [(b'"since":5,', "consistency"), (b'"since":7,', "consistency"), (b'"since":9,', "consistency"),
     (b"", "manifest"), (b'"since":0,', "manifest"), (b'"since":10,', "manifest"), (b'"since":true,', "manifest"),
     (b'"since":"6",', "manifest"), (b'"since":null,', "manifest")],
)  # fmt: skip
def test_the_size_that_is_proved_is_the_one_that_the_manifest_says(becomes: bytes, kind: str) -> None:
    made = story(9).bundle([3], asked=(3, 3), since=6)
    changed = rewritten(made, {"bundle.json": lambda held: held.replace(b'"since":6,', becomes)})
    assert outcome(changed) == ("TAMPERED", kind, None)


def test_a_proof_that_is_announced_is_there() -> None:
    made = files(story(9).bundle([3], asked=(3, 3), since=6))
    del made["consistency"]
    assert outcome(archived(made)) == ("TAMPERED", "manifest", None)


def test_what_was_kept_is_of_this_log_and_signed_by_a_key_that_is_trusted() -> None:
    log = story(5)
    made, kept = log.bundle(), log.checkpoint(size=3)
    foreign = STRANGER.sign_note(Note(replace(Checkpoint.parse(kept.text), origin="other.example/log").text))
    damaged = Note(kept.text, log.checkpoint(size=4).signatures)
    for each in (foreign, damaged, log.checkpoint(STRANGER, size=3), cosigned(Note(kept.text), at(3))):
        assert outcome(made, kept=each, policy=ONE)[:2] == ("UNKNOWN KEY", "key")
    with pytest.raises(ValueError, match="checkpoint"):
        Trust((LOG.key,), kept=LOG.sign_note(Note("a letter\n")))


def test_what_an_earlier_or_a_later_key_signed_may_have_been_kept() -> None:
    log = story(3)
    before = log.checkpoint(LOG)
    link = log.link(log.add_key(LATER))
    log.record(VILLAGE)
    made = log.bundle(checkpoint=log.checkpoint(LATER), links=[link])
    for kept in (before, log.checkpoint(LATER, size=4)):
        assert outcome(made, kept=kept) == ("VERIFIED", "", None)


def test_an_event_behind_what_was_kept_is_not_dated_before_it() -> None:
    """Dated back, by whoever has every key: it came behind what a witness had seen before (tampering 6)."""
    log = story(6)
    log.change(6, recorded_at=at(90))
    sealed = cosigned(log.checkpoint(), at(91))
    kept = cosigned(log.checkpoint(size=4), at(5) + SLACKEN)
    late = cosigned(log.checkpoint(size=4), at(5) + SLACKEN + SECONDS)

    def bundles(**said: Any) -> list[bytes]:
        return [log.bundle(checkpoint=sealed), log.bundle([5], checkpoint=sealed, asked=(5, 5), **said),
                log.bundle([1, 3, 5], checkpoint=sealed, record=VILLAGE, **said)]  # fmt: skip

    for made in bundles(since=4):
        assert outcome(made, kept=kept, policy=ONE) == ("VERIFIED", "", None)
        assert outcome(made, kept=late, policy=ONE) == ("TAMPERED", "time", 4)
        assert "before the checkpoint in front of it" in report(made, kept=late, policy=ONE).verdict.detail
        # Who does not know the witness, does not know the time.
        assert outcome(made, kept=late) == ("VERIFIED", "", None)
    for made in bundles()[1:]:
        assert outcome(made, kept=late, policy=ONE) == ("TAMPERED", "time", 4)


def test_events_of_one_moment_are_judged_on_both_sides_of_what_was_kept() -> None:
    log = story(6)
    for position in range(3, 7):
        log.change(position, recorded_at=at(3))
    made = log.bundle(checkpoint=cosigned(log.checkpoint(), at(4)))
    kept = cosigned(log.checkpoint(size=4), at(3) + SLACKEN)
    assert outcome(made, kept=kept, policy=ONE) == ("VERIFIED", "", None)
    kept = cosigned(log.checkpoint(size=4), at(3) + SLACKEN + SECONDS)
    assert outcome(made, kept=kept, policy=ONE) == ("TAMPERED", "time", 4)


def test_an_event_is_not_dated_after_a_checkpoint_that_holds_it() -> None:
    log = story(6)
    log.change(6, recorded_at=at(60))
    sealed = cosigned(log.checkpoint(), at(60) - SLACKEN)
    assert outcome(log.bundle(checkpoint=sealed), policy=ONE) == ("VERIFIED", "", None)
    sealed = cosigned(log.checkpoint(), at(59) - SLACKEN)
    assert outcome(log.bundle(checkpoint=sealed), policy=ONE) == ("TAMPERED", "time", 5)
    kept = cosigned(log.checkpoint(), at(59) - SLACKEN)
    log.record(VILLAGE)
    log.change(7, recorded_at=at(99))
    sealed = cosigned(log.checkpoint(), at(100))
    made = log.bundle([6, 7], checkpoint=sealed, asked=(6, 7), since=6)
    assert outcome(made, policy=ONE) == ("VERIFIED", "", None)
    assert outcome(made, kept=kept, policy=ONE) == ("TAMPERED", "time", 5)


def test_a_witness_whose_clock_is_wrong_decides_nothing_alone_where_two_are_asked_for() -> None:
    log = story(6)
    wrong = cosigned(log.checkpoint(), at(-10_000), at(7))
    assert outcome(log.bundle(checkpoint=wrong), policy=ONE) == ("TAMPERED", "time", 0)
    assert outcome(log.bundle(checkpoint=wrong), policy=BOTH) == ("VERIFIED", "", None)


@pytest.mark.parametrize(
    ("seconds", "sealed", "kept"),
    [(0, 0, 0), (1, 0, 0), (253_402_300_800, None, 2), (2**63, None, 2), (2**64 - 1, None, 2)],
)
def test_whatever_time_a_witness_tells_it_is_judged(seconds: int, sealed: int | None, kept: int | None) -> None:
    log = story(3)

    def told(note: Note) -> Note:
        return Note(note.text, (*note.signatures, FIRST.cosign(note.text, seconds)))

    def index(**trust: Any) -> int | None:
        name, kind, found = outcome(policy=ONE, **trust)
        assert (name, kind) in {("VERIFIED", ""), ("TAMPERED", "time")}
        return found

    assert index(bundle=log.bundle(checkpoint=told(log.checkpoint()))) == sealed
    now = log.bundle(checkpoint=cosigned(log.checkpoint(), at(3)))
    assert index(bundle=now, kept=told(log.checkpoint(size=2))) == kept

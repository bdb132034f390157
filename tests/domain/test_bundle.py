"""A bundle is verified with a pinned key alone, in the log's order, with payloads that were removed lawfully."""

from collections.abc import Callable
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.keys import Signer
from domain.bundle import Manifest, Redaction, write
from domain.bundle.events import state_written
from domain.leaf import commitment
from tests.domain.bundles import (
    BEGUN,
    LOG,
    ORIGIN,
    ROLL,
    STRANGER,
    VILLAGE,
    Log,
    archived,
    files,
    outcome,
    story,
    verified,
)  # fmt: skip

Change = Callable[[bytes], bytes]
STORY = story()
WHOLE = STORY.bundle()


def test_a_bundle_of_everything_is_verified() -> None:
    report = verified(WHOLE)
    assert (report.verdict.name, report.verdict.kind, report.verdict.index) == ("VERIFIED", "", None)
    assert report.verdict.detail == "8 events held here are as the log sealed them"
    assert report.keys == (str(LOG.key),)
    assert report.manifest == Manifest("all", ORIGIN, 8, ((1, 8),))
    assert not report.timestamped
    assert files(WHOLE)["proof"] == b""


@settings(max_examples=60)
@given(st.data(), st.integers(1, 30), st.booleans())
def test_any_part_of_a_log_is_verified(data: st.DataObject, size: int, by_record: bool) -> None:
    log = story(size)
    if by_record:
        found = log.bundle(range(1, size + 1, 2), record=VILLAGE)
    else:
        first, last = sorted(data.draw(st.tuples(st.integers(1, size), st.integers(1, size))))
        found = log.bundle(range(first, last + 1), asked=(first, last))
    assert outcome(found) == ("VERIFIED", "", None)


def test_a_log_without_events_is_verified() -> None:
    assert outcome(Log().bundle()) == ("VERIFIED", "", None)


def test_the_same_content_is_the_same_bytes() -> None:
    assert story().bundle() == WHOLE
    assert archived(files(WHOLE)) == WHOLE


def test_events_are_written_to_the_number_that_the_manifest_says() -> None:
    manifest, held = Manifest("all", ORIGIN, 8, ((1, 8),)), [STORY.held(position) for position in range(1, 9)]
    for leaves, events in ((STORY.hashes[:7], held), (STORY.hashes, held[:7]), (STORY.hashes, [*held, held[0]])):
        with pytest.raises(ValueError, match="8 positions"):
            write(BytesIO(), BytesIO(), manifest, b"", leaves, [], events)


def test_another_log_or_key_is_unknown() -> None:
    assert outcome(WHOLE, STRANGER) == ("UNKNOWN KEY", "key", None)
    assert outcome(WHOLE, Signer.of("other.example/log", bytes([1]) * 32)) == ("UNKNOWN KEY", "key", None)
    assert outcome(WHOLE, STRANGER, LOG) == ("VERIFIED", "", None)
    assert outcome(STORY.bundle(checkpoint=STORY.checkpoint(STRANGER))) == ("UNKNOWN KEY", "key", None)


def test_every_key_that_signed_is_told() -> None:
    both = STORY.bundle(checkpoint=STORY.checkpoint(STRANGER, LOG))
    assert verified(both).keys == (str(LOG.key),)
    assert verified(both, LOG, STRANGER).keys == (str(LOG.key), str(STRANGER.key))


def test_a_log_that_sealed_a_wrong_order_is_not_believed() -> None:
    def sealed(at: int, /, **fields: Any) -> tuple[str, str, int | None]:
        log = story()
        log.change(at, **fields)
        return outcome(log.bundle())

    assert sealed(5, version=4) == ("TAMPERED", "version", 4)
    assert sealed(1, version=2) == ("TAMPERED", "version", 0)
    assert sealed(5, stream=ROLL) == ("TAMPERED", "version", 4)
    assert sealed(5, recorded_at=BEGUN) == ("TAMPERED", "time", 4)
    assert sealed(5, position=6) == ("TAMPERED", "entry", 4)


def test_versions_in_a_range_go_on_wherever_they_begin() -> None:
    log = story()
    assert outcome(log.bundle(range(5, 9), asked=(5, 8))) == ("VERIFIED", "", None)
    log.change(7, version=5)
    assert outcome(log.bundle(range(5, 9), asked=(5, 8))) == ("TAMPERED", "version", 6)
    assert outcome(log.bundle([7, 8], asked=(7, 8))) == ("VERIFIED", "", None)


def test_versions_and_times_rise_from_one_range_to_the_next() -> None:
    def sealed(**fields: Any) -> tuple[str, str, int | None]:
        log = story()
        log.change(8, **fields)
        return outcome(log.bundle([1, 2, 3, 8], asked=(1, 3), covering=(8,)))

    assert sealed(version=9) == ("VERIFIED", "", None)
    assert sealed(version=1) == ("TAMPERED", "version", 7)
    assert sealed(recorded_at=BEGUN) == ("TAMPERED", "time", 7)


def test_a_record_is_held_from_its_beginning_without_a_gap_and_alone() -> None:
    log = story()
    assert outcome(log.bundle([1, 3, 5, 7], record=VILLAGE)) == ("VERIFIED", "", None)
    assert outcome(log.bundle([1, 3, 7], record=VILLAGE)) == ("TAMPERED", "version", 6)
    assert outcome(log.bundle([3, 5], record=VILLAGE)) == ("TAMPERED", "version", 2)
    assert outcome(log.bundle([1, 2, 3], record=VILLAGE)) == ("TAMPERED", "entry", 1)
    assert outcome(log.bundle([1, 3, 5], record=VILLAGE, covering=(5,))) == ("TAMPERED", "entry", 4)


def test_payloads_that_an_event_covers_are_removed_lawfully() -> None:
    log = story()
    assert log.remove(3, 5) == 9
    for found in (
        log.bundle(),
        log.bundle([1, 3, 5, 7, 9], record=VILLAGE, covering=(9,)),
        log.bundle([3, 4, 5, 9], asked=(3, 5), covering=(9,)),
        log.bundle(range(3, 10), asked=(3, 9)),
    ):
        report = verified(found)
        assert report.verdict.name == "REDACTED"
        assert report.verdict.holds
        assert report.redactions == (Redaction(3, 9), Redaction(5, 9))
    assert "at position 3 (covered by 9), 5 (covered by 9)" in report.verdict.detail


def test_a_removal_is_told_with_the_first_event_that_covers_it() -> None:
    log = story()
    first = log.remove(3)
    second = log.remove(3, 4)
    assert verified(log.bundle()).redactions == (Redaction(3, first), Redaction(4, second))


def test_a_sentence_names_some_of_many_removals_and_the_report_all() -> None:
    log = story(30)
    log.remove(*range(1, 31))
    report = verified(log.bundle())
    assert [each.position for each in report.redactions] == [*range(1, 31)]
    assert report.verdict.detail.endswith("19 (covered by 31), 20 (covered by 31) and 10 more")


def test_one_event_is_spoken_of_as_one() -> None:
    assert verified(STORY.bundle([4], asked=(4, 4))).verdict.detail == "the event is as the log sealed it"


def test_a_removal_is_covered_only_by_a_later_event_that_is_there_and_names_it() -> None:
    log = story()
    log.removed |= {3}
    assert outcome(log.bundle()) == ("TAMPERED", "redaction", 2)
    log.record(ROLL, "redaction.PayloadRemoved", positions=[4, "3", True, 3.0, None, [3]])
    log.record(ROLL, "organisation.MemberAdmitted", positions=[3])
    log.record(ROLL, "redaction.PayloadRemoved", positions=3)
    log.record(ROLL, "redaction.PayloadRemoved")
    assert outcome(log.bundle()) == ("TAMPERED", "redaction", 2)
    cover = log.record(ROLL, "redaction.PayloadRemoved", positions=[3])
    assert verified(log.bundle()).redactions == (Redaction(3, cover),)
    assert outcome(log.bundle(range(1, 9), asked=(1, 8))) == ("TAMPERED", "redaction", 2)
    log.removed |= {cover}
    assert outcome(log.bundle()) == ("TAMPERED", "redaction", 2)
    again = log.remove(3, cover)
    assert verified(log.bundle()).redactions == (Redaction(3, again), Redaction(cover, again))


def test_an_event_does_not_cover_what_is_removed_after_it() -> None:
    log = Log()
    log.record(ROLL, "redaction.PayloadRemoved", positions=[2])
    log.record(VILLAGE)
    log.removed = {2}
    assert outcome(log.bundle()) == ("TAMPERED", "redaction", 1)


@pytest.mark.parametrize(
    "state", [b"", b"null", b"\xff", b"[" * 100_000, b'{"event":[]}', b'{"event":{"positions":{}}}']
)
def test_a_covering_event_with_an_unreadable_state_covers_nothing(state: bytes) -> None:
    log = story(2)
    log.remove(1)
    log.states[2] = state
    log.change(3, commitment=commitment(ORIGIN, log.salt(3), state))
    assert outcome(log.bundle()) == ("TAMPERED", "redaction", 0)


def test_states_of_any_length_are_read_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    for length in (0, 1, 5000, 70_000, 3):
        log.record(VILLAGE, text="x" * length)
    whole = log.bundle()
    for block in (1, 2, 7, 36, 1000, 65_536):
        monkeypatch.setattr("domain.bundle.archive.BLOCK", block)
        assert outcome(whole) == ("VERIFIED", "", None)
    assert all(one < other for one, other in pairwise(leaf.recorded_at for leaf in log.leaves))
    assert state_written(bytes(32), b"") == bytes(36)

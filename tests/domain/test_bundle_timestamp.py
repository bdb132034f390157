"""A token over a bundle's checkpoint is judged by whoever knows authorities, or not at all."""

from tests.domain.bundles import STRANGER, files, outcome, rewritten, story, verified
from tests.domain.test_bundle_trust import AT, BOTH, W1, witnessed

STORY = story()
STAMPED = STORY.bundle(timestamp=b"token")


def judge(token: bytes, checkpoint: bytes) -> int:
    if (token, checkpoint) != (b"token", files(STAMPED)["checkpoint"]):
        raise ValueError("it is of something else")
    return AT


def test_the_time_of_a_token_that_holds_is_reported() -> None:
    report = verified(STAMPED, judge=judge)
    assert (report.verdict.name, report.timestamped, report.timestamped_at) == ("VERIFIED", True, AT)


def test_without_a_judge_it_is_said_that_a_token_is_there_and_no_more() -> None:
    report = verified(STAMPED)
    assert (report.verdict.name, report.timestamped, report.timestamped_at) == ("VERIFIED", True, None)


def test_a_token_that_does_not_hold_is_tampering_and_the_reason_is_told() -> None:
    report = verified(STORY.bundle(timestamp=b"other"), judge=judge)
    assert (report.verdict.name, report.verdict.kind, report.timestamped_at) == ("TAMPERED", "timestamp", None)
    assert report.verdict.detail == "the time-stamp does not hold: it is of something else"
    long = STORY.bundle(timestamp=bytes((1 << 16) + 1))
    assert verified(long, judge=judge).verdict.detail.endswith("it has more than 65536 bytes")


def test_cosignatures_that_came_after_the_token_are_not_what_it_is_over() -> None:
    later = STORY.bundle(timestamp=b"token", checkpoint=witnessed(STORY.checkpoint(), (W1, AT)))
    assert outcome(later) == ("VERIFIED", "", None)
    assert outcome(later, judge=judge) == ("TAMPERED", "timestamp", None)


def test_where_the_time_is_asked_for_there_must_be_a_token() -> None:
    assert outcome(STORY.bundle(), judge=judge) == ("INCOMPLETE", "timestamp", None)


def test_what_is_wrong_with_the_events_or_the_key_is_told_first_and_too_few_witnesses_last() -> None:
    bad = rewritten(STORY.bundle(timestamp=b"other"), {"states": lambda held: held[:40] + b"?" + held[41:]})
    assert outcome(bad, judge=judge) == ("TAMPERED", "state", 0)
    assert outcome(STAMPED, STRANGER, judge=judge) == ("UNKNOWN KEY", "key", None)
    assert outcome(STORY.bundle(timestamp=b"other"), judge=judge, policy=BOTH) == ("TAMPERED", "timestamp", None)
    few = verified(STAMPED, judge=judge, policy=BOTH)
    assert (few.verdict.kind, few.timestamped_at) == ("quorum", AT)

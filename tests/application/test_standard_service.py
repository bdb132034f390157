"""What the services of standards add to the rules of one: codes taken once, approval by another, versions that stay."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from application.database import Database
from application.records import Act, Conflict, Receipt
from application.standard import flow_facts
from domain.event import Refused
from domain.ledger import Obligation, case_id
from domain.standard import Duty, Standard, standard_id
from interface.app import Installation
from tests.application.services import TODAY, Calendar, lend, meet, opened, topics
from tests.domain.flows import drawn
from tests.spec import ANN, BO, CAI

PERMITS = standard_id("permits")
FLOW, LONGER = drawn("s 收件 审查 发证 e"), drawn("s 收件 勘察 审查 发证 e")
REVIEW = Duty(code="review", title="月度自查", frequency="monthly")
ARCHIVE = Duty(code="archive", title="归档", frequency="per case")
DAY = timedelta(days=1)

Acts = Callable[..., Act]


@pytest.fixture
def drafted(at: Installation, act: Acts) -> Installation:
    """A draft with a flow, by Ann."""
    at.standards.draft(act(ANN), "permits", "行政许可", "efficiency", "行政许可法")
    at.standards.draw(act(ANN), PERMITS, FLOW)
    return at


@pytest.fixture
def published(drafted: Installation, act: Acts) -> Installation:
    drafted.standards.publish(act(BO), PERMITS)
    return drafted


def standard(at: Installation) -> Standard:
    return at.records.load(Standard, PERMITS, fresh=True)


def test_a_code_is_one_standard_for_ever(published: Installation, act: Acts) -> None:
    head = published.head()
    with pytest.raises(Refused, match="there is a standard permits already: amend it") as refusal:
        published.standards.draft(act(), "permits", "许可", "conduct")
    assert refusal.value.field == "code"
    published.standards.retire(act(), PERMITS, "废止")
    with pytest.raises(Refused, match="already"):
        published.standards.draft(act(), "permits", "许可", "conduct")
    published.standards.draft(act(), "Permits", "另一规范", "conduct")
    assert topics(published, head) == ["StandardRetired", "StandardDrafted"]


def test_of_two_that_draft_one_code_at_once_one_does(
    at: Installation, elsewhere: Installation, log: Database, act: Acts
) -> None:
    outcomes = meet(
        log,
        partial(at.standards.draft, act(ANN), "permits", "行政许可", "efficiency"),
        partial(elsewhere.standards.draft, act(BO), "permits", "许可", "conduct"),
    )
    assert outcomes[1] == "there is a standard permits already: amend it"
    assert topics(at) == ["StandardDrafted"]
    assert (standard(at).title, standard(at).area) == ("行政许可", "efficiency")


def test_nobody_publishes_what_they_had_a_hand_in_nor_does_anyone_for_them(drafted: Installation, act: Acts) -> None:
    drafted.standards.define_duty(act(CAI), PERMITS, REVIEW)
    lend(drafted, ANN, BO, "approver")
    lend(drafted, BO, ANN, "approver")
    for command in (act(ANN), act(CAI), act(BO, on_behalf_of=ANN), act(ANN, on_behalf_of=BO)):
        with pytest.raises(Refused, match="whoever drafted a standard may not approve it"):
            drafted.standards.publish(command, PERMITS)
    drafted.standards.publish(act(BO), PERMITS)
    assert standard(drafted).in_force().authors == tuple(sorted((ANN, CAI)))


def test_who_changes_a_draft_at_the_moment_of_publishing_it_is_not_its_approver(
    drafted: Installation, elsewhere: Installation, log: Database, act: Acts
) -> None:
    def changing(duty: Duty) -> Callable[[], Receipt]:
        return partial(drafted.standards.define_duty, act(BO), PERMITS, duty)

    def publishing() -> Callable[[], Receipt]:
        return partial(elsewhere.standards.publish, act(BO), PERMITS)

    assert meet(log, changing(REVIEW), publishing())[1] == "whoever drafted a standard may not approve it"
    drafted.standards.publish(act(CAI), PERMITS)
    drafted.standards.amend(act(ANN), PERMITS, "年度修订")
    refusal = "a published version stays as it is: amend the standard first"
    assert meet(log, publishing(), changing(ARCHIVE))[1] == refusal
    assert [version.duties for version in standard(drafted).versions] == [(REVIEW,), (REVIEW,)]


def test_of_two_that_publish_at_once_one_does(
    drafted: Installation, elsewhere: Installation, log: Database, act: Acts
) -> None:
    outcomes = meet(
        log,
        partial(drafted.standards.publish, act(BO), PERMITS),
        partial(elsewhere.standards.publish, act(CAI), PERMITS),
    )
    assert outcomes[1] == "a published version stays as it is: amend the standard first"
    assert len(standard(drafted).versions) == 1


def test_a_published_version_is_immutable_whatever_the_draft_of_the_next_becomes(
    published: Installation, act: Acts
) -> None:
    at, before = published, standard(published).version_of(1)
    changes: list[Callable[[], object]] = [
        lambda: at.standards.draw(act(), PERMITS, LONGER),
        lambda: at.standards.separate(act(), PERMITS, (("收件", "发证"),)),
        lambda: at.standards.define_duty(act(), PERMITS, REVIEW),
        lambda: at.standards.remove_duty(act(), PERMITS, "review"),
        lambda: at.standards.publish(act(CAI), PERMITS),
    ]
    for change in changes:
        with pytest.raises(Refused, match="a published version stays as it is"):
            change()
    at.standards.amend(act(), PERMITS, "年度修订")
    at.standards.draw(act(), PERMITS, LONGER)
    at.standards.separate(act(), PERMITS, (("收件", "发证"),))
    assert standard(at).in_force() == before, "a draft is not in force"
    at.standards.publish(act(BO), PERMITS)
    assert standard(at).version_of(1) == before
    second = standard(at).in_force()
    assert (second.number, second.flow, second.separate) == (2, LONGER, (("收件", "发证"),))


def test_a_version_comes_into_force_on_its_day(drafted: Installation, act: Acts, calendar: Calendar) -> None:
    at = drafted
    at.standards.publish(act(BO), PERMITS, TODAY + 9 * DAY)
    with pytest.raises(Refused, match="the standard permits is in force from 2026-03-10 on"):
        at.ledger.raise_case(act(), PERMITS, "one")
    calendar.turn(TODAY + 9 * DAY)
    at.ledger.raise_case(act(), PERMITS, "one")
    at.standards.amend(act(), PERMITS, "年度修订")
    at.standards.draw(act(), PERMITS, LONGER)
    with pytest.raises(Refused, match="the next cannot begin before"):
        at.standards.publish(act(BO), PERMITS, TODAY)
    at.standards.publish(act(BO), PERMITS, TODAY + 20 * DAY)
    at.ledger.raise_case(act(), PERMITS, "two")
    calendar.turn(TODAY + 20 * DAY)
    at.ledger.raise_case(act(), PERMITS, "three")
    versions = {case: version_of(at, case) for case in ("one", "two", "three")}
    assert versions == {"one": 1, "two": 1, "three": 2}


def version_of(at: Installation, case: str) -> int:
    terms = at.records.load(Obligation, case_id(PERMITS, case), fresh=True).terms
    assert terms
    return terms.standard_version


def test_an_amendment_never_judges_anew_what_was_opened_under_an_older_version(
    published: Installation, act: Acts
) -> None:
    """The old case needs no survey; the new one does; and both views say so after a rebuild too."""
    at = published
    at.ledger.raise_case(act(), PERMITS, "old")
    at.ledger.complete_step(act(), case_id(PERMITS, "old"), "收件")
    at.standards.amend(act(), PERMITS, "增加勘察")
    at.standards.draw(act(), PERMITS, LONGER)
    at.standards.define_duty(act(), PERMITS, ARCHIVE)
    at.standards.publish(act(BO), PERMITS)
    at.ledger.raise_case(act(), PERMITS, "new")
    at.ledger.complete_step(act(), case_id(PERMITS, "new"), "收件")
    at.ledger.complete_step(act(), case_id(PERMITS, "old"), "审查")
    with pytest.raises(Refused, match="“审查” comes after “勘察”"):
        at.ledger.complete_step(act(), case_id(PERMITS, "new"), "审查")
    with pytest.raises(Refused, match="does not know the step “勘察”"):
        at.ledger.complete_step(act(), case_id(PERMITS, "old"), "勘察")
    at.ledger.complete_step(act(), case_id(PERMITS, "old"), "发证")
    assert at.records.load(Obligation, case_id(PERMITS, "old")).outcome == "done"
    at.fold_now()
    at.rebuild(["conformance"])
    found = at.board.conformance(PERMITS)
    assert (found.cases, found.faultless) == (2, 1)
    assert found.omitted.by_step == {"勘察": 1, "审查": 1, "发证": 1}


def test_what_a_flow_says_is_told_of_each_log_by_itself(
    published: Installation, new_log: Callable[[], Database], calendar: Calendar, act: Acts
) -> None:
    """Two logs may have standards of one code and version, and of other flows."""
    assert flow_facts(PERMITS, standard(published).in_force()).required == {"收件", "审查", "发证"}
    with opened(new_log(), calendar) as second:
        second.standards.draft(act(), "permits", "行政许可", "efficiency")
        second.standards.draw(act(), PERMITS, LONGER)
        second.standards.publish(act(BO), PERMITS)
        assert flow_facts(PERMITS, standard(second).in_force()).required == {"收件", "勘察", "审查", "发证"}
    assert flow_facts(PERMITS, standard(published).in_force()).required == {"收件", "审查", "发证"}


def test_a_command_on_a_standard_heeds_the_version_that_its_caller_saw(published: Installation, act: Acts) -> None:
    with pytest.raises(Conflict) as conflict:
        published.standards.amend(act(expected=2), PERMITS, "年度修订")
    assert (conflict.value.id, conflict.value.version) == (PERMITS, standard(published).version)
    published.standards.amend(act(expected=conflict.value.version), PERMITS, "年度修订")


def test_nothing_is_recorded_of_a_standard_before_it_happens(
    drafted: Installation, act: Acts, calendar: Calendar
) -> None:
    at, head, soon = drafted, drafted.head(), partial(act, occurred_on=calendar.tomorrow)
    commands: list[Callable[[], object]] = [
        lambda: at.standards.draft(soon(), "other", "另一规范", "conduct"),
        lambda: at.standards.draw(soon(), PERMITS, LONGER),
        lambda: at.standards.define_duty(soon(), PERMITS, REVIEW),
        lambda: at.standards.publish(soon(BO), PERMITS),
    ]
    for command in commands:
        with pytest.raises(Refused, match="2026-03-02 is still to come"):
            command()
    assert at.head() == head


def test_no_case_is_opened_under_a_standard_that_is_retired_at_that_moment(
    published: Installation, elsewhere: Installation, log: Database, act: Acts
) -> None:
    retired, opened = meet(
        log,
        partial(elsewhere.standards.retire, act(), PERMITS, "废止"),
        partial(published.ledger.raise_case, act(), PERMITS, "one"),
    )
    assert isinstance(retired, Receipt)
    assert opened == "the standard permits is retired"

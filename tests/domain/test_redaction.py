"""A payload is removed for a reason, on an authority, once, and never what the proof itself rests on."""

from datetime import date
from uuid import UUID

import pytest

from domain.event import Account, Refused
from domain.redaction import MOST, PayloadRemoved, Redactions, redactions_id

ID = redactions_id("records.example/log")
ACCOUNT = Account(
    actor=UUID(int=1),
    occurred_on=date(2026, 11, 23),
    command_id=UUID(int=2),
    reason="本人申请",
    authority="个人信息保护法第四十七条",
)
EVENT = "organisation.OfficerAppointed"


def test_what_is_removed_is_named_in_order() -> None:
    assert Redactions(ID).remove([(9, EVENT), (7, EVENT)], ACCOUNT) == PayloadRemoved(positions=(7, 9))


@pytest.mark.parametrize("field", ["reason", "authority"])
def test_a_removal_has_a_reason_and_an_authority(field: str) -> None:
    with pytest.raises(Refused) as refused:
        Redactions(ID).remove([(7, EVENT)], ACCOUNT.model_copy(update={field: " "}))
    assert refused.value.field == field


@pytest.mark.parametrize("topic", ["keyring.KeyAdded", "redaction.PayloadRemoved", "views.EventSkipped"])
def test_what_is_of_the_log_itself_stays(topic: str) -> None:
    with pytest.raises(Refused, match="position 8 is of the log itself"):
        Redactions(ID).remove([(7, EVENT), (8, topic)], ACCOUNT)


def test_nothing_is_removed_twice() -> None:
    held = Redactions(ID).after(ACCOUNT, PayloadRemoved(positions=(7, 9)))
    with pytest.raises(Refused, match="the payload at position 9 is removed"):
        held.remove([(8, EVENT), (9, EVENT)], ACCOUNT)
    assert held.remove([(8, EVENT)], ACCOUNT) == PayloadRemoved(positions=(8,))


@pytest.mark.parametrize(("count", "said"), [(0, "name the positions"), (MOST + 1, "removes up to 1000 payloads")])
def test_a_decision_removes_something_and_not_too_much(count: int, said: str) -> None:
    with pytest.raises(Refused, match=said):
        Redactions(ID).remove([(n, EVENT) for n in range(1, count + 1)], ACCOUNT)

"""Keys are added beside those in force and retired once others have taken their place; never the last of them."""

from datetime import date
from uuid import UUID

import pytest

from application.keys import Signer
from domain.event import Account, Event, Refused
from domain.group import writer
from domain.keychange import Change
from domain.keyring import KeyAdded, KeyRetired, Keyring, Role, keyring_id
from domain.note import COSIGNATURE, Key

LOG = "records.example/log"
ACCOUNT = Account(actor=UUID(int=1), occurred_on=date(2026, 11, 23), command_id=UUID(int=2), reason="三年一换")
FIRST, SECOND, THIRD = (Signer.of(LOG, bytes([n]) * 32).key for n in (1, 2, 3))
PEN, OTHER_PEN = (Signer.of(writer(LOG), bytes([n]) * 32).key for n in (4, 5))


def ring(*events: Event) -> Keyring:
    return Keyring(keyring_id(LOG)).after(ACCOUNT, *events)


def added(key: Key, role: Role = "log") -> KeyAdded:
    return KeyAdded(role=role, vkey=str(key))


def retired(key: Key, role: Role = "log") -> KeyRetired:
    return KeyRetired(role=role, vkey=str(key))


def test_the_first_key_that_is_added_is_preceded_by_the_one_before_it() -> None:
    assert list(ring().add("log", SECOND, FIRST, LOG, ACCOUNT)) == [added(FIRST), added(SECOND)]
    assert list(ring().add("writer", OTHER_PEN, PEN, LOG, ACCOUNT)) == [
        added(PEN, "writer"),
        added(OTHER_PEN, "writer"),
    ]


def test_a_later_key_is_added_alone() -> None:
    assert list(ring(added(FIRST), added(SECOND)).add("log", THIRD, FIRST, LOG, ACCOUNT)) == [added(THIRD)]


def test_keys_of_one_role_leave_those_of_the_other_alone() -> None:
    both = ring(added(FIRST), added(SECOND), added(PEN, "writer"), added(OTHER_PEN, "writer"), retired(FIRST))
    assert (both.in_force("log"), both.in_force("writer")) == ([SECOND], [PEN, OTHER_PEN])


@pytest.mark.parametrize("known", [FIRST, SECOND])
def test_a_key_that_speaks_for_the_log_or_did_is_not_added_again(known: Key) -> None:
    held = ring(added(FIRST), added(SECOND), retired(FIRST))
    with pytest.raises(Refused, match="is a key of the log already, or was") as refused:
        held.add("log", known, SECOND, LOG, ACCOUNT)
    assert refused.value.field == "key"
    with pytest.raises(Refused, match="is a key of the log already"):
        ring().add("log", FIRST, FIRST, LOG, ACCOUNT)


@pytest.mark.parametrize("key", [PEN, Key("another.example", bytes(32)), Key(LOG, FIRST.public, COSIGNATURE)])
def test_a_key_is_called_as_its_role_asks(key: Key) -> None:
    with pytest.raises(Refused, match=f"is called {LOG}, and of type 1"):
        ring().add("log", key, FIRST, LOG, ACCOUNT)


def test_a_key_is_retired_once_another_seals() -> None:
    held = ring(added(FIRST), added(SECOND))
    with pytest.raises(Refused, match="no other key has signed a checkpoint yet"):
        held.retire(FIRST, [FIRST], ACCOUNT)
    assert held.retire(FIRST, [FIRST, SECOND], ACCOUNT) == retired(FIRST)
    assert held.retire(SECOND, [FIRST, SECOND], ACCOUNT) == retired(SECOND)


def test_a_writers_key_is_retired_whoever_signed_last() -> None:
    assert ring(added(PEN, "writer"), added(OTHER_PEN, "writer")).retire(PEN, [], ACCOUNT) == retired(PEN, "writer")


def test_the_last_key_in_force_is_not_retired() -> None:
    with pytest.raises(Refused, match="the only one in force"):
        ring(added(FIRST), added(SECOND), retired(FIRST)).retire(SECOND, [SECOND], ACCOUNT)


@pytest.mark.parametrize("key", [FIRST, THIRD])
def test_what_is_not_in_force_is_not_retired(key: Key) -> None:
    with pytest.raises(Refused, match="is not among the keys"):
        ring(added(FIRST), added(SECOND), retired(FIRST)).retire(key, [SECOND], ACCOUNT)
    with pytest.raises(Refused, match="is not among the keys"):
        ring().retire(key, [key], ACCOUNT)


def test_a_key_is_changed_for_a_reason() -> None:
    silent = ACCOUNT.model_copy(update={"reason": " "})
    with pytest.raises(Refused, match="say why"):
        ring().add("log", SECOND, FIRST, LOG, silent)
    with pytest.raises(Refused, match="say why"):
        ring(added(FIRST), added(SECOND)).retire(FIRST, [SECOND], silent)


def test_a_stored_event_says_which_key_it_changes() -> None:
    for event in (added(FIRST), retired(PEN, "writer")):
        state = b'{"account":{},"event":%b}' % event.model_dump_json().encode()
        change = Change.read(7, event.TOPIC, state)
        assert change == Change(7, isinstance(event, KeyAdded), event.role, Key.parse(event.vkey))
    assert Change.read(7, "views.EventSkipped", b"{}") is None


@pytest.mark.parametrize(
    "state", [b"", b"[]", b"{}", b'{"event":{"role":"log"}}', b'{"event":{"role":"log","vkey":"x"}}']
)
def test_a_stored_event_that_names_no_key_is_refused(state: bytes) -> None:
    with pytest.raises(ValueError, match=r"names no key|is written NAME"):
        Change.read(1, KeyAdded.TOPIC, state)

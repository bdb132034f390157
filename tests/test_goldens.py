"""Decades of stored events stay readable, and no fold changes unknowingly: tests/golden.py says what is pinned."""

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, get_args, get_type_hints
from uuid import UUID

import pytest

from application.database import Database, Role
from application.log import Appended, Command, Submission
from application.records import Records
from domain.authority import Emergency, Person
from domain.event import Account, Aggregate, Event, Fact, Recorded
from domain.installation import InstallationRecord
from domain.keyring import Keyring
from domain.ledger import Obligation, Year
from domain.organisation import Code, Organisation
from domain.redaction import Redactions
from domain.standard import Standard
from domain.topics import TOPICS
from domain.views import ViewDecisions
from interface.app import all_views
from projections.view import View
from tests.examples.history import HISTORY
from tests.golden import (
    EVENTS,
    complaint,
    current,
    example,
    goldens,
    pinned_views,
    pinned_words,
    read,
    words,
    write,
)
from tests.spec import SOME, account

PIN = "pin it with `python -m tests.golden`"
KINDS: tuple[type[Aggregate], ...] = (
    *(Organisation, Code, Standard, Obligation, Year),
    *(ViewDecisions, Keyring, Redactions, InstallationRecord, Person, Emergency),
)


def topic_of(golden: Path) -> str:
    return ".".join(golden.name.split(".")[:2])


def test_every_topic_has_a_golden_and_no_release_forgets_a_topic() -> None:
    kept = {topic_of(golden) for golden in EVENTS.iterdir()}
    assert not TOPICS.keys() - kept, f"an event without a golden: give an example of it, and {PIN}"
    assert not kept - TOPICS.keys(), "events of this topic are stored somewhere: keep a class that reads them"
    assert {golden for topic in TOPICS for golden in goldens(topic)} == {*EVENTS.iterdir()}, (
        "a shape in between is gone"
    )


@pytest.mark.parametrize("topic", [*filter(current, TOPICS)])
def test_what_is_stored_of_an_event_does_not_change(topic: str) -> None:
    past = example(topic)
    assert past, "give an example at the end of tests/examples/history.py"
    assert write(past) + b"\n" == goldens(topic)[-1].read_bytes(), (
        f"{topic} would be stored in another shape than until now. Stored bytes are never rewritten: what is read may"
        f" gain a field with a default, or the old class stays under its topic with an upcast to one of another topic."
        f" If that is so, keep the golden there is, and {PIN}, which writes the new shape beside it"
    )


@pytest.mark.parametrize("golden", sorted(EVENTS.iterdir()), ids=lambda path: path.stem)
def test_every_shape_ever_stored_is_read(golden: Path) -> None:
    topic = topic_of(golden)
    past = read(topic, golden)
    assert current(past.event.TOPIC), "an upcast leads to what is stored today"
    if current(topic) and golden == goldens(topic)[-1]:
        told = example(topic)
        assert told
        assert (past.event, past.account) == (told.event, told.account)


@pytest.mark.parametrize("topic", [*TOPICS])
def test_no_word_that_is_stored_is_forgotten(topic: str) -> None:
    pinned, now = set(pinned_words().get(topic, ())), set(words(topic))
    assert not pinned - now, "events that hold this word are stored somewhere: it must be read for ever"
    assert not now - pinned, f"a new word: {PIN}"


def test_an_account_is_stored_without_what_it_does_not_say() -> None:
    event = Organisation(SOME).establish("鲁家村", "village")
    assert write(Recorded(SOME, 1, event, account())).decode() == (
        '{"account":{"actor":"00000000-0000-0000-0000-000000000002","occurred_on":"2026-03-01",'
        '"command_id":"00000000-0000-0000-0000-000000000009"},'
        '"event":{"name":"鲁家村","code":"","parent":null,"level":"village","setting":""}}'
    )


def said(fact: Fact) -> Iterator[tuple[str, str]]:
    """The fields of a fact, and of the facts within, that say something other than nothing."""
    for name in type(fact).model_fields:
        value = getattr(fact, name)
        if value not in (None, "", (), False):
            yield type(fact).__name__, name
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Fact):
                yield from said(part)


def facts(kind: Any) -> Iterator[type[Fact]]:
    """A kind of fact, and all that it is made of."""
    if isinstance(kind, type) and issubclass(kind, Fact):
        yield kind
        for field in kind.model_fields.values():
            yield from facts(field.annotation)
    for part in get_args(kind):
        yield from facts(part)


def test_the_examples_say_something_in_every_field_that_is_stored() -> None:
    kinds = {kind for stored in (Account, *TOPICS.values()) for kind in facts(stored)}
    every = {(kind.__name__, name) for kind in kinds for name in kind.model_fields}
    assert every == {field for past in HISTORY for fact in (past.account, past.event) for field in said(fact)}


@pytest.mark.parametrize("view", all_views(), ids=lambda view: view.name)
def test_a_view_makes_of_history_what_it_is_pinned_to_make(view: View) -> None:
    trouble = complaint(view, pinned_views().get(view.name))
    assert not trouble, trouble


def test_the_log_keeps_these_bytes_and_every_record_is_made_of_them(new_log: Callable[[], Database]) -> None:
    database = new_log()
    streams: dict[UUID, list[Event]] = {}
    with Records(database) as records:
        for id, told in groupby(HISTORY, lambda past: past.account.command_id):
            command = [*told]
            stored = [records.mapper.to_stored_event(past) for past in command]
            known = streams.setdefault(command[0].originator_id, [])
            submission = Submission([Command(id, stored)], {command[0].originator_id: len(known)})
            assert isinstance(records.recorder.append(submission), Appended)
            known += [past.event for past in command]
        for id, events in streams.items():
            [kind] = [kind for kind in KINDS if isinstance(events[0].upcast(), get_type_hints(kind.evolve)["event"])]
            assert records.load(kind, id).version == len(events)
    with database.connect(Role.reader) as connection:
        kept = connection.execute("SELECT DISTINCT ON (topic) topic, state FROM events ORDER BY topic, position")
        states: dict[str, bytes] = dict(kept.fetchall())
    assert states == {topic: goldens(topic)[-1].read_bytes().removesuffix(b"\n") for topic in states}
    assert states.keys() >= set(filter(current, TOPICS))

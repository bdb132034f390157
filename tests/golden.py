"""What is pinned: the stored bytes of every topic, the words that events may hold, and what each view makes of them.

``python -m tests.golden`` pins what is not pinned yet. It overwrites no stored bytes, forgets no word,
and pins another fold only under another version.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, takewhile
from pathlib import Path
from typing import Any, Final, TypedDict

from eventsourcing.persistence import JSONTranscoder, StoredEvent

from application.log import RecordMapper
from domain.event import Event, Recorded
from domain.topics import TOPICS
from interface.app import all_views
from projections.registry import shape_of
from projections.replay import as_json
from projections.view import Memory, View
from tests.examples.history import HISTORY
from tests.spec import SOME

GOLDENS: Final = Path(__file__).with_name("goldens")
EVENTS: Final = GOLDENS / "events"
WORDS: Final = GOLDENS / "words.json"
VIEWS: Final = GOLDENS / "views.json"

_MAPPER: Final = RecordMapper(JSONTranscoder())


class Pin(TypedDict):
    """What a view at a version makes of so many of the examples."""

    version: int
    events: int
    fingerprint: str


def current(topic: str) -> bool:
    """Whether a topic is stored today; a retired one is only read."""
    return TOPICS[topic].upcast is Event.upcast


def example(topic: str) -> Recorded | None:
    """The first event of a topic in the examples."""
    return next((past for past in HISTORY if topic == past.event.TOPIC), None)


def goldens(topic: str) -> list[Path]:
    """The files of a topic, one for each shape that it was ever stored in; the last is today's."""
    return list(takewhile(Path.exists, (_file(topic, number) for number in count(1))))


def write(past: Recorded) -> bytes:
    """The bytes that the log keeps of an event and its account."""
    return _MAPPER.to_stored_event(past).state


def read(topic: str, golden: Path) -> Recorded:
    return _MAPPER.to_domain_event(StoredEvent(SOME, 1, topic, golden.read_bytes().removesuffix(b"\n")))


def words(topic: str) -> list[str]:
    """Every word that an event may hold where the words are given, such as an organisation's levels."""

    def within(schema: Any) -> Iterator[Any]:
        if isinstance(schema, dict):
            yield from schema.get("enum", ())
            yield schema.get("const")
        for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
            yield from within(part)

    return sorted({word for word in within(TOPICS[topic].model_json_schema()) if isinstance(word, str)})


def fingerprint(view: View, events: int) -> str:
    """A view's columns, and the rows that it makes of so many of the examples, as a SHA-256 digest."""
    rows = Memory()
    for told in HISTORY[:events]:
        past = replace(told, event=told.event.upcast())
        if past.event.TOPIC in view.topics:
            view.fold(past, rows)
    made = [shape_of(view), *(as_json(row) for kind in view.rows for row in rows.of(kind))]
    return hashlib.sha256("\n".join(made).encode()).hexdigest()


def pinned_words() -> dict[str, list[str]]:
    return json.loads(WORDS.read_text()) if WORDS.exists() else {}


def pinned_views() -> dict[str, Pin]:
    return json.loads(VIEWS.read_text()) if VIEWS.exists() else {}


def complaint(view: View, pin: Pin | None) -> str:
    """What to do about a view that is not as pinned; empty if it is."""
    name = type(view).__name__
    if pin is None or view.version > pin["version"]:
        return f"{name} is new at version {view.version}: pin it with `python -m tests.golden`"
    if view.version < pin["version"]:
        return f"{name} was at version {pin['version']} already: versions only rise"
    if fingerprint(view, pin["events"]) != pin["fingerprint"]:
        return (
            f"{name} makes something else of the same history than it did at version {view.version}. If that is meant,"
            f" raise {name}.version, so that every installation folds it anew, and pin it with `python -m tests.golden`"
        )
    if pin["events"] < len(HISTORY):
        return "the examples go on: pin what views make of them with `python -m tests.golden`"
    return ""


def main() -> None:
    EVENTS.mkdir(parents=True, exist_ok=True)
    for topic in filter(current, TOPICS):
        past, known = example(topic), goldens(topic)
        if past is None:
            sys.exit(f"no example of {topic}: add one to the end of tests/examples/history.py")
        state = write(past) + b"\n"
        if not known or known[-1].read_bytes() != state:
            _file(topic, len(known) + 1).write_bytes(state)
    kept = pinned_words()
    WORDS.write_text(_lines({topic: sorted({*kept.get(topic, ()), *words(topic)}) for topic in TOPICS}))
    pins = pinned_views()
    for view in all_views():
        pin = pins.get(view.name)
        if pin and view.version == pin["version"] and fingerprint(view, pin["events"]) != pin["fingerprint"]:
            sys.exit(complaint(view, pin))
        events = len(HISTORY)
        pins[view.name] = {"version": view.version, "events": events, "fingerprint": fingerprint(view, events)}
    VIEWS.write_text(_lines(pins))


def _file(topic: str, number: int) -> Path:
    return EVENTS / (f"{topic}.json" if number == 1 else f"{topic}.{number}.json")


def _lines(pins: object) -> str:
    return json.dumps(pins, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    main()

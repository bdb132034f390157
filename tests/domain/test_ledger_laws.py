"""Laws that hold whatever is tried."""

from datetime import date, timedelta
from typing import get_args
from uuid import UUID

from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from domain.event import Account, Event, Recorded, Refused
from domain.ledger import (
    EntryCorrected,
    EntryRejected,
    EntryVerified,
    EvidenceAttached,
    LateEntryMarked,
    LedgerEntryFiled,
    LedgerEvent,
    Obligation,
    ObligationRaised,
    OmissionDetected,
    Outcome,
    Revision,
)
from tests.domain.obligations import BEFORE, CASE, FLOW, FULL, RAISED, VILLAGE, by, piece
from tests.spec import ANN, BO, CAI, SOME, account

people = st.sampled_from([ANN, BO, CAI, SOME])
accounts = st.builds(
    lambda actor, behalf, days, reason: by(
        actor, BEFORE + timedelta(days=days), on_behalf_of=behalf, organisation=VILLAGE, reason=reason
    ),
    people,
    st.none() | people,
    st.integers(0, 20),
    st.sampled_from(["", "told so"]),
)
COMMANDS = ["start", "attach", "reject", "clock", "explain", "accept", "decline", "waive"]
LEADING_ON = ["file", "verify", "correct", "complete", "complete"]


def attempt(state: Obligation, command: str, who: Account, today: date, n: int) -> tuple[Event, ...]:
    step = ("notice", "meeting", "minutes", "banquet")[n % 4]
    match command:
        case "file":
            return state.file(f"held {n}", who, today, evidence=(piece(),), attendance=FULL)
        case "start":
            return (state.start_step(step, FLOW, who, today),)
        case "complete":
            return state.complete_step(step, who.actor, FLOW, who, today)
        case "attach":
            return (state.attach(piece("photo", str(n % 10)), who, today),)
        case "verify":
            return (state.verify(who, today),)
        case "reject":
            return (state.reject("unsigned", who, today),)
        case "correct":
            return (state.correct("counted again", Revision(summary=f"held, take {n}"), who, today),)
        case "clock":
            found = state.detect_omission(today)
            return (found,) if found else ()
        case "explain":
            return (state.explain("flood", who, today),)
        case "accept":
            return (state.accept_exception(True, who, today),)
        case "decline":
            return (state.decline_exception("no flood", True, who, today),)
        case _:
            return (state.waive("merged", "notice 3", True, who, today),)


@settings(max_examples=500, deadline=None)
@examples(
    st.sampled_from([RAISED, CASE]),
    st.lists(st.tuples(st.sampled_from(COMMANDS + 3 * LEADING_ON), accounts), min_size=4, max_size=25),
)
def test_whatever_is_tried_the_record_keeps_its_laws(
    terms: ObligationRaised, commands: list[tuple[str, Account]]
) -> None:
    history = [Recorded(SOME, 1, terms, account())]
    live = Obligation(SOME).after(account(), terms)
    today = BEFORE
    hands: set[UUID] = set()
    outcomes: list[Outcome] = ["open"]
    for n, (command, who) in enumerate(commands):
        today = max(today, who.occurred_on)
        try:
            events = attempt(live, command, who, today, n)
        except Refused:
            continue
        party = {who.actor} | ({who.on_behalf_of} if who.on_behalf_of else set())
        match events:
            case (LedgerEntryFiled(), *_):
                hands = party
            case (EntryCorrected() | EvidenceAttached(), *_):
                hands |= party
            case (EntryVerified() | EntryRejected(), *_):
                assert not party & hands, "an entry is judged by those who had no hand in it"
            case _:
                pass
        for event in events:
            history.append(Recorded(SOME, len(history) + 1, event, who))
            assert type(event).model_validate_json(event.model_dump_json()) == event
        live = live.after(who, *events)
        outcomes.append(live.outcome)
        kinds = {type(past.event) for past in history}
        if LateEntryMarked in kinds:
            assert live.outcome != "done", "late is late for ever"
        if OmissionDetected in kinds:
            assert live.outcome not in ("open", "done"), "an omission is closed late, excused or waived"
        if outcomes[-2] in ("waived", "excused"):
            assert live.outcome == outcomes[-2], "what was lifted stays lifted"
        if live.verified:
            assert isinstance(history[-1].event, EntryVerified) or command in ("start", "complete", "clock"), (
                "a corrected entry is verified again"
            )
    assert Obligation.replay(None, history) == live


def test_every_event_has_a_topic_of_the_ledger() -> None:
    kinds: tuple[type[Event], ...] = get_args(LedgerEvent)
    assert len(kinds) == 14
    assert {kind.TOPIC for kind in kinds} == {f"ledger.{kind.__name__}" for kind in kinds}

"""What is removed lawfully is gone wherever it was kept, and everything else is still proved, folded and decided on."""

import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import InsufficientPrivilege

from application.database import Database, Role
from application.keys import LOG, WRITER, load, verify
from application.records import Act
from application.seal import Sealer
from application.sealed import Sealed, Unsealed
from application.verify import Finding, Verifier
from application.verify import Report as Verification
from domain.bundle import Report, Trust
from domain.bundle import verify as inspect
from domain.event import Account, Recorded, Refused
from domain.organisation import Organisation, OrganisationRenamed
from interface.app import Installation
from projections.organisation import OrganisationRow, OrganisationView
from projections.replay import as_json
from projections.view import Rows
from tests.application.services import BEGUN, Calendar, opened
from tests.faults.tamper import tamper

NAMED = "住在三单元的老王"
# The position of the event that holds it.
HELD = BEGUN + 3


@pytest.fixture
def house(log: Database, calendar: Calendar, tmp_path: Path) -> Iterator[Installation]:
    with opened(log, calendar, Sealed(tmp_path / "sealed")) as at:
        yield at


@pytest.fixture
def sealer(house: Installation, tmp_path: Path) -> Sealer:
    signer, folder = load(house.database.keys, LOG), tmp_path / "sealer"
    Sealer.begin(signer, folder, house.sealed, [load(house.database.keys, WRITER).key])
    return Sealer(house.database, lambda: [signer], folder, house.sealed, lambda: datetime.now(UTC))


@pytest.fixture
def unit(house: Installation, calendar: Calendar) -> UUID:
    """A village of which something was recorded that should not have been, and which was renamed later."""
    id = house.organisations.establish(calendar.act(), "鲁家村", "village", code="330523100201").events[0].id
    house.organisations.appoint(calendar.act(), id, NAMED, UUID(int=7), calendar.day)
    house.organisations.rename(calendar.act(), id, "鲁家新村")
    house.fold_now()
    return id


def said(house: Installation, unit: UUID) -> int:
    """The position of the event that holds it."""
    return next(e.id for e in house.records.recorder.select_events(unit) if NAMED.encode() in e.state)


def deciding(calendar: Calendar) -> Act:
    return calendar.act(reason="本人申请", authority="个人信息保护法第四十七条")


def anywhere(database: Database) -> list[str]:
    """Every table of the database that holds the secret."""
    with database.connect(Role.owner) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE starts_with(table_schema, %s)",
            (database.schema,),
        ).fetchall()
        return [
            name
            for schema, name in tables
            if connection.execute(
                f"SELECT 1 FROM {schema}.{name} AS t WHERE t::text LIKE %s OR t::text LIKE %s".encode(),
                (f"%{NAMED}%", f"%{NAMED.encode().hex()}%"),
            ).fetchone()
        ]


def judged(house: Installation, bundle: bytes) -> Report:
    return inspect(io.BytesIO(bundle), Trust((load(house.database.keys, LOG).key,)), verify)


def test_what_is_removed_is_gone_from_the_log_and_from_every_view(
    house: Installation, unit: UUID, calendar: Calendar
) -> None:
    position = said(house, unit)
    assert anywhere(house.database) == ["events", "organisation"]
    house.remove(deciding(calendar), [position])
    house.fold_now()
    assert anywhere(house.database) == []
    for moment in (position, house.head()):
        [row] = house.whole.every(OrganisationRow, moment)
        assert NAMED not in as_json(row), "as if it had not been"
    assert row.name == "鲁家新村"


def test_a_record_is_what_is_left_of_it(house: Installation, unit: UUID, calendar: Calendar) -> None:
    house.remove(deciding(calendar), [said(house, unit)])
    with opened(house.database, calendar) as another:
        left = another.records.load(Organisation, unit)
        assert (left.name, left.version) == ("鲁家新村", 3)
        another.organisations.rename(calendar.act(), unit, "鲁家")
        assert another.records.load(Organisation, unit).version == 4
        assert [each.name for each in another.records.load_many(Organisation, [unit])] == ["鲁家"]


def test_no_process_records_again_what_was_removed(house: Installation, unit: UUID, calendar: Calendar) -> None:
    """Another one has the record at hand, as it was before: the next event would repeat the name before it."""
    position = house.organisations.rename(calendar.act(), unit, NAMED).position
    with opened(house.database, calendar) as another:
        assert another.records.load(Organisation, unit).name == NAMED
        house.remove(deciding(calendar), [position, said(house, unit)])
        for each in (another, house):
            each.organisations.rename(calendar.act(), unit, f"鲁家{each is house}")
    house.fold_now()
    assert anywhere(house.database) == []


def test_what_is_to_be_removed_is_read_no_more(
    house: Installation, unit: UUID, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the decision and the removal of the bytes."""
    position = house.organisations.rename(calendar.act(), unit, NAMED).position
    monkeypatch.setattr("application.redaction.Redaction.finish", lambda _: 0)
    house.remove(deciding(calendar), [position])
    with opened(house.database, calendar) as another:
        for each in (house, another):
            assert each.records.load(Organisation, unit).name == "鲁家新村"
            assert [state.name for state in each.records.load_many(Organisation, [unit])] == ["鲁家新村"]


def test_the_last_event_of_a_record_can_go(house: Installation, unit: UUID, calendar: Calendar) -> None:
    last = house.organisations.rename(calendar.act(), unit, "另一名").position
    house.remove(deciding(calendar), [last])
    with opened(house.database, calendar) as another:
        assert another.records.load(Organisation, unit).name == "鲁家新村"
        another.organisations.rename(calendar.act(), unit, "鲁家")


def test_a_command_whose_event_is_gone_is_still_the_same_command(
    house: Installation, unit: UUID, calendar: Calendar
) -> None:
    act = calendar.act()
    receipt = house.organisations.rename(act, unit, NAMED)
    house.remove(deciding(calendar), [receipt.position])
    with opened(house.database, calendar) as another:
        assert another.organisations.rename(act, unit, NAMED) == receipt


def test_what_is_left_is_sealed_verified_and_given_out(
    house: Installation, sealer: Sealer, unit: UUID, calendar: Calendar
) -> None:
    """One payload is removed before it is sealed, one after that."""
    first = said(house, unit)
    covered = house.remove(deciding(calendar), [first]).position
    second = house.organisations.appoint(calendar.act(), unit, NAMED + "二", UUID(int=8), calendar.day).position
    sealer.seal()
    by = {first: covered, second: house.remove(deciding(calendar), [second]).position}
    sealer.seal()
    assert house.redaction.covered() == by
    file = io.BytesIO()
    house.bundles.of_record(file, unit)
    report = judged(house, file.getvalue())
    assert report.verdict.name == "REDACTED"
    assert [(each.position, each.covered_by) for each in report.redactions] == [*by.items()]
    assert NAMED.encode() not in file.getvalue()
    for write in (house.bundles.of_all, lambda held: house.bundles.of_range(held, first, first)):
        write(file := io.BytesIO())
        assert judged(house, file.getvalue()).verdict.name == "REDACTED"
    house.bundles.of_range(file := io.BytesIO(), 1, first - 1)
    assert judged(house, file.getvalue()).verdict.name == "VERIFIED"


def test_whoever_is_killed_after_the_decision_finds_the_rest_done_by_the_next(
    house: Installation, unit: UUID, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def die(_: object) -> int:
        raise Killed

    position = said(house, unit)
    with monkeypatch.context() as patch:
        patch.setattr("application.redaction.Redaction.finish", die)
        with pytest.raises(Killed):
            house.remove(deciding(calendar), [position])
    assert house.redaction.removed() == {position}
    house.fold_now()
    assert anywhere(house.database) == ["events"], "no view folds what is to be removed"
    assert (house.redaction.finish(), house.redaction.finish()) == (1, 0)
    assert anywhere(house.database) == []


def test_two_that_remove_the_same_do_it_once(house: Installation, unit: UUID, calendar: Calendar) -> None:
    position, refused = said(house, unit), list[str]()

    def remove() -> None:
        with opened(house.database, calendar) as another:
            try:
                another.remove(deciding(calendar), [position])
            except Refused as refusal:
                refused.append(str(refusal))

    both = [threading.Thread(target=remove) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert refused == [f"the payload at position {position} is removed"]
    assert len(house.redaction.covered()) == 1


@pytest.mark.parametrize(
    ("positions", "why"),
    [
        ([0], f"the log ends at position {HELD + 1}"),
        ([HELD + 2], f"the log ends at position {HELD + 1}"),
        ([BEGUN + 1], f"the event at position {BEGUN + 1} founded its record"),
        ([], "name the positions"),
    ],
)
def test_what_cannot_be_removed_is_refused_and_changes_nothing(
    house: Installation, unit: UUID, calendar: Calendar, positions: list[int], why: str
) -> None:
    assert unit
    with pytest.raises(Refused, match=why):
        house.remove(deciding(calendar), positions)
    assert house.head() == BEGUN + 4


def test_what_later_events_of_the_record_rest_on_goes_only_with_them(
    house: Installation, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = house.organisations.establish(calendar.act(), "梅溪镇", "township", code="330523101").events[0].id
    first = house.organisations.rename(calendar.act(), id, NAMED).position
    second = house.organisations.rename(calendar.act(), id, "梅溪").position

    def strict(state: Organisation, event: Any, account: Account) -> Organisation:
        if isinstance(event, OrganisationRenamed):
            assert event.name_before == state.name
        return evolve(state, event, account)

    evolve = Organisation.evolve
    strict.__annotations__ = evolve.__annotations__
    monkeypatch.setattr(Organisation, "evolve", strict)
    with pytest.raises(Refused, match=f"the event at position {second} rests on it; remove that as well"):
        house.remove(deciding(calendar), [first])
    house.remove(deciding(calendar), [first, second])
    assert house.redaction.removed() == {first, second}


def test_what_a_view_rests_on_stays(house: Installation, calendar: Calendar, monkeypatch: pytest.MonkeyPatch) -> None:
    id = house.organisations.establish(calendar.act(), "梅溪镇", "township", code="330523101").events[0].id
    position = house.organisations.rename(calendar.act(), id, NAMED).position
    last = house.organisations.rename(calendar.act(), id, "梅溪").position
    fold = OrganisationView.fold

    def strict(view: OrganisationView, past: Recorded, rows: Rows) -> None:
        if isinstance(past.event, OrganisationRenamed):
            assert rows.get(OrganisationRow, past.originator_id).name == past.event.name_before
        fold(view, past, rows)

    monkeypatch.setattr(OrganisationView, "fold", strict)
    with pytest.raises(Refused, match=f"the view organisation cannot go on: the event at position {last} rests on it"):
        house.remove(deciding(calendar), [position])
    assert house.head() == last


STATEMENTS = {
    "without a decision": "UPDATE events SET state = NULL, salt = NULL, commitment = {digest} WHERE position = {place}",
    "with another commitment": "UPDATE events SET state = NULL, salt = NULL, commitment = sha256('')"
    " WHERE position = {place}",
    "keeping the salt": "UPDATE events SET state = NULL, commitment = {digest} WHERE position = {place}",
    "and something else": "UPDATE events SET state = NULL, salt = NULL, commitment = {digest}, topic = 'x'"
    " WHERE position = {place}",
    "putting something in its place": "UPDATE events SET state = '{{}}' WHERE position = {place}",
}
DIGEST = r"sha256(convert_to((SELECT origin FROM log) || E'/state/v1\n', 'UTF8') || salt || state)"


@pytest.mark.parametrize("what", STATEMENTS)
@pytest.mark.parametrize("role", [Role.owner, Role.redactor, Role.writer])
def test_nothing_is_removed_otherwise_than_lawfully(
    house: Installation, unit: UUID, calendar: Calendar, monkeypatch: pytest.MonkeyPatch, what: str, role: Role
) -> None:
    """A decision to remove another is on record, and not yet carried out."""
    assert said(house, unit) == HELD
    removing = house.organisations.rename(calendar.act(), unit, "另一名").position
    monkeypatch.setattr("application.redaction.Redaction.finish", lambda _: 0)
    house.remove(deciding(calendar), [removing])
    place = 3 if what == "without a decision" else removing
    statement = STATEMENTS[what].format(digest=DIGEST, place=place)
    before = house.records.recorder.select_notifications(1, 100)
    with house.database.connect(role) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(statement.encode())
    assert house.records.recorder.select_notifications(1, 100) == before


def test_a_decision_that_comes_before_an_event_does_not_cover_it(
    house: Installation, unit: UUID, calendar: Calendar
) -> None:
    position = said(house, unit)
    house.remove(deciding(calendar), [position])
    tamper(
        house.database,
        f"UPDATE events SET state = convert_to(replace(convert_from(state, 'UTF8'), '[{position}]', '[99]'), 'UTF8')"
        " WHERE topic = 'redaction.PayloadRemoved'",
    )
    with house.database.connect(Role.owner) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(STATEMENTS["without a decision"].format(digest=DIGEST, place=4).encode())


def judgement(house: Installation) -> Verification:
    keys = house.database.keys
    return Verifier(house.database, house.sealed, [load(keys, LOG).key], [load(keys, WRITER).key]).verify()


@pytest.mark.parametrize("removed", [[], [HELD], [HELD, HELD + 1], [HELD + 1, HELD + 2]])
def test_a_log_is_verified_whatever_was_removed_lawfully(
    house: Installation, sealer: Sealer, unit: UUID, calendar: Calendar, removed: list[int]
) -> None:
    house.organisations.rename(calendar.act(), unit, "鲁家")
    sealer.seal()
    for position in removed:
        house.remove(deciding(calendar), [position])
    house.organisations.rename(calendar.act(), unit, "鲁家一村")
    sealer.seal()
    report = judgement(house)
    assert (report.finding, report.removed) == (None, len(removed))


def test_a_payload_that_was_removed_by_nobodys_decision_is_named(
    house: Installation, sealer: Sealer, unit: UUID, calendar: Calendar
) -> None:
    """Tampering 17: the inspector and whoever verifies find that no event covers it."""
    house.remove(deciding(calendar), [HELD])
    sealer.seal()
    file = io.BytesIO()
    house.bundles.of_record(file, unit)
    assert judged(house, file.getvalue()).verdict.name == "REDACTED"
    tamper(
        house.database,
        f"UPDATE events SET commitment = {DIGEST}, state = NULL, salt = NULL WHERE position = {HELD + 1}",
    )
    assert judgement(house).finding == Finding(
        HELD, "redaction", f"the payload at position {HELD + 1} was removed, and no later event covers that"
    )
    with pytest.raises(Unsealed, match=f"that the payload at position {HELD + 1} is removed is not sealed"):
        house.bundles.of_record(io.BytesIO(), unit)
    sealer.seal()


def test_a_decision_that_was_edited_away_covers_nothing(
    house: Installation, sealer: Sealer, unit: UUID, calendar: Calendar
) -> None:
    assert unit
    house.remove(deciding(calendar), [HELD])
    sealer.seal()
    tamper(
        house.database,
        f"UPDATE events SET state = convert_to(replace(convert_from(state, 'UTF8'), '[{HELD}]', '[2]'), 'UTF8')"
        f" WHERE position = {HELD + 2}",
    )
    assert judgement(house).finding == Finding(
        HELD - 1, "redaction", f"the payload at position {HELD} was removed, and no later event covers that"
    )

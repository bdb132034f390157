"""The obligations that the ledger's tests speak of."""

from datetime import UTC, date, datetime
from uuid import UUID

from domain.event import Account
from domain.ledger import (
    Attendance,
    EvidenceReference,
    ExceptionExplained,
    Facts,
    LedgerEntryFiled,
    ObligationRaised,
    OmissionDetected,
    Quorum,
    StepCompleted,
)
from tests.spec import ANN, CAI, account

VILLAGE, TOWNSHIP, STANDARD = UUID(int=20), UUID(int=21), UUID(int=30)
DUE = date(2026, 4, 10)
BEFORE, AFTER = date(2026, 4, 1), date(2026, 4, 13)
FLOW = Facts(
    steps=frozenset({"notice", "meeting", "minutes", "photos"}),
    required=frozenset({"notice", "meeting", "minutes"}),
    pairs=(("notice", "meeting"), ("meeting", "minutes")),
    separate=(("notice", "minutes"),),
)


def piece(kind: str = "minutes", digit: str = "a") -> EvidenceReference:
    return EvidenceReference(kind=kind, hash="sha256:" + digit * 64)


RAISED = ObligationRaised(
    organisation=VILLAGE,
    standard=STANDARD,
    standard_version=3,
    duty="general-meeting",
    title="党员大会",
    area="组织建设",
    period="2026-Q1",
    due=DUE,
    evidence=("minutes",),
    quorum=Quorum(numerator=1, denominator=2, more_than=True),
)
CASE = ObligationRaised(standard=STANDARD, standard_version=3, title="permit", area="permits", case="case-1", due=DUE)
CASE_DUTY = CASE.model_copy(update={"duty": "archive", "title": "归档", "evidence": ("minutes",)})
FULL = Attendance(entitled=20, present=15)
FILED = LedgerEntryFiled(summary="held on 30 March", evidence=(piece(),), attendance=FULL)
OMITTED = OmissionDetected(due=DUE)
EXPLAINED = (ExceptionExplained(reason="flood"), account(CAI, organisation=VILLAGE))


def by(actor: UUID, on: date = BEFORE, **more: object) -> Account:
    return account(actor, on, **more)


def completed(step: str, who: UUID = ANN, hour: int = 9, **more: object) -> tuple[StepCompleted, Account]:
    event = StepCompleted.model_validate({"step": step, "by": who, **more})
    return event, by(who, occurred_at=datetime(2026, 4, 1, hour, tzinfo=UTC))

"""The demonstration: a real county, a standard for meetings, and a small story, all through ordinary commands.

Everything it records carries the correlation ``DEMONSTRATION`` and says in its reason that it is one.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from importlib.resources import files
from uuid import UUID, uuid5

from pydantic import TypeAdapter

from application.access import person_id
from application.authority import KEEPER
from application.bulk import Item, record_all
from application.gate import Gate
from application.organisation import establish
from application.records import Act, Work
from domain.action import Duty
from domain.event import Account, Refused
from domain.ledger import Attendance, EvidenceReference, Revision, obligation_id
from domain.organisation import (
    Code,
    Elected,
    Level,
    Organisation,
    actions,
    code_id,
    organisation_id,
    setting_from_name,
)
from domain.standard import standard_id
from interface.app import Installation
from interface.packs import standard_pack
from projections.organisation import OrganisationRow

DEMONSTRATION = UUID("de300000-0000-5000-8000-000000000001")
REASON = "演示 demonstration"
COUNTY, TOWNSHIP = "330523", "330523206"
_LEVEL: TypeAdapter[Level] = TypeAdapter(Level)

PEOPLE = ("演示·起草人", "演示·审批人", "演示·村书记", "演示·村文书", "演示·乡镇核验员", "演示·乡镇负责人", "演示·时钟")
DRAFTER, APPROVER, SECRETARY, CLERK, VERIFIER, HEAD, CLOCKWORK = PEOPLE
# Who holds which duty: for the whole record, and in the township.
COUNTYWIDE: tuple[tuple[str, Duty], ...] = (
    (DRAFTER, "personnel"),
    (DRAFTER, "drafter"),
    (APPROVER, "approver"),
    (APPROVER, "personnel"),
)
LOCAL: tuple[tuple[str, Duty], ...] = (
    (SECRETARY, "secretary"),
    (CLERK, "filer"),
    (VERIFIER, "verifier"),
    (HEAD, "verifier"),
    (HEAD, "decider"),
    (HEAD, "personnel"),
)


@dataclass(frozen=True)
class _Teller:
    """Says who does what in the story; one key is one command, whenever it is told again."""

    today: date

    def account(self, key: str, who: str, organisation: UUID | None = None, on: date | None = None) -> Account:
        return Account(
            actor=person_id(who),
            occurred_on=on or self.today,
            command_id=uuid5(DEMONSTRATION, key),
            organisation=organisation,
            reason=REASON,
            correlation_id=DEMONSTRATION,
        )

    def act(self, key: str, who: str, organisation: UUID | None = None, on: date | None = None) -> Act:
        return Act(self.account(key, who, organisation, on))


def load(installation: Installation, progress: Callable[[str], None] = lambda _: None) -> None:
    """Record the demonstration, once; what an earlier attempt recorded is not recorded again."""
    tell = _Teller(installation.clock.today())
    if installation.records.receipt(uuid5(DEMONSTRATION, "end")):
        return
    installation.access.introduce([*PEOPLE, KEEPER])
    _entrust(installation, COUNTYWIDE, None)
    progress("organisations")
    _county(installation, tell)
    _entrust(installation, LOCAL, organisation_id(TOWNSHIP))
    progress("standard")
    standard = _standard(installation, tell)
    installation.fold_now()
    progress("obligations")
    for year, below in ((tell.today.year + 1, COUNTY), (tell.today.year, TOWNSHIP)):
        act = tell.act(f"obligations {year}", APPROVER)
        installation.ledger.raise_year(act, standard, year, below=organisation_id(below))
    progress("story")
    _story(installation, tell, standard)
    installation.fold_now()
    installation.ledger.detect_omissions(person_id(CLOCKWORK))
    since = tell.today.replace(month=1, day=1)
    installation.organisations.appoint(
        tell.act("end", APPROVER), organisation_id(TOWNSHIP), "书记", person_id(HEAD), since
    )
    installation.fold_now()


def _entrust(installation: Installation, held: Sequence[tuple[str, Duty]], organisation: UUID | None) -> None:
    for name, duty in held:
        installation.people.entrust(person_id(name), duty, organisation, REASON, DEMONSTRATION)


def _county(installation: Installation, tell: _Teller) -> None:
    text = files("templates").joinpath("demonstration", "organisations-anji.csv").read_text("utf-8")

    def items() -> Iterator[Item]:
        for row in csv.DictReader(text.splitlines()):
            code = row["code"]
            act = tell.act(f"establish {code}", DRAFTER)
            founds = ((Organisation, organisation_id(code)), (Code, code_id("division", code)))
            run = partial(_establish, gate=installation.gate, act=act, row=row)
            yield Item(act.account.command_id, (), run, founds=founds)

    record_all(installation.records, items(), _raise)


def _establish(work: Work, gate: Gate, act: Act, row: dict[str, str]) -> None:
    level = _LEVEL.validate_python(row["level"])
    establish(
        work,
        Act(gate.let(work, act, actions.ESTABLISH, None)),
        row["name"],
        level,
        parent=organisation_id(row["parent_code"]) if row["parent_code"] else None,
        code=row["code"],
        uscc="",
        setting=setting_from_name(row["name"]) if level == "village" else "",
    )


def _raise(_: Item, refusal: Refused) -> None:
    raise refusal


def _standard(installation: Installation, tell: _Teller) -> UUID:
    pack, standards = standard_pack("three-meetings"), installation.standards
    id = standard_id(pack.code)
    standards.draft(tell.act("draft", DRAFTER), pack.code, pack.title, pack.area, pack.authority)
    standards.draw(tell.act("draw", DRAFTER), id, pack.flow)
    standards.separate(tell.act("separate", DRAFTER), id, pack.separate)
    for duty in pack.duties:
        standards.define_duty(tell.act(f"duty {duty.code}", DRAFTER), id, duty)
    standards.publish(tell.act("publish", APPROVER), id, tell.today.replace(month=1, day=1))
    return id


def _story(installation: Installation, tell: _Teller, standard: UUID) -> None:
    """One township in this year: villages that work, one that explains itself, and the rest that the clock finds."""
    ledger, organisations = installation.ledger, installation.organisations
    township = organisation_id(TOWNSHIP)
    villages = [row.key for row in installation.whole.page(OrganisationRow, ("code",), where={"parent": township}).rows]
    month = tell.today.strftime("%Y-%m")
    year = tell.today.strftime("%Y")

    for number, village in enumerate(villages):
        elected = [Elected(post="书记", person=person_id(SECRETARY)), Elected(post="文书", person=person_id(CLERK))]
        since = tell.today.replace(month=1, day=1)
        until = since.replace(year=since.year + 5) - timedelta(days=1)
        admitted = tell.act(f"admit {number}", SECRETARY, village)
        organisations.admit(admitted, village, full=30 + 3 * number, probationary=2)
        organisations.reelect(tell.act(f"elect {number}", HEAD, township), village, since, elected, since, until)

    def item(village: int, duty: str, period: str = month) -> UUID:
        return obligation_id(villages[village], standard, duty, period)

    def file(village: int, duty: str, summary: str, again: str = "") -> UUID:
        id = item(village, duty)
        attended = Attendance(entitled=5, present=4)
        act = tell.act(f"file {village} {duty} {again}", CLERK, villages[village])
        ledger.file(act, id, summary, (_evidence(f"{village} {duty} {again}"),), attended)
        return id

    def verify(id: UUID) -> None:
        ledger.verify(tell.act(f"verify {id}", VERIFIER, township), id, "与原始记录本核对一致")

    # A meeting through every step of its flow, filed, and verified by somebody else.
    whole = item(0, "committee")
    steps = ["确定议题", "发出会议通知", "准备会议材料", "召开会议", "作会议记录"]
    for step in steps:
        ledger.complete_step(tell.act(f"step {step}", CLERK, villages[0]), whole, step)
    for step in ("核对会议记录", "归档并公示"):
        ledger.complete_step(tell.act(f"step {step}", SECRETARY, villages[0]), whole, step)
    verify(file(0, "committee", "研究村级道路养护和困难党员帮扶"))
    verify(file(0, "theme-day", "清理河道，走访独居老人"))

    # An entry sent back, filed again and verified.
    id = file(1, "committee", "研究有关工作")
    reason = "摘要没有写明议题和结论，请补充后重新登记"
    ledger.reject(tell.act("reject", VERIFIER, township), id, reason)
    verify(file(1, "committee", "研究垃圾分类积分办法，表决通过，下月起试行", "again"))

    # An entry corrected after it was verified, and verified anew.
    id = file(2, "committee", "研究秋季防火，安排巡山十二人次")
    verify(id)
    correction = Revision(summary="研究秋季防火，安排巡山二十一人次")
    ledger.correct(tell.act("correct", CLERK, villages[2]), id, "人次录入颠倒，以签到表为准", correction)
    ledger.verify(tell.act("verify corrected", HEAD, township), id, "已与签到表核对")

    # A village explains why it cannot hold a meeting, and the township accepts; another is waived.
    id = item(3, "life-meeting", year)
    ledger.explain(tell.act("explain", SECRETARY, villages[3]), id, "村党组织书记空缺，待换届后召开")
    ledger.accept_exception(tell.act("accept", HEAD, township), id, "情况属实")
    grounds = "乡镇党委会议纪要（演示）"
    waived = item(4, "theme-day")
    ledger.waive(tell.act("waive", HEAD, township), waived, "防汛应急响应期间停止集中活动", grounds)

    # Work done in time and recorded late stays visible as late (补录).
    for before in ("01", "02"):
        if f"{year}-{before}" < month:
            id = item(0, "committee", f"{year}-{before}")
            on = date(tell.today.year, int(before), 20)
            act = tell.act(f"late {before}", CLERK, villages[0], on)
            ledger.file(act, id, "补录：支委会会议", (_evidence(f"late {before}"),), Attendance(entitled=5, present=5))


def _evidence(what: str) -> EvidenceReference:
    digest = hashlib.sha256(f"{DEMONSTRATION} {what}".encode()).hexdigest()
    return EvidenceReference(kind="minutes", hash=f"sha256:{digest}", title="会议记录（演示）")

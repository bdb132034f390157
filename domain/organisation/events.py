"""What can happen to an organisation, and to a code in the register of codes.

The day an event took effect is its account's ``occurred_on``. A date inside an event is there because it
can be another one: an appointment decided in March may begin in May. All intervals of days are closed.
"""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from domain.event import Event, Fact

Level = Literal["nation", "province", "prefecture", "county", "township", "village", "branch", "other"]
Setting = Literal["urban", "rural", ""]
Scheme = Literal["division", "uscc"]
Cause = Literal["death", "expulsion", "removal", "withdrawal", "cancellation", "other"]


class OrganisationEstablished(Event):
    """组织设立: an organisation exists from the account's day on, which is also the first day of its division code.

    ``code`` is empty where it has none; ``parent`` is None at the root of a tree; ``setting`` is empty where
    neither town nor country applies.
    """

    TOPIC: ClassVar[str] = "organisation.OrganisationEstablished"
    name: str
    code: str
    parent: UUID | None
    level: Level
    setting: Setting


class OrganisationRenamed(Event):
    """更名: the same organisation goes by another name."""

    TOPIC: ClassVar[str] = "organisation.OrganisationRenamed"
    name_before: str
    name: str


class OrganisationMoved(Event):
    """隶属关系调整: the same organisation answers to another one; None is to nobody."""

    TOPIC: ClassVar[str] = "organisation.OrganisationMoved"
    parent_before: UUID | None
    parent: UUID | None


class OrganisationSettingChanged(Event):
    """城乡属性变更: such as a village that became a community (村改居)."""

    TOPIC: ClassVar[str] = "organisation.OrganisationSettingChanged"
    setting_before: Setting
    setting: Setting


class OrganisationCodeAssigned(Event):
    """编码: ``code`` is valid from ``valid_from`` on; ``code_before`` (empty if none) until the day before."""

    TOPIC: ClassVar[str] = "organisation.OrganisationCodeAssigned"
    scheme: Scheme
    code: str
    code_before: str
    valid_from: date


class OrganisationCodeWithdrawn(Event):
    """收回编码: ``valid_until`` is the code's last day; if that is before its first one, it was never valid."""

    TOPIC: ClassVar[str] = "organisation.OrganisationCodeWithdrawn"
    scheme: Scheme
    code: str
    valid_until: date


class OfficerAppointed(Event):
    """任职: a person holds a post from ``since`` to ``until``, both included; None is without a term.

    ``shared`` says that several people may hold the post at once (委员), others permitting the same.
    """

    TOPIC: ClassVar[str] = "organisation.OfficerAppointed"
    post: str
    person: UUID
    since: date
    until: date | None
    shared: bool


class OfficerReleased(Event):
    """免职: ``on`` is the last day of the term that began on ``since``; if it is before that, the term never began."""

    TOPIC: ClassVar[str] = "organisation.OfficerReleased"
    post: str
    person: UUID
    since: date
    on: date


class TermExpired(Event):
    """届满: the term that began on ``since`` ran out; ``due`` was its last day."""

    TOPIC: ClassVar[str] = "organisation.TermExpired"
    post: str
    person: UUID
    since: date
    due: date


class Elected(Fact):
    """当选: who was elected to which post."""

    post: str
    person: UUID
    shared: bool = False


class ReelectionHeld(Event):
    """换届: held on ``on``; those in ``results`` serve from ``since`` to ``until`` (None: without a term).

    Every term in a post that ``results`` or ``vacated`` names and that would reach ``since`` ends the day before.
    """

    TOPIC: ClassVar[str] = "organisation.ReelectionHeld"
    on: date
    results: tuple[Elected, ...]
    vacated: tuple[str, ...]
    since: date
    until: date | None

    @property
    def posts(self) -> frozenset[str]:
        """The posts that this election filled or left empty."""
        return frozenset(self.vacated).union(elected.post for elected in self.results)


class MemberAdmitted(Event):
    """接收党员: so many full (正式) and probationary (预备) members joined."""

    TOPIC: ClassVar[str] = "organisation.MemberAdmitted"
    full: int
    probationary: int


class MemberConfirmed(Event):
    """转正: so many probationary members became full ones."""

    TOPIC: ClassVar[str] = "organisation.MemberConfirmed"
    count: int


class MemberTransferred(Event):
    """组织关系转接: so many went to, or came from, the counterpart; None is an organisation not kept in this record."""

    TOPIC: ClassVar[str] = "organisation.MemberTransferred"
    direction: Literal["out", "in"]
    full: int
    probationary: int
    counterpart: UUID | None
    on: date


class MemberLeft(Event):
    """减员: so many are members no more: 去世、开除、除名、自行脱党、取消预备党员资格、其他."""

    TOPIC: ClassVar[str] = "organisation.MemberLeft"
    full: int
    probationary: int
    cause: Cause


class MemberDoublyRegistered(Event):
    """双报到: so many members registered where they live as well; they stay members here."""

    TOPIC: ClassVar[str] = "organisation.MemberDoublyRegistered"
    count: int
    residence: UUID


class DissolutionBegun(Event):
    """拟撤销: nothing may join the organisation any more; what it holds is being handed over."""

    TOPIC: ClassVar[str] = "organisation.DissolutionBegun"


class DissolutionAbandoned(Event):
    """终止撤销: the organisation goes on as before."""

    TOPIC: ClassVar[str] = "organisation.DissolutionAbandoned"


class OrganisationDissolved(Event):
    """撤销: the account's day is the organisation's, and its codes', last; ``successor`` carries its work on."""

    TOPIC: ClassVar[str] = "organisation.OrganisationDissolved"
    successor: UUID | None


class CodeTaken(Event):
    """赋码登记: the organisation holds the code from ``valid_from`` on."""

    TOPIC: ClassVar[str] = "organisation.CodeTaken"
    scheme: Scheme
    code: str
    organisation: UUID
    valid_from: date


class CodeReleased(Event):
    """销码登记: the organisation held the code until ``valid_until``; if that is before its first day, it never did."""

    TOPIC: ClassVar[str] = "organisation.CodeReleased"
    organisation: UUID
    valid_until: date


OrganisationEvent = (
    OrganisationEstablished
    | OrganisationRenamed
    | OrganisationMoved
    | OrganisationSettingChanged
    | OrganisationCodeAssigned
    | OrganisationCodeWithdrawn
    | OfficerAppointed
    | OfficerReleased
    | TermExpired
    | ReelectionHeld
    | MemberAdmitted
    | MemberConfirmed
    | MemberTransferred
    | MemberLeft
    | MemberDoublyRegistered
    | DissolutionBegun
    | DissolutionAbandoned
    | OrganisationDissolved
)
CodeEvent = CodeTaken | CodeReleased

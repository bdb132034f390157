"""One organisation: its place in the tree, its codes, officers and members, and how it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self, assert_never, get_args
from uuid import UUID

from domain.event import Account, Aggregate, Refused, replace
from domain.organisation.codes import Codes, HeldCode, check_code
from domain.organisation.events import (
    Cause,
    DissolutionAbandoned,
    DissolutionBegun,
    Elected,
    Level,
    MemberAdmitted,
    MemberConfirmed,
    MemberDoublyRegistered,
    MemberLeft,
    MemberTransferred,
    OfficerAppointed,
    OfficerReleased,
    OrganisationCodeAssigned,
    OrganisationCodeWithdrawn,
    OrganisationDissolved,
    OrganisationEstablished,
    OrganisationEvent,
    OrganisationMoved,
    OrganisationRenamed,
    OrganisationSettingChanged,
    ReelectionHeld,
    Scheme,
    Setting,
    TermExpired,
)
from domain.organisation.members import Members, check_count
from domain.organisation.terms import Term, Terms
from domain.organisation.text import check_day, check_text

Standing = Literal["absent", "live", "closing", "dissolved"]

_RANK: dict[Level, int] = {level: rank for rank, level in enumerate(get_args(Level)) if level != "other"}

_NO_CODES, _NO_TERMS, _NO_MEMBERS = Codes(), Terms(), Members()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What a decision about one organisation may know of another.

    The command that uses it is recorded only if the other one is still at the version that this was taken from.
    """

    id: UUID
    level: Level
    standing: Standing


@dataclass(frozen=True)
class Organisation(Aggregate):
    """An organisation. It keeps its ``id`` whatever its name, code or place in the tree becomes.

    Three rules span streams. They hold because a command is recorded only if every stream that deciding it read
    is still at the version read (the service hands these versions in):

    - *No cycle.* ``move`` is given the new parent's ancestors up to the root. Whatever could close a cycle
      meanwhile is a move of one of them, and makes that version stale.
    - *Nothing joins what is dissolved.* ``establish`` and ``move`` read the parent.
    - *Nothing dissolved has live children.* A count of children, read once, could miss one that is being founded.
      So dissolution has two steps. ``begin_dissolution`` closes the organisation to newcomers: whatever reads it
      from then on as a parent is refused, and whatever had read it before is stale. The children recorded up to
      that event are therefore all there will be, and a view that has seen it can count them for ``dissolve``.
      Neither founding nor moving writes the parent's stream, so siblings never wait for one another.
    """

    name: str = ""
    level: Level = "other"
    setting: Setting = ""
    parent: UUID | None = None
    standing: Standing = "absent"
    codes: Codes = _NO_CODES
    terms: Terms = _NO_TERMS
    members: Members = _NO_MEMBERS

    @property
    def as_neighbour(self) -> Neighbour:
        return Neighbour(self.id, self.level, self.standing)

    def officers(self, day: date) -> tuple[Term, ...]:
        """The terms that run on a day."""
        return self.terms.on(day)

    def establish(
        self, name: str, level: Level, *, parent: Neighbour | None = None, code: str = "", setting: Setting = ""
    ) -> OrganisationEstablished:
        """Found it. A ``code`` is a division code; ``Code.take`` records with this, valid from the account's day."""
        if self.standing != "absent":
            raise Refused("the organisation exists already, as “{name}”", name=self.name)
        check_text(name, "name")
        if code:
            check_code("division", code)
        self._check_parent(level, parent)
        return OrganisationEstablished(
            name=name, code=code, parent=parent.id if parent else None, level=level, setting=setting
        )

    def rename(self, name: str) -> OrganisationRenamed:
        self._check_exists()
        check_text(name, "name")
        if name == self.name:
            raise Refused("the organisation is called “{name}” already", field="name", name=name)
        return OrganisationRenamed(name_before=self.name, name=name)

    def change_setting(self, setting: Setting) -> OrganisationSettingChanged:
        self._check_exists()
        if setting == self.setting:
            raise Refused("the organisation has this setting already", field="setting")
        return OrganisationSettingChanged(setting_before=self.setting, setting=setting)

    def move(self, parent: Neighbour | None, ancestors: Sequence[UUID] = ()) -> OrganisationMoved:
        """Answer to another organisation, or to nobody.

        ``ancestors`` is the new parent and whatever stands above it, up to the root, each read by the command.
        Raise ValueError if they do not begin with the parent.
        """
        self._check_exists()
        if (parent.id if parent else None) == self.parent:
            raise Refused("the organisation is there already", field="parent")
        if parent and (not ancestors or ancestors[0] != parent.id):
            raise ValueError("the ancestors begin with the parent itself")
        if self.id in ancestors:
            raise Refused("an organisation cannot be moved below itself", field="parent")
        self._check_parent(self.level, parent)
        return OrganisationMoved(parent_before=self.parent, parent=parent.id if parent else None)

    def assign_code(self, scheme: Scheme, code: str, valid_from: date) -> OrganisationCodeAssigned:
        """Give it a code. ``Code.take`` records with this; so does ``Code.release`` of ``code_before``, the day before.

        With the same first day as the code before, that one was a mistake and never valid.
        """
        self._check_open()
        return self.codes.assign(scheme, code, valid_from)

    def withdraw_code(self, scheme: Scheme, valid_until: date) -> OrganisationCodeWithdrawn:
        """Take its code away; ``Code.release`` records with this. A last day before its first: it was a mistake."""
        self._check_exists()
        return self.codes.withdraw(scheme, valid_until)

    def appoint(
        self, post: str, person: UUID, since: date, until: date | None = None, *, shared: bool = False
    ) -> OfficerAppointed:
        """Appoint an officer. A post is one person's at a time unless everybody's appointment says it is shared."""
        self._check_open()
        return self.terms.appoint(post, person, since, until, shared=shared)

    def release(self, post: str, person: UUID, on: date) -> OfficerReleased:
        """End a term; ``on`` is its last day, and if that is before its first day the appointment is revoked."""
        self._check_exists()
        return self.terms.release(post, person, on)

    def expire_terms(self, today: date) -> tuple[TermExpired, ...]:
        """The terms that ran out before today and are not recorded as expired yet. It is never refused."""
        return self.terms.expire(today)

    def reelect(
        self,
        on: date,
        results: Sequence[Elected],
        since: date,
        until: date | None = None,
        vacated: Sequence[str] = (),
    ) -> ReelectionHeld:
        """Fill posts by election, and leave ``vacated`` ones empty; running terms in these end the day before."""
        self._check_open()
        return self.terms.reelect(
            ReelectionHeld(on=on, results=tuple(results), vacated=tuple(vacated), since=since, until=until)
        )

    def admit(self, full: int = 0, probationary: int = 0) -> MemberAdmitted:
        self._check_open()
        check_count(full, probationary)
        return MemberAdmitted(full=full, probationary=probationary)

    def confirm(self, count: int) -> MemberConfirmed:
        """Make probationary members full ones."""
        self._check_exists()
        self.members.confirm(count)
        return MemberConfirmed(count=count)

    def transfer_out(self, full: int, probationary: int, to: UUID | None, on: date) -> MemberTransferred:
        """Let members go; where ``to`` is kept in this record, its ``transfer_in`` is recorded in the same command."""
        self._check_exists()
        self.members.lose(full, probationary)
        return self._transfer("out", full, probationary, to, on)

    def transfer_in(self, full: int, probationary: int, from_: UUID | None, on: date) -> MemberTransferred:
        """Take members over: the other end of ``transfer_out``, with the same numbers and day."""
        self._check_open()
        check_count(full, probationary)
        return self._transfer("in", full, probationary, from_, on)

    def lose_members(self, full: int, probationary: int, cause: Cause) -> MemberLeft:
        self._check_exists()
        self.members.lose(full, probationary)
        return MemberLeft(full=full, probationary=probationary, cause=cause)

    def register_doubly(self, count: int, residence: UUID) -> MemberDoublyRegistered:
        """Record that members registered where they live as well. Nobody's number of members changes."""
        self._check_exists()
        if not 1 <= count <= self.members.total:
            raise Refused("between 1 and {have} members can register", field="count", have=self.members.total)
        if residence == self.id:
            raise Refused(
                "members are registered here already; name the organisation where they live", field="residence"
            )
        return MemberDoublyRegistered(count=count, residence=residence)

    def begin_dissolution(self) -> DissolutionBegun:
        """Close it to new children, members, officers and codes, so that it can be handed over and dissolved."""
        self._check_open()
        return DissolutionBegun()

    def abandon_dissolution(self) -> DissolutionAbandoned:
        if self.standing != "closing":
            raise Refused("the organisation is not being dissolved")
        return DissolutionAbandoned()

    def dissolve(
        self, on: date, live_children: int, successor: Neighbour | None = None
    ) -> tuple[TermExpired | OfficerReleased | OrganisationDissolved, ...]:
        """End it and all its terms of office. ``Code.release`` of its codes, valid until ``on``, records with this.

        ``on`` is the account's day. ``live_children`` is counted by a view that has seen ``DissolutionBegun``.
        """
        check_day(on, "on")
        if self.standing != "closing":
            raise Refused("begin the dissolution first, so that nothing joins the organisation meanwhile")
        if live_children:
            raise Refused("move or dissolve the {count} organisations below it first", count=live_children)
        if self.members.total:
            raise Refused("transfer its {count} members first", count=self.members.total)
        if successor:
            if successor.id == self.id:
                raise Refused("an organisation cannot succeed itself", field="successor")
            if successor.standing != "live":
                raise Refused("the successor does not exist or is being dissolved", field="successor")
        ended = OrganisationDissolved(successor=successor.id if successor else None)
        return (*self.terms.expire(on), *self.terms.release_all(on), ended)

    def evolve(self, event: OrganisationEvent, account: Account) -> Self:
        match event:
            case OrganisationEstablished(name=name, code=code, parent=parent, level=level, setting=setting):
                codes = Codes((HeldCode("division", code, account.occurred_on),) if code else ())
                return replace(
                    self, name=name, level=level, setting=setting, parent=parent, standing="live", codes=codes
                )
            case OrganisationRenamed(name=name):
                return replace(self, name=name)
            case OrganisationMoved(parent=parent):
                return replace(self, parent=parent)
            case OrganisationSettingChanged(setting=setting):
                return replace(self, setting=setting)
            case OrganisationCodeAssigned() | OrganisationCodeWithdrawn():
                return replace(self, codes=self.codes.after(event))
            case OfficerAppointed() | OfficerReleased() | TermExpired() | ReelectionHeld():
                return replace(self, terms=self.terms.after(event))
            case MemberAdmitted() | MemberConfirmed() | MemberTransferred() | MemberLeft():
                return replace(self, members=self.members.after(event))
            case MemberDoublyRegistered():
                return self
            case DissolutionBegun():
                return replace(self, standing="closing")
            case DissolutionAbandoned():
                return replace(self, standing="live")
            case OrganisationDissolved():
                return replace(self, standing="dissolved", codes=self.codes.ended(account.occurred_on))
            case _:
                assert_never(event)

    def _check_exists(self) -> None:
        if self.standing == "absent":
            raise Refused("no such organisation")
        if self.standing == "dissolved":
            raise Refused("the organisation “{name}” has been dissolved", name=self.name)

    def _check_open(self) -> None:
        self._check_exists()
        if self.standing == "closing":
            raise Refused("the organisation “{name}” is being dissolved; abandon that first", name=self.name)

    def _check_parent(self, level: Level, parent: Neighbour | None) -> None:
        if parent is None:
            return
        if parent.standing == "absent":
            raise Refused("the parent does not exist", field="parent")
        if parent.standing != "live":
            raise Refused("the parent has been dissolved, or is about to be", field="parent")
        if level in _RANK and parent.level in _RANK and _RANK[parent.level] >= _RANK[level]:
            raise Refused(
                "an organisation of level {level} cannot stand below one of level {above}",
                field="parent",
                level=level,
                above=parent.level,
            )

    def _transfer(
        self, direction: Literal["out", "in"], full: int, probationary: int, counterpart: UUID | None, on: date
    ) -> MemberTransferred:
        check_day(on, "on")
        if counterpart == self.id:
            raise Refused("members cannot be transferred to where they are", field="counterpart")
        return MemberTransferred(
            direction=direction, full=full, probationary=probationary, counterpart=counterpart, on=on
        )

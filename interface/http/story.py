"""What an event says as a sentence: the story of a record, in the reader's language."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.action import DUTIES
from domain.authority import DutyAppointed, PersonRegistered, RelationDeclared
from domain.event import Event
from domain.installation import LogVerified
from domain.ledger import ObligationRaised
from domain.organisation import MemberTransferred

# A topic, and where one topic tells of different things, a slash and which.
STORY = {
    "organisation.OrganisationEstablished": "“{name}” was founded",
    "organisation.OrganisationRenamed": "“{name_before}” was renamed “{name}”",
    "organisation.OrganisationMoved": "it answers to {parent}, no longer to {parent_before}",
    "organisation.OrganisationSettingChanged": "it is {setting}, no longer {setting_before}",
    "organisation.OrganisationCodeAssigned": "it was given the code {code}, valid from {valid_from}",
    "organisation.OrganisationCodeWithdrawn": "the code {code} was withdrawn, {valid_until} being its last day",
    "organisation.OfficerAppointed": "{person} was appointed {post} from {since} to {until}",
    "organisation.OfficerReleased": "{person} was released as {post}, {on} being the last day",
    "organisation.TermExpired": "the term of {person} as {post} ran out on {due}",
    "organisation.ReelectionHeld": "an election was held on {on}; those elected serve from {since} to {until}",
    "organisation.MemberAdmitted": "{full} full and {probationary} probationary members joined",
    "organisation.MemberConfirmed": "{count} probationary members became full members",
    "organisation.MemberTransferred/out": "{full} full and {probationary} probationary members went to {counterpart}",
    "organisation.MemberTransferred/in": "{full} full and {probationary} probationary members came from {counterpart}",
    "organisation.MemberLeft": "{full} full and {probationary} probationary members left: {cause}",
    "organisation.MemberDoublyRegistered": "{count} members registered where they live as well, at {residence}",
    "organisation.DissolutionBegun": "its dissolution began: nothing may join it any more",
    "organisation.DissolutionAbandoned": "its dissolution was abandoned",
    "organisation.OrganisationDissolved": "it was dissolved; its work is carried on by {successor}",
    "organisation.CodeTaken": "{organisation} holds the code {code} from {valid_from} on",
    "organisation.CodeReleased": "{organisation} held the code until {valid_until}",
    "standard.StandardDrafted": "the standard {code}, “{title}”, was drafted",
    "standard.StandardDescribed": "the draft is called “{title}”, in the area {area}",
    "standard.FlowStepDefined": "the step “{name}” was drawn",
    "standard.FlowStepRemoved": "the step {step} was removed",
    "standard.FlowLinked": "the order of the steps was drawn",
    "standard.StepsSeparated": "it was laid down which steps need different people",
    "standard.DutyDefined": "the duty “{duty[title]}” was defined",
    "standard.DutyRemoved": "the duty {duty} was removed",
    "standard.StandardPublished": "version {version[number]} was published, in force from {version[effective_on]} on",
    "standard.StandardAmended": "a draft of version {number} was opened: {reason}",
    "standard.StandardRetired": "the standard was retired: {reason}",
    "ledger.YearRaised": "{raised} obligations of the year {year} were raised; {standing} had been before",
    "ledger.ObligationRaised/period": "“{title}” is asked for the period {period}, by {due}",
    "ledger.ObligationRaised/case": "the case {case} was opened under version {standard_version} of the standard",
    "ledger.ObligationRaised/duty": "“{title}” is asked for in the case {case}, by {due}",
    "ledger.StepStarted": "work on the step “{step}” began",
    "ledger.StepCompleted": "{by} completed the step “{step}”",
    "ledger.LedgerEntryFiled": "an entry was filed: {summary}",
    "ledger.EvidenceAttached": "evidence was added: {evidence[kind]} {evidence[title]}",
    "ledger.EntryVerified": "the entry was verified",
    "ledger.EntryRejected": "the entry was sent back: {reason}",
    "ledger.OmissionDetected": "nothing was on record by {due}: an omission",
    "ledger.ExceptionExplained": "it was explained why the work is not done: {reason}",
    "ledger.ExceptionAccepted": "the explanation was accepted: the obligation is excused",
    "ledger.ExceptionDeclined": "the explanation was declined: {reason}",
    "ledger.ObligationWaived": "the obligation was waived: {reason}",
    "ledger.EntryCorrected": "the entry was corrected: {reason}",
    "ledger.LateEntryMarked": "it came {days_late} days after it was due",
    "authority.PersonRegistered/person": "a person was registered",
    "authority.PersonRegistered/service": "a service account was registered",
    "authority.DutyAppointed/standing": "{duty} at {organisation} from {since} to {until}, by {decision}",
    "authority.DutyAppointed/emergency": "{duty} at {organisation} until {ends_at}, in an emergency",
    "authority.AppointmentEnded": "an appointment was ended, {last} being its last day",
    "authority.DelegationGiven": "a duty was lent to {to} from {since} to {until}",
    "authority.DelegationRevoked": "what was lent was taken back",
    "authority.RelationDeclared/relative": "{other} was declared to be a relative",
    "authority.RelationDeclared/household": "{other} was declared to be of the same household",
    "authority.RelationDeclared/case": "{other} was declared to be named in the case {matter} as well",
    "authority.RelationEnded": "a relation was ended",
    "authority.PersonSuspended": "the person was suspended until {until}",
    "authority.PersonReinstated": "the suspension was lifted",
    "authority.SignInOpened": "the person was let sign in, with a code that is good once",
    "authority.SignInClosed": "the person was let sign in no more",
    "authority.EmergencyRequested": "{person} asked to be {duty} at {organisation} for {hours} hours, in an emergency",
    "authority.EmergencyGranted": "it was granted until {ends_at}",
    "authority.EmergencyDeclined": "it was declined",
    "keyring.KeyAdded": "a key was added that signs as {role}: {vkey}",
    "keyring.KeyRetired": "the key {vkey} was retired, which signed as {role}",
    "redaction.PayloadRemoved": "the payloads at these positions were removed: {positions}",
    "installation.CatalogueSealed": "what guards the log in its database was sealed, at migration {migration}",
    "installation.LogVerified/VERIFIED": "the log was verified up to the position {head}",
    "installation.LogVerified/TAMPERED": "verifying the log found that it was tampered with: {sentence}",
    "views.EventSkipped": "the view {view} passed over the event at position {position}",
}
# Words of the model that stand in sentences.
WORDS = (
    "urban",
    "rural",
    "death",
    "expulsion",
    "removal",
    "withdrawal",
    "cancellation",
    "other",
)
NOTHING = "—"

Say = Callable[..., str]


def term(kind: type[Event]) -> str:
    """The Chinese term of art for a kind of event, which opens its docstring."""
    return (kind.__doc__ or "").partition(":")[0].strip()


def sentence(event: Event, names: Mapping[UUID, str], say: Say) -> str:
    """Say what an event means; ``names`` tells those of people and organisations by identifier."""
    topic = event.TOPIC
    told = STORY.get(topic) or STORY.get(f"{topic}/{_variant(event)}")
    if told is None:
        return term(type(event))
    words = {name: _word(value, names, say) for name, value in event.model_dump().items()}
    if topic.startswith("authority.") and (duty := words.get("duty")) in DUTIES:
        words["duty"] = f"{DUTIES[duty]} {duty}"
    return say(told, **words)


def mentioned(event: Event) -> Iterator[UUID]:
    """Name the people and records that an event's fields refer to."""
    yield from (value for _, value in event if isinstance(value, UUID))


def changes(event: Event) -> Iterator[tuple[str, Any, Any]]:
    """Tell which fields an event changed: each with what it was before, and what it is since."""
    given = event.model_dump(mode="json")
    for name in given:
        if (before := f"{name}_before") in given:
            yield name, given[before], given[name]
    for change in given.get("changes", ()):
        yield change["field"], change["before"], change["after"]


def _variant(event: Event) -> str:
    match event:
        case MemberTransferred(direction=direction):
            return direction
        case LogVerified(verdict=verdict):
            return verdict
        case PersonRegistered(kind=kind):
            return kind
        case RelationDeclared(tie=tie):
            return tie
        case DutyAppointed(emergency=emergency):
            return "emergency" if emergency else "standing"
        case ObligationRaised(is_case=True):
            return "case"
        case ObligationRaised(case=case) if case:
            return "duty"
        case _:
            return "period"


def _word(value: Any, names: Mapping[UUID, str], say: Say) -> Any:
    match value:
        case None | "":
            return NOTHING
        case UUID():
            return names.get(value, str(value))
        case date() | datetime():
            return value.isoformat()
        case str() if value in WORDS:
            return say(value)
        case _:
            return value


def people(events: Iterable[Event]) -> set[UUID]:
    return {id for event in events for id in mentioned(event)}

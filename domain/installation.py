"""The installation of a log: what its database guards it with, sealed at each deployment, and what verifying found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal, Self, assert_never
from uuid import UUID, uuid5

from domain.event import Account, Aggregate, Event, Refused, replace

NAMESPACE: Final = UUID("3f1d6a52-7c0b-5d39-8a1e-94b2c60e7d15")


class CatalogueSealed(Event):
    """目录封存: the database's catalogue of what guards the log, as a deployment left it.

    ``migration`` is the number of the last migration, ``catalogue`` the SHA-256 of the whole in hexadecimal, and
    ``parts`` what each part was: whole where that is short, else the beginning of its SHA-256.
    """

    TOPIC: ClassVar[str] = "installation.CatalogueSealed"
    migration: int
    catalogue: str
    parts: dict[str, str]


class LogVerified(Event):
    """全库核验: the log was verified up to the position ``head``, of which ``size`` events were sealed under ``root``.

    ``full``: everything was; else what had come since the verification before. ``views`` are those that were folded
    anew. ``kind``, ``position`` and ``sentence`` tell the first that was wrong.
    """

    TOPIC: ClassVar[str] = "installation.LogVerified"
    verdict: Literal["VERIFIED", "TAMPERED"]
    head: int
    size: int
    root: str
    full: bool
    views: tuple[str, ...] = ()
    kind: str = ""
    position: int | None = None
    sentence: str = ""

    @property
    def finding(self) -> tuple[str, object]:
        """What two results share that tell of the same: sentences count on as a log grows."""
        return self.kind, self.sentence if self.position is None else self.position


InstallationEvent = CatalogueSealed | LogVerified


def differences(sealed: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Say what two catalogues differ in, part by part."""
    for part in sorted(sealed.keys() | now.keys()):
        was, found = sealed.get(part), now.get(part)
        if found is None:
            yield f"{part} is gone, which was: {was}"
        elif was is None:
            yield f"{part} is new: {found}"
        elif was != found:
            yield f"{part} is now: {found}, and was: {was}"


def installation_id(origin: str) -> UUID:
    """One stream for each log, by its name."""
    return uuid5(NAMESPACE, origin)


@dataclass(frozen=True)
class InstallationRecord(Aggregate):
    """``verified`` is the last result and ``verified_at`` its time, ``full_at`` that of the last full verification.

    ``tampered`` are the findings that no full verification has lifted since, the first one first.
    """

    sealed: CatalogueSealed | None = None
    verified: LogVerified | None = None
    verified_at: datetime | None = None
    full_at: datetime | None = None
    tampered: tuple[LogVerified, ...] = ()

    def altered(self, now: CatalogueSealed) -> list[str]:
        """Say in what a catalogue is not the one that was sealed last; nothing where none ever was."""
        if self.sealed is None or self.sealed.catalogue == now.catalogue:
            return []
        return [*differences(self.sealed.parts, now.parts)] or ["one of its parts"]

    def seal(self, found: CatalogueSealed, before: CatalogueSealed, account: Account) -> tuple[CatalogueSealed, ...]:
        """Put a catalogue on record: where none is, or migrations made it another, or somebody accepts it for a reason.

        ``before`` is the catalogue before this deployment's migrations. Refused where migrations meet one that is not
        as it was sealed: what they make of it would be vouched for. Otherwise such a one is left as it is, and told.
        """
        if (altered := self.altered(before)) and not account.reason.strip():
            if self.sealed and found.migration > self.sealed.migration:
                raise Refused(
                    "the log's database does not guard it as it did when that was sealed: {what}. Nothing was migrated."
                    " Find out who changed it; then accept it: taizhang migrate --accept-catalogue REASON",
                    what=altered[0],
                )
            return ()
        return () if found == self.sealed else (found,)

    def conclude(self, result: LogVerified, *, new: bool) -> tuple[LogVerified, ...]:
        """Put the result of a verification on record, unless it says nothing that is not there.

        ``new``: something was recorded since the last result. While a finding stands, no less than a full verification
        lifts it; the same finding is told once.
        """
        if result.verdict == "TAMPERED":
            return () if result.finding in [each.finding for each in self.tampered] else (result,)
        if self.tampered:
            return (result,) if result.full else ()
        known = self.verified
        return () if known and not new and known.full >= result.full else (result,)

    def evolve(self, event: InstallationEvent, account: Account) -> Self:
        match event:
            case CatalogueSealed():
                return replace(self, sealed=event)
            case LogVerified(verdict="TAMPERED"):
                full_at = account.occurred_at if event.full else self.full_at
                found = (*self.tampered, event)
                return replace(self, verified=event, verified_at=account.occurred_at, full_at=full_at, tampered=found)
            case LogVerified(full=True):
                at = account.occurred_at
                return replace(self, verified=event, verified_at=at, full_at=at, tampered=())
            case LogVerified():
                return replace(self, verified=event, verified_at=account.occurred_at)
            case _:
                assert_never(event)

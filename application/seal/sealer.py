"""The sealer (封存): it hashes anew what was appended, refuses what it cannot account for, and signs the tree."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from time import monotonic

import psycopg
from psycopg import Connection
from psycopg.errors import DataCorrupted
from psycopg.rows import TupleRow

from application.database import Database, Role
from application.keys import Signer, verify
from application.seal import stored
from application.seal.account import SKEW, Page, agree, in_time, vouched
from application.seal.horizon import Horizon
from application.seal.refusal import Unaccountable, Unwilling
from application.seal.signing import Signing
from application.seal.state import State
from application.seal.tree import Tree
from application.seal.witnessed import Standing, Witnessed
from application.sealed import Refusal, Sealed, Unsealed
from domain.merkle import Frontier, consistency
from domain.note import Checkpoint, Key, Note
from domain.tile import WIDTH

# Tiles whose events are hashed once more in each round.
PATROL = 4
# Seconds from one checkpoint to the next, at least.
INTERVAL = 1.0
# Seconds after which witnesses that were too few are asked again, though nothing is new.
AGAIN = 10.0
# Seconds after which they are asked again though they were enough: that nothing is new is worth knowing too.
STILL = 3600.0
# From one time that it is kept up to when the log is known to the next, while nothing is new.
KEPT = timedelta(minutes=1)

Clock = Callable[[], datetime]


class Sealer:
    """Seals one log: ``folder`` is its own, for its state; ``sealed`` is what it publishes.

    First the tiles are on the disk, then its state with the signature, and only then anybody sees the checkpoint: it
    never signs two trees of one size, whenever it is killed.
    """

    def __init__(
        self,
        database: Database,
        signers: Callable[[], Sequence[Signer]],
        folder: Path,
        sealed: Sealed,
        now: Clock,
        witnessed: Witnessed | None = None,
    ) -> None:
        """Go on where it left off; raise Unwilling if it cannot, Unaccountable if the log is not what it sealed.

        ``signers`` reads the log's keys that are here: again, where one speaks for the log that was not.
        """
        self._database = database
        self._signing = Signing(signers)
        self._path = _state(folder)
        self._sealed = sealed
        self._now = now
        self._witnessed = witnessed
        self._patrolled = 0
        self._signed = self._asked = -INTERVAL
        self._horizon = Horizon()
        self._recorded_at: datetime | None = None
        state = State.read(self._path)
        if state is None:
            raise Unwilling(
                f"there is no {self._path}: bring it from where this log was sealed; if it never was, decide so with"
                " taizhang seal --begin"
            )
        for signer in self._signing.here:
            if state.origin != signer.key.name:
                raise Unwilling(f"{self._path} is of the log {state.origin}, and the key is {signer.key.name}'s")
        self._known = state.known
        # It was kept before keys could be added: then there was this one.
        self._state = state if state.seals else replace(state, seals=tuple(each.key for each in self._signing.here[:1]))
        self.standing = Standing(witnessed is None or self._is_met(witnessed))
        try:
            self._tree = Tree.read(sealed, self._state.frontier) or self._rewritten()
        except Unaccountable as found:
            self._refuse(found)
            raise

    @staticmethod
    def begin(signer: Signer, folder: Path, sealed: Sealed, writers: Sequence[Key]) -> None:
        """Decide that a log was never sealed, and whose groups are taken; raise Unwilling if it was."""
        path = _state(folder)
        if State.read(path) is not None:
            raise Unwilling(f"{path} is there: this log is sealed already")
        try:
            size = sealed.checkpoint().size
        except Unsealed:
            nothing = Frontier()
            note = signer.sign_note(Note(Checkpoint(signer.key.name, 0, nothing.root).text))
            State(signer.key.name, tuple(writers), (signer.key,), (), nothing, b"", bytes(note)).keep(path)
        else:
            raise Unwilling(f"{sealed.folder} has a checkpoint of {size} events: bring the state that goes with it")

    @staticmethod
    def resume(folder: Path, sealed: Sealed) -> Refusal | None:
        """Decide that what was refused has been put right, and return it.

        Clocks that went wrong cannot be: up to when the log was known is forgotten, and learnt again from now on.
        """
        path, refusal = _state(folder), sealed.refusal()
        if (state := State.read(path)) is not None:
            replace(state, known=None).keep(path)
        sealed.refuse(None)
        return refusal

    @property
    def size(self) -> int:
        """How many events are sealed."""
        return self._state.frontier.size

    def seal(self) -> None:
        """Seal what is new. Raise Unaccountable for what cannot be: then, and whenever it is asked again.

        An operator lifts a refusal once its reason is gone (``taizhang seal --resume``).
        """
        refusal = self._sealed.refusal()
        if refusal is not None:
            raise Unaccountable(refusal.index, refusal.kind, refusal.sentence)
        begun = self._now()
        try:
            with self._database.connect(Role.sealer) as connection:
                known = self._horizon.look(stored.holder(connection), begun)
                with stored.at_one_moment(connection):
                    while page := self._next_page(connection):
                        self._take(page)
                        if monotonic() > self._signed + INTERVAL:
                            self._publish(self._recorded_at)
                    self._patrol(connection)
        except DataCorrupted as error:
            found = Unaccountable(None, "damaged", f"the database cannot read what it stored: {error}")
            self._refuse(found)
            raise found from None
        except Unaccountable as found:
            self._publish(self._recorded_at)
            self._refuse(found)
            raise
        self._known = known or self._known
        self._publish(known or begun)
        self._remember()

    def follow(self, stop: threading.Event, told: Callable[[str], None]) -> None:
        """Seal until stopped, waiting out a server that is away; ``told`` hears of that, and of witnesses that are.

        Raise Unaccountable.
        """
        away, troubles = False, list[str]()
        while not stop.is_set():
            begun = monotonic()
            try:
                self.seal()
            except psycopg.OperationalError as error:
                if not away:
                    told(f"the database does not answer, and nothing is sealed meanwhile: {error}")
                away = True
            else:
                away = False
                if troubles != (troubles := list(self.standing.troubles)):
                    told("; ".join(troubles) or "all witnesses answer")
            stop.wait(max(0.0, begun + INTERVAL - monotonic()))

    def _refuse(self, found: Unaccountable) -> None:
        self._sealed.refuse(Refusal(found.index, found.kind, str(found)))

    def _next_page(self, connection: Connection[TupleRow]) -> Page | None:
        """Read the next groups and account for their events; None at the log's end."""
        size, origin = self.size, self._state.origin
        head, log = stored.ends(connection)
        if log != origin:
            raise Unaccountable(None, "log", f"the database holds the log {log}, not {origin}")
        if head < size:
            raise Unaccountable(head, "missing", f"the log ends at position {head}, and {size} events were sealed")
        groups = stored.groups(connection, size)
        if not groups and head > size:
            raise Unaccountable(size, "group", f"the event at position {size + 1} is in no group that a writer signed")
        # The last that was sealed is looked at once more: in a log that was put back and has grown since it is another.
        known = [self._state.leaf] if size else []
        changes = stored.changes(connection, origin, size, size + sum(group.size for group in groups))
        leaves = [*known, *vouched(origin, self._state.writers, changes, groups, size)]
        if not leaves:
            return None
        page = stored.page(connection, origin, size - len(known), size - len(known) + len(leaves))
        agree(page, leaves, "its writer signed" if groups else "was sealed")
        if not groups:
            return None
        page = page.after(len(known))
        in_time(page, self._now(), self._known)
        self._signing.consent(changes)
        return replace(page, changes=changes)

    def _take(self, page: Page) -> None:
        """Publish the tiles of a page, and remember its tree."""
        self._tree.take(page)
        state = replace(self._state, leaving=()) if self._state.is_signed else self._state
        for change in page.changes:
            state = state.after(change)
        self._state = replace(state, frontier=self._tree.frontier, leaf=page.leaves[-1])
        self._recorded_at = page.times[-1]

    def _publish(self, known: datetime | None) -> None:
        """Sign the tree, keep the signature, have it cosigned, and then show it; nothing where all that is done.

        It is shown only if it holds whatever was dated a while ago, up to when it is ``known``: witnesses date it now,
        and events that it should hold would seem to be dated back.
        """
        note = self._signing.sign(self._state)
        if bytes(note) != self._state.note:
            self._state = replace(self._state, note=bytes(note), known=self._known)
            self._state.keep(self._path)
        elif self._is_shown(note) and monotonic() < self._asked + self._patience:
            return
        if known is None or known < self._now() - SKEW:
            return
        self._signed = monotonic()
        if self._witnessed is not None:
            subtrees, size = self._tree.subtrees(), self.size
            note, self.standing = self._witnessed.ask(note, lambda old: consistency(old, size, subtrees))
            self._asked = monotonic()
            self._sealed.tell(self.standing)
            if self._witnessed.hold and not self.standing.met:
                return
        if not self._is_shown(note):
            self._sealed.publish(note, self._now())

    def _remember(self) -> None:
        """Keep up to when the log is known, now and then: a sealer that begins anew is not to be told otherwise."""
        known, kept = self._known, self._state.known
        if known is not None and (kept is None or not timedelta() <= known - kept < KEPT):
            self._state = replace(self._state, known=known)
            self._state.keep(self._path)

    @property
    def _patience(self) -> float:
        """Seconds for which no witness is asked again where nothing is new."""
        if self._witnessed is None:
            return inf
        return STILL if self.standing.met else AGAIN

    def _is_shown(self, note: Note) -> bool:
        try:
            shown = self._sealed.note()
            return shown.text == note.text and set(note.signatures) <= set(shown.signatures)
        except (Unsealed, ValueError):
            return False

    def _is_met(self, witnessed: Witnessed) -> bool:
        try:
            return witnessed.policy.is_met_by(self._sealed.note(), verify)
        except (Unsealed, ValueError):
            return False

    def _rewritten(self) -> Tree:
        """Write every tile anew, from the events; raise Unaccountable if they are not those that were sealed."""
        tree, frontier = Tree(self._sealed), self._state.frontier
        with self._database.connect(Role.sealer) as connection, stored.at_one_moment(connection):
            while tree.size < frontier.size:
                end = min(tree.size + stored.PAGE, frontier.size)
                tree.take(stored.page(connection, self._state.origin, tree.size, end))
        if tree.frontier != frontier:
            raise Unaccountable(None, "event", f"of the {frontier.size} events that were sealed, one is another")
        return tree

    def _patrol(self, connection: Connection[TupleRow]) -> None:
        """Hash some of the events once more that were sealed, others in each round, and all of them in time."""
        full = self.size // WIDTH
        for number in range(self._patrolled, min(self._patrolled + PATROL, full)):
            first = number * WIDTH
            page = stored.page(connection, self._state.origin, first, first + WIDTH)
            leaves = self._tree.leaves(number)
            if leaves is None:
                self._tree = self._rewritten()
                break
            agree(page, leaves, "was sealed")
        self._patrolled = 0 if self._patrolled + PATROL >= full else self._patrolled + PATROL


def _state(folder: Path) -> Path:
    return folder / "state.json"

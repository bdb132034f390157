"""The sealer (封存): it hashes anew what was appended, refuses what it cannot account for, and signs the tree."""

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from math import inf
from pathlib import Path
from time import monotonic

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.rows import TupleRow

from application.database import Database, Role
from application.keys import LOG, Signer, verify
from application.seal.account import SKEW, Group, Page, agree, hashed, in_time, vouched
from application.seal.refusal import Unaccountable, Unwilling
from application.seal.state import State
from application.seal.witnessed import Standing, Witnessed
from application.sealed import Refusal, Sealed, Unsealed
from domain.keychange import Change
from domain.keyring import keyring_id
from domain.leaf import Stored
from domain.merkle import Frontier, consistency, inclusion, is_included, leaf_hash, split
from domain.note import Checkpoint, Key, Note
from domain.tile import ENTRIES, WIDTH, Edge, Tile, Tiles, bundle, unbundle

# Events at most that are read at once, but for a group larger than that.
PAGE = 20_000
# Tiles whose events are hashed once more in each round.
PATROL = 4
# Seconds from one checkpoint to the next, at least.
INTERVAL = 1.0
# Seconds after which witnesses that were too few are asked again, though nothing is new.
AGAIN = 10.0
# Seconds after which they are asked again though they were enough: that nothing is new is worth knowing too.
STILL = 3600.0

ENDS = "SELECT coalesce(max(position), 0), (SELECT origin FROM log) FROM events"
GROUPS = "SELECT first, leaves, key_id, signature FROM event_groups WHERE first > %s ORDER BY first LIMIT %s"
EVENTS = (
    "SELECT position, originator_id, originator_version, topic, recorded_at, coalesce(salt, commitment), state"
    " FROM events WHERE position > %s AND position <= %s ORDER BY position"
)

KEYRING = (
    "SELECT position, topic, state FROM events WHERE originator_id = %s AND position > %s AND position <= %s"
    " ORDER BY originator_version"
)

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
        self._signers = signers
        self._here = signers()
        self._path = _state(folder)
        self._sealed = sealed
        self._now = now
        self._witnessed = witnessed
        self._patrolled = 0
        self._signed = self._asked = -INTERVAL
        self._looked: datetime | None = None
        self._recorded_at: datetime | None = None
        state = State.read(self._path)
        if state is None:
            raise Unwilling(
                f"there is no {self._path}: bring it from where this log was sealed; if it never was, decide so with"
                " taizhang seal --begin"
            )
        for signer in self._here:
            if state.origin != signer.key.name:
                raise Unwilling(f"{self._path} is of the log {state.origin}, and the key is {signer.key.name}'s")
        # It was kept before keys could be added: then there was this one.
        self._state = state if state.seals else replace(state, seals=tuple(each.key for each in self._here[:1]))
        self.standing = Standing(witnessed is None or self._is_met(witnessed))
        try:
            self._edge, self._entries = self._resume()
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
            with self._reading() as connection:
                while page := self._next_page(connection):
                    self._take(page)
                    if monotonic() > self._signed + INTERVAL:
                        self._publish(ended=False)
                self._patrol(connection)
        except Unaccountable as found:
            self._publish(ended=False)
            self._refuse(found)
            raise
        self._looked = begun
        self._publish()

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

    @contextmanager
    def _reading(self) -> Generator[Connection[TupleRow]]:
        """Read the log as it is at one moment."""
        with self._database.connect(Role.sealer) as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            with connection.transaction():
                yield connection

    def _next_page(self, connection: Connection[TupleRow]) -> Page | None:
        """Read the next groups and account for their events; None at the log's end."""
        size, origin = self.size, self._state.origin
        [(head, log)] = connection.execute(ENDS)
        if log != origin:
            raise Unaccountable(None, "log", f"the database holds the log {log}, not {origin}")
        if head < size:
            raise Unaccountable(head, "missing", f"the log ends at position {head}, and {size} events were sealed")
        groups = _groups(connection, size)
        if not groups and head > size:
            raise Unaccountable(size, "group", f"the event at position {size + 1} is in no group that a writer signed")
        # The last that was sealed is looked at once more: in a log that was put back and has grown since it is another.
        known = [self._state.leaf] if size else []
        changes = _changes(connection, origin, size, size + sum(group.size for group in groups))
        leaves = [*known, *vouched(origin, self._state.writers, changes, groups, size)]
        if not leaves:
            return None
        page = _page(connection, origin, size - len(known), size - len(known) + len(leaves))
        agree(page, leaves, "its writer signed" if groups else "was sealed")
        if not groups:
            return None
        page = page.after(len(known))
        in_time(page, self._now(), self._looked)
        self._consent(changes)
        return replace(page, changes=changes)

    def _take(self, page: Page) -> None:
        """Write the tiles that a page completes or widens, and remember its tree."""
        edge, tiles = self._edge.grown(page.leaves)
        held = [*self._entries, *page.entries]
        for number, place in enumerate(range(0, len(held), WIDTH), page.first // WIDTH):
            some = held[place : place + WIDTH]
            tiles.append((Tile(ENTRIES, number, len(some)), bundle(some)))
        self._sealed.write(tiles)
        self._edge, self._entries = edge, held[len(held) - len(held) % WIDTH :]
        state = replace(self._state, leaving=()) if self._state.is_signed else self._state
        for change in page.changes:
            state = state.after(change)
        self._state = replace(state, frontier=edge.frontier, leaf=page.leaves[-1])
        self._recorded_at = page.times[-1]

    def _publish(self, *, ended: bool = True) -> None:
        """Sign the tree, keep the signature, have it cosigned, and then show it; nothing where all that is done.

        Where the log has not ``ended`` there, it is shown only if its last event is new: witnesses would date it later
        than older events that it does not hold yet, and these would seem to be dated back.
        """
        note = self._signed_note()
        if bytes(note) != self._state.note:
            self._state = replace(self._state, note=bytes(note))
            self._state.keep(self._path)
        elif self._is_shown(note) and monotonic() < self._asked + self._patience:
            return
        if not ended and (self._recorded_at is None or self._recorded_at < self._now() - SKEW):
            return
        self._signed = monotonic()
        if self._witnessed is not None:
            subtrees, size = Tiles(self.size, self._sealed.tile), self.size
            note, self.standing = self._witnessed.ask(note, lambda old: consistency(old, size, subtrees))
            self._asked = monotonic()
            self._sealed.tell(self.standing)
            if self._witnessed.hold and not self.standing.met:
                return
        if not self._is_shown(note):
            self._sealed.publish(note, self._now())

    @property
    def _patience(self) -> float:
        """Seconds for which no witness is asked again where nothing is new."""
        if self._witnessed is None:
            return inf
        return STILL if self.standing.met else AGAIN

    def _signed_note(self) -> Note:
        """Return the checkpoint of the tree, with a line of every key that seals it now and is here."""
        state = self._state
        text = Checkpoint(state.origin, self.size, state.frontier.root).text
        note = Note.parse(state.note) if state.is_signed else Note(text)
        for signer in self._sealing():
            if not any(each.id == signer.key.id for each in note.signatures):
                note = signer.sign_note(note)
        return note

    def _sealing(self) -> list[Signer]:
        """Those of the keys that seal the tree now that are here; raise Unwilling if none is."""
        state = self._state
        here = self._having(state.seals)
        if not any(key in here for key in state.seals):
            names = ", ".join(map(str, state.seals))
            raise Unwilling(f"no key is here that speaks for the log {state.origin} now: bring that of {names}")
        return [here[key] for key in (*state.seals, *state.leaving) if key in here]

    def _consent(self, changes: Iterable[Change]) -> None:
        """Raise Unaccountable for a key that is to seal the log and is not here.

        Whoever has a writer's key alone could otherwise make himself the sealer.
        """
        for change in changes:
            if change.role == LOG and change.added and change.key not in self._having([change.key]):
                raise Unaccountable(
                    change.position - 1,
                    "key",
                    f"the event at position {change.position} adds {change.key} to those that seal the log, and that"
                    " key is not here: bring it if it is yours",
                )

    def _having(self, wanted: Iterable[Key]) -> dict[Key, Signer]:
        """The log's keys that are here; they are looked for once more if one of those wanted is not among them."""
        if not {each.key for each in self._here}.issuperset(wanted):
            self._here = self._signers()
        return {each.key: each for each in self._here}

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

    def _resume(self) -> tuple[Edge, list[bytes]]:
        """Go on with the tiles where they are those of the tree; where they are not, write them anew."""
        frontier = self._state.frontier
        width = frontier.size % WIDTH
        try:
            edge = Edge.read(frontier, self._sealed.tile)
            some = unbundle(self._sealed.tile(Tile(ENTRIES, frontier.size // WIDTH, width))) if width else []
        except (Unsealed, ValueError):
            return self._rewrite()
        if width and b"".join(map(leaf_hash, some)) != edge.partial[0]:
            return self._rewrite()
        return edge, some

    def _rewrite(self) -> tuple[Edge, list[bytes]]:
        """Write every tile anew, from the events; raise Unaccountable if they are not those that were sealed."""
        known = self._state
        self._state = replace(known, frontier=Frontier())
        self._edge, self._entries = Edge(), []
        try:
            with self._reading() as connection:
                while self.size < known.frontier.size:
                    end = min(self.size + PAGE, known.frontier.size)
                    self._take(_page(connection, known.origin, self.size, end))
        finally:
            self._state = known
        if self._edge.frontier != known.frontier:
            raise Unaccountable(None, "event", f"of the {known.frontier.size} events that were sealed, one is another")
        return self._edge, self._entries

    def _patrol(self, connection: Connection[TupleRow]) -> None:
        """Hash some of the events once more that were sealed, others in each round, and all of them in time."""
        full = self.size // WIDTH
        for number in range(self._patrolled, min(self._patrolled + PATROL, full)):
            first = number * WIDTH
            page = _page(connection, self._state.origin, first, first + WIDTH)
            leaves = self._leaves(number)
            if leaves is None:
                self._edge, self._entries = self._rewrite()
                break
            agree(page, leaves, "was sealed")
        self._patrolled = 0 if self._patrolled + PATROL >= full else self._patrolled + PATROL

    def _leaves(self, number: int) -> list[bytes] | None:
        """Read the leaves of a full tile; None if it is not the one that was sealed."""
        first = number * WIDTH
        try:
            tile = self._sealed.tile(Tile(0, number))
            # Each hash of the tile but the first is part of the proof of the first.
            proof = inclusion(first, self.size, Tiles(self.size, self._sealed.tile))
        except (Unsealed, ValueError):
            return None
        leaves = split(tile)
        return leaves if is_included(leaves[0], first, self.size, proof, self._state.frontier.root) else None


def _state(folder: Path) -> Path:
    return folder / "state.json"


def _groups(connection: Connection[TupleRow], size: int) -> list[Group]:
    """Read the next groups, as many as make a page."""
    groups: list[Group] = []
    for row in connection.execute(GROUPS, (size, PAGE), binary=True):
        group = Group(*row)
        if groups and group.first - 1 + group.size > size + PAGE:
            break
        groups.append(group)
    return groups


def _changes(connection: Connection[TupleRow], origin: str, size: int, end: int) -> list[Change]:
    """Read which events from an index to another change the log's keys."""
    changes: list[Change] = []
    for row in connection.execute(KEYRING, (keyring_id(origin), size, end)):
        try:
            change = Change.read(*row)
        except ValueError as error:
            raise Unaccountable(row[0] - 1, "key", f"the event at position {row[0]} changes no key: {error}") from None
        if change is not None:
            changes.append(change)
    return changes


def _page(connection: Connection[TupleRow], origin: str, first: int, end: int) -> Page:
    """Read events from one index to another and hash them."""
    rows: list[Stored] = connection.execute(EVENTS, (first, end), binary=True).fetchall()
    return hashed(origin, rows, first, end)

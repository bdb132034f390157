"""The keys that seal a log, as far as they are here, and the checkpoints that they sign."""

from collections.abc import Callable, Iterable, Sequence

from application.keys import LOG, Signer
from application.seal.refusal import Unaccountable, Unwilling
from application.seal.state import State
from domain.keychange import Change
from domain.note import Checkpoint, Key, Note


class Signing:
    """Signs with those of the log's keys that are here. They are read again where one speaks that was not."""

    def __init__(self, signers: Callable[[], Sequence[Signer]]) -> None:
        self._signers = signers
        self.here = signers()

    def sign(self, state: State) -> Note:
        """Return the checkpoint of the tree, with a line of every key that seals it now and is here."""
        text = Checkpoint(state.origin, state.size, state.frontier.root).text
        note = Note.parse(state.note) if state.is_signed else Note(text)
        for signer in self._sealing(state):
            if not any(each.id == signer.key.id for each in note.signatures):
                note = signer.sign_note(note)
        return note

    def _sealing(self, state: State) -> list[Signer]:
        """Those of the keys that seal the tree now that are here; raise Unwilling if none is."""
        here = self._having(state.seals)
        if not any(key in here for key in state.seals):
            names = ", ".join(map(str, state.seals))
            raise Unwilling(f"no key is here that speaks for the log {state.origin} now: bring that of {names}")
        return [here[key] for key in (*state.seals, *state.leaving) if key in here]

    def consent(self, changes: Iterable[Change]) -> None:
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
        if not {each.key for each in self.here}.issuperset(wanted):
            self.here = self._signers()
        return {each.key: each for each in self.here}

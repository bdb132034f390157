"""Bundles that stay as they are, whole ones and others, and what every verifier in any language must say of each.

``python -m tests.golden_bundles`` writes them anew, to the byte the same: keys, salts and times are given, in
``tests/domain/bundles.py``. ``index.json`` has for each the ``keys`` that are pinned, the ``policy``, the ``oldest``
cosignature accepted (seconds since 1970) and the checkpoint that was ``kept`` where there are any, and the verdict that
follows.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from application.keys import Signer
from domain.bundle import Report, Trust, verify
from domain.bundle.events import REMOVED
from domain.ed25519 import verify as check
from domain.note import COSIGNATURE, Key, Note
from domain.policy import Policy
from tests.domain.bundles import (
    BEGUN,
    LATER,
    LOG,
    ROLL,
    STRANGER,
    VILLAGE,
    Log,
    archived,
    files,
    flipped,
    rewritten,
    story,
)

GOLDENS: Final = Path(__file__).with_name("goldens") / "bundles"
INDEX: Final = GOLDENS / "index.json"

WITNESS: Final = Signer.of("witness.example/w1", bytes([20]) * 32, COSIGNATURE)
POLICY: Final = f"log {LOG.key}\nwitness W {WITNESS.key}\nquorum W\n"
AT: Final = 1_772_400_000


@dataclass(frozen=True, slots=True)
class Golden:
    """A bundle, and what an inspector has who verifies it."""

    bundle: bytes
    key: Signer = LOG
    policy: str | None = None
    oldest: int | None = None
    kept: Note | None = None

    def entry(self) -> dict[str, Any]:
        """What the index says of it."""
        said: dict[str, Any] = {"keys": [str(self.key.key)]}
        if self.policy is not None:
            said["policy"] = self.policy
        if self.oldest is not None:
            said["oldest"] = self.oldest
        if self.kept is not None:
            said["kept"] = bytes(self.kept).decode()
        verdict = judged(self.bundle, said).verdict
        return {**said, "verdict": verdict.name, "kind": verdict.kind, "index": verdict.index}


def judged(bundle: bytes, said: dict[str, Any]) -> Report:
    """Verify a bundle with what an entry of the index says is pinned."""
    policy = Policy.parse(said["policy"]) if "policy" in said else None
    kept = Note.parse(said["kept"].encode()) if "kept" in said else None
    trust = Trust(tuple(map(Key.parse, said["keys"])), policy, said.get("oldest"), kept)
    return verify(BytesIO(bundle), trust, check)


def goldens() -> dict[str, Golden]:
    """All of them, by name."""
    log = story(5)
    whole = log.bundle()
    return {
        "all": Golden(whole),
        "empty": Golden(Log().bundle()),
        "record": Golden(log.bundle([1, 3, 5], record=VILLAGE)),
        "range": Golden(log.bundle([2, 3, 4], asked=(2, 4))),
        "timestamped": Golden(log.bundle(timestamp=b"a time-stamp response")),
        "cosigned": Golden(witnessed(log), policy=POLICY, oldest=AT),
        "stale": Golden(witnessed(log), policy=POLICY, oldest=AT + 1),
        "quorum": Golden(whole, policy=POLICY),
        "unknown-key": Golden(whole, STRANGER),
        **continued(),
        **removed(),
        **rotated(),
        **sealed(),
        **tampered(whole),
    }


def witnessed(log: Log) -> bytes:
    return log.bundle(checkpoint=cosigned(log.checkpoint(), AT))


def cosigned(note: Note, at: int) -> Note:
    return Note(note.text, (*note.signatures, WITNESS.cosign(note.text, at)))


def continued() -> dict[str, Golden]:
    """Bundles of a log of which somebody kept a checkpoint of three events, or says so."""
    log, begun = story(5), int(BEGUN.timestamp())
    kept, other = log.checkpoint(size=3), story(5)
    other.change(1, topic="organisation.Renamed")
    proved, bare = log.bundle([4], asked=(4, 4), since=3), log.bundle([4], asked=(4, 4))
    sealed = log.bundle([4], checkpoint=cosigned(log.checkpoint(), AT), asked=(4, 4), since=3)
    return {
        "since": Golden(proved),
        "since-kept": Golden(proved, kept=kept),
        "since-kept-all": Golden(log.bundle(), kept=kept),
        "since-cosigned": Golden(sealed, policy=POLICY, kept=cosigned(kept, begun + 180)),
        "tampered-since": Golden(proved, kept=other.checkpoint(size=3)),
        "tampered-since-all": Golden(log.bundle(), kept=other.checkpoint(size=3)),
        "tampered-since-same": Golden(bare, kept=other.checkpoint()),
        "tampered-consistency": Golden(rewritten(proved, {"consistency": lambda held: flipped(held, 300)})),
        "tampered-backdated": Golden(sealed, policy=POLICY, kept=cosigned(kept, begun + 541)),
        "tampered-later": Golden(
            sealed,
            policy=POLICY.replace("quorum W", "group g 1 W\nquorum g"),
            kept=cosigned(log.checkpoint(), begun - 61),
        ),
        "incomplete-consistency": Golden(bare, kept=kept),
        "stale-kept": Golden(bare, kept=story(6).checkpoint()),
        "unknown-key-kept": Golden(proved, kept=log.checkpoint(STRANGER, size=3)),
    }


def removed() -> dict[str, Golden]:
    log = story(5)
    cover = log.remove(2, 3)
    bare = story(5)
    bare.removed = {3}
    return {
        "redacted": Golden(log.bundle()),
        "redacted-record": Golden(log.bundle([1, 3, 5, cover], record=VILLAGE, covering=(cover,))),
        "redacted-range": Golden(log.bundle([3, 4, cover], asked=(3, 4), covering=(cover,))),
        "tampered-redaction": Golden(bare.bundle()),
    }


def rotated() -> dict[str, Golden]:
    log = story(3)
    link = log.link(log.add_key(LATER))
    note = log.checkpoint(LATER)
    whole = log.bundle(checkpoint=note, links=[link])
    swapped = {"keys/0001.state": lambda held: held.replace(str(LATER.key).encode(), str(STRANGER.key).encode())}
    return {
        "rotated": Golden(whole),
        "rotated-later-key": Golden(whole, LATER),
        "rotated-without-history": Golden(log.bundle(checkpoint=note)),
        "tampered-key": Golden(rewritten(whole, swapped)),
    }


def sealed() -> dict[str, Golden]:
    """What a log should never have sealed."""

    def changed(at: int, **fields: Any) -> Golden:
        log = story(5)
        log.change(at, **fields)
        return Golden(log.bundle())

    return {
        "tampered-version": changed(3, version=3),
        "tampered-stream": changed(3, stream=ROLL),
        "tampered-time": changed(3, recorded_at=BEGUN),
        "tampered-position": changed(3, position=4),
    }


def tampered(whole: bytes) -> dict[str, Golden]:
    held = files(whole)
    checkpoint = Note.parse(held["checkpoint"])
    other = Note(checkpoint.text.replace("\n5\n", "\n6\n"), checkpoint.signatures)
    state = len(held["states"]) // 5

    def changed(name: str, change: Callable[[bytes], bytes]) -> Golden:
        return Golden(rewritten(whole, {name: change}))

    return {
        "tampered-file": Golden(flipped(whole, 8 * len(whole) - 16)),
        "tampered-behind": Golden(whole + b"\0"),
        "tampered-manifest": changed("bundle.json", lambda given: given.replace(b'"size":5', b'"size":05')),
        "tampered-size": Golden(archived({**held, "checkpoint": bytes(other)})),
        "tampered-checkpoint": changed("checkpoint", lambda given: flipped(given, 8 * given.rindex(b"=") - 64)),
        "tampered-root": Golden(archived({**files(story(6).bundle([1], asked=(1, 1))), "proof": bytes(96)})),
        "tampered-leaf": changed("leaves", lambda given: flipped(given, 8 * 32)),
        "tampered-entry": changed("entries", lambda given: given.replace(b'"p":3', b'"p":4')),
        "tampered-state": changed("states", lambda given: given.replace(b'"full":3', b'"full":8')),
        "tampered-salt": changed("states", lambda given: flipped(given, 8 * state)),
        "tampered-removed": changed("states", lambda given: REMOVED + given[state:]),
        "incomplete-file": Golden(whole[:-100]),
        "incomplete-member": Golden(archived({name: content for name, content in held.items() if name != "states"})),
        "incomplete-events": changed("states", lambda given: given[: 4 * state]),
    }


def index(bundles: dict[str, Golden]) -> str:
    entries = {f"{name}.bundle": bundles[name].entry() for name in sorted(bundles)}
    return json.dumps(entries, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    GOLDENS.mkdir(parents=True, exist_ok=True)
    bundles = goldens()
    for name, golden in bundles.items():
        (GOLDENS / f"{name}.bundle").write_bytes(golden.bundle)
    INDEX.write_text(index(bundles), encoding="utf-8")


if __name__ == "__main__":
    main()

"""A bundle: one file that an inspector verifies offline. It holds events of a log, their proof, a checkpoint, and keys.

It is a zip (``archive``) of these files in this order (``layout``), format version 1:

- ``bundle.json``: what it holds, of which log and size (``manifest``);
- ``checkpoint``: the log's signed tree head, with cosignatures (C2SP tlog-checkpoint, ``domain.note``);
- ``leaves``: the sealed leaf hashes, 32 bytes each, in order of position. They repeat what entries hash to, so that a
  change can be named with its position;
- ``proof``: the multiproof that leads from them to the checkpoint's root (``domain.merkle``), 32 bytes each;
- ``entries``: what the leaves are hashes of (``domain.leaf``), each after its length in two bytes;
- ``states``: for each event 32 bytes of salt, the length of the stored state in four bytes, and the state; 32 zero
  bytes and the length 0xFFFFFFFF where the payload was removed;
- ``keys/0001.tlog-proof``, ``keys/0001.entry``, ``keys/0001.state``, ``keys/0002.tlog-proof`` and so on: the events
  that added keys to the log, each under a checkpoint that an earlier key signed (``history``);
- ``consistency``: where it was asked for, the root of an earlier size of the tree, and the proof that the tree began
  with that one, 32 bytes each;
- ``timestamp.tsr``: where it was asked for, a time-stamp response (RFC 3161) over the bytes of ``checkpoint``.

Numbers are big-endian outside the zip's own headers. It holds neither the pinned keys nor the policy: whoever verifies
has those by another way. ``docs/bundles.md`` says it for whoever writes a second verifier.
"""

from domain.bundle.events import state_written
from domain.bundle.history import Link
from domain.bundle.manifest import Manifest
from domain.bundle.reading import Contents
from domain.bundle.trust import Judge, Trust
from domain.bundle.verdict import Redaction, Report, Verdict
from domain.bundle.verify import verify
from domain.bundle.writing import Held, write

__all__ = [
    "Contents",
    "Held",
    "Judge",
    "Link",
    "Manifest",
    "Redaction",
    "Report",
    "Trust",
    "Verdict",
    "state_written",
    "verify",
    "write",
]

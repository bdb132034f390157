"""The verifier of bundles: what an inspector runs, with Python's standard library and nothing else.

``taizhang verify-bundle`` is this, and so is ``taizhang-verify.pyz``, which needs no installation (``make verifier``).
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final

from domain.bundle import Judge, Report, Trust, verify
from domain.ed25519 import verify as check
from domain.note import ED25519, Checkpoint, Key, Note
from domain.policy import Policy
from interface.span import seconds

KEY: Final = "A key of the log that you have by another way than the bundle; as often as you have one."
POLICY: Final = "A trust policy (C2SP tlog-policy): further logs, and which witnesses must have cosigned."
FRESH: Final = "How long ago, at most, a witness of the policy cosigned it: 7d, 36h, 90m."
SINCE: Final = "A checkpoint of the log that you kept from before: the log must go on from there."
ROOTS: Final = "Certificates (PEM) that a time-stamping authority's must lead to: its token must be there, and hold."
JSON: Final = "Print the result as one JSON document."

ELSEWHERE: Final = "taizhang verify-bundle --timestamp-roots does that, or openssl ts -verify"
"""Where a time-stamp is judged, which takes more than the standard library has."""

USAGE: Final = 2
"""The exit status where nothing could be verified; 0 is for VERIFIED and REDACTED, 1 for any other verdict."""

_SHOWN = 20


def main(words: Sequence[str] | None = None) -> int:
    """Verify a bundle as the words of a command line say, print what came of it, and return the exit status."""
    parser = argparse.ArgumentParser(description="Verify a bundle of a Taizhang 台账 log offline.", allow_abbrev=False)
    parser.add_argument("file", metavar="FILE", type=Path, help="The bundle.")
    parser.add_argument("--key", metavar="VKEY", action="append", default=[], help=KEY)
    parser.add_argument("--policy", metavar="FILE", type=Path, help=POLICY)
    parser.add_argument("--fresh", metavar="SPAN", help=FRESH)
    parser.add_argument("--since", metavar="FILE", type=Path, help=SINCE)
    parser.add_argument("--timestamp-roots", metavar="FILE", help=f"Not here: {ELSEWHERE}.")
    parser.add_argument("--json", action="store_true", help=JSON)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    given = parser.parse_args(words)
    if given.timestamp_roots is not None:
        return fail(f"this verifier, which needs Python alone, cannot judge a time-stamp: {ELSEWHERE}")
    return inspect(given.file, given.key, given.policy, given.fresh, given.since, as_json=given.json)


def inspect(
    file: Path,
    keys: Sequence[str],
    policy: Path | None,
    fresh: str | None,
    since: Path | None,
    judge: Judge | None = None,
    *,
    as_json: bool,
) -> int:
    """Verify a bundle, print what came of it, and return the exit status."""
    try:
        trust = _trust(keys, policy, fresh, since, judge)
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}")
    except ValueError as error:
        return fail(str(error))
    try:
        report = judged(file, trust)
    except OSError as error:
        return fail(f"{file}: {error.strerror or error}")
    try:
        if as_json:
            sys.stdout.write(json.dumps(_document(report)) + "\n")
        else:
            sys.stdout.writelines(f"{line}\n" for line in _lines(report))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has read enough, as head does; what Python would still write at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0 if report.verdict.holds else 1


def judged(file: Path, trust: Trust) -> Report:
    """Verify a bundle; raise OSError where the file cannot be read.

    Its checksums are taken by a second thread, which needs the interpreter's lock for hardly any of that.
    """
    with file.open("rb") as opened, file.open("rb") as again, ThreadPoolExecutor(1) as beside:
        return verify(opened, trust, check, lambda work: beside.submit(work, again).result)


def _trust(
    keys: Sequence[str], policy: Path | None, fresh: str | None, since: Path | None, judge: Judge | None
) -> Trust:
    """Raise ValueError, with what to do instead, for what says too little or makes no sense."""
    read = Policy.parse(policy.read_text("utf-8", "surrogateescape")) if policy else None
    oldest = None if fresh is None else int(time.time()) - seconds(fresh)
    trust = Trust(tuple(map(_key, keys)), read, oldest, _kept(since) if since else None, judge)
    if not trust.pinned:
        raise ValueError("no key is trusted: give one with --key, as whoever keeps the log published it elsewhere")
    return trust


def _key(line: str) -> Key:
    key = Key.parse(line)
    if key.kind != ED25519:
        raise ValueError(f"{line} is no log's key, of type {ED25519}, but a witness's: witnesses are in a policy")
    return key


def _kept(file: Path) -> Note:
    try:
        note = Note.parse(file.read_bytes())
        Checkpoint.parse(note.text)
    except ValueError as error:
        raise ValueError(f"{file} is no checkpoint: {error}") from None
    return note


def _document(report: Report) -> dict[str, Any]:
    verdict, manifest = report.verdict, report.manifest
    return {
        "verdict": verdict.name,
        "index": verdict.index,
        "position": None if verdict.index is None else verdict.index + 1,
        "kind": verdict.kind,
        "detail": verdict.detail,
        "origin": manifest.origin if manifest else None,
        "size": manifest.size if manifest else None,
        "count": manifest.count if manifest else None,
        "positions": manifest.positions if manifest else None,
        "record": str(manifest.record) if manifest and manifest.record else None,
        "keys": report.keys,
        "cosignatures": {name: _time(at) for name, at in report.cosigned_at.items()},
        "redacted": [{"position": each.position, "covered_by": each.covered_by} for each in report.redactions],
        "since": report.continues,
        "timestamped": report.timestamped,
        "timestamped_at": None if report.timestamped_at is None else _time(report.timestamped_at),
    }


def _lines(report: Report) -> Iterator[str]:
    verdict, manifest = report.verdict, report.manifest
    yield f"{verdict.name}: {verdict.detail}"
    if manifest:
        ranges = [f"{first}" if first == last else f"{first}-{last}" for first, last in manifest.positions[:_SHOWN]]
        more = f" and {len(manifest.positions) - _SHOWN} ranges more" if manifest.positions[_SHOWN:] else ""
        yield f"origin       {manifest.origin}"
        yield f"size         {manifest.size}"
        yield f"count        {manifest.count}"
        yield f"positions    {', '.join(ranges)}{more}"
        if manifest.record:
            yield f"record       {manifest.record}"
    for key in report.keys:
        yield f"signed by    {key}"
    for name, at in report.cosigned_at.items():
        yield f"cosigned by  {name} at {_time(at)}"
    if report.continues is not None:
        yield f"goes on      from the {report.continues} events of the checkpoint that you kept"
    for each in report.redactions:
        yield f"redacted     {each.position}, covered by {each.covered_by}"
    if report.timestamped_at is not None:
        yield f"timestamped  {_time(report.timestamped_at)}"
    elif report.timestamped and verdict.kind != "timestamp":
        yield f"timestamp    there is one, and it was not judged: {ELSEWHERE}"


def _time(at: int) -> str:
    """Write seconds since 1970 as an instant in UTC; those of no year that is written so, as they are."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return str(at)


def fail(sentence: str) -> int:
    """Say why nothing could be verified, and return the exit status for that."""
    sys.stderr.write(f"taizhang: {sentence}\n")
    return USAGE

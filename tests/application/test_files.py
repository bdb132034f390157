"""What is written is whole or not there."""

from pathlib import Path

import pytest

from application.files import put_together


def test_files_that_belong_together_are_there_together_and_stay(tmp_path: Path) -> None:
    place = tmp_path / "kept" / "3"
    put_together(place, {"a": b"1", "b": b"2"})
    with pytest.raises(FileExistsError):
        put_together(place, {"a": b"3"})
    assert {each.name: each.read_bytes() for each in place.iterdir()} == {"a": b"1", "b": b"2"}
    with pytest.raises(OSError, match="too long"):
        put_together(tmp_path / "kept" / "4", {"a": b"1", "b" * 300: b"2"})
    assert [each.name for each in (tmp_path / "kept").iterdir()] == ["3"], "nothing half written is left"

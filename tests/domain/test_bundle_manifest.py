"""A manifest says which positions a bundle holds, in one way only, and for what it holds them."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bundle import Manifest

RECORD = UUID(int=7)
ALL = Manifest("all", "example.com/log", 5, ((1, 5),))
ONE = Manifest("record", "example.com/log", 9, ((1, 1), (4, 5), (9, 9)), record=RECORD, covering=(9,))
SOME = Manifest("range", "example.com/log", 9, ((2, 5), (8, 8)), asked=(2, 5), covering=(8,))


@pytest.mark.parametrize(
    ("manifest", "written"),
    [
        (ALL, '{"count":5,"kind":"all","origin":"example.com/log","positions":[[1,5]],"size":5,"v":1}'),
        (
            ONE,
            (
                '{"count":4,"covering":[9],"kind":"record","origin":"example.com/log","positions":[[1,1],[4,5],[9,9]],"record":'
                '"00000000-0000-0000-0000-000000000007","size":9,"v":1}'
            ),
        ),
        (
            SOME,
            (
                '{"count":5,"covering":[8],"from":2,"kind":"range","origin":"example.com/log",'
                '"positions":[[2,5],[8,8]],"size":9,"to":5,"v":1}'
            ),
        ),
        (
            Manifest("all", "例.中国", 0, ()),
            '{"count":0,"kind":"all","origin":"\\u4f8b.\\u4e2d\\u56fd","positions":[],"size":0,"v":1}',
        ),
    ],
)
def test_a_manifest_is_written_like_this_and_read_again(manifest: Manifest, written: str) -> None:
    assert bytes(manifest).decode() == written
    assert Manifest.parse(written.encode()) == manifest


@given(st.data())
def test_any_changed_byte_is_another_manifest_or_none(data: st.DataObject) -> None:
    given = bytearray(bytes(data.draw(st.sampled_from([ALL, ONE, SOME]))))
    before, place = bytes(given), data.draw(st.integers(0, len(given) - 1))
    given[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != given[place]))
    try:
        found = Manifest.parse(bytes(given))
    except ValueError:
        return
    assert bytes(found) == given != before


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b"9" * 5_000,
        b'{"v":1,"kind":[]}',
        b'{"v":1,"kind":"all"}',
        bytes(ALL) + b"\n",
        bytes(ALL).replace(b",", b", "),
        bytes(ALL).replace(b'"v":1', b'"v":2'),
        bytes(ALL).replace(b'"v":1', b'"v":true'),
        bytes(ALL).replace(b'"v":1', b'"v":1,"v":1'),
        bytes(ALL).replace(b'"v":1', b'"v":1,"w":1'),
        bytes(ALL).replace(b'"size":5', b'"size":5.0'),
        bytes(ALL).replace(b'"count":5', b'"count":4'),
        bytes(ALL).replace(b"[[1,5]]", b"[[1,2],[3,5]]"),
        bytes(ALL).replace(b"[[1,5]]", b"[[1,5,5]]"),
        bytes(ALL).replace(b"[[1,5]]", b"[1,5]"),
        bytes(ALL).replace(b"[[1,5]]", b'["15"]'),
        bytes(ALL).replace(b"[[1,5]]", b"null"),
        bytes(ALL).replace(b"example", b"ex\\u0061mple"),
        bytes(ALL).replace(b'"example.com/log"', b"7"),
        bytes(ONE).replace(b"0007", b"000x"),
        bytes(ONE).replace(b'"00000000-0000-0000-0000-000000000007"', b'"00000000000000000000000000000007"'),
        bytes(ONE).replace(b'"00000000-0000-0000-0000-000000000007"', b"7"),
        bytes(ONE).replace(b'"record":', b'"recorb":'),
        bytes(ONE).replace(b"[9],", b"[],"),
        bytes(SOME).replace(b',"to":5', b""),
    ],
)
def test_what_is_written_otherwise_is_none(given: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(it|its|the|a) "):
        Manifest.parse(given)


@pytest.mark.parametrize(
    ("base", "change"),
    [
        (ALL, {"size": 6}),
        (ALL, {"size": 4}),
        (ALL, {"size": -1}),
        (ALL, {"size": 2**53, "positions": ((1, 2**53),)}),
        (ALL, {"size": True, "positions": ((1, 1),)}),
        (ALL, {"origin": ""}),
        (ALL, {"origin": "a b"}),
        (ALL, {"origin": "a+b"}),
        (ALL, {"origin": "a\x9b"}),
        (ALL, {"origin": "a\ud800"}),
        (ALL, {"record": RECORD}),
        (ALL, {"asked": (1, 5)}),
        (ALL, {"covering": (5,)}),
        (ONE, {"positions": ((1, 1), (2, 3), (9, 9))}),
        (ONE, {"positions": ((4, 5), (1, 1), (9, 9))}),
        (ONE, {"positions": ((1, 1), (5, 4), (9, 9))}),
        (ONE, {"positions": ((0, 1), (9, 9))}),
        (ONE, {"positions": ((1, 1), (9, 10))}),
        (ONE, {"positions": ((9, 9),)}),
        (ONE, {"positions": (), "covering": ()}),
        (ONE, {"covering": (8,)}),
        (ONE, {"covering": (9, 9)}),
        (ONE, {"covering": (9, 4)}),
        (ONE, {"record": None}),
        (SOME, {"asked": (2, 4)}),
        (SOME, {"asked": (3, 5)}),
        (SOME, {"asked": (2, 6)}),
        (SOME, {"asked": (5, 2)}),
        (SOME, {"asked": None}),
        (SOME, {"covering": ()}),
        (SOME, {"covering": (5, 8)}),
        (SOME, {"positions": (), "covering": ()}),
    ],
)
def test_what_does_not_agree_is_refused(base: Manifest, change: dict[str, Any]) -> None:
    fields = {name: getattr(base, name) for name in base.__dataclass_fields__}
    with pytest.raises(ValueError, match=r"^(it|its|the|a) "):
        Manifest(**{**fields, **change})


def test_many_ranges_are_read() -> None:
    many = Manifest("record", "example.com/log", 200_000, tuple((n, n) for n in range(1, 200_000, 2)), record=RECORD)
    assert Manifest.parse(bytes(many)) == many
    assert json.loads(bytes(many))["count"] == many.count == 100_000

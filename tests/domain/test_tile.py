"""Tiles are named, cut and read as C2SP tlog-tiles says, and every proof can be made from them."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.merkle import Frontier, consistency, inclusion, is_consistent, is_included, leaf_hash, root_of
from domain.tile import ENTRIES, HEIGHT, WIDTH, Edge, Tile, Tiles, bundle, tiles, unbundle

SIZE = 70_000
LEAVES = [leaf_hash(n.to_bytes(3)) for n in range(SIZE)]
ROWS = [row for _, row in Frontier().rows(LEAVES)]


def read(tile: Tile) -> bytes:
    first = tile.number * WIDTH
    return b"".join(ROWS[HEIGHT * tile.level][first : first + tile.width])


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(3, 999, 255), "tile/3/999.p/255"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(63, 1_234_067), "tile/63/x001/x234/067"),
        (Tile(ENTRIES, 1_234_067, 8), "tile/entries/x001/x234/067.p/8"),
        (Tile(ENTRIES, 0), "tile/entries/000"),
    ],
)
def test_a_tile_has_the_path_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert Tile.parse(path) == tile


@given(st.builds(Tile, st.integers(ENTRIES, 63), st.integers(0, 2**55), st.integers(1, WIDTH)))
def test_a_path_leads_back_to_its_tile(tile: Tile) -> None:
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        *("", "tile", "tile/0", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000"),
        *("tile/0/001/000", "tile/0/x000/001", "tile/0/x001", "tile/0/x1/000", "tile/data/000", "/tile/0/000"),
        *("tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p", "tile/0/000/p/5"),
        *("tile/0/000\n", "tile/0/０００", "tile/0/../000", "tile/0/" + "x001/" * 50 + "000"),
    ],
)
def test_any_other_path_is_none(path: str) -> None:
    with pytest.raises(ValueError, match="no path of a tile"):
        Tile.parse(path)


def test_a_tree_has_the_tiles_of_the_specifications_example() -> None:
    every = list(tiles(0, SIZE))
    assert Counter((tile.level, tile.width) for tile in every) == {
        (0, 256): 273,
        (0, 112): 1,
        (1, 256): 1,
        (1, 17): 1,
        (2, 1): 1,
    }
    assert list(tiles(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert not list(tiles(0, 0))


@given(st.integers(0, SIZE), st.integers(0, SIZE))
def test_what_is_new_is_every_tile_that_was_not_there(one: int, other: int) -> None:
    before, after = sorted((one, other))
    assert set(tiles(before, after)) == set(tiles(0, after)) - set(tiles(0, before))


@given(st.integers(1, SIZE), st.data())
def test_proofs_are_made_from_the_tiles_of_a_tree(size: int, data: st.DataObject) -> None:
    there = set(tiles(0, size))

    def served(tile: Tile) -> bytes:
        assert tile in there
        return read(tile)

    subtrees = Tiles(size, served)
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root = root_of(LEAVES[:size])
    assert is_included(LEAVES[index], index, size, inclusion(index, size, subtrees), root)
    assert is_consistent(first, size, root_of(LEAVES[:first]), root, consistency(first, size, subtrees))


@given(st.lists(st.integers(0, SIZE), min_size=1, max_size=5).map(sorted))
def test_a_tree_that_grows_writes_every_tile_of_its_sizes(sizes: list[int]) -> None:
    edge, size = Edge(), 0
    for after in sizes:
        edge, written = edge.grown(LEAVES[size:after])
        assert [tile for tile, _ in written] == list(tiles(size, after))
        assert all(content == read(tile) for tile, content in written)
        size = after
        assert edge == Edge.read(Frontier().grown(LEAVES[:size]), read)


def test_an_edge_is_not_read_from_tiles_of_another_tree() -> None:
    frontier = Frontier().grown(LEAVES[:70_000])
    for wrong in (Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)):
        with pytest.raises(ValueError, match="not those of the tree of 70000 leaves"):
            Edge.read(frontier, lambda tile, wrong=wrong: bytes(32 * tile.width) if tile == wrong else read(tile))  # type: ignore[misc]


def test_a_tile_is_read_once() -> None:
    asked: Counter[Tile] = Counter()

    def counted(tile: Tile) -> bytes:
        asked[tile] += 1
        return read(tile)

    subtrees = Tiles(SIZE, counted)
    for index in (0, 1, SIZE - 1):
        inclusion(index, SIZE, subtrees)
    assert set(asked.values()) == {1}


def test_a_tile_of_another_length_is_refused() -> None:
    for wrong in (lambda tile: read(tile)[:-1], lambda tile: read(tile) + b"\0", lambda _: b""):
        with pytest.raises(ValueError, match=r"tile/\d/\S+ has \d+ bytes, not \d+"):
            inclusion(5, 300, Tiles(300, wrong))


def test_a_tree_has_no_subtree_beyond_its_leaves() -> None:
    subtrees = Tiles(300, read)
    assert subtrees(2, 74)
    for level, index in ((0, 300), (2, 75), (8, 1), (9, 0)):
        with pytest.raises(ValueError, match="has no subtree"):
            subtrees(level, index)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_entries_come_out_of_a_bundle_as_they_went_in(entries: list[bytes]) -> None:
    written = bundle(entries)
    assert unbundle(written) == entries
    whole = {sum(2 + len(entry) for entry in entries[:n]) for n in range(len(entries) + 1)}
    for length in range(len(written)):
        if length in whole:
            assert unbundle(written[:length]) == entries[: sorted(whole).index(length)]
        else:
            with pytest.raises(ValueError, match="within an entry"):
                unbundle(written[:length])


def test_an_entry_is_as_long_as_two_bytes_can_say() -> None:
    assert unbundle(bundle([b"x" * 65_535])) == [b"x" * 65_535]
    with pytest.raises(ValueError, match="65535"):
        bundle([b"x" * 65_536])

"""The sealer's checkpoints are stamped regularly; whatever an authority does, sealing goes on."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from application.seal import Stamping, stamping
from application.seal.witnessed import Standing as Witnesses
from application.sealed import Sealed, Stamp, Unsealed
from application.timestamps import Authority, Roots, Timestamps, Unobtained
from domain.note import Checkpoint, Note
from tests.application.clusters import until
from tests.domain.test_cosign import tree
from tests.domain.test_note import signed
from tests.faults import authority
from tests.faults.authority import Papers

DAY = timedelta(days=1)
AWAY = "http://127.0.0.1:1/tsa"


class Desk:
    """A published folder, an authority that stamps what is in it, and the clock here."""

    def __init__(self, folder: Path, url: str, roots: Roots) -> None:
        self.sealed = Sealed(folder)
        self.roots = roots
        self.url = url
        self.now = datetime.now(UTC)

    def publish(self, size: int) -> bytes:
        note = signed(Note(tree(size).text))
        self.sealed.publish(note, self.now)
        return bytes(note)

    def timestamps(self, url: str = "") -> Timestamps:
        return Timestamps(self.sealed, Authority(url or self.url, self.roots, 2))

    def stamping(self, url: str = "") -> Stamping:
        return Stamping(self.timestamps(url), DAY, lambda: self.now)


@pytest.fixture
def desk(tmp_path: Path, papers: Papers) -> Iterator[Desk]:
    with ExitStack() as stack:
        url = stack.enter_context(authority.stamping(papers))
        yield Desk(tmp_path / "sealed", url, Roots.read(papers.pem("root")))


def test_a_token_is_kept_with_the_bytes_that_it_is_over_whatever_is_published_later(desk: Desk) -> None:
    published = desk.publish(3)
    standing = desk.timestamps().obtain()
    later = signed(desk.sealed.note())
    desk.sealed.publish(later, desk.now)
    kept = desk.sealed.stamp(3)
    assert kept
    assert kept.checkpoint == published != bytes(desk.sealed.note())
    assert standing.at == desk.roots.judge(kept.token, published)
    assert (standing.size, desk.sealed.stamped()) == (3, 3)
    assert desk.sealed.stamping() == {"size": 3, "at": standing.at, "trouble": ""}


def test_a_checkpoint_is_stamped_once(desk: Desk) -> None:
    desk.publish(3)
    first = desk.timestamps().obtain()
    kept = desk.sealed.stamp(3)
    assert desk.timestamps(AWAY).obtain() == first, "nobody is asked"
    assert desk.sealed.keep(3, Stamp(b"other", b"other")) == kept == desk.sealed.stamp(3)


def test_a_token_that_was_swapped_where_it_is_kept_is_told_of(desk: Desk) -> None:
    desk.publish(3)
    desk.timestamps().obtain()
    desk.publish(4)
    desk.timestamps().obtain()
    folder = desk.sealed.folder / "timestamps"
    (folder / "4/timestamp.tsr").write_bytes((folder / "3/timestamp.tsr").read_bytes())
    with pytest.raises(Unobtained, match="the token that is kept over 4 events does not hold: the messageImprint is"):
        desk.timestamps().obtain()


def test_before_anything_is_published_there_is_nothing_to_stamp(desk: Desk) -> None:
    with pytest.raises(Unsealed):
        desk.timestamps().obtain()
    assert desk.stamping().look() == ""
    assert desk.sealed.stamp(1) is None
    assert (desk.sealed.stamped(), desk.sealed.stamping()) == (0, None)


def test_what_is_new_is_stamped_at_most_once_in_a_while(desk: Desk) -> None:
    regular = desk.stamping()
    desk.publish(0)
    assert regular.look() == ""
    assert desk.sealed.stamped() == 0, "nothing is in the log yet"
    desk.publish(3)
    regular.look()
    assert desk.sealed.stamped() == 3
    desk.publish(5)
    for wait, stamped in ((timedelta(hours=23), 3), (timedelta(hours=2), 5), (DAY * 2, 5)):
        desk.now += wait
        regular._asked = -stamping.AGAIN
        assert regular.look() == ""
        assert desk.sealed.stamped() == stamped


def test_what_too_few_witnesses_cosigned_is_left_alone_for_as_long_again(desk: Desk) -> None:
    desk.publish(3)
    desk.timestamps().obtain()
    desk.publish(5)
    regular = desk.stamping()
    desk.sealed.tell(Witnesses(met=False))
    for wait, stamped in ((DAY * 1.5, 3), (DAY, 5)):
        desk.now += wait
        regular.look()
        assert desk.sealed.stamped() == stamped
    desk.sealed.tell(Witnesses(met=True))
    desk.publish(6)
    desk.now += DAY
    regular._asked = -stamping.AGAIN
    regular.look()
    assert desk.sealed.stamped() == 6


def test_an_authority_that_is_away_is_told_of_and_asked_again_after_a_while(desk: Desk) -> None:
    desk.publish(3)
    first = desk.timestamps().obtain()
    desk.now += DAY * 2
    desk.publish(5)
    away = desk.stamping(AWAY)
    trouble = away.look()
    assert trouble.startswith(f"{AWAY} cannot be reached")
    assert desk.sealed.stamping() == {"size": 3, "at": first.at, "trouble": trouble}
    away._timestamps = desk.timestamps()
    assert away.look(trouble) == trouble, "it is not asked at once"
    away._asked = -stamping.AGAIN
    assert away.look(trouble) == ""
    assert (told := desk.sealed.stamping()) and (told["size"], told["trouble"]) == (5, "")


def test_a_folder_that_cannot_be_written_ends_nothing(desk: Desk) -> None:
    desk.publish(3)
    (desk.sealed.folder / "timestamps").write_bytes(b"")
    assert "timestamps" in desk.stamping().look()
    (desk.sealed.folder / "checkpoint").write_bytes(b"garbage")
    assert "note" in desk.stamping().look()


def test_trouble_and_its_end_are_told_once_each(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamping, "BEAT", 0.01)
    monkeypatch.setattr(stamping, "AGAIN", 0.05)
    desk.publish(3)
    told, stop, regular = list[str](), threading.Event(), desk.stamping(AWAY)
    following = threading.Thread(target=regular.follow, args=(stop, told.append))
    following.start()
    try:
        until(lambda: len(told) == 1)
        assert desk.sealed.stamped() == 0
        regular._timestamps = desk.timestamps()
        until(lambda: len(told) == 2)
    finally:
        stop.set()
        following.join()
    assert told[0].startswith(f"{AWAY} cannot be reached")
    assert told[1] == "the time-stamping authority answers"


def test_the_size_of_a_stamped_checkpoint_is_the_folders_name(desk: Desk) -> None:
    for size in (9, 8):
        desk.publish(size)
        desk.timestamps().obtain()
    assert desk.sealed.stamped() == 9
    kept = desk.sealed.stamp(8)
    assert kept
    assert Checkpoint.parse(Note.parse(kept.checkpoint).text).size == 8

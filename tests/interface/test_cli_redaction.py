"""A payload is removed by one command, and every other command and the service go on without it."""

import pytest

from interface.app import Installation
from tests.interface.callers import Person
from tests.interface.shell import Shell

COUNTY = "code,name,parent_code,level\n330523,安吉县,,county\n330523101,梅溪镇,330523,township\n"
WHY = ("--reason", "本人申请", "--authority", "个人信息保护法第四十七条")


@pytest.fixture
def renamed(shell: Shell, ann: Person) -> tuple[Shell, int]:
    """An organisation that was called by a name that should not have been recorded; its position."""
    shell.tells("import", "organisations", shell.write("county.csv", COUNTY))
    id = shell.tells("history", "330523101")["id"]
    position = ann.did(f"/organisations/{id}/name", {"name": "住在三单元的老王", "reason": "错"})["position"]
    return shell, int(position)


def test_a_payload_is_removed_and_told_of_as_removed(
    renamed: tuple[Shell, int], ann: Person, installation: Installation
) -> None:
    shell, position = renamed
    told = shell.tells("redact", str(position), *WHY)
    covering = installation.head()
    assert told == {"removed": [{"position": position, "covered_by": covering}]}
    assert shell.tells("redact", str(position), *WHY) == told, "the same again does nothing more"
    assert installation.head() == covering
    story = shell.prints("history", "330523101")
    assert f"what was recorded here was removed by the decision at position {covering}" in story
    assert "老王" not in story
    happened = ann.saw(f"/records/{shell.tells('history', '330523101')['id']}/history")["items"]
    [gone] = [each for each in happened if each["position"] == position]
    assert (gone["account"], gone["event"], gone["by"]) == ({}, {}, None)
    raw = ann.saw("/log", params={"limit": 1000})["items"]
    assert [each["position"] for each in raw] == list(range(1, covering + 1))
    assert [each["position"] for each in raw if each["covered_by"] or not each["event"]] == [position]
    assert (raw[position - 1]["account"], raw[position - 1]["covered_by"]) == ({}, covering)
    shell.prints("seal", "--begin", "--once")
    assert shell.tells("verify")["removed"] == 1
    assert "payloads removed lawfully, by decisions on record: 1" in shell.prints("verify")
    assert shell.prints("replay", "--view", "organisation") == shell.prints("views", "rows", "organisation")
    shell.prints("bundle", "--all", "--output", "all.bundle")
    vkey = shell.tells("keys", "show")["vkey"]
    assert shell.tells("verify-bundle", "all.bundle", "--key", vkey)["verdict"] == "REDACTED"
    replayed = shell.prints("replay", "--view", "organisation", "--bundle", "all.bundle", "--key", vkey)
    assert replayed == shell.prints("views", "rows", "organisation")
    ann.did(f"/organisations/{shell.tells('history', '330523101')['id']}/name", {"name": "梅溪", "reason": "改"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("99", *WHY), "positions: the log ends at position"),
        (("1", *WHY), "positions: the event at position 1 founded its record"),
        (("{position}", "--reason", " ", "--authority", "x"), "reason: say why the payload is removed"),
        (("{position}", "--reason", "x", "--authority", " "), "authority: say on which authority"),
    ],
)
def test_what_is_not_lawful_is_refused(renamed: tuple[Shell, int], words: tuple[str, ...], said: str) -> None:
    shell, position = renamed
    assert said in shell.refuses("redact", *(word.format(position=position) for word in words))
    assert "老王" in shell.prints("history", "330523101")

"""The table of actions stands in the documentation as the program has it."""

from pathlib import Path

from interface.cli.authority import markdown

GUIDE = Path(__file__).parents[2] / "docs/authority.md"


def test_the_documentation_holds_the_table_of_actions_and_rules() -> None:
    _, _, printed = GUIDE.read_text("utf-8").partition("tells programs.\n\n")
    assert printed.splitlines() == [*markdown()]

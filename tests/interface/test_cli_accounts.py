"""Letting people sign in at the command line."""

from interface.app import Installation
from tests.interface.shell import Shell


def test_a_person_is_let_sign_in_and_no_more(shell: Shell, installation: Installation) -> None:
    shell.tells("token", "create", "--person", "李明", "--role", "filer")
    code = shell.tells("account", "open", "李明", "--login", "liming", "--reason", "新任")["code"]
    found = installation.accounts.sign_in("liming", code, "竹海深处有人家，一九五八", "console")
    assert installation.access.names([found.person]) == {found.person: "李明"}
    assert installation.sessions.find(str(found.secret))
    shell.tells("account", "close", "李明", "--reason", "离任")
    assert installation.sessions.find(str(found.secret)) is None
    assert "sign in as it is" in shell.refuses("account", "close", "李明")


def test_nobody_and_two_of_a_name_are_refused(shell: Shell) -> None:
    assert "0 people are registered" in shell.refuses("account", "open", "谁", "--login", "who")

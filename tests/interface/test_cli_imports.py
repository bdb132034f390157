"""Files go in through the command line: in any encoding of a spreadsheet, once only, and not at all if a row is bad."""

import json
from typing import Any

import psycopg
import pytest

from domain.standard import bpmn
from tests.domain.flows import drawn
from tests.interface.shell import Shell

HEADER = "code,name,parent_code,level\n"
COUNTY = HEADER + "330523,安吉县,3305,county\n3305,湖州市,33,prefecture\n33,浙江省,,province\n"
STEPS = "件号,环节,时间,经办人\n"
COLUMNS = ("--case", "件号", "--step", "环节", "--at", "时间", "--by", "经办人")


def events(shell: Shell) -> int:
    """How many events the log has, but those that say who imports."""
    with psycopg.connect(shell.variables["TAIZHANG_DATABASE"]) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM record.events WHERE topic NOT LIKE 'authority.%'")
        return int(count)


def bad(shell: Shell, *words: str) -> list[tuple[int, str, str]]:
    """Run an import that finds bad rows and records nothing; return them."""
    ran = shell.run(*words, "--json")
    assert ran.returncode == 1, ran
    told: Any = json.loads(ran.stdout)
    assert told["recorded"] == 0
    return [(row["line"], row["field"], row["reason"]) for row in told["bad"]]


def test_organisations_are_read_in_every_encoding_that_spreadsheets_write_and_recorded_once(shell: Shell) -> None:
    for n, encoding in enumerate(("utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16")):
        text = COUNTY.replace("\n", "\r\n") if encoding == "gbk" else COUNTY
        told = shell.tells("import", "organisations", shell.write(f"{encoding}.csv", text.encode(encoding)))
        assert (told["recorded"], told["repeated"], told["bad"]) == ((0, 3, []) if n else (3, 0, []))
    assert events(shell) == 6
    names = [unit["name"] for unit in shell.tells("views", "rows", "organisation")["rows"]["organisation"]]
    assert sorted(names) == ["安吉县", "浙江省", "湖州市"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\ncode,name,parent_code,level\n33,x,,province\n", "the first line is empty"),
        (b"code,name,level\n33,x,province\n", "parent_code"),
        (b"code,code,name,parent_code,level\n33,33,x,,province\n", "code"),
        (b"code,name,parent_code,level\n33,\x00,,province\n", "NUL"),
        (b"\x93\xff\xfe\x00 no text at all \x80\xff", "file"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_in_a_sentence(shell: Shell, content: bytes, said: str) -> None:
    assert said in shell.refuses("import", "organisations", shell.write("no.csv", content))


def test_every_bad_row_is_listed_and_nothing_recorded_unless_the_rest_is_asked_for(shell: Shell) -> None:
    rows = ["33,浙江省,,province", "3305,湖州市,33", "3306,绍兴市,33,city", "33,江苏省,,province"]
    rows += ["1,甲,2,other", "2,乙,1,other", "3,丙,1,other", "3307,金华市,33,prefecture"]
    file = shell.write("rows.csv", HEADER + "\n".join(rows))
    found = bad(shell, "import", "organisations", file)
    assert [(line, field) for line, field, _ in sorted(found)] == [
        (3, "file"),
        (4, "level"),
        (5, "code"),
        (6, "parent_code"),
        (7, "parent_code"),
        (8, "parent_code"),
    ]
    assert events(shell) == 0
    ran = shell.run("import", "organisations", file)
    assert (ran.returncode, ran.stdout.decode().count("line")) == (1, 0)
    assert [f"line {n}" in ran.stderr.decode() for n in (3, 4, 5, 6, 7, 8)] == [True] * 6
    told = shell.tells("import", "organisations", file, "--skip-bad")
    assert (told["recorded"], len(told["bad"])) == (2, 6)
    assert events(shell) == 4


def test_a_standard_adopted_elsewhere_goes_in_once_and_by_two_people(shell: Shell) -> None:
    flow = drawn("s receive check issue e")
    file = shell.write("flow.bpmn", bpmn.write(flow, "permits", "Permits"))
    words = ("import", "standard", file, "--code", "permits", "--title", "许可", "--area", "效能监察")
    assert "may not approve" in shell.refuses(*words, "--author", "Ann", "--approver", "Ann")
    assert shell.refuses(*words, "--separate", "receive:isue").startswith("separate")
    assert events(shell) == 0
    assert shell.tells(*words, "--separate", "receive:issue", "--authority", "行政许可法")["done"] == "published"
    head = events(shell)
    assert shell.tells(*words, "--separate", "receive:issue", "--authority", "行政许可法")["done"] == "repeated"
    assert events(shell) == head
    for content, said in ((b"<definitions", "line 1"), (b"", ""), (b"\x89PNG\r\n", "")):
        assert said in shell.refuses(*words[:2], shell.write("no.bpmn", content), *words[3:])
    assert "no.such" in shell.refuses("import", "standard", "no.such", *words[3:])


def test_cases_go_in_once_whatever_the_order_of_their_rows(shell: Shell) -> None:
    file = shell.write("flow.bpmn", bpmn.write(drawn("s receive check e"), "permits", "Permits"))
    shell.tells("import", "standard", file, "--code", "permits", "--title", "许可", "--area", "效能监察")
    rows = ["1,check,2026-03-02T10:00:00+08:00,王芳", "1,receive,2026/3/1 9:05,李明", "2,receive,2026-03-04,李明"]
    words = ("--standard", "permits", *COLUMNS)
    told = shell.tells("import", "cases", shell.write("a.csv", (STEPS + "\n".join(rows)).encode("gbk")), *words)
    assert (told["recorded"], told["repeated"]) == (5, 0)
    more = STEPS + "\n".join(["3,receive,2026-03-05,李明", *reversed(rows)])
    told = shell.tells("import", "cases", shell.write("b.csv", more), *words)
    assert (told["recorded"], told["repeated"]) == (2, 5)
    wrong = ["4,receive,yesterday,李明", ",receive,2026-03-01,李明", "4,,2026-03-01,李明", "4,receive,2026-02-30,李明"]
    wrong += ["4,receive,2999-01-01,李明", "4,receive,2026-03-01,"]
    file = shell.write("c.csv", STEPS + "\n".join(wrong))
    assert sorted((line, field) for line, field, _ in bad(shell, "import", "cases", file, *words)) == [
        (2, "at"),
        (3, "case"),
        (4, "step"),
        (5, "at"),
        (6, "at"),
        (7, "by"),
    ]
    assert "there is no standard other" in shell.refuses("import", "cases", file, "--standard", "other", *COLUMNS)
    assert "办结日" in shell.refuses("import", "cases", file, *words, "--due", "办结日")

"""Everything that is said to people is said in both languages: no sentence without its translation, none left over."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from domain.actions import ACTIONS
from domain.authority import FINDINGS
from domain.authority.gate import TIED
from interface.catalogue import sentences, translate
from interface.http import problem, reasons, story

ROOT = Path(__file__).parents[2]
PACKAGES = ("domain", "application", "projections", "interface")
# Exceptions and functions whose first argument is a sentence, or whose second is.
FIRST = {"Refused", "Forbidden", "Unknown", "Unread", "Unsupported", "TooLarge", "Behind", "Halted", "Forged"}
SECOND = {"say", "translate"}
# An exception whose sentences stand in a table.
TABLED = {"Conflicted"}


def spoken(source: str) -> Iterator[tuple[int, str | None]]:
    """Yield the line and sentence of everything that a module says; None where it is not a literal."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ClassDef)
            and node.name not in TABLED
            and any(isinstance(base, ast.Name) and base.id in FIRST for base in node.bases)
        ):
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__":
                    yield call.lineno, _literal(call.args[0])
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in FIRST:
                yield node.lineno, _literal(node.args[0])
            elif name in SECOND and len(node.args) > 1 and _literal(node.args[1]) is not None:
                yield node.lineno, _literal(node.args[1])
            elif name in SECOND and len(node.args) == 1 and _literal(node.args[0]) is not None:
                yield node.lineno, _literal(node.args[0])


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def everything() -> dict[str, str]:
    """Return every sentence, and where it is said."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for line, sentence in spoken(file.read_text("utf-8")):
                assert sentence is not None, f"{file}:{line}: a sentence is a literal, the key of its translations"
                found.setdefault(sentence, f"{file.relative_to(ROOT)}:{line}")
    tables = (
        *problem.TITLES.values(),
        *(sentence for _, sentence in problem.BY_STATUS.values()),
        *reasons.REASONS.values(),
        *story.STORY.values(),
        *story.WORDS,
        *(rule.sentence for action in ACTIONS.values() for rule in action.conflicts),
        *TIED.values(),
        *FINDINGS.values(),
    )
    return found | {sentence: found.get(sentence, "a table") for sentence in tables}


def test_every_sentence_has_a_translation() -> None:
    missing = {said: where for said, where in everything().items() if not sentences("zh_CN").get(said)}
    assert not missing


def test_no_translation_is_left_over() -> None:
    assert not sentences("zh_CN").keys() - everything().keys() - {""}


def test_a_translation_has_the_values_of_its_sentence() -> None:
    def values(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}

    chinese = sentences("zh_CN")
    assert not [said for said in everything() if said in chinese and values(chinese[said]) != values(said)]


def test_a_sentence_that_is_not_literal_is_found() -> None:
    assert list(spoken("raise Refused(f'no {what}')")) == [(1, None)]
    assert list(spoken("raise Refused('no ' 'such thing', field='x')")) == [(1, "no such thing")]


def test_a_sentence_is_said_with_its_values() -> None:
    assert translate("zh_CN", "the log ends at position {head}", head=7) == "日志到位置 7 为止"
    assert translate("en", "the log ends at position {head}", head=7) == "the log ends at position 7"

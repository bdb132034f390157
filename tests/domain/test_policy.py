"""A policy is read as C2SP tlog-policy has it, and says of every set of cosignatures whether it is enough."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.note import COSIGNATURE, Checkpoint, Key, Note, cosigned
from domain.policy import Group, Log, Policy, Witness
from tests.domain.test_note import CHECKPOINT, OTHER, SECRET, key, signed, verify

WITNESSES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
SECRETS = {name: Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n, name in enumerate(WITNESSES, 10)}
KEYS = {name: key(secret, f"{name}.example", COSIGNATURE) for name, secret in SECRETS.items()}
LOG = key(SECRET)
X1, X2, X3, Y1, Y2, Y3 = (f"witness {name} {held}\n" for name, held in KEYS.items())
# The example of the specification, with keys.
EXAMPLE = (
    f"log {LOG}\n\n{X1}{X2}{X3}group X-witnesses 2 X1 X2 X3\n\n{Y1}{Y2}{Y3}group Y-witnesses any Y1 Y2 Y3\n\n"
    "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
)
TEXT = signed(Note(CHECKPOINT.text))


def by(*names: str, note: Note = TEXT, at: int = 1_700_000_000) -> Note:
    """Cosign a note by witnesses, each a second after the one before."""
    for time, name in enumerate(names, at):
        signature = SECRETS[name].sign(cosigned(note.text, time))
        note = note.with_signature(KEYS[name], time.to_bytes(8) + signature)
    return note


def subsets() -> list[tuple[str, ...]]:
    return [chosen for size in range(7) for chosen in combinations(WITNESSES, size)]


def test_the_specifications_example_is_read() -> None:
    policy = Policy.parse(EXAMPLE)
    assert policy.logs == (Log(LOG),)
    assert policy.witnesses == tuple(Witness(name, held) for name, held in KEYS.items())
    assert policy.groups == (
        Group("X-witnesses", 2, ("X1", "X2", "X3")),
        Group("Y-witnesses", 1, ("Y1", "Y2", "Y3")),
        Group("X-and-Y", 2, ("X-witnesses", "Y-witnesses")),
    )
    assert policy.quorum == "X-and-Y"


@pytest.mark.parametrize("names", subsets())
def test_the_specifications_example_asks_for_two_of_three_and_one_of_three(names: tuple[str, ...]) -> None:
    enough = sum(name[0] == "X" for name in names) >= 2 and any(name[0] == "Y" for name in names)
    policy = Policy.parse(EXAMPLE)
    assert policy.is_met_by(by(*names), verify) == enough
    assert policy.is_met_by(by(*reversed(names)), verify) == enough


def test_it_says_who_cosigned_and_when() -> None:
    policy = Policy.parse(EXAMPLE)
    assert policy.cosigned_at(by("Y2", "X1"), verify) == {"X1": 1_700_000_001, "Y2": 1_700_000_000}
    assert policy.cosigned_at(by("X1", note=by("X1"), at=1_800_000_000), verify) == {"X1": 1_800_000_000}
    assert policy.cosigned_at(TEXT, verify) == {}


@pytest.mark.parametrize(
    ("quorum", "enough"),
    [
        ("quorum none", lambda names: set(names) >= set()),
        ("quorum X2", lambda names: "X2" in names),
        ("group g any X1 X2 X3\nquorum g", lambda names: bool({"X1", "X2", "X3"} & set(names))),
        ("group g 1 X1 X2 X3\nquorum g", lambda names: bool({"X1", "X2", "X3"} & set(names))),
        ("group g all X1 X2 X3\nquorum g", lambda names: {"X1", "X2", "X3"} <= set(names)),
        ("group g 3 X1 X2 X3\nquorum g", lambda names: {"X1", "X2", "X3"} <= set(names)),
        ("group g all Y3\nquorum g", lambda names: "Y3" in names),
        ("group g any X1 Y1\ngroup h all g X2\nquorum X3", lambda names: "X3" in names),
        ("group g all X1 Y1\ngroup h any g X2\nquorum h", lambda names: {"X1", "Y1"} <= set(names) or "X2" in names),
    ],
)
def test_every_form_of_a_quorum_is_judged(quorum: str, enough: Callable[[tuple[str, ...]], bool]) -> None:
    policy = Policy.parse(X1 + X2 + X3 + Y1 + Y2 + Y3 + f"log {LOG}\n{quorum}\n")
    for names in subsets():
        assert policy.is_met_by(by(*names), verify) == enough(names), names


def test_a_cosignature_counts_only_if_it_holds_and_is_a_trusted_witnesss() -> None:
    policy = Policy.parse(f"log {LOG}\n{X1}quorum X1\n")
    assert policy.is_met_by(by("X1"), verify)
    other = Note(TEXT.text.replace("11275", "11276"))
    assert not policy.is_met_by(Note(signed(other).text, (*signed(other).signatures, *by("X1").signatures)), verify)
    assert not policy.is_met_by(by("X2"), verify)
    plain = TEXT.with_signature(KEYS["X1"], SECRETS["X1"].sign(TEXT.text.encode()))
    assert not policy.is_met_by(plain, verify)


def test_a_checkpoint_must_be_signed_by_one_of_the_logs_under_its_own_name() -> None:
    second = key(OTHER, "second.example/log")
    policy = Policy.parse(f"log {LOG}\nlog {second}\n{X1}quorum X1\n")
    assert policy.is_met_by(by("X1"), verify)
    moved = Note(Checkpoint("second.example/log", 5, bytes(32)).text)
    assert policy.is_met_by(by("X1", note=signed(moved, OTHER, "second.example/log")), verify)
    assert not policy.is_met_by(by("X1", note=signed(moved)), verify), "one log cannot speak for another"
    assert not policy.is_met_by(by("X1", note=Note(CHECKPOINT.text)), verify)
    assert not policy.is_met_by(by("X1", note=signed(Note(CHECKPOINT.text), OTHER)), verify)


def test_a_policy_without_logs_judges_the_cosignatures_alone() -> None:
    policy = Policy.parse(f"{X1}quorum X1\n")
    assert policy.is_met_by(by("X1", note=Note(CHECKPOINT.text)), verify)
    assert not policy.is_met_by(TEXT, verify)
    assert Policy.parse("quorum none\n").is_met_by(Note(CHECKPOINT.text), verify)


def test_blanks_comments_and_the_order_of_lines_do_not_matter() -> None:
    policy = Policy.parse(
        f"# 县纪委监委的策略\n  \t# witness X1 {KEYS['X1']}\n\n \t \nquorum none\n"
        f"\twitness  X1\t{KEYS['X1']} \t https://x1.example/w \nlog {LOG}  http://log.example\t\n"
    )
    assert policy.witnesses == (Witness("X1", KEYS["X1"], "https://x1.example/w"),)
    assert policy.logs == (Log(LOG, "http://log.example"),)
    assert policy.quorum == "none"


@pytest.mark.parametrize(
    "name", ["县纪委", "K", "all", "any", "2", "+", "log", "a\u00a0b", "a\u2028b", "a\u0085b", "\udcff"]
)
def test_a_name_is_whatever_lies_between_spaces_and_tabs(name: str) -> None:
    policy = Policy.parse(f"witness {name} {KEYS['X1']}\ngroup g any {name}\nquorum g\n")
    assert policy.witnesses[0].name == name
    assert list(policy.cosigned_at(by("X1"), verify)) == [name]
    with pytest.raises(ValueError, match="line 2 of the policy: no line before defines k"):
        Policy.parse(f"witness {name} {KEYS['X1']}\nquorum k\n")


def test_a_policy_is_read_from_a_file_of_any_octets(tmp_path: Path) -> None:
    (tmp_path / "policy").write_bytes(f"{X1}quorum X1\n".encode() + b"# \xff\xfe\xc3\n")
    policy = Policy.parse((tmp_path / "policy").read_text("utf-8", "surrogateescape"))
    assert policy.quorum == "X1"


def test_groups_of_groups_may_lie_as_deep_as_one_likes() -> None:
    deep = "".join(f"group g{n + 1} all g{n}\n" for n in range(5000))
    policy = Policy.parse(f"{X1}group g0 any X1\n{deep}quorum g5000\n")
    assert policy.is_met_by(by("X1"), verify)
    assert not policy.is_met_by(TEXT, verify)


SECOND_X1 = Key("another.example", KEYS["X1"].public, COSIGNATURE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no quorum line"),
        ("# nothing\n", "no quorum line"),
        (f"{X1}", "no quorum line"),
        ("quorum none", "line 1 of the policy: it is cut short"),
        ("quorum none\n# more", "line 2 of the policy: it is cut short"),
        ("quorum none\r\n", "line 1 of the policy: it has control characters"),
        ("quorum\x00none\n", "line 1 of the policy: it has control characters"),
        ("# \x7f\n", "line 1 of the policy: it has control characters"),
        ("quorum none\u00a0\n", "line 1 of the policy: no line before defines none\u00a0"),
        ("quorum\u00a0none\n", "line 1 of the policy: it is none of"),
        ("quorum\n", "line 1 of the policy: it is none of"),
        ("quorum none none\n", "line 1 of the policy: it is none of"),
        ("Quorum none\n", "line 1 of the policy: it is none of"),
        ("\nlog\n", "line 2 of the policy: it is none of"),
        (f"log {LOG} http://a http://b\n", "line 1 of the policy: it is none of"),
        (f"witness {KEYS['X1']}\n", "line 1 of the policy: it is none of"),
        (f"witness X1 {KEYS['X1']} http://a http://b\n", "line 1 of the policy: it is none of"),
        ("group g any\n", "line 1 of the policy: it is none of"),
        ("log nothing\n", "line 1 of the policy: a verifier key is written"),
        (f"log {str(LOG)[:-4]}AAAA\n", "line 1 of the policy: a verifier key's id"),
        (f"log {KEYS['X1']}\n", "line 1 of the policy: a log's key is of type 1"),
        (f"witness X1 {LOG}\n", "line 1 of the policy: a log's key is of type 1 and a witness's of type 4, not 1"),
        (f"log {LOG}\nlog {LOG}\n", "line 2 of the policy: the key of .* has been given before"),
        (f"log {LOG}\nlog {Key('other', LOG.public)}\n", "line 2 of the policy: the key of other has been given"),
        (f"{X1}witness X2 {SECOND_X1}\n", "line 2 of the policy: the key of another.example has been given"),
        (f"{X1}witness X1 {KEYS['X2']}\n", "line 2 of the policy: the name X1 is taken"),
        (f"witness none {KEYS['X1']}\n", "line 1 of the policy: the name none is taken"),
        (f"{X1}group none any X1\n", "line 2 of the policy: the name none is taken"),
        (f"{X1}group X1 any X1\n", "line 2 of the policy: the name X1 is taken"),
        (f"{X1}group g any X1 X2\n{X2}", "line 2 of the policy: no line before defines X2"),
        (f"{X1}group g any g X1\n", "line 2 of the policy: no line before defines g"),
        (f"{X1}group g any none\n", "line 2 of the policy: no line before defines none"),
        (f"{X1}group g any X1 X1\n", "line 2 of the policy: X1 is a member already"),
        (f"{X1}group g any X1\ngroup h any X1\n", "line 3 of the policy: X1 is a member already"),
        (f"{X1}{X2}group g 0 X1 X2\n", "line 3 of the policy: of 2 members all, any, or a number from 1 to 2"),
        (f"{X1}{X2}group g 3 X1 X2\n", "line 3 of the policy: of 2 members"),
        (f"{X1}{X2}group g 02 X1 X2\n", "line 3 of the policy: of 2 members"),
        (f"{X1}{X2}group g +1 X1 X2\n", "line 3 of the policy: of 2 members"),
        (f"{X1}{X2}group g ² X1 X2\n", "line 3 of the policy: of 2 members"),
        (f"{X1}{X2}group g most X1 X2\n", "line 3 of the policy: of 2 members"),
        ("quorum X1\n" + X1, "line 1 of the policy: no line before defines X1"),
        ("quorum none\nquorum none\n", "line 2 of the policy: there is a quorum line before"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_by_line_and_reason(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Policy.parse(text)

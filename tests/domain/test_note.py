"""Notes, keys, checkpoints and cosignatures are read and written as C2SP has them, and as Go's implementation does."""

from base64 import b64encode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from domain.merkle import leaf_hash
from domain.note import COSIGNATURE, Checkpoint, Key, Note, Signature, cosigned

# What golang.org/x/mod/sumdb/note is tested with.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BY_NEUMANN = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
BY_ENOCH = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
BOTH = f"{TEXT}\n{BY_NEUMANN}{BY_ENOCH}".encode()

SECRET, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
ORIGIN = "taizhang.example/anji"
CONTROLS = [chr(n) for n in range(32)]
CHECKPOINT = Checkpoint(ORIGIN, 11_275, leaf_hash(b"x"))


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def key(secret: Ed25519PrivateKey, name: str = ORIGIN, kind: int = 1) -> Key:
    return Key(name, secret.public_key().public_bytes_raw(), kind)


def signed(note: Note, secret: Ed25519PrivateKey = SECRET, name: str = ORIGIN) -> Note:
    return note.with_signature(key(secret, name), secret.sign(note.text.encode()))


WITNESS = key(OTHER, "witness.example/w1", COSIGNATURE)


def witnessed(note: Note, at: int, said: int | None = None) -> Note:
    """Cosign a note at a time; ``said`` is the time in the signature, where it is another."""
    signature = OTHER.sign(cosigned(note.text, at))
    return note.with_signature(WITNESS, (at if said is None else said).to_bytes(8) + signature)


def test_a_note_of_go_is_read_verified_and_written_again() -> None:
    note = Note.parse(BOTH)
    assert note.text == TEXT
    assert [each.name for each in note.signatures] == ["PeterNeumann", "EnochRoot"]
    assert bytes(note) == BOTH
    for line in (NEUMANN, ENOCH):
        assert str(Key.parse(line)) == line
        assert note.is_signed_by(Key.parse(line), verify)
    changed = Note.parse(BOTH.replace(b"answer", b"Answer"))
    assert not changed.is_signed_by(Key.parse(NEUMANN), verify)


def test_a_key_without_a_line_has_not_signed() -> None:
    note = Note.parse(f"{TEXT}\n{BY_ENOCH}".encode())
    assert not note.is_signed_by(Key.parse(NEUMANN), verify)
    assert not note.is_signed_by(Key("EnochRoot", Key.parse(NEUMANN).public), verify)
    assert not note.is_signed_by(Key("Enoch", Key.parse(ENOCH).public), verify)


def test_every_line_of_a_known_key_must_hold() -> None:
    good = signed(Note(TEXT))
    [line] = good.signatures
    bad = Signature(line.name, line.id, line.signature[:-1] + bytes([line.signature[-1] ^ 1]))
    assert good.is_signed_by(key(SECRET), verify)
    for lines in ((line, bad), (bad, line), (Signature(line.name, line.id, line.signature + b"\0"),)):
        assert not Note(TEXT, lines).is_signed_by(key(SECRET), verify)
    foreign = Signature(line.name, b"\0\0\0\0", bad.signature)
    assert Note(TEXT, (foreign, line)).is_signed_by(key(SECRET), verify), "an unknown key's line is passed over"


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"\n",
        b"text\n",
        TEXT.encode(),
        f"{TEXT}\n".encode(),
        f"{TEXT}{BY_ENOCH}".encode(),
        BOTH[:-1],
        BOTH + b"\n",
        BOTH.replace("— ".encode(), b"- "),
        BOTH.replace("— Peter".encode(), "—  Peter".encode()),
        BOTH.replace(b"PeterNeumann ", b"Peter Neumann "),
        BOTH.replace(b"PeterNeumann ", b"Peter+Neumann "),
        BOTH.replace(b"PeterNeumann ", "Peter\u00a0Neumann ".encode()),
        BOTH.replace(b"PeterNeumann ", b" "),
        BOTH.replace(b"BwJnAM=", b"BwJnAM"),
        BOTH.replace(b"BwJnAM=", b"BwJnAN="),
        BOTH.replace(b"BwJnAM=", b"BwJnAM= "),
        BOTH.replace(b"\n", b"\r\n"),
        BOTH.replace(b"think", b"th\tnk"),
        BOTH.replace(b"think", b"th\xffnk"),
        f"{TEXT}\n— x AAAAAA==\n".encode(),
        f"{TEXT}\n{BY_ENOCH * 101}".encode(),
        b"x" * (1 << 20) + BOTH,
    ],
)
def test_what_is_no_note_is_refused(given: bytes) -> None:
    assert given != BOTH
    with pytest.raises(ValueError, match=r"."):
        Note.parse(given)


def test_a_note_has_up_to_a_hundred_signatures() -> None:
    assert len(Note.parse(f"{TEXT}\n{BY_ENOCH * 100}".encode()).signatures) == 100


def test_the_last_blank_line_ends_the_text() -> None:
    note = Note.parse(f"{TEXT}\n\n— not a signature\n\n{BY_ENOCH}".encode())
    assert note.text == f"{TEXT}\n\n— not a signature\n"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=CONTROLS)), st.binary(min_size=5))
def test_a_note_is_read_as_it_was_written(line: str, signature: bytes) -> None:
    note = Note(f"{line}\n", (Signature("example.com/log", signature[:4], signature[4:]),))
    assert Note.parse(bytes(note)) == note


@pytest.mark.parametrize(
    "line",
    [
        "",
        NEUMANN[:-1],
        NEUMANN.replace("c74f20a3", "c74f20a4"),
        NEUMANN.replace("c74f20a3", "C74F20A3"),
        NEUMANN.replace("PeterNeumann", "PeterNeumanm"),
        NEUMANN.replace("PeterNeumann", "Peter Neumann"),
        NEUMANN.replace("PeterNeumann", ""),
        NEUMANN + "\n",
        f"x+00000000+{b64encode(b'').decode()}",
        f"x+00000000+{b64encode(bytes([1]) * 32).decode()}",
        str(Key("x", bytes(32), 2)),
    ],
)
def test_what_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"verifier key|base64"):
        Key.parse(line)


def test_one_secret_under_another_name_or_type_is_another_key() -> None:
    assert len({key(SECRET).id, key(SECRET, "other").id, key(SECRET, kind=COSIGNATURE).id, key(OTHER).id}) == 4


def test_a_checkpoint_is_three_lines() -> None:
    assert CHECKPOINT.text == f"taizhang.example/anji\n11275\n{b64encode(CHECKPOINT.root).decode()}\n"
    assert Checkpoint.parse(CHECKPOINT.text) == CHECKPOINT
    example = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert Checkpoint.parse(example).text == example
    assert Checkpoint.parse(example).size == 20_852_163


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("11275", "011275"),
        ("11275", "-1"),
        ("11275", "1e3"),
        ("11275", "１"),
        ("11275", "9" * 20),
        ("11275", ""),
        (ORIGIN, ""),
        (ORIGIN, "a b"),
        (ORIGIN, "a+b"),
        ("=\n", "\n"),
        ("=\n", "=\nmore\n"),
        ("=\n", "="),
        ("=\n", "=\n\n"),
        ("11275\n", "11275\nAAAA\n"),
        ("11275\n", ""),
    ],
)
def test_what_is_no_checkpoint_is_refused(before: str, after: str) -> None:
    assert before in CHECKPOINT.text
    with pytest.raises(ValueError, match=r"."):
        Checkpoint.parse(CHECKPOINT.text.replace(before, after))


def test_a_witness_says_when_it_saw_a_checkpoint() -> None:
    note = signed(Note(CHECKPOINT.text))
    assert witnessed(note, 1_679_315_147).cosigned_at(WITNESS, verify) == 1_679_315_147
    again = witnessed(witnessed(note, 1_700_000_000), 1_690_000_000)
    assert Note.parse(bytes(again)).cosigned_at(WITNESS, verify) == 1_700_000_000
    assert again.is_signed_by(key(SECRET), verify)
    assert cosigned(note.text, 1_679_315_147) == f"cosignature/v1\ntime 1679315147\n{CHECKPOINT.text}".encode()


def test_a_witness_vouches_for_nothing_else() -> None:
    note = signed(Note(CHECKPOINT.text))
    assert note.cosigned_at(WITNESS, verify) is None
    assert witnessed(note, 5, said=6).cosigned_at(WITNESS, verify) is None
    other = Note(CHECKPOINT.text.replace("11275", "11276"), witnessed(note, 5).signatures)
    assert other.cosigned_at(WITNESS, verify) is None
    plain = note.with_signature(WITNESS, OTHER.sign(note.text.encode()))
    assert plain.cosigned_at(WITNESS, verify) is None, "a plain signature is no cosignature"
    assert witnessed(plain, 5).cosigned_at(WITNESS, verify) is None, "each of its lines must hold"

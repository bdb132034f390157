"""Ed25519 is verified as RFC 8032 has it, and as a library that many use has it."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from domain.ed25519 import verify

# RFC 8032 §7.1: secret key, public key, message, signature; the long message of TEST 1024 left out.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
SECRET = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
PUBLIC = SECRET.public_key().public_bytes_raw()


@pytest.mark.parametrize("vector", VECTORS)
def test_the_rfcs_signatures_hold(vector: tuple[str, ...]) -> None:
    secret, public, message, signature = map(bytes.fromhex, vector)
    assert verify(public, message, signature)
    assert not verify(public, message + b"\0", signature)
    assert Ed25519PrivateKey.from_private_bytes(secret).sign(message) == signature


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511), st.integers(0, 255))
def test_what_a_library_signs_holds_until_a_bit_is_changed(seed: bytes, message: bytes, bit: int, more: int) -> None:
    secret = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = secret.public_key().public_bytes_raw(), bytearray(secret.sign(message))
    assert verify(public, message, bytes(signature))
    signature[bit // 8] ^= 1 << bit % 8
    assert not verify(public, message, bytes(signature))
    signature[bit // 8] ^= 1 << bit % 8
    other = bytearray(public)
    other[more // 8] ^= 1 << more % 8
    assert not verify(bytes(other), message, bytes(signature))


def test_a_signature_has_one_form_only() -> None:
    signature = SECRET.sign(b"x")
    larger = int.from_bytes(signature[32:], "little") + ORDER
    assert verify(PUBLIC, b"x", signature)
    assert not verify(PUBLIC, b"x", signature[:32] + larger.to_bytes(32, "little"))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_lengths_are_32_and_64(length: int) -> None:
    signature = SECRET.sign(b"x")
    assert not verify((PUBLIC * 2)[:length], b"x", signature)
    assert not verify(PUBLIC, b"x", (signature * 2)[: 2 * length])


@pytest.mark.parametrize(
    "y", [2, PRIME, PRIME + 1, 2**255 - 1, 1 | 1 << 255], ids=["no point", "0 again", "1 again", "beyond", "minus zero"]
)
def test_a_key_is_a_point_written_in_its_one_form(y: int) -> None:
    public = y.to_bytes(32, "little")
    assert not verify(public, b"x", SECRET.sign(b"x"))
    # With the neutral point as a key, this would be a signature of anything.
    assert not verify(public, b"x", (1).to_bytes(32, "little") + bytes(32))

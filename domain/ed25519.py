"""Ed25519 signatures verified with nothing but the standard library (RFC 8032 §5.1), for whoever has no other means.

It is slow, some milliseconds a signature, and only verifies: nothing here is secret.
"""

from hashlib import sha512
from typing import Final

# A point (X, Y, Z, T) of RFC 8032 §5.1.4: x = X/Z, y = Y/Z, xy = T/Z.
_Point = tuple[int, int, int, int]

_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_1: Final = pow(2, (_P - 1) // 4, _P)
_NEUTRAL: Final = (0, 1, 1, 0)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the key (32 bytes) made the signature (64 bytes) of the message: §5.1.7, without a cofactor.

    A signature has one form: its second half is below the order of the group, and its first as the sum is encoded.
    """
    if len(public) != 32 or len(signature) != 64:
        return False
    key = _decoded(public)
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or scalar >= _L:
        return False
    challenge = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % _L
    x, y, z, t = key
    return _encoded(_sum(_times(scalar, _BASE), _times(challenge, (_P - x, y, z, _P - t)))) == signature[:32]


def _sum(one: _Point, other: _Point) -> _Point:
    """§5.1.4; complete, so that it doubles as well."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    found = _NEUTRAL
    while scalar:
        if scalar & 1:
            found = _sum(found, point)
        point = _sum(point, point)
        scalar >>= 1
    return found


def _encoded(point: _Point) -> bytes:
    """§5.1.2."""
    inverse = pow(point[2], -1, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decoded(given: bytes) -> _Point | None:
    """§5.1.3; None for what is no point of the curve."""
    number = int.from_bytes(given, "little")
    odd, y = number >> 255, number & (1 << 255) - 1
    if y >= _P:
        return None
    over, under = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = over * pow(under, 3, _P) * pow(over * pow(under, 7, _P), (_P - 5) // 8, _P) % _P
    if (under * x * x - over) % _P:
        x = x * _ROOT_OF_MINUS_1 % _P
    if (under * x * x - over) % _P or (odd and not x):
        return None
    if x & 1 != odd:
        x = _P - x
    return x, y, 1, x * y % _P


_Y = 4 * pow(5, -1, _P) % _P
_base = _decoded(_Y.to_bytes(32, "little"))
assert _base
_BASE: Final = _base

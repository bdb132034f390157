"""Keys that sign (签名密钥): where they are kept, and the one place that makes signatures."""

from application.keys.files import (
    PUBLIC,
    WITNESS,
    create,
    create_for_log,
    create_next,
    for_log,
    for_witness,
    has,
    load,
    load_all,
)
from application.keys.signer import Signer, Unusable, verify
from domain.keychange import LOG, WRITER

__all__ = [
    "LOG",
    "PUBLIC",
    "WITNESS",
    "WRITER",
    "Signer",
    "Unusable",
    "create",
    "create_for_log",
    "create_next",
    "for_log",
    "for_witness",
    "has",
    "load",
    "load_all",
    "verify",
]

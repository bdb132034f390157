"""Verifying the whole installation (核验) from stored bytes and published files, with nothing that wrote them.

Of the rest of the program it trusts the hash tree and the leaf (``domain.merkle``, ``domain.leaf``).
"""

from application.verify.finding import Finding, Report
from application.verify.log import Verifier, cores

__all__ = ["Finding", "Report", "Verifier", "cores"]

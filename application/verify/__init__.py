"""Verifying the whole installation (核验) from stored bytes and published files, with nothing that wrote them.

Of the rest of the program it trusts the hash tree and the leaf (``domain.merkle``, ``domain.leaf``), and the reading of
the database's catalogue (``application.catalogue``).
"""

from application.verify.finding import Finding, Report
from application.verify.log import Verifier, cores
from application.verify.progress import Unresumable

__all__ = ["Finding", "Report", "Unresumable", "Verifier", "cores"]

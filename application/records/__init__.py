"""The one event store: every context decides on what it loads here, and records here, in one total order."""

from application.records.receipt import Receipt, ReceiptEvent
from application.records.store import ATTEMPTS, Records, Reused
from application.records.work import Act, Change, Conflict, Work

__all__ = ["ATTEMPTS", "Act", "Change", "Conflict", "Receipt", "ReceiptEvent", "Records", "Reused", "Work"]

"""Every context's events, imported so that each topic in the log is known."""

from domain import installation, ledger, organisation, standard, views
from domain.event import Event

TOPICS = Event.topics

__all__ = ["TOPICS", "installation", "ledger", "organisation", "standard", "views"]

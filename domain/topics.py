"""Every context's events, imported so that each topic in the log is known."""

from domain import authority, installation, keyring, ledger, organisation, redaction, standard, views
from domain.event import Event

TOPICS = Event.topics

__all__ = ["TOPICS", "authority", "installation", "keyring", "ledger", "organisation", "redaction", "standard", "views"]

"""Every action of every context, by name: the table that the gate, the tests and the documentation read."""

from typing import Final

from domain import keyring, redaction, views
from domain.action import READ, Action
from domain.authority import actions as authority
from domain.ledger import actions as ledger
from domain.organisation import actions as organisation
from domain.standard import actions as standard

ACTIONS: Final[dict[str, Action]] = {
    action.name: action
    for action in (
        READ,
        *authority.ACTIONS,
        *organisation.ACTIONS,
        *standard.ACTIONS,
        *ledger.ACTIONS,
        views.SKIP,
        redaction.REMOVE,
        keyring.ADD,
        keyring.RETIRE,
    )
}

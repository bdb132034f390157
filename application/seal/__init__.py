"""The sealer: a process of its own that vouches for the log in signed checkpoints, or refuses to."""

from application.seal.refusal import Unaccountable, Unwilling
from application.seal.sealer import Sealer
from application.seal.stamping import Stamping
from application.seal.witnessed import Witnessed

__all__ = ["Sealer", "Stamping", "Unaccountable", "Unwilling", "Witnessed"]

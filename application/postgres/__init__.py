"""The embedded PostgreSQL: a cluster of our own under a home folder, run for as long as somebody uses it."""

from application.postgres.cluster import EmbeddedPostgres, temporary, using
from application.postgres.place import Unavailable

__all__ = ["EmbeddedPostgres", "Unavailable", "temporary", "using"]

"""Folds from events to view rows, the engine that runs them, and the queries that read them."""

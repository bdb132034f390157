"""The log's tables, as numbered plain SQL."""

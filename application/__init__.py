"""Load, decide, record: the event store, the services and the processes."""

"""What `make bench` measures: each row of a table, beside its yardstick, in the same run on the same server."""

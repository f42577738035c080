"""Measurements beside their yardsticks, in the same run: `make bench`, `make bench ARGS='--json FILE'`."""

"""Which galaxies should be labelled next, and what it gains over a random choice."""

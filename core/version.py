"""Which program wrote a file."""

VERSION = "0.1.0"
PROGRAM = f"Tuning Fork {VERSION}"

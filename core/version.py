"""Which program wrote a file."""

VERSION = "0.1.0"
PROGRAM = f"Tuning Fork {VERSION}"


def mark_of_pictures(kind: str) -> dict[str, str]:
    """Metadata with which matplotlib marks a picture (``png``, ``svg`` or ``pdf``) as one of this program."""
    return {"Software" if kind == "png" else "Creator": PROGRAM}

"""Errors of damaged or mistaken files, explained to the user."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from core.errors import UnreadableFile

READ_ERRORS = (
    *(OSError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, SyntaxError, RuntimeError),
    *(zlib.error, MemoryError, OverflowError),
)
"""Exceptions that libraries raise on damaged files."""

_SIGNATURES: Sequence[tuple[bytes, str]] = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"SIMPLE  =", "a FITS file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "a PDF document"),
)


def explain_content(name: str, content: bytes, expected: str) -> UnreadableFile:
    """Explain from its first bytes why a file is not ``expected`` (“a FITS file”)."""
    if not content:
        return UnreadableFile("The file is empty.", "Download it again or leave it out.", name)
    start = content[:1024].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head")) or b"<html" in start:
        return UnreadableFile(
            "This is a web page and not an image: the server answered with an error when it was downloaded.",
            "Download it again.",
            name,
        )
    for magic, kind in _SIGNATURES:
        if content.startswith(magic) and kind != expected:
            return UnreadableFile(f"This is {kind} and not {expected}.", "Rename it with the right extension.", name)
    if content.startswith(tuple(magic for magic, kind in _SIGNATURES if kind == expected)):
        return UnreadableFile("The file is damaged or truncated.", "Download or copy it again.", name)
    return UnreadableFile(f"This is not {expected}.", "Leave it out, or rename it with the right extension.", name)


def explain_error(name: str, error: BaseException) -> UnreadableFile:
    """Explain a library's exception to the user who chose this file."""
    if isinstance(error, FileNotFoundError):
        return UnreadableFile("The file does not exist.", "Look for it elsewhere.", name)
    if isinstance(error, IsADirectoryError):
        return UnreadableFile("This is a folder and not a file.", "Choose the files in it.", name)
    if isinstance(error, PermissionError):
        return UnreadableFile("The file may not be read.", "Ask for the permission to read it.", name)
    if isinstance(error, MemoryError):
        return UnreadableFile("The image is too large for this computer's memory.", "Cut it into cutouts first.", name)
    reason = str(error).splitlines()[0][:120] if str(error) else "it ends too early"
    return UnreadableFile(f"The file is damaged or truncated ({reason}).", "Download or copy it again.", name)

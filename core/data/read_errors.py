"""Errors of damaged or mistaken files, explained to the user."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import UnreadableFile

READ_ERRORS = (Exception,)
"""Exceptions that libraries raise on damaged files: any, since their parsers were written for whole ones."""

PICTURE = "a JPEG or PNG picture"
_PICTURES = {"a JPEG picture", "a PNG picture"}
_SIGNATURES: Sequence[tuple[bytes, str]] = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"SIMPLE  =", "a FITS file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"RIFF", "a WebP picture"),
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
        if not content.startswith(magic):
            continue
        if kind == expected or (expected == PICTURE and kind in _PICTURES):
            return UnreadableFile("The file is damaged or truncated.", "Download or copy it again.", name)
        if expected == PICTURE and kind.endswith("picture"):
            return UnreadableFile(f"This is {kind} and not {expected}.", "Convert it to PNG.", name)
        return UnreadableFile(f"This is {kind} and not {expected}.", "Rename it with the right extension.", name)
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
    reason = str(error).strip() or ("it ends too early" if isinstance(error, EOFError) else type(error).__name__)
    reason = reason.splitlines()[0][:120]
    return UnreadableFile(f"The file is damaged or truncated ({reason}).", "Download or copy it again.", name)

"""The boundary around each file that is read: whatever goes wrong inside is that file's problem.

Libraries raise any exception on damaged files, since their parsers were written for whole ones; so none are listed
here. The exception's type and the line where it arose stay with the problem, since the fault may be the program's.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from core.data.regular_files import open_regular
from core.errors import Problem, Stopped, UnreadableFile
from core.printable import replace_unprintable

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
_CORE = str(Path(__file__).parents[1]) + os.sep


def reading(name: str, expected: str = "") -> AbstractContextManager[None]:
    """Turn whatever goes wrong in a block into the problem of the file that is read in it.

    Parameters
    ----------
    name
        The file.
    expected
        What it should be (“an HDF5 file”); if it does not begin like one, that is said.

    Returns
    -------
    AbstractContextManager
        It raises an :class:`~core.errors.UnreadableFile` in place of any exception of the block; other problems, and
        that the work was asked to stop, pass as they are.
    """
    return _Boundary(name, expected)


class _Boundary:  # a third of the time that a generator takes, and each cutout passes three
    __slots__ = ("_expected", "_name")

    def __init__(self, name: str, expected: str) -> None:
        self._name, self._expected = name, expected

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or not isinstance(error, Exception) or isinstance(error, Problem | Stopped):
            return
        start = _read_start(self._name) if self._expected else None
        if start is not None and not _begins_like(start, self._expected):
            raise explain_content(self._name, start, self._expected) from error
        raise explain_error(self._name, error) from error


def _read_start(name: str) -> bytes | None:
    try:
        with open_regular(name) as file:
            return file.read(1024)
    except (OSError, Problem):
        return None


def _begins_like(start: bytes, expected: str) -> bool:
    return any(start.startswith(magic) for magic, kind in _SIGNATURES if kind == expected)


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
    told = str(error).strip() or ("it ends too early" if isinstance(error, EOFError) else "")
    told = replace_unprintable(told.partition("\n")[0][:120], "·")
    kind = type(error).__name__
    sentence = f"The file is damaged or truncated ({f'{kind}: {told}' if told else kind})."
    return UnreadableFile(sentence, "Download or copy it again.", name, f"{kind} in {_place(error)}")


def _place(error: BaseException) -> str:
    """The line of this program, and if it is another the line of a library, where an exception arose."""
    lines = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [place for place in lines if place[0].startswith(_CORE)]
    last = dict.fromkeys((*own[-1:], *lines[-1:]))
    return ", ".join(f"{'/'.join(Path(name).parts[-3:])}:{line}" for name, line in last)


def truncated(name: str, there: int, needed: int) -> UnreadableFile:
    """The problem that a file ends too early, after so many of its bytes."""
    return UnreadableFile(
        f"The file is truncated: {there:,} of {needed:,} bytes are there.", "Download or copy it again.", name
    )

"""Atomic and durable writing of files, with a full disk reported as such."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO

from core.errors import DiskFull, FolderInUse
from core.project import temporary
from core.project.locks import require_unmoved

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_NEXT_TO_NOTHING = 2**20  # bytes; astropy raises an error without a number when a file does not fit
_refuse: ContextVar[Callable[[Path], None] | None] = ContextVar("refuse", default=None)


@contextlib.contextmanager
def ask_before_writing(refuse: Callable[[Path], None]) -> Iterator[None]:
    """Call ``refuse`` before each file that the block writes atomically; what it raises keeps the file as it is."""
    token = _refuse.set(refuse)
    try:
        yield
    finally:
        _refuse.reset(token)


def require_replaceable(target: Path) -> None:
    """Ask whether a file may be written, as :func:`atomic_path` will, before the work of which it is the result."""
    if (refuse := _refuse.get()) is not None:
        refuse(target)


@contextlib.contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Provide a temporary path beside ``target``, and rename it to ``target`` if the block ends without an error.

    If the block raises, the temporary file is removed and ``target`` stays as it was.

    Raises
    ------
    DiskFull
        The disk is full.
    FolderInUse
        The folder cannot be written to.
    FolderMoved
        It lies in a folder that this program has locked, and that is no longer there.
    """
    require_replaceable(target)
    written: Path | None = None
    try:
        with report_disk_problems(target):
            make_folder(target.parent)
            temporary.sweep_at_rest(target.parent)
            written = temporary.create(target.parent, target.suffix)
            yield written
            _replace_durably(written, target)
    finally:
        if written is not None:
            written.unlink(missing_ok=True)


def move_into_place(written: Path, target: Path) -> None:
    """Give a finished file on the same disk its name, as :func:`atomic_path` does at its end.

    Raises
    ------
    DiskFull, FolderInUse, FolderMoved
        As there.
    """
    require_replaceable(target)
    with report_disk_problems(target):
        _replace_durably(written, target)


def _replace_durably(written: Path, target: Path) -> None:
    require_unmoved(target)
    _fsync(written)
    written.chmod(0o666 & ~_umask())
    written.replace(target)
    _fsync(target.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, but none anew that was renamed or removed while this program had it locked.

    Raises
    ------
    FolderMoved
        It lies in a folder that this program has locked, and that is no longer there.
    """
    require_unmoved(folder)
    folder.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def report_disk_problems(target: Path) -> Iterator[None]:
    """Report a full disk, and a folder that was moved or cannot be written to, as problems."""
    try:
        yield
    except OSError as error:
        require_unmoved(target)
        if error.errno in _DISK_FULL or (error.errno is None and free_space(target.parent) < _NEXT_TO_NOTHING):
            raise DiskFull(
                f"The disk is full ({_size(free_space(target.parent))} left).", "Make room and try again.", str(target)
            ) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}:
            raise FolderInUse(
                "This folder cannot be written to.", "Choose another folder.", str(target.parent)
            ) from error
        raise


def write_atomically(target: Path, content: str | bytes) -> None:
    """Write text (as UTF-8) or bytes to a file atomically."""
    with atomic_path(target) as written:
        written.write_bytes(_to_utf8(content) if isinstance(content, str) else content)


def _to_utf8(text: str) -> bytes:
    """A text as UTF-8; bytes in the name of a file that are none become escapes, which JSON reads again."""
    return text.encode("utf-8", "backslashreplace")


def write_csv(target: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write rows, the header first, to a CSV file atomically."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_atomically(target, text.getvalue())


def append_durably(target: Path, line: str) -> None:
    """Append one line to a journal and flush it to the disk; a partial line left by a crash is ended first.

    Raises
    ------
    DiskFull
        The disk is full; part of the line may have been written.
    FolderInUse
        The file cannot be written to.
    FolderMoved
        It lies in a folder that this program has locked, and that is no longer there.
    """
    require_unmoved(target)
    require_appendable(target)
    with report_disk_problems(target), target.open("ab+") as journal:
        if journal.tell() and not _ends_line(journal):
            line = "\n" + line
        journal.write(_to_utf8(line.rstrip("\n")) + b"\n")
        journal.flush()
        os.fsync(journal.fileno())


def require_appendable(target: Path) -> None:
    """Raise :class:`FolderInUse` if a folder, or a pipe on which writing waits for ever, is in a file's place."""
    if target.is_dir() or target.is_fifo():
        raise FolderInUse("This is no file that could be written to.", "Move it elsewhere.", str(target))


def file_name(name: str) -> str:
    """Make a name valid on every file system."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]+', "-", name).strip(" .")[:80]


def free_space(folder: Path) -> int:
    """Free bytes on the disk that holds ``folder`` (or its nearest existing parent)."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_space(folder: Path, needed: int) -> None:
    """Raise :class:`DiskFull` unless ``needed`` bytes are free."""
    free = free_space(folder)
    if free < needed:
        raise DiskFull(
            f"This needs {_size(needed)}, and {_size(free)} are free.",
            "Make room or choose another disk.",
            str(folder),
        )


def _ends_line(journal: BinaryIO) -> bool:
    journal.seek(-1, os.SEEK_END)
    return journal.read(1) == b"\n"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _fsync(path: Path) -> None:
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder
        return
    handle = os.open(path, flags if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

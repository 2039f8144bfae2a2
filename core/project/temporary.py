"""Temporary files and folders of this program: named by who writes them, and removed once their writer is gone.

The name holds the machine and the process that writes the file, so that an abandoned one, of a program that was killed,
is known from one that is being written. Before a program writes to a folder, it removes what is abandoned there.
What a process of this machine writes is abandoned when that process is gone; of other machines, which share a network
disk or are containers, only what nobody has changed for a week.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import platform
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from core.events import NEVER

_NAME = re.compile(r"\.tuningfork-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}(\.[^.]*)?")
_MOST_SUFFIX = 20  # letters; a longer one is no file format
_MAX_SILENCE = 7 * 86400.0  # seconds since another machine has changed its file
_CLOCKS_DIFFER = 86400.0  # seconds at most between a file server's clock and ours
_EARLIER = re.compile(  # of earlier versions: a file of a run, or a dataset that was not finished
    r"\.((?:settings|environment|decision|notes|search|study|project)\.toml|(?:metrics|state|window|bands)\.json"
    r"|(?:history|split|parts|study|trials)\.csv|labels\.jsonl|card\.md|data\.txt"
    r"|(?:best|network|optimiser|weights|epoch-\d+)\.safetensors|.+\.h5)\.[a-z0-9_]{8}(\.\w+)"
)
_HDF5, _FLAGS = b"\x89HDF\r\n\x1a\n", 11  # signature, and the byte that says whether the file was being written
_REST = 60.0  # seconds; a window may be open for days while others write beside it
_swept: dict[str, float] = {}


def create(folder: Path, suffix: str = "") -> Path:
    """Create an empty temporary file in a folder, with the extension that its writer needs."""
    path = folder / _new_name(suffix if len(suffix) <= _MOST_SUFFIX else "")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    return path


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder among the system's temporary ones, removed at the end of the block."""
    parent = Path(tempfile.gettempdir())
    sweep_at_rest(parent)
    folder = parent / _new_name()
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def folder_in(parent: Path) -> Iterator[Path]:
    """A new folder in another one, removed at the end of the block unless it was renamed."""
    sweep_at_rest(parent)
    folder = parent / _new_name()
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_at_rest(folder: Path) -> None:
    """Remove what is abandoned in a folder, unless this process has looked there within the last minute."""
    key, now = str(folder.absolute()), time.monotonic()  # the working folder may change
    if now - _swept.get(key, -math.inf) >= _REST:
        _swept[key] = now
        sweep(folder)


def sweep(folder: Path) -> None:
    """Remove the temporary files and folders in a folder whose writers are gone."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and _is_abandoned(entry):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    with contextlib.suppress(OSError):  # of another user
                        Path(entry.path).unlink()


def sweep_tree(folder: Path, stop: threading.Event = NEVER) -> None:
    """Remove what is abandoned in a folder and the folders in it, such as a project, until ``stop`` is set."""
    for place, _, _ in os.walk(folder):
        if stop.is_set():
            return
        sweep(Path(place))


def _new_name(suffix: str = "") -> str:
    return f".tuningfork-{_machine()}-{os.getpid()}-{secrets.token_hex(4)}{suffix}"


@cache
def _machine() -> str:
    """Where the numbers of processes mean the same: this machine, or a container on it."""
    space = ""
    with contextlib.suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return hashlib.blake2b(f"{platform.node()} {space}".encode(), digest_size=4).hexdigest()


def _is_abandoned(entry: os.DirEntry[str]) -> bool:
    with contextlib.suppress(OSError):
        changed = entry.stat(follow_symlinks=False).st_mtime
        if (ours := _NAME.fullmatch(entry.name)) is not None:
            if ours[1] != _machine():
                return time.time() - changed > _MAX_SILENCE
            return not _may_be_writing(int(ours[2]), changed)
        earlier = _EARLIER.fullmatch(entry.name)
        if earlier is None or not earlier[1].endswith(earlier[2]) or not entry.is_file(follow_symlinks=False):
            return False
        is_old = time.time() - changed > _MAX_SILENCE
        return is_old and (earlier[2] != ".h5" or _is_unfinished(Path(entry.path)))
    return False


def _may_be_writing(process: int, changed: float) -> bool:
    """Whether a process is alive, and not one that got the number of the writer long after it was gone.

    One that was killed is gone, even if whoever started it never asks for its end, as in many containers.
    """
    import psutil

    if not psutil.pid_exists(process):  # a thread may have that number, which psutil.Process takes for a process
        return False
    try:
        found = psutil.Process(process)
        return found.status() != psutil.STATUS_ZOMBIE and found.create_time() < changed + _CLOCKS_DIFFER
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _is_unfinished(file: Path) -> bool:
    """Whether an HDF5 file is empty, or was not closed by the program that wrote it."""
    with file.open("rb") as opened:
        start = opened.read(_FLAGS + 1)
    return not start or (start.startswith(_HDF5) and len(start) > _FLAGS and bool(start[_FLAGS] & 1))

"""Copying a dataset into a project, so that the project is complete wherever it is moved."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from core.data.cutouts import Cutouts
from core.data.file_identity import FileIdentity
from core.errors import DatasetReplaced, Problem, Stopped, UnreadableFile
from core.events import NEVER, Progress, Skipped, Work
from core.project.files import atomic_path, make_folder, require_space
from core.project.project import journal_of

_CHUNK = 8 << 20  # bytes
_MB = 1 << 20
_FICLONE = 0x40049409  # Linux's request to share the blocks of a file


def copy_into_project(path: Path, folder: Path, stop: threading.Event = NEVER, name: str = "") -> Work[Path]:
    """Have a dataset in a project, as :func:`open_in_project` does; the result is its path there."""
    cutouts = yield from open_in_project(path, folder, stop, name)
    cutouts.close()
    return cutouts.path


def open_in_project(path: Path, folder: Path, stop: threading.Event = NEVER, name: str = "") -> Work[Cutouts]:
    """Copy a dataset into ``folder`` unless it is there already, and open it there.

    It is a copy of its own: what happens to the original later does not change it. On file systems that can share the
    blocks of files until one is changed (Btrfs, XFS, ZFS, bcachefs on Linux), it takes neither time nor space.

    Parameters
    ----------
    path
        The dataset.
    folder
        The project's folder of datasets.
    stop
        Checked while it is read and copied.
    name
        Its name there, without extension; empty: the present one.

    Returns
    -------
    Cutouts
        The open dataset in the folder. A file of that name with other galaxies is kept, and a number is added to the
        name.

    Raises
    ------
    UnreadableFile, WrongVersion
        It is not a dataset, or cannot be read.
    DatasetReplaced
        It was changed while it was copied.
    DiskFull
        There is too little disk space for a copy.
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    yield from _note_hand_labels(path, folder)
    with contextlib.ExitStack() as stack:
        cutouts = stack.enter_context((yield from Cutouts.opening(path, stop)))
        yield from cutouts.read_checksum(stop)
        if path.resolve().parent == folder.resolve():
            stack.pop_all()
            return cutouts
        name = name or path.stem
        target, number = folder / f"{name}{path.suffix}", 2
        while target.exists():
            if target.samefile(path):  # an earlier version has made a hard link: from now on it is a copy
                break
            if (there := (yield from _open_the_same(target, cutouts, stop))) is not None:
                return there
            target = folder / f"{name} ({number}){path.suffix}"
            number += 1
        make_folder(folder)
        yield from copy_file(path, target, cutouts.identity, stop)
        cutouts.require_unchanged()
    with contextlib.ExitStack() as stack:
        copy = stack.enter_context((yield from Cutouts.opening(target, stop)))
        yield from copy.read_checksum(stop)  # which shows that it is whole
        stack.pop_all()
        return copy


def _open_the_same(target: Path, cutouts: Cutouts, stop: threading.Event) -> Work[Cutouts | None]:
    """Open a file of the project if it holds the same dataset; one that cannot be read does not, and stays as it is."""
    try:
        with contextlib.ExitStack() as stack:
            there = stack.enter_context((yield from Cutouts.opening(target, stop)))
            yield from there.read_checksum(stop)
            if not there.has_all_of(cutouts):
                return None
            stack.pop_all()
            return there
    except Stopped:
        raise
    except Problem:
        return None


def copy_file(path: Path, target: Path, identity: FileIdentity, stop: threading.Event = NEVER) -> Work[None]:
    """Copy a file with its time, sharing its blocks where the file system can.

    Raises
    ------
    DatasetReplaced
        It is not or no longer the file with this identity.
    DiskFull
        There is too little disk space.
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    with atomic_path(target) as written, path.open("rb") as source:
        with written.open("wb") as copy:
            if not _share_blocks(source, copy):
                require_space(target.parent, identity.size)
                while chunk := source.read(_CHUNK):
                    if stop.is_set():
                        raise Stopped
                    copy.write(chunk)
                    yield Progress(copy.tell() // _MB, identity.size // _MB, "MB")
        if FileIdentity.of(source.fileno()) != identity:
            raise DatasetReplaced.of(path)
        os.utime(written, ns=(identity.modified, identity.modified))  # see core.data.fingerprint


def _share_blocks(source: BinaryIO, copy: BinaryIO) -> bool:
    """Make an empty file a copy of another one with the same blocks on the disk; returns whether that is possible."""
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    try:
        fcntl.ioctl(copy.fileno(), _FICLONE, source.fileno())
    except OSError:
        return False
    return True


def _note_hand_labels(path: Path, folder: Path) -> Work[None]:
    """Report labels given by hand that stay behind with another project."""
    yield Progress(0, None)
    journal = None if path.resolve().parent == folder.resolve() else journal_of(path)
    try:
        count = 0 if journal is None else len(journal.replay())
    except UnreadableFile as problem:
        yield Skipped(problem)
        return
    if count:
        labels = "1 label" if count == 1 else f"{count:,} labels"
        yield Skipped(
            Problem(
                f"{labels} given by hand to this dataset in another project did not come along.",
                "Hand labels belong to their project: open that project to see and use them.",
                str(path),
            )
        )

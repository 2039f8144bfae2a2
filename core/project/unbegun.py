"""Folders of work that is refused or stopped before it has begun: they are left as they were.

So the next try, with other settings, finds the folder free. What was there before stays. Files are removed only while
the folder is locked: those of another program that works there are none of ours.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import Problem, Stopped
from core.project.runs import RunFolder

_OF_STUDIES = ("study.csv", "trials.csv", "workers")


@contextlib.contextmanager
def new_run(path: Path) -> Iterator[RunFolder]:
    """The folder of a new run, for a block that trains it.

    Raises
    ------
    Problem
        As :meth:`core.project.runs.RunFolder.create`.
    """
    was_there, before = path.is_dir(), _entries(path)
    run = RunFolder.create(path)
    try:
        yield run
    except BaseException:
        with contextlib.suppress(Problem, OSError):
            with run.lock():
                if not run.has_whole_epoch:
                    _remove(_entries(path) - before - {run.lock().file})
            if not was_there:
                path.rmdir()  # if it is empty
        raise


@contextlib.contextmanager
def nothing_left_behind(folder: Path, has_begun: Callable[[], bool]) -> Iterator[None]:
    """A block that writes into a folder whose lock is held; what it has written is removed if it fails to begin.

    Parameters
    ----------
    folder
        Locked by the caller.
    has_begun
        Whether there is something worth keeping, such as a whole epoch.
    """
    before = _entries(folder)
    try:
        yield
    except BaseException:
        if not has_begun():
            with contextlib.suppress(OSError):
                _remove(_entries(folder) - before)
        raise


@contextlib.contextmanager
def study_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder of a study; one that ends before any epoch of its runs leaves nothing there.

    Raises
    ------
    FolderInUse
        Another program holds it.
    Stopped
        The block was stopped before it had a result; what is kept, and how it goes on, is then said.
    """
    with RunFolder(folder).lock("study"), nothing_left_behind(folder, lambda: _has_begun(folder)):
        try:
            yield
        except Stopped:
            kept = f"what is done is kept in {folder}: the same command goes on."
            raise Stopped(kept if _has_begun(folder) else "") from None


def _has_begun(study: Path) -> bool:
    """Whether a study has a table or logs of workers, or one of its runs a whole epoch."""
    return any((study / name).exists() for name in _OF_STUDIES) or any(study.glob("runs/*/last/current"))


def _entries(folder: Path) -> set[Path]:
    return set(folder.iterdir()) if folder.is_dir() else set()


def _remove(paths: set[Path]) -> None:
    for path in paths:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

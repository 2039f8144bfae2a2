"""Locks on folders: one program at a time writes to a project, a run or a study, and who does is said.

A lock is the operating system's, on a file in the folder (``flock``; on Windows ``LockFileEx``): it ends with the
process that holds it, however that ends. The file holds a description of the holder. Where the file system has no such
locks, as some network ones, a second file that is created exclusively stands for it (``filelock.SoftFileLock``); it is
taken over if its process on this machine has died.

A held lock also guards its folder: whatever is to be written there is refused if the folder was renamed, removed or
replaced meanwhile, see :func:`require_unmoved`. So no file ends in a folder that is made anew at the old place.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from core.errors import DiskFull, FolderInUse, FolderMoved

if TYPE_CHECKING:
    from filelock import SoftFileLock

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}
_TRIES = 20  # to lock a file that its last holder is just removing
_POLL = 0.05  # seconds
_MOST_BYTES = 4096  # of the description of a holder
_held: list[FolderLock] = []


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: machine, process, program and time."""

    host: str
    process: int
    program: str
    since: str

    @classmethod
    def current(cls) -> Holder:
        """The holder that this process is."""
        name, *arguments = sys.argv or [""]
        program = "tuningfork" if Path(name).stem in {"__main__", "-c", ""} else Path(name).stem
        since = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        command = [word for word in arguments[:1] if word.isalpha()]  # and not a path
        return cls(platform.node(), os.getpid(), " ".join([program, *command])[:80], since)

    def __str__(self) -> str:
        where = "this machine" if self.host == platform.node() else self.host
        return f"“{self.program}”, process {self.process} on {where}, since {self.since}"

    @property
    def is_ours(self) -> bool:
        """Whether it is this process, or one that started it."""
        import psutil

        with contextlib.suppress(psutil.Error):
            ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
            return self.host == platform.node() and self.process in ours
        return False


class FolderLock:
    """An exclusive lock on a folder, for the writer of what is in it.

    Parameters
    ----------
    folder
        It is made if it is missing, and removed again if it is empty at the end.
    name
        Of the lock's file in it.
    in_use
        What is said before the holder if another program holds the lock, for instance "This run is written by".
    remedy
        What to do then, as a full sentence.
    keeps_file
        Whether the file stays when the lock is released.

    Attributes
    ----------
    folder
        Where the folder is, as far as is known.
    """

    def __init__(self, folder: Path, name: str, in_use: str, remedy: str, *, keeps_file: bool = False) -> None:
        self.folder = Path(os.path.abspath(folder))  # noqa: PTH100 - symbolic links stay as they were written
        self._name, self._in_use, self._remedy, self._keeps_file = name, in_use, remedy, keeps_file
        self._descriptor: int | None = None
        self._home: int | None = None
        self._identity: tuple[int, int] | None = None
        self._soft: SoftFileLock | None = None
        self._made_folder = False
        self._spellings = {str(self.folder)}

    @property
    def file(self) -> Path:
        """The lock's file."""
        return self.folder / self._name

    def acquire(self, wait: float = 0.0) -> None:
        """Take the lock.

        Parameters
        ----------
        wait
            Seconds to wait for another program to release it.

        Raises
        ------
        FolderInUse
            Another program holds it, or the folder cannot be written to.
        FolderMoved
            It lies in another locked folder, which was moved.
        DiskFull
            There is no room for the lock's file.
        """
        try:
            require_unmoved(self.folder)
            self._made_folder = not self.folder.is_dir()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = self._lock_file(wait)
            status = self.folder.stat()
            self._identity = status.st_dev, status.st_ino
            self._spellings = {str(self.folder), os.path.realpath(self.folder)}
            if hasattr(os, "O_DIRECTORY"):
                self._home = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            self.release()
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise DiskFull("The disk is full.", "Make room and try again.", str(self.folder)) from error
            raise FolderInUse(
                f"This folder cannot be written to ({error.strerror or error}).", "Copy it elsewhere.", str(self.folder)
            ) from error
        except FolderInUse:
            self.release()
            raise
        self._describe_holder()
        _held.append(self)

    def _lock_file(self, wait: float = 0.0) -> int:
        end, missed = time.monotonic() + wait, 0
        while missed < _TRIES:
            with contextlib.ExitStack() as stack:
                descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o666)
                stack.callback(os.close, descriptor)
                if self._lock(descriptor):
                    if _is_same(descriptor, self.file):
                        stack.pop_all()
                        return descriptor
                    missed += 1  # its last holder has just removed it
                elif time.monotonic() >= end:
                    break
                else:
                    time.sleep(_POLL)
        raise self._refusal()

    def _lock(self, descriptor: int) -> bool:
        from filelock import SoftFileLock, Timeout, lock_descriptor

        try:
            return lock_descriptor(descriptor, blocking=False)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        if self._soft is not None:
            return True
        soft = SoftFileLock(f"{self.file}.held", thread_local=False)
        try:
            soft.acquire(timeout=0)
        except Timeout:
            return False
        self._soft = soft
        return True

    def _describe_holder(self) -> None:
        """Write who holds the lock to its file, but not to its first byte, which Windows lets nobody read."""
        assert self._descriptor is not None
        with contextlib.suppress(OSError):  # as on a full disk
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, b"\n" + json.dumps(asdict(Holder.current())).encode())

    def _refusal(self) -> FolderInUse:
        holder = read_holder(self.file)
        who = "another program" if holder is None else str(holder)
        soft = Path(f"{self.file}.held")
        remedy = f"{self._remedy} If that program is gone, remove {soft}." if soft.exists() else self._remedy
        return FolderInUse(f"{self._in_use} {who}.", remedy, str(self.folder))

    def release(self) -> None:
        """Give the lock back; does nothing if it is not held."""
        if self in _held:
            _held.remove(self)
            if not self._keeps_file:  # while it is locked, so that nobody else's is removed
                self._remove_file()
        if self._soft is not None:
            with contextlib.suppress(OSError):
                self._soft.release()
        for descriptor in (self._descriptor, self._home):
            if descriptor is not None:
                os.close(descriptor)
        if self._made_folder and self._is_locked_folder(self.folder):
            with contextlib.suppress(OSError):  # it is not empty
                self.folder.rmdir()
        self._descriptor = self._home = self._identity = self._soft = None
        self._made_folder = False

    def _remove_file(self) -> None:
        assert self._descriptor is not None
        with contextlib.suppress(OSError):
            if self._home is not None and os.unlink in os.supports_dir_fd:  # wherever the folder is now
                if os.path.samestat(os.stat(self._name, dir_fd=self._home), os.fstat(self._descriptor)):
                    os.unlink(self._name, dir_fd=self._home)
            elif _is_same(self._descriptor, self.file):
                os.close(self._descriptor)  # Windows removes no open file
                self._descriptor = None
                self.file.unlink()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Release the lock; a file that could not be written because the folder was moved is reported as that."""
        try:
            if isinstance(error, OSError):
                require_unmoved(self.folder)
        finally:
            self.release()

    # -- the folder that is locked ---------------------------------------------------------------------------------

    def require_unmoved(self) -> None:
        """Require that the folder at this path is the one that was locked, and the lock still there.

        Raises
        ------
        FolderMoved
            It was renamed, removed or replaced.
        FolderInUse
            The lock's file was removed, and another program has locked the folder since.
        """
        if self._descriptor is None:
            return
        if not self._is_locked_folder(self.folder):
            raise FolderMoved.of(self.folder, self.place)
        if not _is_same(self._descriptor, self.file):  # somebody has removed the file
            replaced, self._descriptor = self._descriptor, self._lock_file()
            os.close(replaced)
            self._describe_holder()

    @property
    def place(self) -> Path | None:
        """Where the locked folder is now; None where that cannot be found out, or it was removed."""
        if self._is_locked_folder(self.folder):
            return self.folder
        place = _path_of(self._home) if self._home is not None else None
        return place if place is not None and self._is_locked_folder(place) else None

    def follow(self) -> Path:
        """Go on where the folder is now; returns that place.

        Raises
        ------
        FolderMoved
            It cannot be found.
        """
        place = self.place
        if place is None:
            raise FolderMoved.of(self.folder, None)
        self.folder = place
        self._spellings = {str(place), os.path.realpath(place)}
        return place

    def _is_locked_folder(self, folder: Path) -> bool:
        with contextlib.suppress(OSError):
            status = folder.stat()
            return (status.st_dev, status.st_ino) == self._identity
        return False

    def guards(self, path: str) -> bool:
        """Whether an absolute path lies in the folder, or is the folder."""
        return any(path == folder or path.startswith(folder + os.sep) for folder in self._spellings)


def require_unmoved(path: Path) -> None:
    """Require that the locked folders in which a path lies are where they were when they were locked.

    Raises
    ------
    FolderMoved
        One was renamed, removed or replaced.
    """
    if _held:
        absolute = os.path.abspath(path)  # noqa: PTH100 - symbolic links stay as they were written
        for lock in _held:
            if lock.guards(absolute):
                lock.require_unmoved()


def read_holder(file: Path) -> Holder | None:
    """Who holds the lock of a file, or held it last; None: unknown."""
    with contextlib.suppress(Exception):  # whatever is wrong with it, the file says nothing
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.lseek(descriptor, 1, os.SEEK_SET)
            values = json.loads(os.read(descriptor, _MOST_BYTES).decode())
        finally:
            os.close(descriptor)
        return Holder(str(values["host"]), int(values["process"]), str(values["program"]), str(values["since"]))
    return None


def is_held_here(folder: Path, name: str) -> bool:
    """Whether this process holds the lock of that name on a folder."""
    place = os.path.realpath(folder)
    return any(lock.file.name == name and os.path.realpath(lock.folder) == place for lock in list(_held))


def _is_same(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at a path."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), path.stat())
    return False


def _path_of(descriptor: int) -> Path | None:
    """The present path of an open folder, on Linux and macOS."""
    with contextlib.suppress(OSError, ImportError, AttributeError):
        if sys.platform.startswith("linux"):
            return Path(f"/proc/self/fd/{descriptor}").readlink()
        if sys.platform == "darwin":
            import fcntl

            found: bytes = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024))
            return Path(os.fsdecode(found.rstrip(b"\0")))
    return None

"""Watching what code opens: files outside one folder, other programs, and the network."""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

from reliability.outcomes import ROOT

_LIBRARIES = tuple({sysconfig.get_path("stdlib"), *sys.path, sys.prefix, sys.base_prefix, "/usr", "/lib"} - {""})
_SYSTEM = ("/proc", "/sys", "/dev/null", "/dev/urandom", "/dev/shm", "/etc")
_PROGRAMS = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.startfile"}
_NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"}
_OPENED = 0x20  # IN_OPEN of Linux


class Watch:
    """Refuses what lies outside ``folder`` and keeps a list of it; there is one for each process.

    Files of the program, of Python and of the system may be opened. Python reports what its own code opens; libraries
    written in C are caught by ``bait``, a file beside the folder that nothing has a reason to open.
    """

    def __init__(self, folder: Path, bait: Path) -> None:
        self.seen: list[str] = []
        self._allowed = (str(folder), str(folder.resolve()), str(ROOT), *_LIBRARIES, *_SYSTEM)
        self._is_on = False
        self._bait = _watch_file(bait)
        sys.addaudithook(self._note)

    def start(self) -> None:
        """Forget what was seen and watch from now on."""
        self.seen, self._is_on = [], True
        self._read_bait()

    def stop(self) -> list[str]:
        """Watch no longer; return what was opened that should not have been."""
        self._is_on = False
        return self.seen + ["a library opened another file"] * self._read_bait()

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._is_on:
            return
        if (event in _NETWORK and not _is_local(arguments)) or (event in _PROGRAMS and sys.executable not in arguments):
            self._refuse(f"{event} {str(arguments)[:100]}")
        elif event == "open" and isinstance(arguments[0], str | bytes):
            path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100 - as the program wrote it, links included
            if not path.startswith(self._allowed):
                self._refuse(f"open {path[:100]}")

    def _refuse(self, what: str) -> None:
        self.seen.append(what)
        raise OSError(f"watched: {what}")

    def _read_bait(self) -> bool:
        if self._bait is None:
            return False
        try:
            return bool(os.read(self._bait, 4096))
        except BlockingIOError:
            return False


def _is_local(arguments: tuple[Any, ...]) -> bool:
    """Whether a connection stays between processes of this machine, as those that Python starts itself have."""
    return isinstance(arguments[-1], str | bytes) and arguments[-1][:1] in ("/", b"/", "\0", b"\0")


def _watch_file(bait: Path) -> int | None:
    """A handle that can be read once the file has been opened; None where the system has none such."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    handle = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if handle < 0 or library.inotify_add_watch(handle, os.fsencode(bait), _OPENED) < 0:
        return None
    return handle

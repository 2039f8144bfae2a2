"""Unpacking: a package becomes a folder again, without believing what the file says of itself.

Only files of the list are written, under plain relative names, into a new folder; of each no more bytes than the list
says, and they are compared with its digest. The folder gets its name when all is there.
"""

from __future__ import annotations

import hashlib
import math
import os
import stat
import threading
import zipfile
from collections.abc import Generator, Sequence
from pathlib import Path

from core.errors import FolderInUse, Stopped
from core.events import NEVER, Progress, Work
from core.project import temporary
from core.project.files import make_folder, report_disk_problems, require_space
from core.project.packages import AGAIN, WHAT, Contents, Kind, PackedFile, read_contents
from core.reading import reading

_CHUNK = 4 << 20  # bytes
_MB = 1 << 20


def unpack(
    package: Path,
    folder: Path,
    stop: threading.Event = NEVER,
    *,
    kinds: Sequence[Kind] = ("project", "job"),
    required: str = "project.toml",
) -> Work[Contents]:
    """Unpack a package into a new folder.

    Parameters
    ----------
    package
        The file.
    folder
        It must be empty, or not exist yet.
    stop
        Checked while files are written.
    kinds
        The kinds of package that are wanted.
    required
        A file that has to be among them.

    Raises
    ------
    UnreadableFile
        It is no package, or damaged: a file is missing, longer or shorter than listed, or differs from its digest.
    FolderInUse
        Something is in the folder, or it cannot be written to.
    DiskFull
        There is too little disk space.
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    contents = read_contents(package, kinds)
    with reading(WHAT, package, AGAIN):
        if not any(each.name == required for each in contents.files):
            raise ValueError(f"“{required}” is missing")
    require_empty(folder)
    with report_disk_problems(folder):
        make_folder(folder.parent)
        require_space(folder.parent, contents.size)
        with temporary.folder_in(folder.parent) as written:
            yield from _extract(package, contents, written, stop)
            if folder.exists():
                folder.rmdir()
            written.rename(folder)
    return contents


def require_empty(folder: Path) -> None:
    """Require that a folder is empty, or does not exist yet.

    Raises
    ------
    FolderInUse
        Something is there.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderInUse("There is something in this folder already.", "Choose an empty or a new one.", str(folder))


def _extract(path: Path, contents: Contents, folder: Path, stop: threading.Event) -> Work[None]:
    done, shown = 0, max(1, math.ceil(contents.size / _MB))
    with reading(WHAT, path, AGAIN), zipfile.ZipFile(path) as package:
        entries = {entry.filename: entry for entry in package.infolist()}
        for file in contents.files:
            if file.name not in entries:
                raise ValueError(f"“{file.name}” is missing")
            for count in _write(package, entries[file.name], file, folder, stop):
                done += count
                yield Progress(min(done // _MB, shown), shown, "MB")


def _write(
    package: zipfile.ZipFile, entry: zipfile.ZipInfo, file: PackedFile, folder: Path, stop: threading.Event
) -> Generator[int, None, None]:
    """Write one file, reporting the bytes of each chunk."""
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        raise ValueError(f"“{file.name}” is no regular file")
    target, digest, size = folder / file.name, hashlib.sha256(), 0
    with report_disk_problems(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with package.open(entry) as source, target.open("xb") as written:
            while chunk := source.read(_CHUNK):
                if stop.is_set():
                    raise Stopped
                size += len(chunk)
                if size > file.size:
                    raise ValueError(f"“{file.name}” is longer than the {file.size:,} bytes that it should have")
                digest.update(chunk)
                written.write(chunk)
                yield len(chunk)
            written.flush()
            os.fsync(written.fileno())
        if (size, digest.hexdigest()) != (file.size, file.digest):
            raise ValueError(f"“{file.name}” is not what was packed")
        os.utime(target, ns=(file.modified, file.modified))  # see core.data.fingerprint

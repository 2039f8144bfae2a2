"""Packing: files become a package, see :mod:`core.project.packages`."""

from __future__ import annotations

import hashlib
import math
import os
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from core.errors import Problem, Stopped, UnreadableFile
from core.events import NEVER, Progress, Skipped, Work
from core.project.files import atomic_path, require_space
from core.project.packages import LIST, TEXT, Contents, Kind, PackedFile, PlainNames, is_plain
from core.project.project import is_project, name_of
from core.reading import reading, require_file
from core.version import PROGRAM
from core.wording import count_of

IMAGES = {".h5", ".hdf5", ".hdf"}  # of the files that stay behind without images
_LOCK = "project.lock"
_CHUNK = 4 << 20  # bytes
_MB = 1 << 20
_TEXTS = {".toml", ".json", ".jsonl", ".csv", ".txt", ".md", ".html", ".xml", ".svg"}  # only these are compressed
_FIRST_YEAR = 1980  # of zip files
_LARGE = 1 << 30  # bytes, from which on a zip file writes sizes in 64 bits
_MODE = 0o644


def pack_project(
    folder: Path, target: Path, stop: threading.Event = NEVER, *, with_images: bool = True
) -> Work[Contents]:
    """Pack a project as one file to send.

    Hidden files are left out: among them are locks, and what is just being written.

    Parameters
    ----------
    folder
        The project. Nobody else may write to it meanwhile.
    target
        The package, a zip file.
    stop
        Checked while it is written.
    with_images
        Whether the datasets are packed, too. Without them the list names them, and whoever has them puts them into
        the folder ``datasets`` again.

    Raises
    ------
    Problem
        There is no project, a file cannot be read or was changed meanwhile, or the disk is full.
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    if not is_project(folder):
        raise UnreadableFile("There is no project in this folder.", "Name a folder with a project.toml.", str(folder))
    files = yield from find_files(folder, target)
    left_out: list[PackedFile] = []
    if not with_images:
        kept: list[tuple[str, Path]] = []
        for name, path in files:
            if path.suffix.lower() in IMAGES:
                left_out.append(PackedFile(name, path.stat().st_size))
            else:
                kept.append((name, path))
        files = kept
    title = name_of(folder)
    return (yield from write(target, "project", title, files, stop, left_out=left_out))


def find_files(folder: Path, target: Path | None = None) -> Work[list[tuple[str, Path]]]:
    """All files in a folder and those below, by their names in a package; what cannot be packed is reported.

    Links to files are followed, those to folders are not. ``target`` is left out, if it lies in the folder.
    """
    found: list[tuple[str, Path]] = []
    known = PlainNames()
    here = None if target is None else target.resolve()
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]  # into which os.walk does not go
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted([*links, *names]):
            path = Path(place) / name
            inside = path.relative_to(folder).as_posix()
            if name.startswith(".") or inside == _LOCK or path.resolve() == here:
                continue
            if why := _reason_to_skip(path, inside, known):
                yield Skipped(Problem(f"This is not packed: {why}.", "", str(path)), is_failure=True)
            else:
                found.append((inside, path))
    return found


def _reason_to_skip(path: Path, inside: str, known: PlainNames) -> str:
    if not is_plain(inside):
        return "not every system would take its name; rename it"
    try:
        require_file(path)
    except OSError as error:
        return (error.strerror or "it cannot be read").lower()
    return "" if known.add(inside) else "some systems would take its name for that of another file; rename it"


def write(
    target: Path,
    kind: Kind,
    title: str,
    files: Sequence[tuple[str, Path]],
    stop: threading.Event = NEVER,
    *,
    left_out: Sequence[PackedFile] = (),
    about: Mapping[str, str] | None = None,
) -> Work[Contents]:
    """Write files as a package.

    Parameters
    ----------
    target
        The zip file.
    kind, title, left_out, about
        See :class:`~core.project.packages.Contents`.
    files
        Names in the package, and paths.
    stop
        Checked while it is written.

    Raises
    ------
    DiskFull
        There is too little disk space.
    UnreadableFile
        A file cannot be read, or was changed meanwhile.
    Stopped
        ``stop`` was set; nothing is left behind.
    """
    total = 0
    for _, path in files:
        with reading("This file", path):
            total += path.stat().st_size
    require_space(target.parent, total)
    packed: list[PackedFile] = []
    done, shown = 0, max(1, math.ceil(total / _MB))
    with atomic_path(target) as written, zipfile.ZipFile(written, "w", allowZip64=True) as package:
        package.writestr(_entry(TEXT), _introduce(kind, title))
        for name, path in files:
            digest, size = hashlib.sha256(), 0
            modified = path.stat().st_mtime_ns
            with package.open(_entry(name, path), "w", force_zip64=path.stat().st_size > _LARGE) as inside:
                for chunk in _read(path, stop):
                    digest.update(chunk)
                    inside.write(chunk)
                    size += len(chunk)
                    yield Progress(min((done + size) // _MB, shown), shown, "MB")
            done += size
            packed.append(PackedFile(name, size, digest.hexdigest(), modified))
        made = datetime.now().astimezone().isoformat(timespec="seconds")
        contents = Contents(kind, title, tuple(packed), tuple(left_out), dict(about or {}), PROGRAM, made)
        package.writestr(_entry(LIST), contents.to_json().encode(), zipfile.ZIP_DEFLATED)
    return contents


def _read(path: Path, stop: threading.Event) -> Iterator[bytes]:
    """The chunks of a file that nobody changes meanwhile."""
    with reading("This file", path, "Pack once more."), path.open("rb") as source:
        before, size = os.fstat(source.fileno()), 0
        while chunk := source.read(_CHUNK):
            if stop.is_set():
                raise Stopped
            size += len(chunk)
            yield chunk
        after = os.fstat(source.fileno())
        if (size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise ValueError("it was changed while it was packed")


def _entry(name: str, path: Path | None = None) -> zipfile.ZipInfo:
    """The head of a file in a zip file; only texts are compressed."""
    when = time.localtime(None if path is None else path.stat().st_mtime)[:6]
    entry = zipfile.ZipInfo(name, when if when[0] >= _FIRST_YEAR else (_FIRST_YEAR, 1, 1, 0, 0, 0))
    entry.external_attr = _MODE << 16
    is_text = path is not None and path.suffix.lower() in _TEXTS
    entry.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
    return entry


def _introduce(kind: Kind, title: str) -> str:
    how = {
        "project": "a project: open it with File › Open package, or with “tuningfork unpack FILE.zip -o FOLDER”.",
        "job": "a job to be done: run it with “tuningfork job run FILE.zip”, on any machine with Tuning Fork; the "
        "results are then beside it.",
        "results": "the results of a job: take them into the project with File › Open package, or with "
        "“tuningfork job collect FILE.zip PROJECT”.",
    }[kind]
    return f"“{title}”, packed by {PROGRAM}.\n\nThis is {how}\n"


def describe(contents: Contents, target: Path) -> str:
    """What was packed, in a sentence or two."""
    said = f"{count_of(len(contents.files), 'file')}, {size_of(contents.size)}, are packed in {target.name}."
    if contents.left_out:
        images = size_of(sum(each.size for each in contents.left_out))
        said += f" {count_of(len(contents.left_out), 'dataset')} ({images}) stayed behind."
    return said


def size_of(count: int) -> str:
    """A number of bytes as text.

    Examples
    --------
    >>> size_of(0), size_of(820), size_of(12_300_000), size_of(3_456_000_000)
    ('0 KB', '1 KB', '12.3 MB', '3.5 GB')
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{math.ceil(count / 1e3)} KB"


def digest_of(path: Path) -> str:
    """The SHA-256 of a small file, as the list of a package has it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

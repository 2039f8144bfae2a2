"""Finding the files that hold galaxies.

:func:`discover` walks the chosen files and folders once and lists the galaxies in the natural order of their paths.
Only the paths are kept, so that 300,000 files need tens of megabytes.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from core.data import bands, cube_planes, read_errors
from core.data.auxiliary import find_auxiliary
from core.data.parts import folder_part
from core.data.settings import ImportSettings
from core.data.walk import Entry, walk
from core.errors import Problem, Stopped, UnreadableFile
from core.events import NEVER, Progress, Work

_USUAL = ".fits"  # most files of a million are told by it, in a quarter of the time
_FITS = re.compile(r"\.(fits?|fts|fz)(\.(gz|bz2|fz))?$", re.IGNORECASE)
_PICTURE = re.compile(r"\.(jpe?g|png)$", re.IGNORECASE)
_CONTAINER = re.compile(r"\.(h5|hdf5?|npz)$", re.IGNORECASE)
_TABLE = re.compile(r"\.(csv|tsv|ecsv|xml|vot|votable|parquet|pq)(\.gz)?$", re.IGNORECASE)
_CATALOGUE = re.compile(r"(catalog(ue)?|labels?)\.fits?$", re.IGNORECASE)
_REPORT_EVERY = 1000  # files

SourceKind = Literal["fits", "picture", "bands", "container"]


class Source(NamedTuple):  # made in half the time of a dataclass, and there may be a million
    """One galaxy, or one file with many: ``path`` (and ``others`` for further bands), below a chosen folder.

    ``below`` is the length of the chosen folder's name, so that ``relative`` is the path inside it. ``rows`` are the
    first galaxy and the one after the last that are meant of a file of many in an array; None: all.
    """

    path: str
    below: int
    kind: SourceKind
    name: str = ""
    others: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    rows: tuple[int, int] | None = None

    @property
    def relative(self) -> str:
        """Path below the chosen folder, with forward slashes."""
        return self.path[self.below :].replace(os.sep, "/")

    @property
    def stem(self) -> str:
        """The galaxy's name: that of the file without its extension, or without the band."""
        return self.name or stem_of(self.path)


@dataclass
class Found:
    """The galaxies in the chosen files and folders. ``problems`` lists files that cannot be used."""

    sources: list[Source] = field(default_factory=list[Source])
    problems: list[Problem] = field(default_factory=list[Problem])
    tables: list[str] = field(default_factory=list[str])
    others: Counter[str] = field(default_factory=Counter[str])
    pattern: str = ""
    auxiliary: dict[str, str] = field(default_factory=dict[str, str])  # files beside images, with what they are
    links: dict[str, str] = field(default_factory=dict[str, str])  # that lead out of the folders, with where

    @cached_property
    def folders(self) -> dict[str, str]:
        """Class names by folder path: the name of each folder that holds galaxies.

        Files beside the class folders have no class; the folder that holds them is left out.
        """
        inside: dict[str, set[bool]] = {}
        for source in self.sources:
            inside.setdefault(source.path[: source.below], set()).add("/" in source.relative)
        loose = {root.rstrip(os.sep) for root, deep in inside.items() if deep == {True, False}}
        folders = {_folder(source): source.path[: source.below] for source in self.sources}
        return {folder: self._class_name(folder, root) for folder, root in folders.items() if folder not in loose}

    def _class_name(self, folder: str, root: str) -> str:
        """The name of a folder; of the one above it where it is that of a part."""
        if not self.gives_parts:
            return Path(folder).name
        inside = [Path(root).name, *Path(folder[len(root) :]).parts]
        return next((name for name in reversed(inside[1:]) if not folder_part([name])), "")

    @cached_property
    def _parts(self) -> dict[str, str]:
        """The part by folder path that the names of folders give, the chosen folder's own included."""
        roots = {_parent(source.path): source.path[: source.below] for source in self.sources}
        return {
            folder: folder_part([Path(root).name, *Path(folder[len(root) :]).parts]) for folder, root in roots.items()
        }

    @cached_property
    def gives_parts(self) -> bool:
        """Whether folders are named after the training part and another one."""
        found = set(self._parts.values()) - {""}
        return "train" in found and len(found) > 1

    def part(self, source: Source) -> str:
        """The galaxy's part by the names of its folders; empty if they give none."""
        return self._parts[_parent(source.path)]

    def folder_class(self, source: Source) -> str:
        """The galaxy's class by the name of its folder; empty if there is none."""
        return self.folders.get(_folder(source), "")


def _folder(source: Source) -> str:
    # With {band}/*.fits the nearest folder is the band, and the one above it the class.
    folder = _parent(source.path)
    return _parent(folder) if source.others and _parent(source.others[0]) != folder else folder


def _parent(path: str) -> str:
    return path.rpartition(os.sep)[0]


def discover(
    sources: Sequence[Path], settings: ImportSettings, stop: threading.Event = NEVER, exclude: Collection[Path] = ()
) -> Work[Found]:
    """List the galaxies in files and folders, yielding :class:`~core.events.Progress` without a total.

    Parameters
    ----------
    sources
        Files and folders (searched recursively).
    settings
        ``bands`` decides which files belong together.
    stop
        Checked for every file.
    exclude
        Files that are not cutouts: the catalogue, the dataset to be written.

    Raises
    ------
    UnreadableFile
        A source does not exist.
    SettingsProblem
        The band pattern is not understood.
    Stopped
        ``stop`` was set.
    """
    pattern = bands.parse(settings.bands)
    found = Found()
    excluded = {str(path.resolve()) for path in exclude}
    files: dict[str, int] = {}
    for source in sources:
        try:
            is_folder = _require_source(source)
        except UnreadableFile as problem:
            if len(sources) == 1 or not os.path.lexists(source):  # the only one, or a name that was mistyped
                raise
            found.problems.append(problem)
            continue
        root = os.path.realpath(source)
        below = len(root.rstrip(os.sep) if is_folder else _parent(root)) + 1
        for entry in walk(root, found.problems) if is_folder else (Entry(root, "file"),):
            if stop.is_set():
                raise Stopped
            path = entry.path
            if entry.kind == "folder":
                found.links[path] = entry.leads_to
            elif path not in excluded and path not in files and _is_image(path, found):
                files[path] = below
                if entry.leads_to:
                    found.links[path] = entry.leads_to
                if len(files) % _REPORT_EVERY == 0:
                    yield Progress(len(files), None, "files")
    if pattern is None and not settings.bands:
        found.pattern = bands.suggest([path[below:].replace(os.sep, "/") for path, below in files.items()])
        if not found.pattern and settings.hdu == cube_planes.PLANES:
            found.pattern = cube_planes.suggest_pattern([path[below:] for path, below in files.items()])
        pattern = bands.parse(found.pattern)
    if pattern is not None:
        yield from _group(files, pattern, found, stop)
    else:
        found.auxiliary = find_auxiliary(files)
        found.sources = [
            Source(path, below, _kind(path)) for path, below in files.items() if path not in found.auxiliary
        ]
    yield Progress(len(found.sources), len(found.sources), "files")
    return found


def _require_source(source: Path) -> bool:
    """Require a file or a folder; whether it is a folder."""
    try:
        mode = source.stat().st_mode
    except FileNotFoundError:
        raise UnreadableFile("There is no such file or folder.", "Check the name.", str(source)) from None
    except (OSError, ValueError) as error:
        raise read_errors.explain_error(str(source), error) from error
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise UnreadableFile("This is a device or a pipe and no file.", "Leave it out.", str(source))
    return stat.S_ISDIR(mode)


def _is_image(path: str, found: Found) -> bool:
    """Whether a file may hold cutouts; tables and other files are recorded in ``found``."""
    name = path.rpartition(os.sep)[2]
    if name.endswith(_USUAL) and name[:1] not in "cClL":  # no catalogue.fits and no labels.fits
        return True
    if _TABLE.search(path) or _CATALOGUE.match(name):
        found.tables.append(path)
        return False
    if _FITS.search(path) or _PICTURE.search(path) or _CONTAINER.search(path):
        return True
    found.others[Path(path).suffix.lower() or "without an ending"] += 1
    return False


def is_picture(path: str) -> bool:
    """Whether a file is a JPEG or PNG by its extension."""
    return _PICTURE.search(path) is not None


def _kind(path: str) -> SourceKind:
    if path.endswith(_USUAL) or _FITS.search(path):
        return "fits"
    return "picture" if is_picture(path) else "container"


def _group(files: dict[str, int], pattern: bands.BandPattern, found: Found, stop: threading.Event) -> Work[None]:
    galaxies: dict[tuple[int, str, str], dict[str, str]] = {}
    for path, below in files.items():
        if stop.is_set():
            raise Stopped
        relative = path[below:].replace(os.sep, "/")
        known = bands.auxiliary_kind(relative)
        matched = None if known and not pattern.bands else pattern.match(relative)
        if matched is None:
            looks = f"; it looks like {known}" if known else ""
            sentence = f"The name fits no band of the pattern “{pattern.text}”{looks}."
            found.problems.append(UnreadableFile(sentence, "Leave it out, or change the pattern.", relative))
            continue
        galaxy, band = matched
        there = galaxies.setdefault((below, path[:below], galaxy), {})
        if band in there:
            sentence = f"The band {band} of this galaxy is there twice; {Path(there[band]).name} is used."
            found.problems.append(UnreadableFile(sentence, "Leave one of them out.", relative))
        else:
            there[band] = path
        if len(galaxies) % _REPORT_EVERY == 0:
            yield Progress(len(galaxies), None, "galaxies")
    names = pattern.bands or bands.sort_bands({band for there in galaxies.values() for band in there})
    for (below, _, galaxy), there in galaxies.items():
        missing = [band for band in names if band not in there]
        if missing:
            sentence = f"The galaxy “{galaxy}” has no file for band {', '.join(missing)}."
            found.problems.append(
                UnreadableFile(sentence, "Add it, or leave out the band.", next(iter(there.values()))[below:])
            )
            continue
        paths = [there[band] for band in names]
        found.sources.append(Source(paths[0], below, "bands", galaxy.rsplit("/", 1)[-1], tuple(paths[1:]), names))


def stem_of(path: str) -> str:
    """A file's name without folder and extension, such as ``.fits``, ``.fits.gz`` or ``.jpg``."""
    name = path.rpartition("/")[2]
    name = name.rpartition("\\")[2] if "\\" in name else name
    if name.endswith(_USUAL):
        return name[: -len(_USUAL)]
    shorter = bands.IMAGE_ENDING.sub("", name)
    return shorter if shorter != name else Path(name).stem


def require_galaxies(found: Found) -> None:
    """Raise :class:`UnreadableFile` if no galaxy was found at all."""
    if not found.sources:
        first = f" The first of {len(found.problems)} problems: {found.problems[0]}" if found.problems else ""
        raise UnreadableFile(
            f"There are no FITS, JPEG, PNG, HDF5 or .npz cutouts here.{first}", "Choose another folder or other files."
        )

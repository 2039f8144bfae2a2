"""Packages: a project, a job or its results as one file to send, with a list of what is in it.

A package is a zip file that any program can look into. Its first entry is a text for people; the last one is the list
of the files with their sizes and SHA-256 digests.
"""

from __future__ import annotations

import json
import re
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from core.errors import Problem, WrongVersion
from core.reading import reading, require_file
from core.version import PROGRAM

Kind: TypeAlias = Literal["project", "job", "results"]

FORMAT = 2
"""That of packages with a study, which older programs would take for a training; the others are written as before."""
SUFFIX = ".tuningfork.zip"
"""What the name of a packed project should end with: a desktop knows by it which program opens the file."""
TEXT, LIST = "Tuning Fork package.txt", "Tuning Fork package.json"
WHAT, AGAIN = "The package", "Ask for it once more: it may have been damaged on its way."
_MOST_FILES = 100_000
_MOST_BYTES = 64 << 20  # of the list
_MOST_LETTERS = 1000  # of a name
_MOST_OF_A_PART = 255  # bytes
_ODD = re.compile(r'[<>:"\\|?*\x00-\x1f\x7f]|[. ]$|^[. ]')  # what some system would not take, or take for another
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names of devices of Windows
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAMES: Mapping[Kind, str] = {"project": "a project", "job": "a job for another machine", "results": "results of a job"}


@dataclass(frozen=True)
class PackedFile:
    """A file: its name with slashes, its bytes, their SHA-256, and the time of the last change [ns since 1970]."""

    name: str
    size: int
    digest: str = ""
    modified: int = 0


@dataclass(frozen=True)
class Contents:
    """The list of a package.

    Attributes
    ----------
    kind
        A project, a job for another machine, or the results of one.
    title
        What it is called.
    files
        In it.
    left_out
        Datasets of the project that are not in it.
    about
        What its kind needs to know besides.
    program, made
        Which version has written it, and when.
    """

    kind: Kind
    title: str
    files: tuple[PackedFile, ...]
    left_out: tuple[PackedFile, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict[str, str])
    program: str = PROGRAM
    made: str = ""

    @property
    def study(self) -> str:
        """The kind of study that a job does, or whose results these are; empty: of a training."""
        return self.about.get("study", "")

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    def to_json(self) -> str:
        """As the text of the list."""

        def rows(files: Sequence[PackedFile]) -> list[dict[str, Any]]:
            return [
                {"name": each.name, "size": each.size, "sha256": each.digest, "modified": each.modified}
                for each in files
            ]

        values = {
            "format": FORMAT if self.study else 1,
            "kind": self.kind,
            "title": self.title,
            "program": self.program,
            "made": self.made,
        }
        values |= {"about": dict(self.about), "files": rows(self.files), "left_out": rows(self.left_out)}
        return json.dumps(values, indent=1, ensure_ascii=False)


def folder_name(path: Path) -> str:
    """The name of the folder that a package is unpacked to, unless another is chosen."""
    return path.name.removesuffix(SUFFIX) if path.name.endswith(SUFFIX) else path.stem


def is_package(path: Path) -> bool:
    """Whether a file is a package, by its first bytes."""
    try:
        require_file(path)
        with path.open("rb") as file:
            head = file.read(30 + len(TEXT))
    except OSError:
        return False
    return head.startswith(b"PK\x03\x04") and head[30:] == TEXT.encode()


def read_contents(path: Path, kinds: Sequence[Kind] = get_args(Kind)) -> Contents:
    """Read the list of a package.

    Parameters
    ----------
    path
        The package.
    kinds
        Those that are wanted.

    Raises
    ------
    UnreadableFile
        It is damaged, or no package; or its list names files as no package of ours does.
    WrongVersion
        A newer program wrote it.
    Problem
        It is of another kind.
    """
    with reading(WHAT, path, AGAIN):
        require_file(path)
        if not is_package(path):
            raise ValueError("it is none of Tuning Fork's")
        with zipfile.ZipFile(path) as package, package.open(LIST) as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise ValueError("its list is too long")
        values = json.loads(text)
        if isinstance(values["format"], int) and values["format"] > FORMAT:
            raise WrongVersion("A newer Tuning Fork wrote this package.", "Update the program.", str(path))
        contents = _parse(values)
    if contents.kind not in kinds:
        wanted = " or ".join(_NAMES[kind] for kind in kinds)
        raise Problem(f"This package holds {_NAMES[contents.kind]}, not {wanted}.", _way_to_use(contents), str(path))
    return contents


def _way_to_use(contents: Contents) -> str:
    return {
        "project": "Unpack it: “tuningfork unpack”, or File › Open package.",
        "job": "Run it: “tuningfork job run”.",
        "results": "Take it into its project: “tuningfork job collect”, or File › Open package.",
    }[contents.kind]


def _parse(values: dict[str, Any]) -> Contents:
    if values["kind"] not in get_args(Kind):
        raise ValueError(f"“{values['kind']}” is no kind of package")
    files = tuple(map(_parse_file, _require(values["files"], list)))
    left_out = tuple(map(_parse_file, _require(values["left_out"], list)))
    if len(files) > _MOST_FILES:
        raise ValueError(f"it lists {len(files):,} files")
    names = PlainNames()
    for each in files:
        if not names.add(each.name):
            raise ValueError(f"“{each.name}” is listed twice, or as a file and a folder")
        if _DIGEST.fullmatch(each.digest) is None:
            raise ValueError(f"“{each.name}” has no digest")
    about = {str(name): str(value) for name, value in _require(values["about"], dict).items()}
    return Contents(
        values["kind"], str(values["title"]), files, left_out, about, str(values["program"]), str(values["made"])
    )


def _parse_file(values: Any) -> PackedFile:
    name, size = _require(values["name"], str), _require(values["size"], int)
    modified, digest = _require(values["modified"], int), _require(values["sha256"], str)
    if not is_plain(name):
        raise ValueError(f"it lists a file with the name “{name}”")
    if size < 0 or not 0 <= modified < 1 << 63:
        raise ValueError(f"the size or time of “{name}” is none")
    return PackedFile(name, size, digest, modified)


def _require(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError("its list is damaged")  # noqa: TRY004 - as any other damage
    return value


def is_plain(name: str) -> bool:
    """Whether a name, with slashes, is that of a file in a folder on every system, and neither hidden nor outside."""
    try:
        fits = 0 < len(name) <= _MOST_LETTERS and all(len(part.encode()) <= _MOST_OF_A_PART for part in name.split("/"))
    except UnicodeEncodeError:
        return False
    return fits and all(part and not _ODD.search(part) and not _RESERVED.fullmatch(part) for part in name.split("/"))


class PlainNames:
    """Names of files that every system keeps apart, in small and capital letters and however accents are written."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add(self, name: str) -> bool:
        """Add a name; returns whether no other one is the same, or is a folder where this is a file."""
        parts = unicodedata.normalize("NFC", name).casefold().split("/")
        above = {"/".join(parts[:count]) for count in range(1, len(parts))}
        whole = "/".join(parts)
        if whole in self._files or whole in self._folders or above & self._files:
            return False
        self._files.add(whole)
        self._folders |= above
        return True

"""A simulated dataset that is not finished: its folder beside the file to be, and how far it is.

The folder ``DATA.h5.unfinished`` holds the file that grows (``images.part``, see :mod:`core.data.allocated`), the true
values of the galaxies as plain records (``truth.bin``), the settings, and a journal. For every block of stamps, in
their order, the journal has the digest of all stamps and all true values up to its end. Who resumes reads what is
there and compares: so nothing has to be flushed to the disk block by block, and whatever a kill, a power cut or a bad
disk has done to a block, it is simulated again.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from core.data import fingerprint
from core.project import temporary
from core.project.files import write_atomically
from core.project.locks import FolderLock

_FORMAT = 1
_BLOCK_BYTES = 4 << 20  # of images
_MOST_STAMPS = 256  # in a block
_SUFFIX = ".unfinished"
_LOCK, _JOURNAL, _SETTINGS = "simulate.lock", "journal.jsonl", "settings.toml"

Column = tuple[str, str, str]
"""Name, numpy type and unit of a column of true values."""


@dataclass(frozen=True)
class Blocks:
    """How a dataset is divided into blocks: by the size of its stamps only, and so always in the same way.

    ``shape`` is (N, C, H, W).
    """

    shape: tuple[int, int, int, int]

    @property
    def stamp_bytes(self) -> int:
        """Of one galaxy's images."""
        return 4 * int(np.prod(self.shape[1:]))

    @property
    def length(self) -> int:
        """Stamps in a block; the last one of a dataset may be cut."""
        return max(1, min(_MOST_STAMPS, _BLOCK_BYTES // self.stamp_bytes))

    @property
    def count(self) -> int:
        """How many there are."""
        return -(-self.shape[0] // self.length)

    def rows(self, block: int) -> range:
        """The galaxies of a block."""
        return range(block * self.length, min((block + 1) * self.length, self.shape[0]))


def folder_of(output: Path) -> Path:
    """Where the unfinished parts of a dataset lie."""
    return output.with_name(output.name + _SUFFIX)


class UnfinishedFolder:
    """The folder of an unfinished dataset while a program works in it; a context manager.

    Parameters
    ----------
    output
        The dataset to be.

    Raises
    ------
    FolderInUse
        Another program is simulating it.
    """

    def __init__(self, output: Path) -> None:
        self.folder = folder_of(output)
        self.images, self.truth = self.folder / "images.part", self.folder / "truth.bin"
        self.settings, self.log = self.folder / _SETTINGS, self.folder / "workers.log"
        self.journal = Journal(self.folder / _JOURNAL)
        self._lock = FolderLock(
            self.folder, _LOCK, "This dataset is being simulated by", "Wait for it, or choose another name."
        )
        self._is_over = False

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_over:
            self._empty()
        self._lock.release()
        if self._is_over:
            with contextlib.suppress(OSError):
                self.folder.rmdir()

    def require_unmoved(self) -> None:
        """Raise :class:`FolderMoved` if the folder is no longer there."""
        self._lock.require_unmoved()

    def begin(self, recipe: str, blocks: Blocks, settings: str) -> None:
        """Remove what is there of an earlier attempt, and write with which settings this one is simulated."""
        self._empty()
        write_atomically(self.settings, settings)
        self.truth.touch()
        self.journal.begin(recipe, blocks)

    def discard(self) -> None:
        """Remove the folder when the block ends."""
        self._is_over = True

    def _empty(self) -> None:
        temporary.sweep(self.folder)
        for path in (self.journal.path, self.images, self.truth, self.settings, self.log):
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Found:
    """What a journal says: of which recipe and shape, which true values there are, and the digests after each block."""

    recipe: str
    blocks: Blocks
    columns: tuple[Column, ...]
    digests: tuple[tuple[str, str], ...]

    @property
    def galaxies(self) -> int:
        """How many are there, if nothing has been damaged."""
        return min(len(self.digests) * self.blocks.length, self.blocks.shape[0])


class Journal:
    """The journal of an unfinished dataset, one JSON object a line; the last may have been cut by a kill."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def read(self) -> Found | None:
        """What it says up to the first line that makes no sense; None: nothing."""
        columns, digests = tuple[Column, ...](), list[tuple[str, str]]()
        recipe, blocks = "", None
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            for line in self.path.read_text(encoding="utf-8").splitlines():
                said = json.loads(line)
                if not recipe:
                    if said["format"] != _FORMAT:
                        return None
                    count, planes, height, width = said["shape"]
                    recipe, blocks = str(said["recipe"]), Blocks((count, planes, height, width))
                elif "columns" in said:
                    columns = tuple((str(name), str(kind), str(unit)) for name, kind, unit in said["columns"])
                elif said["block"] == len(digests):
                    digests.append((str(said["images"]), str(said["truth"])))
        return None if blocks is None else Found(recipe, blocks, columns, tuple(digests))

    def begin(self, recipe: str, blocks: Blocks) -> None:
        """Begin a new one."""
        write_atomically(self.path, json.dumps({"format": _FORMAT, "recipe": recipe, "shape": blocks.shape}) + "\n")

    def cut(self, found: Found, count: int) -> None:
        """Keep only the first blocks of what was found."""
        self.begin(found.recipe, found.blocks)
        with self.opened():
            self.add_columns(found.columns)
            for block, digests in enumerate(found.digests[:count]):
                self.add_block(block, *digests)

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Open it for adding lines within the block."""
        with self.path.open("a", encoding="utf-8", buffering=1) as self._file:
            yield
        self._file = None

    def add_columns(self, columns: tuple[Column, ...]) -> None:
        """Say which true values there are."""
        self._add({"columns": columns})

    def add_block(self, block: int, images: str, truth: str) -> None:
        """Say that all is there up to the end of a block, with the digests so far."""
        self._add({"block": block, "images": images, "truth": truth})

    def _add(self, line: dict[str, Any]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(line) + "\n")


class Prefix:
    """The stamps from the first on that are in the file, with their digests.

    Parameters
    ----------
    blocks
        How the dataset is divided.
    images, truth
        The files, opened for reading.
    offset
        Where the images begin.

    Attributes
    ----------
    done
        Number of blocks.
    record
        Bytes of the true values of a galaxy, once they are known.
    """

    def __init__(self, blocks: Blocks, images: IO[bytes], offset: int, truth: IO[bytes]) -> None:
        self._blocks, self._images, self._offset, self._truth, self.record = blocks, images, offset, truth, 0
        self._digests = fingerprint.new_digest(), fingerprint.new_digest()
        self._buffer = bytearray(blocks.length * blocks.stamp_bytes)
        self.done = 0

    @property
    def galaxies(self) -> int:
        """How many there are."""
        return min(self.done * self._blocks.length, self._blocks.shape[0])

    @property
    def digests(self) -> tuple[str, str]:
        """Of all images and of all true values so far."""
        return self._digests[0].hexdigest(), self._digests[1].hexdigest()

    def take(self, is_right: Callable[[tuple[str, str]], bool] = lambda _: True) -> bool:
        """Add the next block if it is wholly there and its digests are right."""
        rows = self._blocks.rows(self.done)
        images = memoryview(self._buffer)[: len(rows) * self._blocks.stamp_bytes]
        self._images.seek(self._offset + rows.start * self._blocks.stamp_bytes)
        self._truth.seek(rows.start * self.record)
        whole = self._images.readinto(images) == len(images)  # type: ignore[attr-defined]
        truth = self._truth.read(len(rows) * self.record)
        if not whole or len(truth) != len(rows) * self.record:
            return False
        before = self._digests
        self._digests = before[0].copy(), before[1].copy()
        self._digests[0].update(images)
        self._digests[1].update(truth)
        if not is_right(self.digests):
            self._digests = before
            return False
        self.done += 1
        return True


def record_type(columns: tuple[Column, ...]) -> np.dtype[Any]:
    """The numpy type of a galaxy's true values."""
    return np.dtype([(name, kind) for name, kind, _ in columns])


def read_truth(path: Path, columns: tuple[Column, ...]) -> NDArray[Any]:
    """The true values of all galaxies as records (N,)."""
    return np.fromfile(path, dtype=record_type(columns))


def find_unfinished(output: Path) -> Found | None:
    """What there is of a dataset whose simulation was interrupted; None: nothing.

    Its settings are in the file :func:`settings_of`.
    """
    return Journal(folder_of(output) / _JOURNAL).read()


def list_unfinished(folder: Path) -> list[tuple[Path, Found]]:
    """The unfinished datasets of a folder: the file that each is to be, and what there is of it."""
    outputs = [path.with_name(path.name.removesuffix(_SUFFIX)) for path in sorted(folder.glob(f"*{_SUFFIX}"))]
    return [(output, found) for output in outputs if (found := find_unfinished(output)) is not None]


def settings_of(output: Path) -> Path:
    """The file with the settings that an unfinished dataset is simulated with."""
    return folder_of(output) / _SETTINGS


def remove_unfinished(output: Path) -> None:
    """Remove what there is of a dataset whose simulation was interrupted.

    Raises
    ------
    FolderInUse
        A program is simulating it.
    """
    with UnfinishedFolder(output) as folder:
        folder.discard()

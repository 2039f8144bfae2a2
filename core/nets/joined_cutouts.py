"""Several datasets as one, with the stamps of the first, then those of the second, and so on."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import fingerprint
from core.data.cutouts import Cutouts
from core.data.images import StoredImages
from core.errors import NotPossible
from core.events import NEVER, Work
from core.nets.mapped_cutouts import ChangedCutouts, ChangedImages


class JoinedImages(ChangedImages):
    """The stamps of several datasets, one after the other; indexed as those of one are."""

    def __init__(self, parts: Sequence[StoredImages]) -> None:
        super().__init__(parts[0])
        self._parts = tuple(parts)
        self._starts = np.cumsum([0, *map(len, parts)])

    def close(self) -> None:
        """Close the images of all datasets."""
        for part in self._parts:
            part.close()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        return (len(self), *self._parts[0].shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The stored type: uint8 where all are pictures."""
        return np.result_type(*(part.dtype for part in self._parts))

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, which: int | np.integer[Any] | slice | NDArray[Any]) -> NDArray[np.float32]:
        if isinstance(which, int | np.integer):
            return self[np.array([which])][0]
        rows = np.arange(len(self))[which] if isinstance(which, slice) else np.asarray(which, dtype=np.int64)
        rows = np.where(rows < 0, rows + len(self), rows)
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise IndexError(f"images {rows.min()} to {rows.max()} of {len(self)}")
        out = np.empty((len(rows), *self.shape[1:]), dtype=np.float32)
        owners = np.searchsorted(self._starts, rows, side="right") - 1
        for number, part in enumerate(self._parts):
            mine = np.flatnonzero(owners == number)
            if len(mine):
                out[mine] = part[rows[mine] - self._starts[number]]
        return out


class JoinedCutouts(ChangedCutouts):
    """Several open datasets as one. They stay open and are closed with it.

    Parameters
    ----------
    parts
        The datasets. Their stamps have the same size and bands.

    Raises
    ------
    NotPossible
        Their sizes or bands differ.
    """

    def __init__(self, parts: Sequence[Cutouts]) -> None:
        super().__init__(parts[0])
        self._parts = tuple(parts)
        for part in self._parts[1:]:
            _require_alike(self._parts[0], part)
        self.images = JoinedImages([part.images for part in parts])
        self.pixel_scale = np.concatenate([part.pixel_scale for part in parts])
        self.missing = np.concatenate([part.missing for part in parts])
        self.labels = ()
        self.split_column = ""

    @cached_property
    def ids(self) -> list[str]:
        """The galaxies' ids, as text."""
        return [name for part in self._parts for name in part.ids]

    @cached_property
    def columns(self) -> dict[str, NDArray[Any]]:
        """Their ids alone: the catalogues have other columns each."""
        return {"id": np.array(self.ids)}

    @cached_property
    def checksum(self) -> str:
        """A fingerprint of all of them, in their order."""
        digest = hashlib.blake2b("\n".join(part.checksum for part in self._parts).encode(), digest_size=16)
        return fingerprint.PREFIX + digest.hexdigest()

    def read_checksum(self, stop: threading.Event = NEVER) -> Work[str]:
        """The fingerprint, with its progress."""
        for part in self._parts:
            yield from part.read_checksum(stop)
        return self.checksum

    def require_unchanged(self) -> None:
        """Require that none of the files was changed since it was opened."""
        for part in self._parts:
            part.require_unchanged()

    def reopen(self) -> Cutouts:
        """Open the files again, for another thread."""
        return JoinedCutouts([part.reopen() for part in self._parts])

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            part.close()


def _require_alike(first: Cutouts, other: Cutouts) -> None:
    sizes = [f"{each.shape[3]} × {each.shape[2]} pixels" for each in (first, other)]
    if sizes[0] != sizes[1]:
        raise NotPossible(
            f"“{other.path.name}” has stamps of {sizes[1]}, and “{first.path.name}” of {sizes[0]}.",
            "Import both at the same size.",
            str(other.path),
        )
    names = [", ".join(band.name for band in each.bands) for each in (first, other)]
    if names[0] != names[1]:
        raise NotPossible(
            f"“{other.path.name}” has the bands {names[1]}, and “{first.path.name}” has {names[0]}.",
            "Use one grey band (self_supervised.average_bands), or import both with the same bands.",
            str(other.path),
        )

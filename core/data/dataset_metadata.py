"""What a dataset file says of itself, with every attribute and every length checked when it is opened."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any, TypeVar

import h5py
import numpy as np
from astropy.table import Table
from numpy.typing import NDArray
from pydantic import TypeAdapter

from core.data import store, stored_catalogue
from core.data.recipe import StampRecipe
from core.data.store import Band, Origin
from core.events import NEVER, Work
from core.reading import describe

T = TypeVar("T")
_BANDS = TypeAdapter(tuple[Band, ...])
_LABELS = TypeAdapter(tuple[str, ...])
_ORIGIN = TypeAdapter(Origin)


@dataclass(frozen=True, eq=False)
class DatasetMetadata:
    """All of a dataset but its images; the attributes are those of :class:`~core.data.cutouts.Cutouts`."""

    catalogue: Table
    bands: tuple[Band, ...]
    labels: tuple[str, ...]
    split_column: str
    origin: Origin
    pixel_scale: NDArray[np.float64]
    missing: NDArray[np.float32]
    recipe: StampRecipe | None


def read(file: h5py.File, stop: threading.Event = NEVER) -> Work[DatasetMetadata]:
    """Read the metadata of an open dataset.

    Raises
    ------
    ValueError, KeyError, TypeError, OSError
        Something is missing, of another kind or of another length than it should be; the text says what.
    Stopped
        ``stop`` was set.
    """
    images = store.member(file, "images")
    if images.ndim != 4 or not (images.dtype.kind == "f" or images.dtype == np.uint8) or 0 in images.shape[1:]:
        raise ValueError(f"“images” are {images.dtype} numbers of shape {images.shape}")
    count, bands = images.shape[0], _parse(file, "bands", _BANDS)
    if len(bands) != images.shape[1]:
        raise ValueError(f"{len(bands)} bands are named, and the images have {images.shape[1]}")
    for name in ("pixel_scale", "missing", "wcs"):
        _require_length(store.member(file, name), name, count)
    catalogue = yield from stored_catalogue.read_catalogue(file, count, stop)
    labels, split_column = _parse(file, "labels", _LABELS), _text(file, "split_column", "")
    for name in (*labels, *filter(None, [split_column])):
        if name not in catalogue.colnames:
            raise ValueError(f"the catalogue has no column “{name}”")
    origin = _parse(file, "origin", _ORIGIN)
    return DatasetMetadata(
        catalogue=catalogue,
        bands=bands,
        labels=labels,
        split_column=split_column,
        origin=origin,
        pixel_scale=_numbers(file, "pixel_scale", np.float64),
        missing=_numbers(file, "missing", np.float32),
        recipe=_read_recipe(file, origin, images, bands),
    )


def _require_length(column: h5py.Dataset, name: str, count: int) -> None:
    if column.shape != (count,):
        raise ValueError(f"“{name}” has the shape {column.shape}, and there are {count} images")


def _text(file: h5py.File, name: str, otherwise: str | None = None) -> str:
    value = file.attrs.get(name, otherwise)
    if isinstance(value, bytes):
        value = value.decode()
    if not isinstance(value, str):
        raise TypeError(f"the attribute “{name}” is {'missing' if value is None else 'no text'}")
    if any("\ud800" <= letter <= "\udfff" for letter in value):  # h5py's mark of a byte that is no text
        raise ValueError(f"the attribute “{name}” is not UTF-8 text")
    return value


def _parse(file: h5py.File, name: str, kind: TypeAdapter[T]) -> T:
    """Read an attribute that holds JSON."""
    text = _text(file, name)
    try:
        return kind.validate_json(text, strict=True)
    except ValueError as error:
        raise ValueError(f"the attribute “{name}” is damaged: {describe(error)}") from None


def _numbers(file: h5py.File, name: str, dtype: type[Any]) -> NDArray[Any]:
    column = store.member(file, name)
    if column.dtype.kind != "f":
        raise ValueError(f"“{name}” holds no numbers")
    values = column[:].astype(dtype, copy=False)
    values.flags.writeable = False  # all that have the dataset open share it
    return values


def _read_recipe(file: h5py.File, origin: Origin, images: h5py.Dataset, bands: tuple[Band, ...]) -> StampRecipe | None:
    if "stamps" in file.attrs:
        return StampRecipe.from_dict(json.loads(_text(file, "stamps")))
    names = tuple(band.name for band in bands)
    is_picture = images.dtype == np.uint8
    return StampRecipe.of_earlier_import(origin.settings, images.shape[-1], names, bands[0].unit, is_picture=is_picture)

"""Reading HDF5 files without leaving them, and without trusting the sizes that they tell of.

A dataset of HDF5 may be a link to another file, may be put together from other files, or may have its values in any
file of the disk. None of these is followed. Files are opened by :func:`core.data.trial.open_file`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
from numpy.typing import NDArray

from core.data.limits import MOST_COLUMN, lack_of, require_moderate_size
from core.errors import UnreadableFile

_REMEDY = "Write the file anew with the values in it."


def member(group: h5py.Group, name: str) -> h5py.Dataset:
    """A dataset inside a file or group, if its values are in this file; those of images are not looked for.

    Raises
    ------
    ValueError
        There is none.
    UnreadableFile
        A link leads there, or its values are elsewhere, or are not there.
    """
    place: Any = group
    for part in name.split("/"):
        if not isinstance(place, h5py.Group) or (link := place.get(part, getlink=True)) is None:
            raise ValueError(f"“{name}” is no array")
        if reason := describe_link(link):
            raise UnreadableFile(f"“{name}” is {reason}, which is not followed.", _REMEDY, str(group.file.filename))
        place = place[part]
    if not isinstance(place, h5py.Dataset):
        raise ValueError(f"“{name}” is no array")  # noqa: TRY004 - as any other damage
    if reason := _reason_elsewhere(place) if place.ndim > 1 else reason_against(place):
        raise UnreadableFile(f"“{name}” cannot be read: {reason}.", _REMEDY, str(group.file.filename))
    require_moderate_size(place.shape[1:], str(group.file.filename))
    return place


def describe_link(link: Any) -> str:
    """What kind of link this is; empty for a member of the file itself."""
    if isinstance(link, h5py.ExternalLink):
        return f"a link to the file “{link.filename}”"
    return f"a link to “{link.path}”" if isinstance(link, h5py.SoftLink) else ""


def _reason_elsewhere(dataset: h5py.Dataset) -> str:
    if dataset.is_virtual:
        return "it is put together from other files"
    return f"its values are in the file “{dataset.external[0][0]}”" if dataset.external else ""


def reason_against(dataset: h5py.Dataset) -> str:
    """Why a dataset is not read, as the end of a sentence; empty if it is."""
    if reason := _reason_elsewhere(dataset):
        return reason
    if dataset.shape is None:
        return "it is empty"
    stored = dataset.id.get_storage_size()
    if dataset.chunks is None:
        stored = min(stored, Path(dataset.file.filename).stat().st_size)
    elif dataset.id.get_create_plist().get_nfilters() and (reason := _reason_against_chunks(dataset)):
        return reason
    return lack_of(dataset.shape, dataset.id.get_type().get_size(), stored)


def list_datasets(file: h5py.File) -> tuple[dict[str, h5py.Dataset], dict[str, str]]:
    """The datasets of a file by their path, and by path why others, and links, are not read."""
    datasets: dict[str, h5py.Dataset] = {}
    refused: dict[str, str] = {}

    def note(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            try:
                reason = reason_against(item)
                item.dtype.itemsize  # noqa: B018 - fails on types that numpy does not have
            except Exception as error:  # noqa: BLE001 - a damaged dataset is left out, and the others are read
                reason = f"it is damaged ({type(error).__name__})"
            if reason:
                refused[path] = reason
            else:
                datasets[path] = item

    def note_link(path: str, link: Any) -> None:
        if reason := describe_link(link):
            refused[path] = f"it is {reason}"

    file.visititems(note)
    file.visititems_links(note_link)
    return datasets, refused


def read_rows(
    dataset: h5py.Dataset, first: int, last: int, note: Callable[[int, Exception], None]
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Read rows as one block, or, where some cannot be read, in smaller ones around them; each with its first row.

    Parameters
    ----------
    dataset
        What is read.
    first, last
        The first row, and the one after the last.
    note
        Called with each row that cannot be read, and why; what it raises ends the reading.
    """
    try:
        block: NDArray[Any] = dataset[first:last]
    except Exception as error:  # noqa: BLE001 - whatever HDF5 says of damaged rows
        if last - first == 1:
            note(first, error)
            return
        middle = (first + last) // 2
        yield from read_rows(dataset, first, middle, note)
        yield from read_rows(dataset, middle, last, note)
        return
    yield first, block


def _reason_against_chunks(dataset: h5py.Dataset) -> str:
    """A packed chunk is unpacked as a whole."""
    assert dataset.chunks is not None
    size = math.prod(dataset.chunks) * dataset.dtype.itemsize
    return "" if size <= MOST_COLUMN else f"its packed parts have {size:,} bytes each, too much to unpack"

"""Damage of HDF5 files that checksums do not show: objects and attributes that are gone, or are something else."""

from __future__ import annotations

import io
import random
from typing import Any

import h5py
import numpy as np
from reliability import mutations
from reliability.mutations import Mutation

_TEXT = h5py.string_dtype("utf-8")
_ODD: tuple[Any, ...] = (0, -1, 2**40, float("nan"), "", "x", "[]", "{}", "null", b"\xff\xfe", [1, 2], np.zeros((2, 2)))


def edit_objects(content: bytes, chance: random.Random) -> bytes:
    """Remove, replace, resize or rename one array of the file."""
    return _edit(content, chance, _edit_object)


def edit_attributes(content: bytes, chance: random.Random) -> bytes:
    """Remove or replace one attribute, or edit the JSON text in it."""
    return _edit(content, chance, _edit_attribute)


def _edit(content: bytes, chance: random.Random, edit: Any) -> bytes:
    made = io.BytesIO(content)
    with h5py.File(made, "r+") as file:
        edit(file, chance)
    return made.getvalue()


def _edit_object(file: h5py.File, chance: random.Random) -> None:
    names: list[str] = []
    file.visit(names.append)
    if not names:
        return
    name = chance.choice(sorted(names))
    found, kind = file[name], chance.randrange(9)
    if kind == 0 or not isinstance(found, h5py.Dataset):
        del file[name]
    elif kind == 1:
        file.move(name, name + "x")
    elif kind == 2 and found.maxshape[:1] == (None,):
        found.resize(chance.choice([0, 1, found.shape[0] + 1, 10**9, 2**40]), axis=0)
    elif kind == 3:
        shape = (chance.choice([0, 1, 10**9]), *found.shape[1:])
        _replace(file, name, shape=shape, dtype=found.dtype)
    elif kind == 4:
        _replace(file, name, shape=(10**6, 10**6), dtype="f8")
    elif kind == 5:
        _replace(file, name, data=np.zeros(found.shape, chance.choice(["i8", "f2", "c16", "S3", "?"])))
    elif kind == 6:
        del file[name]
        file[name] = h5py.SoftLink(chance.choice(["/nowhere", "/", f"/{name}"]))
    elif kind == 7:
        del file[name]
        file.create_group(name)
    else:
        odd = np.array([chance.choice(["", "x" * 300, "\x1b[2J", "é", "nan", "None", "a\nb"])] * len(found), object)
        _replace(file, name, data=odd, dtype=_TEXT)


def _replace(file: h5py.File, name: str, **other: Any) -> None:
    del file[name]
    file.create_dataset(name, **other)


def _edit_attribute(file: h5py.File, chance: random.Random) -> None:
    names = sorted(file.attrs)
    if not names:
        return _edit_object(file, chance)
    name, kind = chance.choice(names), chance.randrange(4)
    value = file.attrs[name]
    if kind == 0:
        del file.attrs[name]
    elif kind == 1:
        file.attrs[name] = chance.choice(_ODD)
    elif isinstance(value, str):
        file.attrs[name] = mutations.edit_json(value.encode(), chance).decode("utf-8", "replace").replace("\0", "")
    else:
        file.attrs[name] = chance.choice(_ODD)
    return None


HDF5: tuple[Mutation, ...] = (*mutations.BYTES, *[edit_objects] * 8)
DATASET: tuple[Mutation, ...] = (*mutations.BYTES, *[edit_objects] * 8, *[edit_attributes] * 8)

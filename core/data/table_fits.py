"""Reading the tables of a FITS file one by one, each compared with the bytes that are there."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.table import Table

from core.data.decompression import is_packed, read_content
from core.data.fits_headers import require_small_counts
from core.data.table_bounds import UNPACKED, most_memory, require_few_columns
from core.data.table_problems import explain_table_error
from core.data.text_tables import make_unique
from core.errors import CatalogueProblem

_MOST_FIELDS = 999  # of a table; FITS Standard 4.0, Sect. 7.2.1
_VARIABLE = re.compile(r"\s*([01]?)([PQ])")


def read_fits(path: Path) -> Iterator[Table | CatalogueProblem]:
    """Yield the tables of a FITS file, each with its name and number, or the problem of one that cannot be read.

    Raises
    ------
    CatalogueProblem
        The file has no table.
    Exception
        It cannot be opened, or a header is damaged, so that the rest of the file cannot be found.
    """
    packed = is_packed(path)
    content = read_content(path, UNPACKED) if packed else b""
    size = len(content) if packed else path.stat().st_size
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(io.BytesIO(content) if packed else path.open("rb"))
        del content
        require_small_counts(opened, str(path), ["NAXIS"])  # the columns are those of one table among several
        file = stack.enter_context(fits.open(opened, memmap=False, character_as_bytes=True))
        number = count = 0
        while True:
            try:
                unit: Any = file[number]
            except IndexError:
                break
            if isinstance(unit, fits.BinTableHDU | fits.TableHDU) and not isinstance(unit, fits.CompImageHDU):
                count += 1
                name = unit.name or str(number)
                try:
                    table = _read_table(unit, size)
                    table.meta = {"name": name, "number": number}
                    yield table
                except Exception as error:  # noqa: BLE001 - whatever is wrong with a table is that table's problem
                    yield explain_table_error(error, f"{path}, table “{name}”")
            number += 1
    if not count:
        raise CatalogueProblem("This FITS file holds no table.", "Choose the catalogue.", str(path))


def _read_table(unit: Any, size: int) -> Table:
    """The columns with single values of an extension, in a file of ``size`` bytes."""
    header = unit.header
    width, rows, fields = int(header["NAXIS1"]), int(header["NAXIS2"]), int(header.get("TFIELDS", 0))
    if not 0 <= fields <= _MOST_FIELDS:
        require_few_columns(max(fields, 0), "")
        raise CatalogueProblem(f"This table claims to have {fields:,} columns.", "Download or copy it again.")
    there = size - int(unit.fileinfo()["datLoc"])
    if rows < 0 or width < 0 or rows * width > there or unit.size > there:
        raise CatalogueProblem(
            f"This table claims {rows:,} rows of {width:,} bytes, and the file ends {max(0, there):,} bytes after its "
            "header.",
            "Download or copy it again.",
        )
    _fix_variable_columns(header, fields)
    columns = unit.columns
    if columns.dtype.itemsize * rows > most_memory(size) or (
        isinstance(unit, fits.BinTableHDU) and columns.dtype.itemsize != width
    ):
        sentence = f"Its columns have {columns.dtype.itemsize:,} bytes in each row, and its rows {width:,}."
        raise CatalogueProblem(sentence, "Download or copy it again.")
    for column, name in zip(columns, make_unique(columns.names), strict=True):
        if column.name != name:
            column.name = name
    return Table.read(unit)


def _fix_variable_columns(header: Any, fields: int) -> None:
    """Turn columns of arrays with any length into pairs of numbers, so that nobody follows where they point to."""
    for number in range(1, fields + 1):
        found = _VARIABLE.match(str(header.get(f"TFORM{number}", "")))
        if found is None:
            continue
        count = 0 if found[1] == "0" else 2
        header[f"TFORM{number}"] = f"{count}{'J' if found[2] == 'P' else 'K'}"
        for key in ("TDIM", "TSCAL", "TZERO", "TNULL", "TDISP"):
            header.remove(f"{key}{number}", ignore_missing=True)

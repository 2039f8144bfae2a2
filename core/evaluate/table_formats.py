r"""Tables written piece by piece, in constant memory, as CSV, FITS, VOTable, Parquet or HDF5.

Every format but CSV holds the unit, the UCD and a description of each column, and what made the table; astropy reads
all of it back into the columns and the ``meta`` of a table. In FITS, UCDs and descriptions are TOPCAT's ``TUCDn`` and
``TCOMMn``. Its headers are ASCII by the standard, so that other letters in them become ``\xe9``, for instance, beside
which the comments for astropy have them as they are; text in its rows is UTF-8, as ``TEXTENC`` says, which astropy
reads back unchanged.

References
----------
Pence et al. 2010, A&A 524, A42 (FITS); VOTable 1.4, UCD1+ 1.5 and VOParquet 1.0 (recommendations and notes of the
IVOA).
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from xml.sax.saxutils import escape

import h5py
import numpy as np
import pyarrow as pa
from astropy import units
from astropy.io import fits
from astropy.io.votable import from_table
from astropy.io.votable.tree import Info, VOTableFile
from astropy.table import Column, Table
from numpy.typing import NDArray
from pyarrow import parquet

from core.project.outputs import HDF5_TABLE_MARK

Append: TypeAlias = Callable[[Sequence[NDArray[Any]]], object]
"""Adds n rows: the values (n,) of each column."""

_FITS_BLOCK = 2880  # bytes
_FITS_CODES = {"f4": "E", "f8": "D", "i1": "I", "i2": "I", "i4": "J", "i8": "K", "u1": "B", "b1": "L"}
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # which no XML document can hold
_HDF5_CHUNK = 1 << 16  # bytes
TABLE_IN_HDF5 = "table"
"""Name of the table in an HDF5 file."""


@dataclass(frozen=True)
class ColumnFormat:
    """What a column holds.

    Attributes
    ----------
    name
        Its name.
    kind
        Type of the numbers, as in ``"f4"``; ``"U"``: text.
    unit
        May be empty.
    ucd
        Unified content descriptor, as in ``"stat.probability"``; may be empty.
    description
        May be empty.
    width
        Of text: the largest number of bytes in UTF-8.
    """

    name: str
    kind: str
    unit: str = ""
    ucd: str = ""
    description: str = ""
    width: int = 1

    @property
    def is_text(self) -> bool:
        """Whether it holds text."""
        return self.kind == "U"

    @classmethod
    def of(cls, name: str, values: NDArray[Any], unit: str = "", ucd: str = "", description: str = "") -> ColumnFormat:
        """What a column of these values holds."""
        if values.dtype.kind not in "biuf":
            return cls(name, "U", unit, ucd, description, width_of(values))
        kind = values.dtype.str[1:]
        return cls(name, kind if kind in _FITS_CODES else "f8" if kind[0] == "f" else "i8", unit, ucd, description)


def width_of(values: NDArray[Any]) -> int:
    """The largest number of bytes of these texts in UTF-8; at least 1."""
    return max((len(text) for text in _encode(values)), default=1) or 1


def writers() -> dict[str, Callable[..., AbstractContextManager[Append]]]:
    """What writes each format, by the extension of the file's name."""
    return {
        ".csv": _open_csv,
        ".fits": _open_fits,
        ".xml": _open_votable,
        ".parquet": _open_parquet,
        ".h5": _open_hdf5,
        ".hdf5": _open_hdf5,
    }


def open_table(
    path: Path, ending: str, columns: Sequence[ColumnFormat], rows: int, about: Mapping[str, str]
) -> AbstractContextManager[Append]:
    """Open a table for writing; the block gets the function that adds rows.

    Parameters
    ----------
    path
        The file.
    ending
        One of :func:`writers`.
    columns
        In their order.
    rows
        How many will be added.
    about
        What made the table, by a keyword of at most eight letters.
    """
    return writers()[ending](path, columns, rows, about)


# -- CSV -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _open_csv(path: Path, columns: Sequence[ColumnFormat], _rows: int, _about: Mapping[str, str]) -> Iterator[Append]:
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.name for column in columns])
        yield lambda values: writer.writerows(zip(*(_in_words(each, 8) for each in values), strict=True))


def _in_words(values: NDArray[Any], digits: int, nothing: str = "") -> list[Any]:
    """Values as they stand in a text; ``nothing`` where there is no number."""
    if values.dtype.kind != "f":
        return values.tolist()
    return [f"{value:.{digits}g}" if value == value else nothing for value in values.tolist()]


# -- FITS ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _open_fits(path: Path, columns: Sequence[ColumnFormat], rows: int, about: Mapping[str, str]) -> Iterator[Append]:
    names = _distinct([to_ascii(column.name) for column in columns])
    record = np.dtype([(f"f{place}", _fits_type(column)) for place, column in enumerate(columns)])
    with path.open("wb") as file:
        file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        file.write(_fits_header(columns, names, rows, record.itemsize, about).tostring().encode("ascii"))

        def append(values: Sequence[NDArray[Any]]) -> None:
            piece = np.zeros(len(values[0]), record)
            for place, (column, each) in enumerate(zip(columns, values, strict=True)):
                if column.is_text:
                    piece[f"f{place}"] = np.array(_encode(each), dtype=f"S{column.width}")
                elif column.kind == "b1":
                    piece[f"f{place}"] = np.where(each, ord("T"), ord("F"))
                else:
                    piece[f"f{place}"] = each
            file.write(piece.tobytes())

        yield append
        file.write(bytes(-file.tell() % _FITS_BLOCK))


def _fits_type(column: ColumnFormat) -> str:
    if column.is_text:
        return f"S{column.width}"
    return {"b1": "u1", "u1": "u1", "i1": ">i2"}.get(column.kind, f">{column.kind}")


def _fits_header(
    columns: Sequence[ColumnFormat], names: Sequence[str], rows: int, width: int, about: Mapping[str, str]
) -> fits.Header:
    formats = [f"{column.width}A" if column.is_text else _FITS_CODES[column.kind] for column in columns]
    described = [
        fits.Column(name, form, unit=_fits_unit(column.unit))
        for name, form, column in zip(names, formats, columns, strict=True)
    ]
    header: fits.Header = fits.BinTableHDU.from_columns(fits.ColDefs(described), nrows=0).header
    header["NAXIS1"], header["NAXIS2"] = width, rows
    for place, column in enumerate(columns, 1):
        for keyword, text in (("TUCD", column.ucd), ("TCOMM", to_ascii(column.description))):
            if text:
                header[f"{keyword}{place}"] = text
    for keyword, value in about.items():
        header[keyword] = to_ascii(value)
    header["TEXTENC"] = "UTF-8", "encoding of the text in the rows"
    text = _astropy_header(columns, names, about)
    header.add_comment("--BEGIN-ASTROPY-SERIALIZED-COLUMNS--")
    while len(text) > 70:
        header.add_comment(text[:70] + "\\")
        text = text[70:]
    header.add_comment(text)
    header.add_comment("--END-ASTROPY-SERIALIZED-COLUMNS--")
    return header


def _fits_unit(text: str) -> str | None:
    unit = parse_unit(text)
    with contextlib.suppress(ValueError, TypeError, NotImplementedError, AttributeError):
        return None if unit is None else unit.to_string("fits")
    return None


def to_ascii(text: str) -> str:
    r"""A text for a FITS header, where letters beyond ASCII and control characters become ``\xe9``, for instance."""
    text = text.replace("±", "+-").encode("ascii", "backslashreplace").decode()
    return re.sub(r"[^ -~]", lambda found: f"\\x{ord(found[0]):02x}", text)


def _distinct(names: Sequence[str]) -> list[str]:
    """The same names, but for those that differ from an earlier one in capitals only: FITS takes them for the same."""
    taken: set[str] = set()
    found: list[str] = []
    for name in names:
        now, number = name, 2
        while now.casefold() in taken:
            now, number = f"{name}_{number}", number + 1
        taken.add(now.casefold())
        found.append(now)
    return found


# -- VOTable -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _open_votable(path: Path, columns: Sequence[ColumnFormat], rows: int, about: Mapping[str, str]) -> Iterator[Append]:
    head, foot = _votable_text(columns, rows, about).split("  </TABLE>")
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{head}   <DATA>\n    <TABLEDATA>\n")

        def append(values: Sequence[NDArray[Any]]) -> None:
            cells = [
                [_to_xml(text) for text in each.tolist()] if column.is_text else _votable_numbers(each)
                for column, each in zip(columns, values, strict=True)
            ]
            file.writelines(f"<TR><TD>{'</TD><TD>'.join(row)}</TD></TR>\n" for row in zip(*cells, strict=True))

        yield append
        file.write(f"    </TABLEDATA>\n   </DATA>\n  </TABLE>{foot}")


def _votable_text(columns: Sequence[ColumnFormat], rows: int, about: Mapping[str, str]) -> str:
    """A VOTable document that describes a table and has no rows."""
    empty = [
        Column(np.empty(0, f"U{column.width}" if column.is_text else column.kind), f"c{place}")
        for place, column in enumerate(columns)
    ]
    document: VOTableFile = from_table(Table(empty))
    table = document.get_first_table()
    for place, (field, column) in enumerate(zip(table.fields, columns, strict=True)):
        plain = re.fullmatch("[A-Za-z_][A-Za-z0-9_.-]*", column.name) is not None
        field.name = _NO_XML.sub("", column.name)
        field.ID = column.name if plain else re.sub("[^A-Za-z0-9_.-]", "_", f"{column.name}_{place}")
        field.unit = parse_unit(column.unit)
        field.ucd = column.ucd or None
        field.description = column.description or None
        if column.is_text:
            field.arraysize = "*"
    table.description = "; ".join(f"{key} = {_NO_XML.sub('', value)}" for key, value in about.items()) or None
    document.infos.extend(Info(name=key, value=_NO_XML.sub("", value)) for key, value in about.items())
    text = io.BytesIO()
    document.to_xml(text, tabledata_format="tabledata")
    return text.getvalue().decode("utf-8").replace("<TABLE>", f'<TABLE nrows="{rows}">', 1)


def _to_xml(text: object) -> str:
    r"""A text in an XML document; characters that this cannot hold become ``\x1b``, for instance."""
    safe = _NO_XML.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), str(text))
    return escape(safe, {"\r": "&#13;", "\n": "&#10;"})


def _votable_numbers(values: NDArray[Any]) -> list[str]:
    if values.dtype.kind == "f":
        digits = 9 if values.dtype.itemsize <= 4 else 17
        return [text.replace("inf", "Inf") for text in _in_words(values, digits, "NaN")]
    return [str(int(value)) for value in values.tolist()]  # truth values are bits


# -- Parquet and HDF5 ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _open_parquet(path: Path, columns: Sequence[ColumnFormat], rows: int, about: Mapping[str, str]) -> Iterator[Append]:
    fields = [
        pa.field(
            column.name,
            pa.string() if column.is_text else pa.from_numpy_dtype(np.dtype(column.kind)),
            metadata={key: text for key, text in _said_of(column) if text} or None,
        )
        for column in columns
    ]
    metadata = {key.lower(): value for key, value in about.items()}
    metadata["table_meta_yaml"] = _astropy_header(columns, [column.name for column in columns], about)
    metadata["IVOA.VOTable-Parquet.version"] = "1.0"
    metadata["IVOA.VOTable-Parquet.content"] = _votable_text(columns, rows, about)
    schema = pa.schema(fields, metadata=metadata)
    with parquet.ParquetWriter(path, schema) as writer:

        def append(values: Sequence[NDArray[Any]]) -> None:
            arrays = [
                pa.array([text.decode() for text in _encode(each)], pa.string())
                if column.is_text
                else pa.array(np.asarray(each, column.kind))
                for column, each in zip(columns, values, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield append


@contextlib.contextmanager
def _open_hdf5(path: Path, columns: Sequence[ColumnFormat], rows: int, about: Mapping[str, str]) -> Iterator[Append]:
    names = _distinct([column.name for column in columns])
    record = np.dtype(
        [
            (name, h5py.string_dtype("utf-8", column.width) if column.is_text else np.dtype(column.kind))
            for name, column in zip(names, columns, strict=True)
        ]
    )
    with h5py.File(path, "w", libver="v110") as file:
        file.attrs[HDF5_TABLE_MARK] = about.get("PROGRAM", "")
        lines = np.array([_astropy_header(columns, names, about).encode("ascii")])
        file.create_dataset(f"{TABLE_IN_HDF5}.__table_column_meta__", data=lines)
        chunk = max(1, min(rows, _HDF5_CHUNK // record.itemsize))
        table = file.create_dataset(TABLE_IN_HDF5, (rows,), record, chunks=(chunk,) if rows else None)
        table.attrs.update(about)
        for place, column in enumerate(columns):
            table.attrs.update(
                {f"{key}_{place}": text for key, text in (("name", column.name), *_said_of(column)) if text}
            )
        written = 0

        def append(values: Sequence[NDArray[Any]]) -> None:
            nonlocal written
            piece = np.zeros(len(values[0]), record)
            for name, column, each in zip(names, columns, values, strict=True):
                piece[name] = np.array(_encode(each), dtype=f"S{column.width}") if column.is_text else each
            if len(piece):
                table[written : written + len(piece)] = piece
            written += len(piece)

        yield append


def _said_of(column: ColumnFormat) -> tuple[tuple[str, str], ...]:
    return ("unit", column.unit), ("ucd", column.ucd), ("description", column.description)


def _astropy_header(columns: Sequence[ColumnFormat], names: Sequence[str], about: Mapping[str, str]) -> str:
    """What astropy puts into the columns and the ``meta`` of a table that it reads: JSON, which is YAML, in ASCII."""
    described: list[dict[str, Any]] = []
    for name, column in zip(names, columns, strict=True):
        said: dict[str, Any] = {"name": name, "datatype": _astropy_type(column)}
        if (unit := parse_unit(column.unit)) is not None:
            said["unit"] = unit.to_string()
        if column.description:
            said["description"] = column.description
        more = {"ucd": column.ucd} if column.ucd else {}
        if column.name != name:
            more["name"] = column.name
        described.append(said | ({"meta": more} if more else {}))
    text = json.dumps({"datatype": described, "meta": dict(about)}, ensure_ascii=False)
    return text.encode("ascii", "backslashreplace").decode()


def _astropy_type(column: ColumnFormat) -> str:
    return "string" if column.is_text else np.dtype(column.kind).name


def parse_unit(text: str) -> units.UnitBase | None:
    """Parse a unit for astropy; None if it is not a standard one."""
    try:
        return units.Unit(text) if text else None
    except ValueError:
        return None


def _encode(values: NDArray[Any]) -> list[bytes]:
    return [str(text).encode("utf-8", "backslashreplace") for text in values.tolist()]

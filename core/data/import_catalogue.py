"""Assembling the dataset's catalogue from the joined table, the folders and the image files."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from core.data import catalogue as tables
from core.data import containers
from core.data.discovery import Found, Source
from core.data.join import NO_ROW, Join
from core.data.readers import Member
from core.data.settings import ImportSettings
from core.data.target import label_text
from core.errors import UnreadableFile


def files_to_match(found: Found) -> list[tuple[str, str]]:
    """Path and name of each galaxy, to find the catalogue's column of ids."""
    files: list[tuple[str, str]] = []
    for source in found.sources:
        if source.kind == "container":
            try:
                names = containers.names(containers.inspect_container(source.path))
            except UnreadableFile:
                continue  # it will be reported when it is read
            files += [("", name) for name in names]
        else:
            files.append((path_to_match(source), source.stem))
    return files


def path_to_match(source: Source) -> str:
    """The path that a catalogue may contain; empty with one file per band, or many galaxies in one file."""
    return "" if source.kind in {"bands", "container"} else source.path


class Galaxies:
    """The galaxies of an import, in the order in which they are written.

    ``problems``, ``notes`` and, after :meth:`catalogue`, ``without_label`` go into the report.
    """

    def __init__(self, found: Found, settings: ImportSettings, joined: Join | None) -> None:
        self.problems = [*found.problems, *(joined.problems if joined else [])]
        self.notes: list[str] = list(joined.notes) if joined else []
        self.without_label: list[str] = []
        self.ids: list[str] = []
        self.rows: array[int] = array("q")  # in the catalogue
        self._found, self._settings, self._joined = found, settings, joined
        self._sources: array[int] = array("q")
        self._inside: array[int] = array("q")  # row in a file of many galaxies

    def add(self, place: int, source: Source, member: Member) -> str:
        """Add a galaxy of the source at index ``place``; return its id."""
        row, name = NO_ROW, member.name
        if self._joined is not None:
            row = self._joined.row_of(path_to_match(source), name)
            name = (self._joined.ids[row] if row != NO_ROW else "") or name
        self.ids.append(name)
        self.rows.append(row)
        self._sources.append(place)
        self._inside.append(member.row)
        return name

    def catalogue(self) -> tuple[Table, tuple[str, ...]]:
        """Build the catalogue, one row per galaxy, and return it with its label columns.

        The columns are ``id``, ``class`` (from folders), those of the joined catalogue, those that came with the
        images, and ``file``.
        """
        final = Table({"id": np.array(self.ids, dtype=str)})
        labels: tuple[str, ...] = ()
        sources = [self._found.sources[place] for place in self._sources]
        if self._settings.labels_from_folders:
            final["class"] = np.array([self._found.folder_class(source) for source in sources], dtype=str)
            labels = ("class",)
            nameless = sorted({str(name) for name in final["class"] if name and not label_text(str(name))})
            self.notes += [
                f"The folder “{name}” is no class: its name means that there is no label." for name in nameless
            ]
        if self._joined is not None:
            of_catalogue = self._add_joined(final, self._joined)
            labels = labels or of_catalogue
        self._add_from_containers(final)
        if "file" not in final.colnames:
            final["file"] = np.array([source.relative for source in sources], dtype=str)
        if self._settings.labels or not labels:
            labels = tables.label_columns(final, self._settings)
        self._check_labels(final, labels)
        return final, labels

    def _add_joined(self, final: Table, joined: Join) -> tuple[str, ...]:
        labels = tables.label_columns(joined.table, self._settings)
        rows = np.array(self.rows, dtype=np.int64)
        decided = np.where(np.isin(rows, list(joined.contradictory)), NO_ROW, rows)
        new_names: dict[str, str] = {}
        for name in joined.table.colnames:
            if name == "id" and name == joined.column:
                continue
            column: Any = joined.table[name]
            values = tables.take(np.asarray(column), decided if name in labels else rows)
            new_names[name] = _add_column(final, name, values, str(column.unit or ""))
        return tuple(new_names[name] for name in labels)

    def _add_from_containers(self, final: Table) -> None:
        places, inside = np.array(self._sources, dtype=np.int64), np.array(self._inside, dtype=np.int64)
        added: dict[str, str] = {}
        for place in np.unique(places[inside >= 0]):
            mine = places == place
            for name, values in containers.inspect_container(self._found.sources[place].path).columns.items():
                column = tables.take(values, np.where(mine, inside, NO_ROW))
                if name in added:
                    there = np.asarray(final[added[name]])
                    final[added[name]] = np.where(mine, column, there)
                elif name != "id":
                    added[name] = _add_column(final, name, column, "")

    def _check_labels(self, final: Table, labels: Sequence[str]) -> None:
        """Find galaxies without a label, and note what will make training impossible."""
        if not labels:
            return
        texts = [[label_text(value) for value in np.asarray(final[name]).tolist()] for name in labels]
        self.without_label = [name for name, *values in zip(self.ids, *texts, strict=True) if not all(values)]
        if len(labels) > 1:
            return
        counts = Counter(text for text in texts[0] if text)
        if len(counts) == 1:
            self.notes.append(f"All labels are “{next(iter(counts))}”: a network has nothing to distinguish.")
        alone = sorted(name for name, count in counts.items() if count == 1)
        if alone and len(counts) <= max(10, len(self.ids) // 20):  # else they are numbers and not classes
            names = ", ".join(f"“{name}”" for name in alone)
            self.notes.append(f"Only one galaxy is labelled {names}; training needs at least three of each class.")


def _add_column(final: Table, name: str, values: NDArray[np.generic], unit: str) -> str:
    """Add a column under its own name, or under one that is free."""
    while name in final.colnames:
        name += " (catalogue)"
    final[name] = Column(values, unit=unit or None)
    return name

"""Assembling the dataset's catalogue from the joined table, the folders and the image files."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
from astropy.table import Column, Table
from numpy.typing import NDArray

from core.data import catalogue as tables
from core.data import containers, cube_planes, fits, parts, vote_columns
from core.data.cells import text_array
from core.data.class_names import find_spellings
from core.data.discovery import Found, Source
from core.data.join import NO_ROW, Join
from core.data.label_values import clean_labels
from core.data.readers import Member
from core.data.settings import DRAWN, ImportSettings
from core.data.target import label_text, numbers
from core.errors import UnreadableFile


def files_to_match(found: Found, hdu: str = "") -> list[tuple[str, str]]:
    """Path and name of each galaxy, to find the catalogue's column of ids; of stacks, in the first files only."""
    files: list[tuple[str, str]] = []
    for place, source in enumerate(found.sources):
        if source.kind == "container":
            try:
                names = containers.names(containers.inspect_container(source.path))
            except UnreadableFile:
                continue  # it will be reported when it is read
            files += [("", name) for name in names]
        elif (
            (source.kind == "fits" or hdu == cube_planes.PLANES)
            and place < _MOST_STACKS
            and (names := _names_in_stack(source, hdu))
        ):
            files += [("", name) for name in names]
        else:
            files.append((path_to_match(source), source.stem))
    return files


def _names_in_stack(source: Source, hdu: str) -> list[str]:
    try:
        if hdu == cube_planes.PLANES:
            return [cube_planes.name_of(source, cutout) for cutout in cube_planes.read_planes(source)]
        return fits.galaxy_names(source.path, hdu)
    except UnreadableFile:
        return []  # it will be reported when it is read


def path_to_match(source: Source, extension: str = "") -> str:
    """The path that a catalogue may contain; empty with one file per band, or many galaxies in one file.

    ``extension`` is that of a galaxy in a stack: the row of the file is not that of each galaxy in it.
    """
    return "" if extension or source.kind in {"bands", "container"} else source.path


def repeated_names(names: Iterable[str]) -> set[str]:
    """Those of the names of files that several have, in different folders."""
    return {name for name, count in Counter(names).items() if count > 1}


_MOST_STACKS = 64  # files that are opened to see the names in them
_MOST_SPELLINGS = 3  # classes of which the spellings are noted


class Galaxies:
    """The galaxies of an import, in the order in which they are written.

    ``repeated`` are the names that several files have; None: as those of ``found`` tell.

    ``problems``, ``notes`` and, after :meth:`catalogue`, ``without_label`` go into the report; ``split_column`` is then
    the column that gives the parts, if one does.
    """

    def __init__(
        self, found: Found, settings: ImportSettings, joined: Join | None, repeated: Collection[str] | None = None
    ) -> None:
        self.problems = [*found.problems, *(joined.problems if joined else [])]
        self.notes: list[str] = list(joined.notes) if joined else []
        self.without_label: list[str] = []
        self.split_column = ""
        self.ids: list[str] = []
        self.rows: array[int] = array("q")  # in the catalogue
        self._found, self._settings, self._joined = found, settings, joined
        if joined is not None and settings.split_column in joined.table.colnames:  # told before all images are read
            parts.read_given(np.asarray(joined.table[settings.split_column]), settings.split_column)
        self._names = [source.stem for source in found.sources]
        self._repeated = repeated_names(self._names) if repeated is None else repeated
        self._taken: set[str] = set()  # names that extensions have given
        self._renamed: list[tuple[str, str]] = []  # name in the file, id
        self._sources: array[int] = array("q")
        self._inside: array[int] = array("q")  # row in a file of many galaxies

    def add(self, place: int, source: Source, member: Member) -> str:
        """Add a galaxy of the source at index ``place``; return its id."""
        cutout = member.cutout
        return self._add(place, source, member.name, cutout.extension, cutout.name, member.row)

    def add_files(self, first: int, count: int) -> list[str]:
        """Add the only galaxies of consecutive files, which are called like them; return their ids."""
        names = self._names[first : first + count]
        if self._joined is not None or self._repeated:
            sources = self._found.sources
            return [self._add(place, sources[place], name) for place, name in enumerate(names, first)]
        self.ids += names
        self.rows.extend([NO_ROW] * count)
        self._sources.extend(range(first, first + count))
        self._inside.extend([NO_ROW] * count)
        return names

    def _add(
        self, place: int, source: Source, own: str, extension: str = "", given: str = "", inside: int = NO_ROW
    ) -> str:
        row = NO_ROW
        if self._joined is not None:
            row = self._joined.row_of(path_to_match(source, extension), own)
        known = self._joined.ids[row] if self._joined is not None and row != NO_ROW else ""
        name = known or self._distinct_name(source, own, given)
        self.ids.append(name)
        self.rows.append(row)
        self._sources.append(place)
        self._inside.append(inside)
        return name

    def _distinct_name(self, source: Source, own: str, given: str) -> str:
        """The galaxy's name, with its folder where another file is called the same; noted in the report.

        ``given`` is the name that an extension has.
        """
        name = own
        if not self._repeated and not given:
            return name
        is_of_file = name.startswith(source.stem)  # and not an id inside a file of many
        if is_of_file and source.stem in self._repeated and (folder := source.relative.rpartition("/")[0]):
            name = f"{folder}/{name}"
        if given and name in self._taken:
            name = f"{source.stem}/{name}"
        if given:
            self._taken.add(name)
        if name != own:
            self._renamed.append((own, name))
        return name

    def describe_renamed(self) -> list[str]:
        """A note on galaxies whose names were taken, empty if there are none."""
        if not self._renamed:
            return []
        (old, new), *others = self._renamed
        more = f" and {len(others):,} more" if others else ""
        return [
            f"Files in different folders have the same name, so their ids name the folder: “{new}” for {old}{more}."
        ]

    def catalogue(self) -> tuple[Table, tuple[str, ...]]:
        """Build the catalogue, one row per galaxy, and return it with its label columns.

        The columns are ``id``, ``class`` (from folders), those of the joined catalogue, those that came with the
        images, and ``file``.
        """
        final = Table({"id": text_array(self.ids)})
        labels: tuple[str, ...] = ()
        sources = [self._found.sources[place] for place in self._sources]
        if self._settings.labels_from_folders:
            final["class"] = text_array([self._found.folder_class(source) for source in sources])
            labels = ("class",)
            nameless = sorted({str(name) for name in final["class"] if name and not label_text(str(name))})
            self.notes += [
                f"The folder “{name}” is no class: its name means that there is no label." for name in nameless
            ]
        if self._found.gives_parts and not self._settings.split_column:
            of_folders = np.array([self._found.part(source) for source in sources], dtype=str)
            self.split_column = _add_column(final, "split", of_folders, "")
        if self._joined is not None:
            of_catalogue = self._add_joined(final, self._joined)
            labels = labels or of_catalogue
        of_containers = self._add_from_containers(final)
        if "file" not in final.colnames:
            final["file"] = text_array([source.relative for source in sources])
        if self._settings.labels or not labels:
            labels = tables.label_columns(final, self._settings)
        self.notes += clean_labels(final, [name for name in labels if name in of_containers], self._settings)
        self._find_parts(final)
        self._check_labels(final, labels)
        return final, labels

    def add_columns(self, final: Table, names: Sequence[str]) -> None:
        """Add these columns of the joined catalogue, those that it has, to a table of the galaxies."""
        if self._joined is None:
            return
        rows = np.array(self.rows, dtype=np.int64)
        for name in names:
            if name in self._joined.table.colnames:
                column: Any = self._joined.table[name]
                _add_column(final, name, tables.take(np.asarray(column), rows), str(column.unit or ""))

    def _find_parts(self, final: Table) -> None:
        """Find the column that gives the parts: the chosen one, that of the folders, or a recognised one."""
        columns: dict[str, Any] = {name: np.asarray(final[name]) for name in final.colnames}
        if chosen := self._settings.split_column:
            if chosen.casefold() == DRAWN:
                return
            tables.require_column(final, chosen)
            self.split_column = chosen
        elif not self.split_column:
            self.split_column = parts.recognise_column(columns)
            if not self.split_column and (doubt := parts.doubtful_column(columns)):
                self.notes.append(doubt)
        if self.split_column:
            self.notes.append(parts.describe_given(columns[self.split_column], self.split_column))

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

    def _add_from_containers(self, final: Table) -> set[str]:
        """Add the columns of files of many galaxies; return their names."""
        places, inside = np.array(self._sources, dtype=np.int64), np.array(self._inside, dtype=np.int64)
        added: dict[str, str] = {}
        for place in np.unique(places[inside >= 0]):
            mine = places == place
            try:
                columns = containers.inspect_container(self._found.sources[place].path).columns
            except UnreadableFile as problem:  # it was read a moment ago
                self.problems.append(problem)
                continue
            for name, values in columns.items():
                column = tables.take(values, np.where(mine, inside, NO_ROW))
                if name in added:
                    there = np.asarray(final[added[name]])
                    final[added[name]] = np.where(mine, column, there)
                elif name != "id":
                    added[name] = _add_column(final, name, column, "")
        return set(added.values())

    def _check_labels(self, final: Table, labels: Sequence[str]) -> None:
        """Find galaxies without a label, and note what will make training impossible."""
        if not labels:
            return
        texts = [[label_text(value) for value in np.asarray(final[name]).tolist()] for name in labels]
        self.without_label = [name for name, *values in zip(self.ids, *texts, strict=True) if not all(values)]
        if len(labels) > 1:
            columns: dict[str, Any] = {name: final[name] for name in final.colnames}
            rows = np.stack([numbers(columns.pop(name)) for name in labels], axis=1)
            self.notes += (
                [told] if (told := vote_columns.describe(vote_columns.scale_of(rows, columns), labels)) else []
            )
            return
        counts = Counter(text for text in texts[0] if text)
        if len(counts) == 1:
            self.notes.append(f"All labels are “{next(iter(counts))}”: a network has nothing to distinguish.")
        for spellings in find_spellings(list(counts))[:_MOST_SPELLINGS]:
            told = " and ".join(f"“{text}” ({counts[text]:,})" for text in spellings)
            self.notes.append(
                f"{told} are learned as different classes; if they are one, spell them alike in the catalogue."
            )
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

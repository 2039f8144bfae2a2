"""A catalogue that is being labelled by hand: target, class counts and split are updated incrementally.

Its target, labels and split always equal those of :func:`core.data.target.recognise`,
:func:`core.data.target.encode` and :func:`core.data.split.split` for the current catalogue. The split is found
again on demand, and not for every label; a galaxy's part follows from its name, so that a label moves no other galaxy.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.data import given_parts, parts
from core.data import split as splits
from core.data import target as targets
from core.data.cells import text_array
from core.data.parts import Groups, KeptParts
from core.data.settings import DataSettings
from core.data.split import NOTHING_DECIDED, Decided, Split
from core.data.target import Classes, Quantities, Target, VoteFractions
from core.errors import Problem
from core.project.labels import apply_labels, writable_copy


class LabelTexts:
    """The distinct labels of a column as text, with their counts.

    Parameters
    ----------
    column
        Its values (N,).

    Attributes
    ----------
    places
        (N,) index into ``texts`` for each row.
    texts
        All texts that occur or have occurred, the empty one included.
    counts
        Number of rows with each of them.
    """

    def __init__(self, column: Sequence[Any] | NDArray[Any]) -> None:
        self.places, self.texts = targets.texts_of(column)
        self.counts = np.bincount(self.places, minlength=len(self.texts)).tolist()
        self._known = {text: place for place, text in enumerate(self.texts)}
        self.place("")

    def place(self, text: str) -> int:
        """Index of a text in ``texts``; it is added if it is new."""
        if text not in self._known:
            self._known[text] = len(self.texts)
            self.texts.append(text)
            self.counts.append(0)
        return self._known[text]

    def assign(self, rows: NDArray[np.int64], text: str) -> None:
        """Assign a text to some distinct rows (n,)."""
        before, after = self.places[rows], self.place(text)
        for place, count in zip(*np.unique(before, return_counts=True), strict=True):
            self.counts[place] -= int(count)
        self.counts[after] += len(rows)
        self.places[rows] = after

    @property
    def present(self) -> list[str]:
        """The texts that at least one row has."""
        return [text for text, count in zip(self.texts, self.counts, strict=True) if count]

    def count(self, text: str) -> int:
        """How many rows have this text."""
        place = self._known.get(text)
        return 0 if place is None else self.counts[place]


class Summary(NamedTuple):
    """The numbers of a column: how many there are, and the least, the median and the largest of them."""

    count: int
    least: float
    median: float
    most: float


class LabelledCatalogue:
    """The catalogue of a dataset with hand labels in place of its own.

    Parameters
    ----------
    ids
        N ids; a label applies to every image of an id.
    columns
        The catalogue's own columns by name, each of length N; they are left as they are.
    labels
        The label columns that are used where the settings name none.
    units
        Units by column name.
    given
        Hand labels by (id, column), as :meth:`core.project.labels.LabelJournal.replay` gives them.

    split_column
        The column of the parts that the dataset came with; empty: none.

    Attributes
    ----------
    columns
        By name; those with hand labels are changed in place.
    changes
        How often labels were given since it was made.
    """

    def __init__(
        self,
        ids: Sequence[str],
        columns: Mapping[str, NDArray[Any]],
        labels: Sequence[str] = (),
        units: Mapping[str, str] | None = None,
        given: Mapping[tuple[str, str], str] | None = None,
        split_column: str = "",
    ) -> None:
        self.columns: dict[str, NDArray[Any]] = apply_labels(columns, ids, given or {})
        self._ids, self._labels, self._units = ids, tuple(labels), units
        self._writable = {name for name, values in self.columns.items() if values is not columns.get(name)}
        self._texts: dict[str, LabelTexts] = {}
        self._ranks: dict[str, Groups] = {}
        self._split_column = split_column
        self._given: dict[str, NDArray[np.int8] | None] = {}
        self._kept: KeptParts | None = None
        self._kept_numbers: NDArray[np.int8] | None = None
        self._data, self._seed = DataSettings(), 0
        self._target: Target | Problem | None = None
        self._split: Split | Problem | None = None
        self._summaries: dict[str, Summary] = {}
        self.changes = 0

    def copy(self) -> LabelledCatalogue:
        """The same catalogue for other settings; it is of no use any more once labels are given to either."""
        other = copy.copy(self)
        for name in ("columns", "_writable", "_texts", "_ranks", "_given", "_summaries"):
            setattr(other, name, copy.copy(getattr(self, name)))
        return other

    # -- labels ----------------------------------------------------------------------------------------------------

    def texts(self, column: str) -> LabelTexts | None:
        """The labels of a column as text, kept up to date; None if there is no such column."""
        if column not in self._texts and column in self.columns:
            self._texts[column] = LabelTexts(self.columns[column])
        return self._texts.get(column)

    def set_labels(self, column: str, rows: Sequence[int], labels: Sequence[str]) -> NDArray[np.int64]:
        """Label galaxies by hand.

        Parameters
        ----------
        column
            Where the labels are written; created if it does not exist.
        rows, labels
            The galaxies, and a label for each; an empty one removes the label.

        Returns
        -------
        ndarray
            All rows that were labelled, other images of the same galaxies included; ascending.
        """
        texts = self.prepare(column)
        wanted = {image: label for row, label in zip(rows, labels, strict=True) for image in self._images_of(row)}
        by_label: dict[str, list[int]] = {}
        for row, label in wanted.items():
            by_label.setdefault(label, []).append(row)
        for label, its in by_label.items():
            places = np.array(its, dtype=np.int64)
            self.columns[column][places] = label
            texts.assign(places, targets.label_text(label))
        self._ranks.pop(column, None)
        self._given.pop(column, None)
        self._summaries.pop(column, None)
        self._split = None
        self.changes += 1
        if column in self._names or self._data.group == column or isinstance(self._target, Problem):
            self._target = None
        return np.array(sorted(wanted), dtype=np.int64)

    def prepare_labels(self) -> None:
        """Prepare the labels for being given by hand, unless they are numbers to be measured."""
        if not isinstance(self.target, Quantities | VoteFractions):
            self.prepare(self.label_column)

    @property
    def label_column(self) -> str:
        """The column that hand labels go to."""
        return self._names[0] if self._names else "label"

    def prepare(self, column: str) -> LabelTexts:
        """Prepare a column for labelling, which for a million galaxies is too slow to do at the first label."""
        if column not in self._writable:
            self.columns[column] = writable_copy(self.columns.get(column), len(self._ids))
            self._writable.add(column)
        _ = self._images
        texts = self.texts(column)
        assert texts is not None
        return texts

    @cached_property
    def _images(self) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """All rows sorted by id, and the index at which each id begins; None if no galaxy has a second image."""
        groups = self._groups_of("").ranks
        count = int(groups.max(initial=-1)) + 1
        if count == len(groups):
            return None
        order = np.argsort(groups, kind="stable")
        return order, np.searchsorted(groups[order], np.arange(count + 1))

    def _images_of(self, row: int) -> list[int]:
        if self._images is None:
            return [int(row)]
        order, begins = self._images
        group = self._groups_of("").ranks[row]
        return order[begins[group] : begins[group + 1]].tolist()

    # -- target and parts ------------------------------------------------------------------------------------------

    @property
    def settings(self) -> tuple[DataSettings, int]:
        """What decides target and split: settings and seed."""
        return self._data, self._seed

    def apply_settings(self, data: DataSettings, seed: int) -> None:
        """Use these settings for the target and the split."""
        before = self._data
        decides = ("labels", "kind", "angles", "logarithms")
        if any(getattr(data, name) != getattr(before, name) for name in decides):
            self._target = None
        if (data, seed) != (before, self._seed):
            self._split = None
        self._data, self._seed = data, seed

    def keep_parts(self, kept: KeptParts | None) -> None:
        """Have the project's earlier parts stay as they are; None: there are none."""
        if kept is not self._kept:
            self._kept, self._kept_numbers, self._split = kept, None, None

    def summary(self, column: str) -> Summary:
        """The numbers of a column, which has at least one."""
        if column not in self._summaries:
            values = self._numbers(column)
            values = values[np.isfinite(values)]
            least, most = float(values.min()), float(values.max())
            self._summaries[column] = Summary(len(values), least, float(np.median(values)), most)
        return self._summaries[column]

    @property
    def target(self) -> Target | None:
        """What the labels are; None where that cannot be recognised yet."""
        if self._target is None:
            try:
                self._target = targets.recognise(
                    self._recognition_columns(),
                    self._names,
                    self._data.kind,
                    self._units,
                    self._data.angles,
                    self._data.logarithms,
                )
            except Problem as problem:
                self._target = problem
        return None if isinstance(self._target, Problem) else self._target

    @property
    def split(self) -> Split | None:
        """The split; None where none can be drawn."""
        if self._split is None:
            try:
                self._split = self._draw_split()
            except Problem as problem:
                self._split = problem
        return None if isinstance(self._split, Problem) else self._split

    @property
    def problem(self) -> Problem | None:
        """Why there is no target, or no split."""
        return self._split if self.split is None and isinstance(self._split, Problem) else None

    @property
    def part_notices(self) -> list[Problem]:
        """What the user should know of parts that a column gives."""
        split, target = self.split, self.target
        if split is None or target is None or self._decided().given is None:
            return []
        ranks = self._groups_of(self._data.group).ranks
        return given_parts.notices(self._decided(), ranks, self._encode(target), split, self._data)

    def _draw_split(self) -> Split:
        target = self.target
        if target is None:
            assert isinstance(self._target, Problem)
            raise self._target
        labels = self._encode(target)
        return splits.draw(self._groups_of(self._data.group), labels, target, self._data, self._seed, self._decided())

    def _encode(self, target: Target) -> NDArray[Any]:
        if not isinstance(target, Classes):
            return targets.encode(target, {name: self._numbers(name) for name in target.columns})
        texts = self.texts(target.column)
        assert texts is not None
        return targets.classes_of(target, texts.texts)[texts.places]

    @property
    def _names(self) -> tuple[str, ...]:
        return self._data.labels or self._labels

    def _recognition_columns(self) -> dict[str, Any]:
        """The columns for recognising the target; a single text column is reduced to its distinct texts."""
        names, readable = self._names, dict[str, Any](self.columns)
        for name in names:
            if name in self.columns and self.columns[name].dtype.kind in "UO":
                texts = self.texts(name)
                assert texts is not None
                readable[name] = text_array(texts.present) if len(names) == 1 else self._numbers(name)
        return readable

    def _numbers(self, name: str) -> NDArray[np.float64]:
        if self.columns[name].dtype.kind not in "UO":
            return targets.numbers(self.columns[name])
        texts = self.texts(name)
        assert texts is not None
        return targets.numbers(texts.texts)[texts.places]

    def _decided(self) -> Decided:
        """The parts that were decided before, which labels do not change."""
        column = parts.column_in_use(self._data.split_column, self._split_column)
        if column not in self._given:
            if column and column not in self.columns:
                raise Problem(f"There is no column “{column}”.", "Choose another.", "data.split_column")
            self._given[column] = parts.read_given(self.columns[column], column) if column else None
        given = self._given[column]
        if given is not None:
            return Decided(given=given, column=column)
        if self._kept is None or self._data.split_seed not in {None, self._kept.seed}:
            return NOTHING_DECIDED
        if self._kept_numbers is None:
            self._kept_numbers = self._kept.numbers(self._ids)
        return Decided(self._kept_numbers, self._kept.seed)

    def _groups_of(self, group: str) -> Groups:
        """The objects by a group column; by the ids if it is empty."""
        if group not in self._ranks:
            if group and group not in self.columns:
                raise Problem(f"There is no column “{group}”.", "Choose another.", "data.group")
            names = [targets.label_text(value) for value in self.columns[group]] if group else None
            self._ranks[group] = parts.group_rows(self._ids, names)
        return self._ranks[group]

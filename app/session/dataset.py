"""The open dataset: its galaxies, their catalogue with the labels given by hand, what is learned, and the parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.session.draft import Draft
from core.data.settings import DataSettings
from core.errors import Problem
from core.project.labels import LabelJournal

if TYPE_CHECKING:
    from core.data.cutouts import Cutouts
    from core.data.split import Split
    from core.data.target import Target


class Dataset(QObject):
    """What is known of the galaxies that are open, if any are.

    Parameters
    ----------
    draft
        Its ``settings.data`` and ``settings.seed`` say what is learned and how the parts are drawn.

    Attributes
    ----------
    cutouts
        The open dataset, read from the window's thread only; None: none.
    journal
        Labels given by hand; None without a project.
    target, split
        What the labels are and the parts, by the draft; None where they make no sense yet.
    split_problem
        Why they make no sense.

    Notes
    -----
    Signals: ``changed`` when another dataset is open, or none; ``labels_changed(rows)``; ``split_changed`` when target,
    labels or parts may have changed.
    """

    changed = Signal()
    labels_changed = Signal(object)
    split_changed = Signal()

    def __init__(self, draft: Draft, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self.cutouts: Cutouts | None = None
        self.journal: LabelJournal | None = None
        self.target: Target | None = None
        self.split: Split | None = None
        self.split_problem: Problem | None = None
        self._hand_labels: Mapping[tuple[str, str], str] = {}
        self._columns: dict[str, NDArray[Any]] | None = None
        self._drawn_by: tuple[DataSettings, int] | None = None
        draft.changed.connect(self._follow_draft)

    # -- opening and closing ---------------------------------------------------------------------------------------

    def replace(self, cutouts: Cutouts, journal: LabelJournal | None) -> None:
        """Have another dataset open, with the labels that its journal holds; the old one is closed."""
        self._let_go()
        self.cutouts, self.journal = cutouts, journal
        self._hand_labels = journal.replay() if journal is not None else {}
        data = self._draft.settings.data
        if any(name not in self.columns for name in (*data.labels, *([data.group] if data.group else []))):
            self._draft.edit_together({"data.labels": (), "data.group": ""})  # they were of another dataset
        self._divide()
        self.changed.emit()
        self.split_changed.emit()

    def close(self) -> None:
        """Close the dataset, if one is open."""
        if self.cutouts is not None:
            self._let_go()
            self.changed.emit()

    def _let_go(self) -> None:
        if self.cutouts is not None:
            self.cutouts.close()
        self.cutouts = self.journal = self.target = self.split = self.split_problem = None
        self._columns = self._drawn_by = None
        self._hand_labels = {}

    # -- labels ----------------------------------------------------------------------------------------------------

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The catalogue, hand labels included."""
        from core.project.labels import relabelled

        if self.cutouts is None:
            return {}
        if self._columns is None:
            self._columns = relabelled(self.cutouts.columns, self.cutouts.ids, self._hand_labels)
        return self._columns

    @property
    def label_column(self) -> str:
        """The column that hand labels go to."""
        names = self._draft.settings.data.labels or (self.cutouts.labels if self.cutouts is not None else ())
        return names[0] if names else "label"

    def label(self, row: int) -> str:
        """The label of a galaxy as text; empty without."""
        from core.data.target import label_text

        column = self.columns.get(self.label_column)
        return "" if column is None else label_text(column[row])

    def set_labels(self, rows: Sequence[int], labels: Sequence[str]) -> None:
        """Record hand labels; call it through :mod:`app.session.label_commands`, so that they can be undone."""
        if self.cutouts is None or self.journal is None:
            return
        column, ids = self.label_column, self.cutouts.ids
        given = [(ids[row], self.label(row), label) for row, label in zip(rows, labels, strict=True)]
        self.journal.record_all(column, given)
        self._hand_labels = {**self._hand_labels, **{(name, column): label for name, _, label in given}}
        self._columns = None
        if not (self._draft.settings.data.labels or self.cutouts.labels):
            self._draft.edit("data.labels", (column,))  # the first label of an unlabelled dataset
        self._divide()
        self.labels_changed.emit(list(rows))
        self.split_changed.emit()

    # -- parts -----------------------------------------------------------------------------------------------------

    def _follow_draft(self) -> None:
        settings = self._draft.settings
        if self._drawn_by is not None and self._drawn_by != (settings.data, settings.seed):
            self._divide()
            self.split_changed.emit()

    def _divide(self) -> None:
        """Find the target and draw the parts by the draft; nothing is shown where that is impossible."""
        from core.data import split, target

        self.target = self.split = self.split_problem = None
        if self.cutouts is None:
            return
        data, seed = self._draft.settings.data, self._draft.settings.seed
        self._drawn_by = data, seed
        try:
            names = data.labels or self.cutouts.labels
            self.target = target.recognise(self.columns, names, data.kind, self.cutouts.units)
            labels = target.encode(self.target, self.columns)
            groups = [target.label_text(value) for value in self.columns[data.group]] if data.group else None
            self.split = split.split(self.cutouts.ids, labels, self.target, data, seed, groups)
        except Problem as problem:
            self.split_problem = problem
        except KeyError:
            self.split_problem = Problem(f"There is no column “{data.group}”.", "Choose another.", "data.group")

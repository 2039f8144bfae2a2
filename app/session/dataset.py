"""The open dataset: its galaxies, their catalogue with the labels given by hand, what is learned, and the parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSettings, QTimer, Signal

from app.session.draft import Draft
from app.session.drawing import Drawing
from app.theme import class_colours
from core.errors import Problem
from core.project.votes import Counting, Votes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.data.cutouts import Cutouts
    from core.data.kept_parts import KeptState
    from core.data.labelled_catalogue import LabelledCatalogue, LabelTexts, Summary
    from core.data.opened import OpenedDataset
    from core.data.parts import KeptParts
    from core.data.settings import DataSettings
    from core.data.split import Split
    from core.data.target import Target
    from core.project.labels import LabelJournal
    from core.project.runs import RunFolder

_MOST_CLASSES = 30
_LABELLER = "labels/person"
_SETTLED = 300  # ms after the last label: then the parts are drawn again
_AT_ONCE = 100_000  # galaxies whose parts are drawn within some hundredths of a second


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
    votes
        Those labels person by person, and which one counts.
    labels_problem
        What of those labels cannot be read; None: nothing.
    columns_with_parts
        The dataset's columns that say train, validation or test for each galaxy.

    Notes
    -----
    Signals: ``awaited`` when another dataset is about to be opened; ``changed`` when one is open, or none;
    ``labels_changed(rows)`` at once after labels were given
    by hand; ``split_changed`` when target or parts may have changed, after labels only once no more come;
    ``drawing_begun`` when those of many galaxies are looked for, which takes a moment; until then they are the earlier
    ones; ``labels_unsaved(problem)`` when labels were given that could not be written, which are kept in the journal.
    """

    awaited = Signal()
    changed = Signal()
    labels_unsaved = Signal(object)
    labels_changed = Signal(object)
    split_changed = Signal()
    drawing_begun = Signal()

    def __init__(self, draft: Draft, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self.cutouts: Cutouts | None = None
        self.journal: LabelJournal | None = None
        self.votes = Votes()
        self._catalogue: LabelledCatalogue | None = None
        self._drawn_by: tuple[DataSettings, int] | None = None
        self.labels_problem: Problem | None = None
        self.columns_with_parts: list[str] = []
        self._kept: KeptState | None = None
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED)
        self._settle.timeout.connect(self._draw)
        self._drawing = Drawing(self)
        self._drawing.drawn.connect(self._show_drawn)
        self._drawing.outdated.connect(self._draw)
        draft.changed.connect(self._follow_draft)

    # -- opening and closing ---------------------------------------------------------------------------------------

    def replace(self, opened: OpenedDataset) -> None:
        """Have another dataset open; the old one is closed."""
        from core.data.opened import fitting

        self._let_go()
        self.cutouts, self.journal, self._catalogue = opened.cutouts, opened.journal, opened.catalogue
        self.votes, self.labels_problem = opened.votes, opened.labels_problem
        self.columns_with_parts, self._kept = opened.columns_with_parts, opened.kept
        self.pin_file()
        self._draft.adapt({"data": fitting(self._draft.settings.data, self.columns)})
        self._follow(self._catalogue)
        self.changed.emit()
        self.split_changed.emit()

    def move_to(self, path: Path) -> bool:
        """Go on with the open file under another path, to which its folder was moved.

        Returns
        -------
        bool
            Whether it is the file at that path, and not a copy of it.
        """
        from core.data.file_identity import FileIdentity

        if self.cutouts is None or not path.exists() or FileIdentity.of(path) != self.cutouts.identity:
            return False
        self.unpin_file()
        self.cutouts.path = path
        self.pin_file()
        self.changed.emit()
        self.split_changed.emit()
        return True

    def close(self) -> None:
        """Close the dataset, if one is open."""
        if self.cutouts is not None:
            self._let_go()
            self.changed.emit()

    def pin_file(self) -> None:
        """From now on, have any other dataset at this path refused in this program."""
        from core.data import file_identity

        if self.cutouts is not None:
            file_identity.pin(self.cutouts.path, self.cutouts.identity, self.cutouts.checksum)

    def await_another(self) -> None:
        """Make ready for another dataset, be it at the same path; until it is there, this one stays open."""
        self.unpin_file()
        self.awaited.emit()

    def unpin_file(self) -> None:
        """Allow another dataset at this path."""
        from core.data import file_identity

        if self.cutouts is not None:
            file_identity.unpin(self.cutouts.path)

    @property
    def has_same_file(self) -> bool:
        """Whether the file at the path looks like the one that was opened; also if there is none."""
        from core.data import file_identity

        return self.cutouts is None or file_identity.is_as_pinned(self.cutouts.path)

    def _let_go(self) -> None:
        if self.cutouts is not None:
            self.unpin_file()
            self.cutouts.close()
        self.cutouts = self.journal = self._catalogue = self._drawn_by = self.labels_problem = None
        self.votes = Votes()
        self.columns_with_parts, self._kept = [], None
        self._drawing.stop()
        self._settle.stop()

    # -- labels ----------------------------------------------------------------------------------------------------

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The catalogue, hand labels included."""
        return {} if self._catalogue is None else self._catalogue.columns

    @property
    def label_column(self) -> str:
        """The column that hand labels go to."""
        return "label" if self._catalogue is None else self._catalogue.label_column

    @property
    def label_texts(self) -> LabelTexts | None:
        """The labels as text; None where there are none."""
        return None if self._catalogue is None else self._catalogue.texts(self.label_column)

    def label(self, row: int) -> str:
        """The label of a galaxy as text; empty without."""
        from core.data.target import label_text

        column = self.columns.get(self.label_column)
        return "" if column is None else label_text(column[row])

    @property
    def labeller(self) -> str:
        """The name under which labels are given; empty: without a name, which keeps no votes apart."""
        return str(QSettings().value(_LABELLER, "", str))

    @labeller.setter
    def labeller(self, name: str) -> None:
        QSettings().setValue(_LABELLER, name.strip())

    def vote(self, row: int, by: str) -> str | None:
        """The label that a person gave a galaxy; None: none. Without a name: the label that counts."""
        if not by or self.cutouts is None:
            return self.label(row)
        return self.votes.of(self.cutouts.ids[row], self.label_column).get(by)

    def set_labels(self, rows: Sequence[int], labels: Sequence[str | None], by: str = "") -> None:
        """Record hand labels; call it through :mod:`app.session.label_commands`, so that they can be undone.

        Parameters
        ----------
        rows
            The galaxies.
        labels
            The label of each; None withdraws the vote of a person with a name.
        by
            Who gives them; empty: without a name.
        """
        if self.cutouts is None or self._catalogue is None or self.journal is None:
            return
        column, ids = self.label_column, self.cutouts.ids
        given = [(ids[row], self.vote(row, by), label) for row, label in zip(rows, labels, strict=True)]
        try:
            self.journal.record_all(column, given, by)
        except Problem as problem:
            self.labels_unsaved.emit(problem)
        for name, _, label in given:
            self.votes.record(name, column, by, label)
        self._show_votes(column, rows)

    def set_counting(self, counting: Counting) -> None:
        """Have another vote count, where several people have labelled a galaxy."""
        if self.cutouts is None or self.journal is None or counting == self.votes.counting:
            return
        try:
            self.journal.record_counting(counting)
        except Problem as problem:
            self.labels_unsaved.emit(problem)
        self.votes.counting = counting
        several = self.votes.several(self.label_column)
        self._show_votes(self.label_column, [row for row, name in enumerate(self.cutouts.ids) if name in several])

    def _show_votes(self, column: str, rows: Sequence[int]) -> None:
        """Show the labels of these galaxies that count, or else those of the catalogue."""
        from core.data.target import label_text

        if self.cutouts is None or self._catalogue is None or not len(rows):
            return
        own, ids = self.cutouts.columns.get(column), self.cutouts.ids
        counted = [self.votes.label(ids[row], column) for row in rows]
        labels = [
            ("" if own is None else label_text(own[row])) if label is None else label
            for row, label in zip(rows, counted, strict=True)
        ]
        changed = self._catalogue.set_labels(column, rows, labels)
        if not (self._draft.settings.data.labels or self.cutouts.labels):
            self._draft.adapt({"data.labels": (column,)})  # the first label of an unlabelled dataset
        self.labels_changed.emit(changed)
        self._settle.start()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, or the answers of a vote, in the order of their colours; none for numbers and too many texts."""
        from core.data.target import Classes, VoteFractions, columns_of

        target = self.target
        if isinstance(target, Classes):
            return target.names
        if isinstance(target, VoteFractions):
            return columns_of(target)
        texts = self.label_texts if target is None else None
        names = [] if texts is None else sorted(filter(None, texts.present))
        return tuple(names) if len(names) <= _MOST_CLASSES else ()

    def class_colours(self, names: Sequence[str]) -> list[str]:
        """The colours of classes: those of the dataset by their places in its list, others by the places after it.

        All panels take them from here, so that a class has one colour whichever network names it, and in what order.
        """
        known = {name: place for place, name in enumerate(self.class_names)}
        for name in names:
            known.setdefault(name, len(known))
        palette = class_colours(len(known))
        return [palette[known[name]] for name in names]

    # -- target and parts ------------------------------------------------------------------------------------------

    @property
    def target(self) -> Target | None:
        """What the labels are, by the draft; None where they make no sense yet."""
        return None if self._catalogue is None else self._catalogue.target

    def summary(self, column: str) -> Summary:
        """How many galaxies have a number in a column, and the least, the median and the largest of them."""
        assert self._catalogue is not None
        return self._catalogue.summary(column)

    @property
    def split(self) -> Split | None:
        """The parts by the draft, drawn when they are asked for; None where there are none.

        Where those that the project has kept cannot be read, no others are drawn in their place.
        """
        return None if self._catalogue is None or self.has_damaged_parts else self._catalogue.split

    @property
    def has_damaged_parts(self) -> bool:
        """Whether the parts that the project has kept are needed and cannot be read."""
        return self._kept is not None and self._kept.problem is not None and not self.parts_column

    @property
    def split_problem(self) -> Problem | None:
        """Why there are no parts."""
        if self.has_damaged_parts:
            return None if self._kept is None else self._kept.problem
        return None if self._catalogue is None else self._catalogue.problem

    @property
    def part_notices(self) -> list[Problem]:
        """What the user should know of the parts."""
        return [] if self._catalogue is None else self._catalogue.part_notices

    @property
    def kept(self) -> KeptParts | None:
        """The parts that earlier trainings of the project have decided; None before the first one."""
        return None if self._kept is None else self._kept.parts

    @property
    def parts_column(self) -> str:
        """The column that gives the parts; empty where they are drawn."""
        from core.data.parts import column_in_use

        declared = "" if self.cutouts is None else self.cutouts.split_column
        chosen = self._draft.settings.data if self._drawn_by is None else self._drawn_by[0]
        return column_in_use(chosen.split_column, declared)

    def finished_runs(self) -> list[RunFolder]:
        """The project's finished runs of this dataset, whose test parts another draw would spoil."""
        from core.data import kept_parts

        if self.cutouts is None or self.journal is None:
            return []
        return kept_parts.finished_runs(self.journal.path.parent.parent / "runs", self.cutouts.path)

    def draw_parts_again(self) -> None:
        """Give up the parts that the project has kept, and draw all of them by another seed.

        Raises
        ------
        Problem
            The parts cannot be saved.
        """
        from core.data import kept_parts

        if self.cutouts is not None:
            kept_parts.draw_again(self.cutouts.path, self.journal)
            self.refresh_parts()

    def refresh_parts(self) -> None:
        """Read the parts that the project keeps, if a training has decided some since."""
        from core.data import kept_parts

        if self.cutouts is None or self.journal is None or self._catalogue is None or self._kept is None:
            return
        if kept_parts.time_written(self.cutouts.path, self.journal) != self._kept.written:
            self._draw()

    def _follow_draft(self) -> None:
        settings = self._draft.settings
        if self._catalogue is None or self._drawn_by is None:
            return
        if self._drawing.is_running or self._drawn_by != (settings.data, settings.seed):
            self._draw()

    def _draw(self) -> None:
        """Have target and parts by the present settings, labels and kept parts; for many galaxies in a job."""
        if self._catalogue is None or self.cutouts is None or self._kept is None:
            return
        settings = self._draft.settings.data, self._draft.settings.seed
        if len(self.cutouts) > _AT_ONCE:
            self._drawing.start(self._catalogue, self.cutouts.path, self.journal, self._kept, settings)
            self.drawing_begun.emit()
            return
        self._kept = self._kept.renewed(self.cutouts.path, self.journal)
        self._catalogue.keep_parts(self._kept.parts)
        self._follow(self._catalogue)
        self.split_changed.emit()

    def _follow(self, catalogue: LabelledCatalogue) -> None:
        self._drawn_by = self._draft.settings.data, self._draft.settings.seed
        catalogue.apply_settings(*self._drawn_by)
        if self.journal is not None:
            catalogue.prepare_labels()

    def _show_drawn(self, catalogue: LabelledCatalogue, kept: KeptState) -> None:
        self._catalogue, self._kept, self._drawn_by = catalogue, kept, catalogue.settings
        self.split_changed.emit()

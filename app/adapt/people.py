"""Who labels, how far several people agree, where they do not, and whose label counts."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.adapt import work
from app.jobs.job import Latest
from app.session.session import Session
from app.widgets.message_line import MessageLine
from core.metrics.agreement import Agreement
from core.printable import on_one_line
from core.project.votes import COUNTINGS

_COUNTED = {"last": "The last label given", "majority": "What most people say (of a tie: the latest)"}
_NOBODY = "With a name, labels of several people are kept apart and compared."
_LISTED = 200  # conflicts
_HEIGHT = 110  # pixels of the list


class People(QWidget):
    """The name under which labels are given, and the votes of all who have labelled.

    Parameters
    ----------
    session
        Its dataset holds the votes.

    Notes
    -----
    Signals: ``wanted(row)`` when a galaxy on which people disagree was chosen.
    """

    wanted = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._agreement = Latest(self)
        self.name = QLineEdit(session.dataset.labeller)
        self.name.setPlaceholderText("your name")
        self.name.setToolTip("Labels are recorded under this name, here and in the gallery. Empty: without a name.")
        self.counting = QComboBox()
        for counting in COUNTINGS:
            self.counting.addItem(_COUNTED[counting], counting)
        self.counting.setToolTip("Which label a training uses where several people have labelled a galaxy.")
        self.agreement = MessageLine(3, grows=True)
        self.conflicts = QListWidget()
        self.conflicts.setToolTip("Galaxies on which people disagree; a click shows one.")
        self.conflicts.setMaximumHeight(_HEIGHT)
        form = QFormLayout()
        form.addRow("Labelling as", self.name)
        form.addRow("Counts", self.counting)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addWidget(self.agreement)
        column.addWidget(self.conflicts)
        self.name.editingFinished.connect(self._take_name)
        self.counting.activated.connect(self._count)
        self.conflicts.itemClicked.connect(self._go)
        self._agreement.finished.connect(self._show_agreement)
        self._agreement.failed.connect(session.report)

    def show_votes(self) -> None:
        """Show the present votes."""
        dataset = self._session.dataset
        cutouts = dataset.cutouts
        self.setEnabled(cutouts is not None and dataset.journal is not None)
        self.counting.setCurrentIndex(self.counting.findData(dataset.votes.counting))
        several = dataset.votes.several(dataset.label_column)
        if several:
            self._agreement.start(work.measure_agreement(list(several.values())))
        else:
            self._agreement.stop()
            self.agreement.setText(_NOBODY)
        self.conflicts.clear()
        apart = {name: votes for name, votes in several.items() if len(set(votes.values())) > 1}
        self.conflicts.setVisible(bool(apart))
        if cutouts is None or not apart:
            return
        first_rows: dict[str, int] = {}
        for row, name in enumerate(cutouts.ids):
            if name in apart:
                first_rows.setdefault(name, row)
        for name in list(apart)[:_LISTED]:
            said = ", ".join(f"{person or 'without a name'}: {label}" for person, label in apart[name].items())
            item = QListWidgetItem(on_one_line(f"{name}  ·  {said}"))
            item.setData(Qt.ItemDataRole.UserRole, first_rows.get(name, -1))
            self.conflicts.addItem(item)

    def _show_agreement(self, found: Agreement | None) -> None:
        self.agreement.setText(_NOBODY if found is None else found.sentence)

    def _take_name(self) -> None:
        self._session.dataset.labeller = self.name.text()

    def _count(self, place: int) -> None:
        self._session.dataset.set_counting(self.counting.itemData(place))
        self.show_votes()

    def _go(self, item: QListWidgetItem) -> None:
        row = int(item.data(Qt.ItemDataRole.UserRole))
        if row >= 0:
            self.wanted.emit(row)

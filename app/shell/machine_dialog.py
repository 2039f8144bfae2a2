"""What this machine has for training, and what to do about what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialogButtonBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from app.jobs.job import Latest
from app.session.session import Session
from app.shell import work
from app.widgets.dialog import Dialog
from core.project.user_folders import projects_folder

if TYPE_CHECKING:
    from app.shell.work import MachineReport

_SIZE = QSize(560, 380)  # pixels: room for all facts and some lines of advice
_BATCHES = (
    "The batch size is found automatically from the number of galaxies, unless you choose one. Where a batch does not "
    "fit into the memory, it is passed in halves, and the training goes on."
)


class MachineDialog(Dialog):
    """The facts in a table, the advice below it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("This machine")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumSize(_SIZE)
        self.facts = QFormLayout()
        self.facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self.facts.setHorizontalSpacing(16)
        self.advice = QLabel("Looking…")
        batches = QLabel(_BATCHES)
        batches.setProperty("role", "muted")
        for label in (self.advice, batches):
            label.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addLayout(self.facts)
        column.addWidget(self.advice)
        column.addWidget(batches)
        column.addStretch(1)
        column.addWidget(buttons)
        self._look = Latest(self)
        self._look.finished.connect(self._show)
        self._look.failed.connect(session.report)
        cutouts = session.dataset.cutouts
        self._look.start(work.look_at_machine(projects_folder(), () if cutouts is None else cutouts.shape))

    def _show(self, report: MachineReport) -> None:
        for title, text in report.facts:
            value = QLabel(text)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.facts.addRow(title, value)
        self.advice.setText("\n\n".join(report.advice) or "Nothing is lacking.")

    def reject(self) -> None:
        """Stop looking, and close."""
        self._look.close()
        super().reject()

"""Adaptation: which network is carried to the open dataset, and whether the two fit."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.adapt import work
from app.adapt.network_chooser import NetworkChooser
from app.panel.panel import Panel
from app.session.session import Session
from app.widgets.empty_state import EmptyState
from core.errors import Problem

_FILE = "Weights file…"
_FIT = "Bands, size and pixel scale are those of the training."


class AdaptationPanel(Panel):
    """Choose a trained network, and see how it fits the open dataset.

    Parameters
    ----------
    session
        Its open dataset is the one that the network is adapted to.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, "adaptation", EmptyState("mdi6.swap-horizontal", "", "", _FILE), parent)
        self._asked: tuple[Path, int, Path] | None = None
        self._differences = self._make_request(self._show_differences)
        self.network = NetworkChooser(session)
        self.target = QLabel()
        self.target.setProperty("role", "heading")
        self.match = QLabel()
        self.match.setWordWrap(True)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        top = QHBoxLayout()
        top.addWidget(QLabel("Network"))
        top.addWidget(self.network)
        top.addWidget(self.target, 1)
        column.addLayout(top)
        column.addWidget(self.match)
        column.addWidget(self.state)
        column.addStretch(1)
        self._set_content(content)
        assert self.empty is not None
        self.empty.clicked.connect(self.network.ask_file)
        self.network.chosen.connect(self.refresh)
        session.dataset.changed.connect(self.refresh)
        self.refresh()

    def _renew(self) -> None:
        cutouts, network = self._session.dataset.cutouts, self.network.path
        assert self.empty is not None
        self.empty.button.setVisible(cutouts is not None)
        if cutouts is None:
            self._show_empty("No survey to adapt to", "Open the dataset of the new survey first.")
            return
        if network is None:
            text = "Train one on another dataset of this project first, or choose a weights file."
            self._show_empty("No network to adapt", text)
            return
        self._show_content()
        self.target.setText(f"adapted to {cutouts.path.stem}")
        asked = (network, network.stat().st_mtime_ns, cutouts.path)
        if asked != self._asked:
            self._asked = asked
            self.match.clear()
            self.state.clear()
            self._differences.start(work.find_differences(network, cutouts.path))

    def _show_differences(self, found: tuple[Problem, ...]) -> None:
        self.match.setText("\n".join(problem.text for problem in found) or _FIT)

"""The project's studies as a list: open one to look at it or resume it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.panel.panel import Panel
from app.session.session import Session
from app.studies import work
from app.theme import colours, icon
from app.widgets.empty_state import EmptyState
from app.widgets.plain_text import as_written
from core.studies.study_folders import Study, StudyKind

_COLUMNS = ("Study", "So far")
_ICONS: dict[StudyKind, str] = {
    "search": "mdi6.tune-variant",
    "training size": "mdi6.chart-scatter-plot",
    "transfer": "mdi6.swap-horizontal",
    "matrix": "mdi6.view-grid-outline",
    "suggestions": "mdi6.tag-outline",
}


class StudiesPanel(Panel):
    """Studies in a list, newest first; a click opens one.

    Parameters
    ----------
    session
        Its project's studies are listed; the chosen one becomes ``session.study``.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        empty = EmptyState(
            "mdi6.history", "No studies yet", "Searches and other studies of this project are kept here."
        )
        super().__init__(session, "studies", empty, parent)
        self._latest = self._make_request(self._show_studies)
        self._build()
        self.list.itemSelectionChanged.connect(self._chosen)
        session.studies_changed.connect(self.refresh)
        session.study_changed.connect(self._show_current)
        self.refresh()

    def _build(self) -> None:
        self.list = QTreeWidget()
        self.list.setHeaderLabels(_COLUMNS)
        self.list.setRootIsDecorated(False)
        self.list.setAlternatingRowColors(True)
        self.list.setUniformRowHeights(True)
        self.list.setStyleSheet("QTreeView::item { min-height: 24px; }")
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self._set_content(self.list)

    def _renew(self) -> None:
        """List the studies of the project again."""
        if self._session.project is None:
            self._show_studies([])
        else:
            self._latest.start(work.list_studies(self._session.project.folder))

    def _show_studies(self, studies: Sequence[Study]) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        for study in studies:
            item = QTreeWidgetItem([study.title, study.progress])
            item.setIcon(0, icon(_ICONS[study.kind]))
            item.setData(0, Qt.ItemDataRole.UserRole, study.folder)
            for column in range(len(_COLUMNS)):
                item.setToolTip(column, as_written(_describe(study)))
                if study.problem is not None:
                    item.setForeground(column, QColor(colours().bad))
            self.list.addTopLevelItem(item)
        self.list.blockSignals(False)
        self._show_content(bool(studies))
        self._show_current()

    def _show_current(self) -> None:
        """Mark the study that is open."""
        self.list.blockSignals(True)
        self.list.clearSelection()
        for place in range(self.list.topLevelItemCount()):
            item = self.list.topLevelItem(place)
            if item is not None and item.data(0, Qt.ItemDataRole.UserRole) == self._session.study:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)

    def _chosen(self) -> None:
        items = self.list.selectedItems()
        if items and (folder := items[0].data(0, Qt.ItemDataRole.UserRole)) != self._session.study:
            self._session.open_study(folder)


def _describe(study: Study) -> str:
    begun = "" if study.begun is None else f", begun {study.begun:%Y-%m-%d %H:%M}"
    why = "" if study.problem is None else f"\nUnreadable: {study.problem}"
    return f"{study.kind.capitalize()}{begun}\n{study.folder}{why}"

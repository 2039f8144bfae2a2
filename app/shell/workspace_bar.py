"""A button for each workspace."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QToolButton, QWidget

from app.shell.workspaces import WORKSPACES
from app.theme import icon


class WorkspaceBar(QFrame):
    """The buttons of all workspaces side by side, one of them checked.

    Notes
    -----
    Signals: ``chosen(name)`` when the user chooses a workspace.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "workspaces")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(0)
        self._group = group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        for name, workspace in WORKSPACES.items():
            button = QToolButton()
            button.setText(workspace.title)
            button.setIcon(icon(workspace.icon))
            button.setToolTip(f"{workspace.tip} ({workspace.shortcut})")
            button.setShortcut(workspace.shortcut)
            button.setCheckable(True)
            button.setProperty("role", "workspace")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setEnabled(not workspace.needs_galaxies)
            button.clicked.connect(lambda _checked=False, name=name: self.chosen.emit(name))
            group.addButton(button)
            self.buttons[name] = button
            row.addWidget(button)
        row.addStretch(1)

    def show_which_can_be_chosen(self, has_galaxies: bool) -> None:
        """Enable the workspaces that make sense; without galaxies, none is the current one at first."""
        for name, button in self.buttons.items():
            button.setEnabled(has_galaxies or not WORKSPACES[name].needs_galaxies)
        if not has_galaxies and (current := self._group.checkedButton()) is not None:
            self._group.setExclusive(False)  # or it could not be unchecked
            current.setChecked(False)
            self._group.setExclusive(True)

    def add_notices(self, notices: QWidget) -> None:
        """Reserve the rest of the bar for notices, beside the buttons."""
        row = self.layout()
        assert isinstance(row, QHBoxLayout)
        row.addWidget(notices, 100)
        height = max(notices.sizeHint().height(), row.sizeHint().height())
        self.setFixedHeight(height)

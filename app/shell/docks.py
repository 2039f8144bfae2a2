"""The panels as docks: built when first shown, arranged by workspace, remembered as the user left them.

A room shows its frame at once. Its panels are then built one after the other, those in front first, so that the window
answers in between.
"""

from __future__ import annotations

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QTabBar, QWidget

from app.panel.room import Workspace, load
from app.session.session import Session
from app.shell.workspaces import PANELS, WORKSPACES
from app.widgets.accessible import name_usable_widgets

_LAYOUT = 3  # version of the saved state


class Docks:
    """The docks of a window.

    Parameters
    ----------
    window
        The window they are docked to.
    session
        The session of their panels.
    """

    def __init__(self, window: QMainWindow, session: Session) -> None:
        self._window, self._session = window, session
        self._docks: dict[str, QDockWidget] = {}
        self._panels: dict[str, QWidget] = {}
        self._next = QTimer(window)
        self._next.setInterval(0)
        self._next.timeout.connect(self._build_next)
        self.current = ""

    def panel(self, name: str) -> QWidget:
        """A panel, built on first use."""
        if name not in self._panels:
            dock, entry = self._dock(name), PANELS[name]
            panel = load(entry.source)(self._session, dock)  # in place while it is built: it is styled once
            panel.setAccessibleName(entry.title)
            name_usable_widgets(panel, entry.title)
            self._panels[name] = panel
            dock.setWidget(panel)
        return self._panels[name]

    def built(self, name: str) -> QWidget | None:
        """A panel, if it was built already."""
        return self._panels.get(name)

    def _dock(self, name: str) -> QDockWidget:
        if name not in self._docks:
            dock = QDockWidget(PANELS[name].title, self._window)
            dock.setObjectName(name)
            dock.setFeatures(
                QDockWidget.DockWidgetFeature.DockWidgetMovable | QDockWidget.DockWidgetFeature.DockWidgetFloatable
            )
            dock.hide()
            self._window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
            self._docks[name] = dock
        return self._docks[name]

    def _build_next(self) -> None:
        """Build one panel of this room: one in front, if any of those is missing."""
        missing = [name for name in self._shown_here if name not in self._panels]
        if not missing:
            self._next.stop()
            return
        self.panel(next((name for name in missing if not self._docks[name].visibleRegion().isEmpty()), missing[0]))

    @property
    def _shown_here(self) -> list[str]:
        """The panels of the present room."""
        columns = WORKSPACES[self.current].columns if self.current else ()
        return [panel for column in columns for area in column for panel in area]

    def show(self, name: str) -> None:
        """Show a workspace as the user left it, or in its default layout."""
        if name == self.current:
            return
        self.remember()
        self.current = name
        workspace, wanted = WORKSPACES[name], self._shown_here
        for panel in wanted:
            self._dock(panel)
        if self._session.activity.at_work:  # whose news a panel would miss that is built a little later
            for panel in wanted:
                self.panel(panel)
        for bar in self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            bar.hide()  # Qt forgets those of the workspace that is left; it shows those that it needs
        others = [dock for panel, dock in self._docks.items() if panel not in wanted]
        size = self._window.size()
        state = QSettings().value(f"workspace/{name}")
        if state is None or not self._window.restoreState(state, _LAYOUT):
            self._arrange(workspace)
        for dock in others:  # a state saved before they were built brings them back
            self._window.removeDockWidget(dock)
        if self._window.size() != size:  # and enlarges the window for them
            if (layout := self._window.layout()) is not None:
                layout.activate()
            self._window.resize(size)
        self._next.start()

    def bring_to_front(self, name: str) -> None:
        """Show a panel in front of those with which it shares a place, if it belongs to this workspace."""
        if name in self._docks and self._docks[name].isVisible():
            self.panel(name)
            self._docks[name].raise_()

    def panel_in_use(self) -> str:
        """The panel with the keyboard focus, or else the one in front where the room is one stack of panels."""
        focused = QApplication.focusWidget()
        for name, dock in self._docks.items():
            if focused is not None and dock.isAncestorOf(focused):
                return name
        stack = max((area for c in WORKSPACES[self.current].columns for area in c), key=len) if self.current else ()
        in_front = (name for name in stack if not self._docks[name].visibleRegion().isEmpty())
        return next(in_front, "")

    def remember(self) -> None:
        """Save the layout of the current workspace."""
        if self.current:
            QSettings().setValue(f"workspace/{self.current}", self._window.saveState(_LAYOUT))

    def reset(self) -> None:
        """Restore the default layout of every workspace."""
        for name in WORKSPACES:
            QSettings().remove(f"workspace/{name}")
        self._arrange(WORKSPACES[self.current])

    def hide(self) -> None:
        """Show no panels."""
        self.remember()
        self.current = ""
        for dock in self._docks.values():
            dock.hide()

    def close(self) -> None:
        """Close the panels, which saves what was typed and stops their jobs."""
        self._next.stop()
        for panel in self._panels.values():
            panel.close()

    def _arrange(self, workspace: Workspace) -> None:
        window = self._window
        for dock in self._docks.values():
            window.removeDockWidget(dock)
        heads: list[QDockWidget] = []
        for column in workspace.columns:
            head = self._dock(column[0][0])
            if heads:
                window.splitDockWidget(heads[-1], head, Qt.Orientation.Horizontal)
            else:
                window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, head)
            heads.append(head)
        for column, head in zip(workspace.columns, heads, strict=True):
            above = head
            for area in column[1:]:
                below = self._dock(area[0])
                window.splitDockWidget(above, below, Qt.Orientation.Vertical)
                above = below
            for area in column:
                for panel in area[1:]:
                    window.tabifyDockWidget(self._dock(area[0]), self._dock(panel))
        for area in (area for column in workspace.columns for area in column):
            for panel in area:
                self._dock(panel).show()
            self._dock(area[0]).raise_()
        scale = window.width() / 1280
        window.resizeDocks(heads, [int(width * scale) for width in workspace.widths], Qt.Orientation.Horizontal)
        for column in workspace.columns:
            if len(column) > 1:
                docks = [self._dock(area[0]) for area in column]
                heights = [int(window.height() * share) for share in (0.68, 0.32)]
                window.resizeDocks(docks, heights, Qt.Orientation.Vertical)

"""The main window: workspace bar, docks, menus, status bar, and safe closing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QActionGroup, QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QMenuBar,
    QMessageBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app import theme
from app.jobs.job import Job, Latest
from app.notices import CrashDialog, NoticeStrip
from app.session.session import Session
from app.shell import actions, recent, work
from app.shell.docks import Docks
from app.shell.guide import Guide, show_about
from app.shell.recent import home
from app.shell.welcome import WelcomePanel
from app.shell.workspaces import WORKSPACES
from app.theme import icon, program_icon
from app.widgets.job_bar import JobBar
from core.errors import Problem, UnreadableFile

if TYPE_CHECKING:
    from app.data.import_wizard import ImportWizard

_THEMES = ("light", "dark", "system")
_NEW_GROUP = {"import", "quit", "reset_layout", "about"}  # commands above which a menu has a line


class MainWindow(QMainWindow):
    """One window on one session.

    It paints at once; panels are built when their workspace is first shown.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Tuning Fork")
        self.setWindowIcon(program_icon())
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.resize(1280, 800)
        self.session = Session(self)
        self.docks = Docks(self, self.session)
        self._libraries = Latest(self)  # not among the session's jobs: nobody need notice
        self._device = Latest(self)
        self._opening = Latest(self)
        self._dropped: Path | None = None
        self._guide: Guide | None = None
        self._wizard: ImportWizard | None = None
        self._build()
        self._connect()

    def _build(self) -> None:
        self.notices = NoticeStrip()
        head = QWidget()  # in the place of the menu bar, so that the strip takes no room while it is empty
        lines = QVBoxLayout(head)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        for widget in (self._menus(), self._workspace_bar(), self.notices):
            lines.addWidget(widget)
        self.setMenuWidget(head)
        self.welcome = WelcomePanel()
        self.setCentralWidget(self.welcome)
        self.device = QLabel("Looking for a GPU…")
        self.job_bars: list[JobBar] = []
        self.device.setContentsMargins(8, 0, 0, 0)
        self.statusBar().addWidget(self.device)
        self.statusBar().setSizeGripEnabled(False)

    def _menus(self) -> QMenuBar:
        self.actions_by_name = actions.build(
            self,
            {
                "new_project": self.new_project,
                "open": self.ask_project,
                "open_dataset": self.ask_dataset,
                "import": self.import_galaxies,
                "demonstration": self.open_demonstration,
                "quit": self.close,
                "light": lambda: self.set_theme("light"),
                "dark": lambda: self.set_theme("dark"),
                "system": lambda: self.set_theme("system"),
                "reset_layout": self.reset_layout,
                "help": self.show_guide,
                "about": lambda: show_about(self),
            },
        )
        bar = QMenuBar()
        menus = {name: bar.addMenu(name) for name in ("File", "Edit", "View", "Help")}
        for name, action in self.actions_by_name.items():
            menu = menus[actions.COMMANDS[name].menu]
            if name in _NEW_GROUP:
                menu.addSeparator()
            menu.addAction(action)
        self.recent_menu = QMenu("Recent projects")
        self.recent_menu.aboutToShow.connect(self._list_recent)
        menus["File"].insertMenu(self.actions_by_name["open_dataset"], self.recent_menu)
        for action, keys in (
            (self.session.undo.createUndoAction(self, "Undo"), QKeySequence.StandardKey.Undo),
            (self.session.undo.createRedoAction(self, "Redo"), QKeySequence.StandardKey.Redo),
        ):
            action.setShortcut(keys)
            menus["Edit"].addAction(action)
        group = QActionGroup(self)
        for name in _THEMES:
            group.addAction(self.actions_by_name[name])
        chosen = str(QSettings().value("theme", "system"))
        self.actions_by_name[chosen if chosen in _THEMES else "system"].setChecked(True)
        return bar

    def _workspace_bar(self) -> QFrame:
        bar = QFrame()
        bar.setProperty("role", "workspaces")
        row = QHBoxLayout(bar)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(0)
        group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        for place, (name, workspace) in enumerate(WORKSPACES.items(), 1):
            button = QToolButton()
            button.setText(workspace.title)
            button.setIcon(icon(workspace.icon))
            button.setToolTip(f"{workspace.tip} (Ctrl+{place})")
            button.setShortcut(f"Ctrl+{place}")
            button.setCheckable(True)
            button.setProperty("role", "workspace")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setEnabled(False)
            button.clicked.connect(lambda _checked=False, name=name: self.show_workspace(name))
            group.addButton(button)
            self.buttons[name] = button
            row.addWidget(button)
        row.addStretch(1)
        return bar

    def _connect(self) -> None:
        session = self.session
        session.problem.connect(self.report)
        session.workspace_wanted.connect(self.show_workspace)
        session.message.connect(self.notices.show_message)
        session.activity.job_started.connect(self._show_job)
        session.dataset.changed.connect(self._show_what_is_open)
        session.project_changed.connect(self._show_title)
        self._libraries.finished.connect(lambda _done: self._device.start(work.device()))
        self._device.finished.connect(self.device.setText)
        self._opening.finished.connect(self._show_dataset)
        self._opening.failed.connect(self._refused)
        welcome = self.welcome
        welcome.demonstration_wanted.connect(self.open_demonstration)
        welcome.import_wanted.connect(self.import_galaxies)
        welcome.open_wanted.connect(self.ask_project)
        welcome.project_wanted.connect(self.open_project)
        welcome.set_recent(recent.projects())

    # -- beginning -------------------------------------------------------------------------------------------------

    def begin(self, path: Path | None = None, *, demonstration: bool = False) -> None:
        """After the first paint: open what was asked for, and import what the first click would wait for."""
        self._libraries.start(work.warm_up())
        if demonstration:
            self.open_demonstration()
        elif path is not None and path.suffix == ".h5":
            self.open_dataset(path)
        elif path is not None:
            self.open_project(path)

    def open_demonstration(self) -> None:
        """Make or find the demonstration survey and open it in a project of its own."""
        job = work.demonstration()
        job.finished.connect(self._open_demonstration)
        job.failed.connect(self.report)
        self.session.activity.add(job)
        self.welcome.watch(job)
        job.start()

    def _open_demonstration(self, dataset: Path) -> None:
        try:
            self.session.open_project(home() / "Demonstration")
        except Problem as problem:
            self.report(problem)
            return
        self._remember_project()
        self.open_dataset(dataset, "demonstration")

    # -- opening ---------------------------------------------------------------------------------------------------

    def new_project(self) -> None:
        """Ask for a folder and make a project there."""
        name, _ = QFileDialog.getSaveFileName(self, "New project: name its folder", str(home() / "My survey"))
        if name:
            self.open_project(Path(name))

    def ask_project(self) -> None:
        """Ask for a project folder and open it."""
        if folder := QFileDialog.getExistingDirectory(self, "Open a project folder", str(home())):
            self.open_project(Path(folder))

    def ask_dataset(self) -> None:
        """Ask for a dataset and open it."""
        file, _ = QFileDialog.getOpenFileName(self, "Open a dataset", str(home()), "Datasets (*.h5)")
        if file:
            self.open_dataset(Path(file))

    def open_project(self, folder: Path) -> None:
        """Open a project and its newest dataset."""
        if self._is_at_work():
            return
        try:
            self.session.open_project(folder)
        except Problem as problem:
            self.report(problem)
            return
        self._remember_project()
        project = self.session.project
        datasets = sorted(project.datasets(), key=lambda path: path.stat().st_mtime) if project is not None else []
        if datasets:
            self.open_dataset(datasets[-1])
        else:
            self.notices.show_message(f"“{folder.name}” holds no galaxies yet: import some.")

    def open_dataset(self, path: Path, name: str = "") -> None:
        """Open a dataset as soon as its libraries are there; without an open project, in one of its name."""
        try:
            if self.session.project is None:
                self.session.open_project(home() / path.stem)
                self._remember_project()
        except Problem as problem:
            self.report(problem)
            return
        assert self.session.project is not None
        self._opening.start(work.open_dataset(path, self.session.project.folder, name))

    def _show_dataset(self, path: Path) -> None:
        try:
            self.session.open_cutouts(path)
        except Problem as problem:
            self.report(problem)
            return
        self._remember_project()
        self.show_workspace(self.docks.current or "data")

    def _refused(self, error: object) -> None:
        """A dropped file that is no dataset may still hold galaxies."""
        dropped, self._dropped = self._dropped, None
        if dropped is not None and isinstance(error, UnreadableFile):
            self.import_galaxies([dropped])
        else:
            self.report(error)

    def import_galaxies(self, sources: Sequence[Path] = ()) -> None:
        """Open the import wizard, or bring it back with what is under way."""
        from app.data.import_wizard import ImportWizard

        if self._wizard is None or not (self._wizard.isVisible() or self._wizard.is_importing):
            if self._wizard is not None:
                self._wizard.deleteLater()
            self._wizard = ImportWizard(self.session, home() / "My galaxies", sources, self)
            self._wizard.imported.connect(self.open_dataset)
        elif sources and not self._wizard.is_importing:
            self._wizard.set_sources(sources)
        self._wizard.show()
        self._wizard.raise_()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders may be dropped anywhere."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """A project or a dataset is opened, everything else imported."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls()]
        if len(paths) == 1 and (paths[0] / "project.toml").exists():
            self.open_project(paths[0])
        elif len(paths) == 1 and paths[0].suffix == ".h5":
            self._dropped = paths[0]
            self.open_dataset(paths[0])
        else:
            self.import_galaxies(paths)

    # -- showing ---------------------------------------------------------------------------------------------------

    def show_workspace(self, name: str) -> None:
        """Arrange the panels of a workspace."""
        self.buttons[name].setChecked(True)
        self.docks.show(name)

    def reset_layout(self) -> None:
        """Put the panels back to where they were meant to be."""
        if self.docks.current:
            self.docks.reset()

    def set_theme(self, name: str) -> None:
        """Light, dark, or as the system."""
        QSettings().setValue("theme", name)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            theme.apply(application, {"light": False, "dark": True}.get(name))

    def show_guide(self) -> None:
        """Open the user's guide."""
        if self._guide is None:
            self._guide = Guide(self)
        self._guide.show()
        self._guide.raise_()

    def report(self, error: object) -> None:
        """Show a problem in the strip; anything else is a defect and gets the crash dialog."""
        if isinstance(error, Problem):
            self.notices.show_problem(error)
        elif isinstance(error, BaseException):
            CrashDialog(error, parent=self).show()

    def _show_what_is_open(self) -> None:
        is_open = self.session.dataset.cutouts is not None
        if not is_open:
            self.docks.hide()  # first, so that they are remembered as they were
        self.welcome.setVisible(not is_open)
        for button in self.buttons.values():
            button.setEnabled(is_open)
        self._show_title()

    def _show_title(self) -> None:
        names = [self.session.project.folder.name] if self.session.project is not None else []
        if self.session.dataset.cutouts is not None:
            names.insert(0, self.session.dataset.cutouts.path.stem)
        self.setWindowTitle(" – ".join([*names, "Tuning Fork"]))

    def _show_job(self, job: Job) -> None:
        bar = JobBar()
        bar.watch(job)
        self.statusBar().addPermanentWidget(bar)
        self.job_bars.append(bar)
        bar.done.connect(lambda: self._forget_bar(bar))

    def _forget_bar(self, bar: JobBar) -> None:
        self.job_bars.remove(bar)
        self.statusBar().removeWidget(bar)
        bar.deleteLater()

    # -- remembering and closing -----------------------------------------------------------------------------------

    def _list_recent(self) -> None:
        self.recent_menu.clear()
        for folder in recent.projects():
            self.recent_menu.addAction(folder.name, lambda folder=folder: self.open_project(folder)).setToolTip(
                str(folder)
            )
        self.recent_menu.setToolTipsVisible(True)
        if self.recent_menu.isEmpty():
            self.recent_menu.addAction("None yet").setEnabled(False)

    def _remember_project(self) -> None:
        if self.session.project is not None:
            recent.remember(self.session.project.folder)

    def _is_at_work(self) -> bool:
        if what := self.session.activity.at_work:
            sentence = f"Another project cannot be opened while {what} runs."
            self.notices.show_problem(Problem(sentence, "Stop it first; what is done is kept."))
        return bool(what)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask if a training or a study runs; then stop all work, wait for it, and close the files."""
        if what := self.session.activity.at_work:
            question = f"{what.capitalize()} is running. Stop it, keep what is done, and quit?"
            buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No
            if QMessageBox.question(self, "Quit", question, buttons) != QMessageBox.StandardButton.Yes:
                event.ignore()
                return
        self.docks.remember()
        for latest in self.findChildren(Latest):
            latest.close()
        self.session.close()
        super().closeEvent(event)

"""The main window: menus, workspace bar, docks, status bar, and safe closing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSettings, QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QMessageBox, QVBoxLayout, QWhatsThis, QWidget

from app import theme
from app.jobs.job import Latest
from app.panel.room import CommandContext, load
from app.session.session import Session
from app.shell import memory, recent, reopening, work
from app.shell.actions import COMMANDS
from app.shell.closing import wind_up
from app.shell.docks import Docks
from app.shell.log import Log
from app.shell.menus import Menus
from app.shell.opening import Opening
from app.shell.packages import Packages
from app.shell.recovery import Recovery
from app.shell.safekeeping import Safekeeping
from app.shell.welcome import WelcomePanel
from app.shell.workspace_bar import WorkspaceBar
from app.shell.workspaces import WORKSPACES, room_of
from app.theme import program_icon
from app.widgets.job_shelf import JobShelf
from app.widgets.message_line import MessageLine
from app.widgets.notice_strip import NoticeStrip
from app.widgets.plain_text import in_window_title
from core.errors import Problem
from core.project.user_folders import projects_folder

if TYPE_CHECKING:
    from app.shell.action_search import Entry
    from app.shell.guide import Guide
    from app.shell.tour import Tour
    from core.project.runs import RunFolder

_SMALLEST_SCREEN = QSize(1280, 720)  # pixels of the screen's scale
_FRAME = QSize(2, 32)  # title bar and borders
_SHARE = 0.85  # of the screen that a new window takes
_MAXIMISED = "maximised"


def choose_size(available: QSize) -> QSize:
    """The size of a new window: most of a large screen, and of a small one as much as its frame leaves."""
    wanted = (available * _SHARE).expandedTo(_SMALLEST_SCREEN + _FRAME)
    return wanted.boundedTo(available - _FRAME).expandedTo(_SMALLEST_SCREEN - _FRAME)


class MainWindow(QMainWindow):
    """One window on one session.

    It paints at once: panels are built when their workspace is first shown, and dialogs are imported when they are
    first opened.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Tuning Fork")
        self.setWindowIcon(program_icon())
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self.resize(choose_size(self.screen().availableSize()))
        if QSettings().value(_MAXIMISED, False, bool):
            self.setWindowState(Qt.WindowState.WindowMaximized)
        self.session = Session(self)
        self.docks = Docks(self, self.session)
        self.notices = NoticeStrip()
        self.safekeeping = Safekeeping(self, self.session, self.notices)
        self.opening = Opening(self, self.session, self.safekeeping.settle)
        self.log = Log(self.session, self)
        self.recovery = Recovery(self, self.session, self.notices, self._keep_in_mind, self._show_run, self.show_log)
        self.packages = Packages(self, self.session, self.opening.open_project, self.safekeeping.settle)
        self._libraries = Latest(self)  # not among the session's jobs, so that no job bar appears
        self._device = Latest(self)
        self._guide: Guide | None = None
        self._tour: Tour | None = None
        self._tour_wanted = False
        self._is_closing = False
        self._build()
        self._connect()

    def _build(self) -> None:
        self.menus = Menus(self._slots(), self.session.undo)
        self.workspace_bar = WorkspaceBar()
        self.buttons = self.workspace_bar.buttons
        self.workspace_bar.add_notices(self.notices)
        head = QWidget()  # in place of the menu bar
        lines = QVBoxLayout(head)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        for widget in (self.menus, self.workspace_bar):
            lines.addWidget(widget)
        self.setMenuWidget(head)
        self.welcome = WelcomePanel()
        self.setCentralWidget(self.welcome)
        self.device, self.jobs = MessageLine(1, ""), JobShelf()
        self.device.setText("Looking for a GPU…")
        self.device.setContentsMargins(8, 0, 0, 0)
        self.statusBar().addWidget(self.device, 1)
        self.statusBar().addPermanentWidget(self.jobs, 3)
        self.statusBar().setSizeGripEnabled(False)

    def _slots(self) -> Mapping[str, Callable[[], object]]:
        """The function of each command."""
        rooms = {name: partial(self.run_command, name) for name, command in COMMANDS.items() if command.source}
        return rooms | {
            "new_project": self.opening.new_project,
            "open": self.opening.ask_project,
            "open_dataset": self.opening.ask_dataset,
            "demonstration": self.opening.open_demonstration,
            "open_package": self.packages.ask_package,
            "pack_project": self.packages.pack_project,
            "pack_training": self.packages.pack_training,
            "reopen": lambda: reopening.set_wanted(self.menus.actions_by_name["reopen"].isChecked()),
            "quit": self.close,
            "light": lambda: self.set_theme("light"),
            "dark": lambda: self.set_theme("dark"),
            "system": lambda: self.set_theme("system"),
            "reset_layout": self.reset_layout,
            "search": self.search_action,
            "tour": self.begin_tour,
            "whats_this": QWhatsThis.enterWhatsThisMode,
            "machine": self.show_machine,
            "log": self.show_log,
            "shortcuts": self.show_shortcuts,
            "help": self.show_guide,
            "about": self.show_about,
        }

    def _connect(self) -> None:
        session = self.session
        session.problem.connect(self.report)
        session.workspace_wanted.connect(self.show_workspace)
        session.panel_wanted.connect(self.docks.bring_to_front)
        session.project_wanted.connect(self.opening.provide_project)
        session.dataset_wanted.connect(self.opening.open_dataset)
        session.message.connect(self.notices.show_message)
        session.activity.job_started.connect(self.jobs.watch)
        session.dataset.changed.connect(self._show_what_is_open)
        session.project_changed.connect(self._show_title)
        self._libraries.finished.connect(lambda _done: self._device.start(work.find_device()))
        self._device.finished.connect(self.device.setText)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow_system)
        self.menus.project_chosen.connect(self.opening.open_project)
        self.workspace_bar.chosen.connect(self.show_workspace)
        self.opening.opened.connect(self._show_opened)
        self.opening.leaving.connect(self._keep_in_mind)
        self.opening.refused.connect(self.take_files)
        self.opening.package_dropped.connect(self.packages.open_package)
        self.safekeeping.reopening_wanted.connect(self.opening.open_dataset)
        welcome = self.welcome
        self.opening.simulating.connect(welcome.watch)
        welcome.demonstration_wanted.connect(self._begin_demonstration)
        welcome.workspace_wanted.connect(self.show_workspace)
        welcome.import_wanted.connect(self.take_files)
        welcome.open_wanted.connect(self.opening.ask_project)
        welcome.project_wanted.connect(self.opening.open_project)
        welcome.set_recent(recent.projects())

    def begin(self, path: Path | None = None, *, demonstration: bool = False, reopen: bool = False) -> None:
        """After the first paint: open what was requested, and import libraries in the background.

        Parameters
        ----------
        path
            A project folder or a dataset; None: neither.
        demonstration
            Whether to open the demonstration survey.
        reopen
            Whether to open the last project if nothing else is requested and the user has not switched that off.
        """
        self._libraries.start(work.warm_up())
        self.opening.begin(path, demonstration=demonstration, reopen=reopen and reopening.is_wanted())

    # -- commands --------------------------------------------------------------------------------------------------

    def run_command(self, name: str, files: Sequence[Path] = ()) -> None:
        """Run a command of a room."""
        context = CommandContext(self, self.session, projects_folder(), self.opening.open_dataset)
        load(COMMANDS[name].source)(context, files)

    def take_files(self, files: Sequence[Path] = ()) -> None:
        """Run the command that takes files, which asks for some if there are none."""
        self.run_command(next(name for name, command in COMMANDS.items() if command.takes_files), files)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders anywhere."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open or import dropped files."""
        self.opening.open_dropped([Path(url.toLocalFile()) for url in event.mimeData().urls()])

    def reset_layout(self) -> None:
        """Restore the default layout."""
        if self.docks.current:
            self.docks.reset()

    def set_theme(self, name: str) -> None:
        """Light, dark, or as the system."""
        QSettings().setValue("theme", name)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            theme.apply(application, {"light": False, "dark": True}.get(name))

    def _follow_system(self) -> None:
        """Change the theme with the system's, unless the user has chosen one."""
        if str(QSettings().value("theme", "system")) == "system":
            self.set_theme("system")

    def search_action(self) -> None:
        """Open the search of all that can be done."""
        from app.shell.search_dialog import SearchDialog

        SearchDialog(self._list_entries(), self).open()

    def show_shortcuts(self) -> None:
        """Open the sheet of all keys."""
        from app.shell.shortcuts import ShortcutSheet

        ShortcutSheet(self._list_entries(), self).show()

    def _list_entries(self) -> list[Entry]:
        from app.shell.action_search import Places, list_entries

        places = Places(
            show_panel=self._show_panel,
            built=self.docks.built,
            has_project=lambda: self.session.project is not None,
            has_galaxies=lambda: self.session.dataset.cutouts is not None,
            show_workspace=self.show_workspace,
            show_page=self.show_guide,
            say=self.session.message.emit,
            undo=self.menus.undo_actions,
        )
        return list_entries(self.menus.actions_by_name, places)

    def _show_panel(self, name: str) -> QWidget:
        """Show a panel in its room, and return it."""
        self.show_workspace(room_of(name, self.docks.current))
        self.docks.bring_to_front(name)
        return self.docks.panel(name)

    def _begin_demonstration(self) -> None:
        """Open the demonstration survey, the first time with the tour."""
        from app.shell.tour import is_first_time

        self._tour_wanted = is_first_time()
        self.opening.open_demonstration()

    def begin_tour(self) -> None:
        """Begin the tour on what is open, or else on the demonstration survey."""
        from app.shell.tour import Tour

        if self.session.dataset.cutouts is None:
            self._tour_wanted = True
            self.opening.open_demonstration()
            return
        self._tour_wanted = False
        if self._tour is None:
            self._tour = Tour(self.show_workspace, self.docks.bring_to_front, self)
            self._tour.ended.connect(self._forget_tour)
        else:
            self._tour.go_to(0)

    def _forget_tour(self) -> None:
        self._tour = None

    def show_log(self) -> None:
        """Open the log."""
        from app.shell.log_panel import LogPanel

        panel = self.findChild(LogPanel) or LogPanel(self.log, self)
        panel.show()
        panel.raise_()

    def _show_run(self, run: RunFolder) -> None:
        """Open a run where it can be continued."""
        self.session.open_run(run)
        if self.session.dataset.cutouts is not None:
            self.show_workspace("compare")

    def show_guide(self, place: str = "") -> None:
        """Open the user's guide, at a page or a section ``page#anchor``; by itself on the panel or room one is in."""
        from app.shell.guide import Guide
        from app.shell.guide_pages import page_of

        if self._guide is None:
            self._guide = Guide(self)
        self._guide.show_page(place or page_of(self.docks.current, self.docks.panel_in_use()))
        self._guide.show()
        self._guide.raise_()

    def show_about(self) -> None:
        """Show version and licence."""
        from app.shell.guide import show_about

        show_about(self)

    def show_machine(self) -> None:
        """Open the report on this machine."""
        from app.shell.machine_dialog import MachineDialog

        MachineDialog(self.session, self).show()

    # -- showing ---------------------------------------------------------------------------------------------------

    def show_workspace(self, name: str) -> None:
        """Arrange the panels of a workspace."""
        self.welcome.hide()
        self.buttons[name].setChecked(True)
        self.docks.show(name)

    def _show_opened(self, workspace: str) -> None:
        """Show the workspace in which the project was left, the present one, or the first."""
        known = workspace if workspace in WORKSPACES else ""
        self.show_workspace(known or self.docks.current or next(iter(WORKSPACES)))
        if self._tour_wanted:
            self.begin_tour()

    def _keep_in_mind(self) -> None:
        memory.save(self.session, self.docks.current)

    def report(self, error: object) -> None:
        """Show a problem in the strip; anything else is a defect and gets the crash dialog."""
        if isinstance(error, Problem):
            ways_out = self.safekeeping.ways_out(error)  # there is room for buttons or for a path
            self.notices.show_problem(Problem(error.sentence, error.remedy) if ways_out else error, ways_out)
        elif isinstance(error, BaseException):
            from app.notices import CrashDialog

            self.log.note_error(error)
            CrashDialog(error, self.log.tail(), self).show()

    def _show_what_is_open(self) -> None:
        is_open = self.session.dataset.cutouts is not None
        if not is_open:
            self.docks.hide()  # first, so that their layout is remembered
        self.welcome.setVisible(not is_open)
        self.workspace_bar.show_which_can_be_chosen(is_open)
        self._show_title()

    def _show_title(self) -> None:
        names = [self.session.project.folder.name] if self.session.project is not None else []
        if self.session.dataset.cutouts is not None:
            names.insert(0, self.session.dataset.cutouts.path.stem)
        self.setWindowTitle(in_window_title(" – ".join([*names, "Tuning Fork"])))

    def changeEvent(self, event: QEvent) -> None:
        """Look after project and dataset when the user comes back from another program."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.safekeeping.look()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the tour in its corner."""
        super().resizeEvent(event)
        if self._tour is not None:
            self._tour.stand()

    # -- closing ---------------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask if a training or a study runs; then stop all work, wait for it within a bound, and close the files."""
        if self._is_closing:
            event.ignore()
            return
        if what := self.session.activity.at_work:
            question = f"{what.capitalize()} is running. Stop it, keep what is done, and quit?"
            yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
            if QMessageBox.question(self, "Quit", question, yes | no, no) != yes:
                event.ignore()
                return
        if not self.safekeeping.settle():
            event.ignore()
            return
        self._is_closing = True
        self.recovery.end()
        QSettings().setValue(_MAXIMISED, self.isMaximized())
        self.docks.remember()
        self._keep_in_mind()
        wind_up(self, self.session.activity)
        self.docks.close()
        for latest in self.findChildren(Latest):
            latest.close()
        self.session.close()
        self.log.close()
        self._is_closing = False
        super().closeEvent(event)

"""The window at work without a screen, as a process that is killed: it labels, imports, trains, searches or predicts.

``python window_driver.py WORK PROJECT LOG [CYCLES]``. What the program has confirmed is written to the log and flushed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtCore import QTimer  # noqa: E402 - the platform is chosen first
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox  # noqa: E402
from reliability import soak  # noqa: E402

from app import theme, work  # noqa: E402
from app.data.import_wizard import ImportWizard  # noqa: E402
from app.panel import saving  # noqa: E402
from app.session import label_commands  # noqa: E402
from app.shell.window import MainWindow  # noqa: E402
from app.studies.search import SearchPanel  # noqa: E402
from app.train.settings_panel import SettingsPanel  # noqa: E402
from app.widgets.notice_strip import NoticeStrip  # noqa: E402
from core.errors import Problem  # noqa: E402
from core.settings import toml  # noqa: E402

CHANGES = ("network.depth=2", "network.channels=8", "stopping.patience=0", "device=cpu", "optimiser.batch_size=16")
KINDS = ("disk", "edge-on", "spheroid")


class Driver:
    """Does the work in an open window."""

    def __init__(self, application: QApplication, project: Path, log: Path) -> None:
        self.application, self.project = application, project
        self.log = log.open("a", encoding="utf-8")
        self.window = MainWindow()
        self.window.show()
        self.window.begin(project)

    def open(self) -> None:
        """Wait until the project is open."""
        self.wait(lambda: self.window.session.dataset.cutouts is not None)
        self.note("open")

    def note(self, line: str) -> None:
        """Write a line that must not be lost."""
        self.log.write(line + "\n")
        self.log.flush()
        os.fsync(self.log.fileno())

    def wait(self, done: Callable[[], bool], seconds: float = 300) -> None:
        """Let the window work until something is so."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                raise TimeoutError
            self.application.processEvents()
            time.sleep(0.002)

    def label(self) -> None:
        """Give one galaxy after the other a label, round and round."""
        self.note("begun")
        session = self.window.session
        assert session.dataset.cutouts is not None
        for turn in range(1, 1000):
            for row, name in enumerate(session.dataset.cutouts.ids):
                kind = KINDS[(row + turn) % len(KINDS)]
                self.note(f"try\t{name}\t{kind}")
                label_commands.give(session, [row], kind)
                if session.dataset.label(row) == kind:
                    self.note(f"done\t{name}\t{kind}")
                self.application.processEvents()
                time.sleep(0.003)

    def rival(self) -> None:
        """Wait for what is said of a project that another process has open."""
        self.wait(lambda: self._notices() > 0, seconds=60)
        if self.window.session.project is None:
            self.note("told")

    def rename(self) -> None:
        """Give a label after the project's folder has been renamed."""
        self._lose_project(lambda: self.project.rename(self.project.with_name("renamed")))

    def vanish(self) -> None:
        """Give a label after the project's folder has been deleted."""
        self._lose_project(lambda: shutil.rmtree(self.project))

    def _lose_project(self, lose: Callable[[], object]) -> None:
        session = self.window.session
        label_commands.give(session, [0], KINDS[1])
        lose()
        before = self._notices()
        for row in (3, 6):
            with contextlib.suppress(Problem):
                label_commands.give(session, [row], KINDS[2])
            self.let_work(1)
        if session.dataset.label(3) == KINDS[2]:
            self.note("given")
        if self._notices() > before:
            self.note("told")
        QTimer.singleShot(500, self._discard)
        self.window.close()

    def _discard(self) -> None:
        """Answer the closing window that asks about labels which it could not save."""
        asking = self.application.activeModalWidget()
        assert isinstance(asking, QMessageBox)
        self.note("asked")
        asking.button(QMessageBox.StandardButton.Discard).click()

    def _notices(self) -> int:
        """The number of notices and dialogs in sight."""
        widgets = self.application.allWidgets()
        return sum(isinstance(widget, QDialog | NoticeStrip) and widget.isVisible() for widget in widgets)

    def let_work(self, seconds: float) -> None:
        """Let the window work for this time."""
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end)

    def import_files(self) -> None:
        """Import the cutouts beside the project by the wizard."""
        self.window.take_files([self.project.parent / "cutouts"])
        self.wait(lambda: bool(self._wizards()))
        (wizard,) = self._wizards()
        self.wait(wizard.start.isEnabled)
        wizard.start.click()
        self.note("begun")
        self.wait(lambda: not wizard.is_importing)
        self.note("imported")

    def _wizards(self) -> list[ImportWizard]:
        return [widget for widget in self.application.topLevelWidgets() if isinstance(widget, ImportWizard)]

    def train(self) -> None:
        """Train a small network by the start button."""
        self.choose("optimiser.epochs=12")
        self.window.show_workspace("train")
        self.press_start()
        self.wait(lambda: self.window.session.activity.training is None)
        self.note("trained")

    def search(self) -> None:
        """Search the learning rate in a few short trials."""
        self.choose()
        self.window.show_workspace("studies")
        panel = self.window.docks.panel("search")
        assert isinstance(panel, SearchPanel)
        few = {"coarse": 3, "coarse_epochs": 3, "fine": 1, "fine_epochs": 4, "pruner": "none"}
        panel.form.set_value(panel.form.value().model_copy(update=few))
        panel.space.set_texts(("optimiser.learning_rate=0.0001:0.1:log",))
        self.wait(panel.start.isEnabled)
        panel.start.click()
        self.wait(lambda: self.window.session.activity.studying is not None)
        self.note("begun")
        self.wait(lambda: self.window.session.activity.studying is None)
        self.note("searched")

    def predict(self) -> None:
        """Predict the cutouts beside the project into a table beside them."""
        folder = self.project.parent
        job = work.save_answers(folder / "run" / "best.safetensors", [folder / "cutouts"], folder / "table.csv")
        saving.save(self.window.session, job, lambda made: f"{len(made)} are predicted.")
        self.note("begun")
        self.wait(lambda: not job.is_running)
        self.note("predicted")

    def choose(self, *changes: str) -> None:
        """Choose a small network, and more."""
        draft = self.window.session.draft
        draft.replace(toml.apply_overrides(draft.settings, [*CHANGES, *changes]))

    def press_start(self) -> None:
        """Press the start button of the training as soon as it can be."""
        panel = self.window.docks.panel("settings")
        assert isinstance(panel, SettingsPanel)
        self.wait(panel.start.isEnabled)
        panel.start.click()
        self.wait(lambda: self.window.session.activity.training is not None)
        self.note("begun")

    def soak(self) -> None:
        """All of it a little, again and again."""
        self.train()
        self.choose("optimiser.epochs=500")
        soak.work(self, int(sys.argv[4]))


def main() -> None:
    """Do what the arguments say."""
    name, project, log = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    application = QApplication(["reliability"])
    theme.apply(application, dark=False)
    driver = Driver(application, project, log)
    works = {"label": driver.label, "import": driver.import_files, "train": driver.train, "search": driver.search}
    works |= {"predict": driver.predict, "rename": driver.rename, "vanish": driver.vanish, "soak": driver.soak}
    if name == "rival":
        driver.rival()
    else:
        driver.open()
        works[name]()
    driver.window.close()


if __name__ == "__main__":
    main()

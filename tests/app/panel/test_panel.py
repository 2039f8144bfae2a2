"""The base of every panel: nothing is done for one that nobody sees, and nothing is left running."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest
from PySide6.QtGui import QImage, QShowEvent
from PySide6.QtWidgets import QFileDialog, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.jobs.job import Job
from app.panel.panel import Panel
from app.session.session import Session
from app.widgets.empty_state import EmptyState
from core.errors import NotPossible
from core.events import Progress, Work


class Counted(Panel):
    """A panel that shows the current row, and counts how often it had to."""

    def __init__(self, session: Session, *, with_state: bool = True) -> None:
        super().__init__(session, "counted", EmptyState("mdi6.history", "No galaxy yet", "Open some."))
        self.label, self.renewed, self.answers = QLabel(), 0, []
        content = QWidget()
        column = QVBoxLayout(content)
        column.addWidget(self.label)
        if with_state:
            column.addWidget(self.state)
        self._set_content(content)
        self.question = self._make_request(self.answers.append)
        session.current_changed.connect(self.refresh)
        self.refresh()

    def _renew(self) -> None:
        self.renewed += 1
        self._show_content(self._session.current >= 0)
        self.label.setText(str(self._session.current))

    def begin(self, job: Job) -> None:
        """As a click on a button of a real panel would."""
        self._begin(job)


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> Counted:
    made = Counted(session)
    qtbot.addWidget(made)
    return made


def answering(answer: object) -> Job:
    def run(stop: threading.Event) -> Work[object]:
        yield Progress(0, None)
        return answer

    return Job("Answering", run)


def endless() -> Job:
    def run(stop: threading.Event) -> Work[None]:
        done = 0
        while not stop.wait(0.002):
            done += 1
            yield Progress(done, 10**6, "stars")

    return Job("Counting stars", run)


def failing(error: Exception) -> Job:
    def run(stop: threading.Event) -> Work[None]:
        yield Progress(0, None)
        raise error

    return Job("Failing", run)


def reported(session: Session) -> list[object]:
    heard: list[object] = []
    session.problem.connect(heard.append)
    return heard


def test_what_nobody_sees_is_shown_once_somebody_looks(panel: Counted, session: Session) -> None:
    for row in (5, 6, 7):
        session.set_current(row)
    assert panel.renewed == 0
    panel.show()
    assert (panel.renewed, panel.label.text()) == (1, "7")
    session.set_current(8)
    assert (panel.renewed, panel.label.text()) == (2, "8")


def test_a_panel_that_is_seen_again_is_shown_anew_only_if_something_happened(panel: Counted, session: Session) -> None:
    panel.show()
    panel.hide()
    panel.show()
    assert panel.renewed == 1
    panel.hide()
    session.set_current(3)
    panel.show()
    assert (panel.renewed, panel.label.text()) == (2, "3")


def test_without_content_it_says_what_to_do(panel: Counted, session: Session) -> None:
    panel.show()
    assert panel.label.isVisible()
    session.set_current(-1)
    assert panel.empty is not None
    assert panel.empty.isVisible()
    assert not panel.label.isVisible()


def test_of_several_requests_the_newest_is_answered(qtbot: QtBot, panel: Counted) -> None:
    panel.question.start(endless())
    panel.question.start(answering("old"))
    panel.question.start(answering("new"))
    qtbot.waitUntil(lambda: not panel.question.is_running, timeout=10_000)
    assert panel.answers == ["new"]


def test_work_says_how_far_it_is_and_is_among_the_sessions_jobs(qtbot: QtBot, panel: Counted, session: Session) -> None:
    started: list[Job] = []
    session.activity.job_started.connect(started.append)
    panel.begin(job := endless())
    assert panel.state.text() == "Preparing…"
    assert started == [job]
    qtbot.waitUntil(lambda: panel.state.text().endswith("of 1,000,000 stars"), timeout=10_000)
    panel.work.stop()
    qtbot.waitUntil(lambda: not panel.work.is_running, timeout=10_000)
    assert panel.state.text() == ""


def test_a_closed_panel_leaves_nothing_running(qtbot: QtBot, panel: Counted) -> None:
    panel.question.start(request := endless())
    panel.begin(work := endless())
    own = endless()
    own.setParent(panel)
    own.start()
    ended: list[str] = []
    for name, job in (("request", request), ("work", work), ("own", own)):
        job.ended.connect(lambda name=name: ended.append(name))
    panel.close()
    assert sorted(ended) == ["own", "request", "work"]
    assert not panel.question.is_running
    assert not panel.work.is_running


def test_a_problem_is_told_in_a_sentence_with_its_remedy(qtbot: QtBot, panel: Counted, session: Session) -> None:
    heard = reported(session)
    panel.begin(failing(NotPossible("The stamp is too small.", "Use fewer blocks.")))
    qtbot.waitUntil(lambda: panel.state.text() == "The stamp is too small. Use fewer blocks.", timeout=10_000)
    assert heard == []


def test_a_panel_without_a_state_line_tells_its_problems_above_all_panels(qtbot: QtBot, session: Session) -> None:
    panel = Counted(session, with_state=False)
    qtbot.addWidget(panel)
    heard, problem = reported(session), NotPossible("The stamp is too small.", "Use fewer blocks.")
    panel.question.start(failing(problem))
    qtbot.waitUntil(lambda: heard == [problem], timeout=10_000)


def test_a_defect_is_reported_and_the_line_says_that_it_is_none_of_the_users(
    qtbot: QtBot, panel: Counted, session: Session
) -> None:
    heard, defect = reported(session), ZeroDivisionError("division by zero")
    panel.begin(failing(defect))
    qtbot.waitUntil(lambda: heard == [defect], timeout=10_000)
    assert "defect of the program" in panel.state.text()
    assert "division" not in panel.state.text()


@pytest.mark.parametrize(
    ("typed", "kind", "written"),
    [
        ("map.fits", "CSV (*.csv)", "map.fits"),
        ("map.FITS", "CSV (*.csv)", "map.FITS"),
        ("map", "FITS (*.fits)", "map.fits"),
        ("J12+05.6", "FITS (*.fits)", "J12+05.6.fits"),
        ("map", "", "map.csv"),
    ],
)
def test_a_file_gets_the_ending_of_the_chosen_kind(
    panel: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, kind: str, written: str
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_arguments: (str(tmp_path / typed), kind))
    assert panel._ask_path("Save", "map.csv", "CSV (*.csv);;FITS (*.fits)") == tmp_path / written


def test_no_file_is_written_where_none_was_named(panel: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_arguments: ("", ""))
    assert panel._ask_path("Save", "map.csv", "CSV (*.csv)") is None


@pytest.mark.parametrize(
    ("place", "typed", "said"),
    [
        ("galaxies.h5", "galaxies.h5", "is an input"),
        ("twin.csv", "twin.csv", "is an input"),
        ("picture.csv", "picture.csv", "is a PNG picture, and a table of text would replace it"),
        ("named.csv", "named", "There is a file of this name already"),
        ("beside.fits", "beside.csv", "There is a file of this name already"),
        ("project/project.toml", "project/project.toml", "is a part of the project"),
    ],
)
def test_no_file_replaces_what_is_open_or_of_another_kind(
    panel: Counted,
    session: Session,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    typed: str,
    said: str,
) -> None:
    assert session.dataset.cutouts is not None
    shutil.copyfile(session.dataset.cutouts.path, tmp_path / "galaxies.h5")
    session.open_cutouts(tmp_path / "galaxies.h5")
    os.link(tmp_path / "galaxies.h5", tmp_path / "twin.csv")
    QImage(2, 2, QImage.Format.Format_RGB32).save(str(tmp_path / "picture.png"))
    (tmp_path / "picture.png").rename(tmp_path / "picture.csv")
    (tmp_path / "named.csv").write_text("id")
    (tmp_path / "beside.fits").write_text("id")
    before = (tmp_path / place).read_bytes()
    told: list[str] = []
    session.problem.connect(lambda problem: told.append(str(problem)))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_arguments: (str(tmp_path / typed), ""))
    kinds = "CSV (*.csv);;Dataset (*.h5);;Settings (*.toml)"
    assert panel._ask_path("Save", "map.csv", kinds, beside=".fits") is None
    assert said in told[0]
    assert (tmp_path / place).read_bytes() == before


def test_the_projects_folder_is_proposed_for_a_file(
    panel: Counted, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposed: list[str] = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *arguments: (proposed.append(arguments[2]) or "", ""))
    panel._ask_path("Save", "map.csv", "CSV (*.csv)")
    assert session.project is not None
    assert proposed == [str(session.project.folder / "map.csv")]


def test_a_file_that_was_written_is_told_of(qtbot: QtBot, panel: Counted, session: Session) -> None:
    told: list[str] = []
    session.message.connect(told.append)
    panel._save(answering("map.csv"), lambda written: f"Saved as {written}.")
    qtbot.waitUntil(lambda: told == ["Saved as map.csv."], timeout=10_000)
    assert session.activity.jobs == []


def test_a_panel_that_is_being_built_shows_no_window(qtbot: QtBot, session: Session) -> None:
    class Watched(EmptyState):
        shown = 0

        def showEvent(self, event: QShowEvent) -> None:
            super().showEvent(event)
            self.shown += 1

    empty = Watched("mdi6.history", "Nothing yet", "")
    qtbot.addWidget(Panel(session, "built", empty))
    assert not empty.shown

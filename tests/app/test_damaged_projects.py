"""A project with damaged parts opens with what is whole, says what is not, and overwrites nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from damage import DAMAGES
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QComboBox, QMessageBox, QTreeWidgetItem
from pytestqt.qtbot import QtBot

from app.data.dataset import DatasetPanel
from app.notices import CrashDialog
from app.panel.room import load
from app.session.session import Session
from app.shell.window import MainWindow
from app.shell.workspaces import PANELS, WORKSPACES
from app.studies.studies import StudiesPanel
from app.train.comparison import ComparisonPanel
from app.train.runs import RunsPanel
from app.train.training_form import TrainingForm
from core.errors import UnreadableFile
from core.studies.search import open_search

GOLDEN = Path(__file__).parents[1] / "golden" / "bench"
BROKEN = "2026-11-27 13.59.48 votes"
OTHERS = ("2026-11-27 13.59.48 widths", "2026-11-27 13.59.49 three layers")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with runs, studies and labels given by hand."""
    return shutil.copytree(GOLDEN, tmp_path / "bench")


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    monkeypatch.setenv("TUNINGFORK_HOME", str(tmp_path / "home"))
    opened = MainWindow()
    qtbot.addWidget(opened)
    opened.resize(1280, 720)
    with qtbot.waitExposed(opened):
        opened.show()
    yield opened
    opened.close()


def opened(qtbot: QtBot, window: MainWindow, project: Path) -> MainWindow:
    window.opening.open_project(project)
    qtbot.waitUntil(lambda: window.session.dataset.cutouts is not None, timeout=30_000)
    return window


def row_of(panel: RunsPanel, title: str) -> QTreeWidgetItem:
    items = panel.table.findItems(title, Qt.MatchFlag.MatchExactly)
    assert len(items) == 1
    return items[0]


def choice(chooser: QComboBox, text: str) -> tuple[int, bool]:
    places = [place for place in range(chooser.count()) if chooser.itemText(place).startswith(text)]
    assert len(places) == 1
    flags = chooser.model().flags(chooser.model().index(places[0], 0))
    return places[0], bool(flags & Qt.ItemFlag.ItemIsEnabled)


DAMAGED_FILES = {
    "metrics.json": b'{"validation": 1}',
    "settings.toml": b"unheard_of = 1\n",
    "data.txt": b"\xff\xfe",
    "best.safetensors": b"\xff" * 100,
}


@pytest.fixture
def session(project: Path) -> Iterator[Session]:
    made = Session()
    made.open_project(project)
    made.open_cutouts(project / "datasets" / "survey.h5")
    yield made
    made.close()


def assert_it_is_an_unreadable_row(panel: RunsPanel, session: Session, name: str) -> None:
    row, before = row_of(panel, "votes"), session.run
    assert row.text(1) == "unreadable"
    assert name in row.toolTip(0)
    panel.table.setCurrentItem(row)
    assert name in panel.note.text()
    assert session.run == before
    buttons = (panel.explain, panel.fine_tune, panel.use_settings, panel.predict, panel.predict_files)
    assert not any(button.isEnabled() for button in buttons)
    assert row_of(panel, "first").text(1) != "unreadable"
    panel.table.setCurrentItem(row_of(panel, "first"))
    assert panel.explain.isEnabled()


@pytest.mark.parametrize("name", ["metrics.json", pytest.param("data.txt", marks=pytest.mark.slow)])
def test_a_damaged_run_is_one_unreadable_row_and_cannot_be_chosen(
    qtbot: QtBot, session: Session, project: Path, name: str
) -> None:
    (project / "runs" / BROKEN / name).write_bytes(DAMAGED_FILES[name])
    panel, form = RunsPanel(session), TrainingForm(session)
    for widget in (form, panel):
        qtbot.addWidget(widget)
        widget.show()
    assert_it_is_an_unreadable_row(panel, session, name)
    place, is_enabled = choice(form.start_from, "votes")
    assert not is_enabled
    assert "unreadable" in form.start_from.itemText(place)
    assert choice(form.start_from, "first")[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGED_FILES)
def test_every_room_opens_beside_a_damaged_run(qtbot: QtBot, window: MainWindow, project: Path, name: str) -> None:
    (project / "runs" / BROKEN / name).write_bytes(DAMAGED_FILES[name])
    opened(qtbot, window, project)
    for room in WORKSPACES:
        window.show_workspace(room)
        QApplication.processEvents()
    assert not [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, CrashDialog)]
    window.show_workspace("train")
    panel = window.docks.panel("runs")
    assert isinstance(panel, RunsPanel)
    assert_it_is_an_unreadable_row(panel, window.session, name)


def test_the_panels_of_training_evaluating_and_explaining_are_built_beside_damaged_runs(
    qtbot: QtBot, session: Session, project: Path
) -> None:
    for run, name in zip((BROKEN, *OTHERS), ("settings.toml", "metrics.json", "best.safetensors"), strict=True):
        (project / "runs" / run / name).write_bytes(DAMAGED_FILES[name])
    listing = ("settings", "training", "runs", "evaluation", "explanation")  # read runs as soon as they are shown
    for name in listing:
        panel = load(PANELS[name].source)(session)
        qtbot.addWidget(panel)
        panel.show()
        if isinstance(panel, RunsPanel):
            assert [row_of(panel, run[20:]).text(1) for run in (BROKEN, *OTHERS)] == ["unreadable"] * 3
            assert row_of(panel, "first").text(1) != "unreadable"
        panel.close()


def test_an_unreadable_run_is_looked_at_and_removed_but_not_continued(
    qtbot: QtBot, session: Session, project: Path
) -> None:
    (project / "runs" / BROKEN / "history.csv").write_text("epoch,loss\n1,x\n")
    panel = ComparisonPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: len(panel.table.shown) == 9, timeout=30_000)
    panel.table.selectAll()
    place = next(place for place, run in enumerate(panel.table.shown) if run.folder.title == "votes")
    panel.table.selectRow(place)
    assert "Unreadable" in panel.summary.text()
    assert "history.csv" in panel.summary.text()
    assert panel.trash.isEnabled()
    assert panel.folder.isEnabled()
    for widget in (panel.go_on, panel.duplicate, panel.rename, panel.text, panel.tags):
        assert not widget.isEnabled()


@pytest.mark.parametrize("damage", ["empty", "noise", "a folder", "a pipe", "not UTF-8"])
def test_a_project_whose_own_file_is_damaged_opens_and_says_so(qapp: QApplication, project: Path, damage: str) -> None:
    DAMAGES[damage](project / "project.toml")
    made, told = Session(), list[object]()
    made.problem.connect(told.append)
    made.open_project(project)
    assert "project's file cannot be read" in str(told[0])
    assert made.project is not None
    assert made.project.name == project.name
    assert len(made.project.runs()) == 9
    made.close()


def test_damaged_lines_of_the_labels_are_told_and_the_others_are_used(
    qtbot: QtBot, window: MainWindow, project: Path
) -> None:
    journal = project / "labels" / "survey.jsonl"
    whole = journal.read_text()
    journal.write_bytes(whole.encode() + b'{"id":[1]}\n\xff\xfe\n["x"]\n')
    window.session.open_project(project)
    window.session.open_cutouts(project / "datasets" / "survey.h5")
    assert any("3 lines of the labels given by hand" in text for text in window.notices.texts)
    labels = window.session.dataset.journal
    assert labels is not None
    assert labels.replay()
    window.session.dataset.set_labels([0], ["merger"])
    assert journal.read_bytes().startswith(whole.encode() + b'{"id":[1]}\n\xff\xfe\n["x"]\n{')
    window.session.close()


def test_labels_that_cannot_be_read_at_all_leave_the_galaxies_open(
    qtbot: QtBot, window: MainWindow, project: Path
) -> None:
    DAMAGES["a folder"](project / "labels" / "survey.jsonl")
    window.session.open_project(project)
    window.session.open_cutouts(project / "datasets" / "survey.h5")
    assert any("labels given by hand cannot be read" in text for text in window.notices.texts)
    window.session.close()


def test_parts_that_cannot_be_read_are_not_drawn_anew_unless_the_user_wishes_it(
    qtbot: QtBot, session: Session, project: Path
) -> None:
    file = project / "splits" / "survey.csv"
    file.parent.mkdir()
    file.write_bytes(b"# seed = 1\n# rule = as drawn\nid,part\nx,\xff\n")
    session.dataset.refresh_parts()
    panel = DatasetPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    assert session.dataset.split is None
    assert "parts of the galaxies cannot be read" in panel.problem.text()
    damaged = file.read_bytes()

    def agree() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        qtbot.mouseClick(next(each for each in box.buttons() if each.text() == "Draw again"), Qt.MouseButton.LeftButton)

    QTimer.singleShot(0, agree)
    qtbot.mouseClick(panel.again, Qt.MouseButton.LeftButton)
    assert session.dataset.split is not None
    assert not panel.problem.text()
    assert file.with_name("survey.damaged.csv").read_bytes() == damaged


def test_a_project_whose_newest_dataset_is_damaged_opens_with_another_one(
    qtbot: QtBot, window: MainWindow, project: Path
) -> None:
    newest = project / "datasets" / "small stamps.h5"
    newest.write_bytes(newest.read_bytes()[:3000])
    opened(qtbot, window, project)
    cutouts = window.session.dataset.cutouts
    assert cutouts is not None
    assert cutouts.path.stem == "survey"
    assert any("small stamps.h5" in text for text in window.notices.texts)


def test_a_damaged_memory_of_the_window_is_set_aside_and_not_overwritten(
    qtbot: QtBot, window: MainWindow, project: Path
) -> None:
    (project / "window.json").write_bytes(b"\xff{")
    opened(qtbot, window, project)
    window.close()
    assert (project / "window.damaged.json").read_bytes() == b"\xff{"
    assert (project / "window.json").read_text().startswith("{")


def test_a_damaged_study_is_one_unreadable_row(qtbot: QtBot, session: Session, project: Path) -> None:
    search = next(each for each in (project / "studies").iterdir() if each.name.endswith(" search"))
    noisy = b"\xff" * 50 + (search / "optuna.jsonl").read_bytes()
    (search / "optuna.jsonl").write_bytes(noisy)
    panel = StudiesPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: panel.list.topLevelItemCount() == 4, timeout=30_000)
    items = {item.text(0): item for item in map(panel.list.topLevelItem, range(4)) if item is not None}
    assert items["search"].text(1) == "unreadable"
    assert "optuna.jsonl" in items["search"].toolTip(0)
    assert items["training size"].text(1) == "2 runs"
    with pytest.raises(UnreadableFile):
        open_search(search)
    assert (search / "optuna.jsonl").read_bytes() == noisy, "it is not cut off"

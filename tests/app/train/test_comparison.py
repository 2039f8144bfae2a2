"""Runs side by side: found, compared, annotated, continued, put away."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QMessageBox
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.train.comparison import ComparisonPanel
from app.train.training import TrainingPanel
from core.project import notes
from core.project.history import read_history
from core.project.notes import Notes
from core.project.runs import RunFolder
from core.settings import toml
from core.train.settings import RunSettings


@pytest.fixture
def several(session_with_run: Session) -> Session:
    """A project with three runs: the first, one with another learning rate and seed, and one that is broken."""
    assert session_with_run.run is not None
    first = session_with_run.run.path
    other = Path(shutil.copytree(first, first.with_name("2026-02-01 10.00.00 other")))
    settings = toml.load(RunSettings, other / "settings.toml")
    optimiser = settings.optimiser.model_copy(update={"learning_rate": 0.5})
    changed = settings.model_copy(update={"optimiser": optimiser, "seed": 9})
    (other / "settings.toml").write_text(toml.dumps(changed))
    broken = Path(shutil.copytree(first, first.with_name("2026-03-01 10.00.00 broken")))
    (broken / "metrics.json").write_text("{")
    session_with_run.runs_changed.emit()
    return session_with_run


def shown(qtbot: QtBot, session: Session) -> ComparisonPanel:
    panel = ComparisonPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1200, 700)
    panel.show()
    qtbot.waitUntil(lambda: bool(panel.table.shown), timeout=20_000)
    return panel


def titles(panel: ComparisonPanel) -> list[str]:
    return [run.folder.title for run in panel.table.shown]


def select(qtbot: QtBot, panel: ComparisonPanel, *names: str) -> None:
    panel.table.clearSelection()
    model = panel.table.model()
    for name in names:
        index = model.index(titles(panel).index(name), 0)
        place = panel.table.visualRect(index).center()
        modifier = Qt.KeyboardModifier.ControlModifier
        qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def test_runs_are_found_and_sorted_and_a_broken_one_is_there(qtbot: QtBot, several: Session) -> None:
    panel = shown(qtbot, several)
    assert set(titles(panel)) == {"first", "other", "broken"}
    panel.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert titles(panel) == ["broken", "first", "other"]
    qtbot.keyClicks(panel.words, "oth")
    assert titles(panel) == ["other"]
    panel.words.clear()
    select(qtbot, panel, "broken")
    assert "metrics.json" in panel.summary.text()


def test_curves_of_several_runs_and_the_settings_that_differ(qtbot: QtBot, several: Session) -> None:
    panel = shown(qtbot, several)
    select(qtbot, panel, "first", "other")
    table = panel.differences
    heads = [table.verticalHeaderItem(row).text() for row in range(table.rowCount())]
    assert heads == ["Learning rate", "Seed"]
    runs = panel.table.selected()
    column = [run.folder.title for run in runs].index("other")
    assert table.item(0, column).text() == "0.5"  # pyright: ignore[reportOptionalMemberAccess]
    assert table.item(1, column).text() == "9"  # pyright: ignore[reportOptionalMemberAccess]
    assert several.run is not None
    history = read_history(several.run.history_file)

    def drawn() -> bool:
        try:
            return panel.overlay.points(str(runs[0].folder.path))[1] == [row["val_loss"] for row in history]
        except KeyError:
            return False

    qtbot.waitUntil(drawn, timeout=20_000)
    panel.overlay.quantity.setCurrentIndex(1)
    assert panel.overlay.points(str(runs[1].folder.path))[1] == [row["val_accuracy"] for row in history]


def test_notes_and_tags_are_written_where_they_are_typed(qtbot: QtBot, several: Session) -> None:
    panel = shown(qtbot, several)
    select(qtbot, panel, "other")
    qtbot.keyClicks(panel.tags, "bars, SDSS")
    qtbot.keyClicks(panel.text, "Too fast.")
    select(qtbot, panel, "first")
    assert panel.text.toPlainText() == ""
    folder = next(run.folder.path for run in panel.table.shown if run.folder.title == "other")
    assert notes.read(folder) == Notes("Too fast.", ("bars", "SDSS"))
    qtbot.waitUntil(lambda: any(run.notes.tags for run in panel.table.shown), timeout=20_000)
    several.undo.undo()
    assert notes.read(folder) == Notes()
    several.undo.redo()
    assert notes.read(folder) == Notes("Too fast.", ("bars", "SDSS"))
    qtbot.keyClicks(panel.words, "sdss")
    assert titles(panel) == ["other"]


def test_a_duplicate_fills_the_forms(qtbot: QtBot, several: Session) -> None:
    panel = shown(qtbot, several)
    select(qtbot, panel, "other")
    with qtbot.waitSignal(several.workspace_wanted):
        qtbot.mouseClick(panel.duplicate, Qt.MouseButton.LeftButton)
    assert several.draft.settings.optimiser.learning_rate == 0.5
    assert several.draft.settings.seed == 9


def test_a_run_goes_on_for_more_epochs_and_its_curves_with_it(
    qtbot: QtBot, several: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, several)
    training = TrainingPanel(several)
    qtbot.addWidget(training)
    training.show()
    select(qtbot, panel, "first")
    monkeypatch.setattr(QInputDialog, "getInt", lambda *_: (5, True))
    qtbot.mouseClick(panel.go_on, Qt.MouseButton.LeftButton)
    assert several.activity.training is not None
    assert len(training.curves.points("val_loss")[0]) == 3
    qtbot.waitUntil(lambda: several.activity.training is None, timeout=60_000)
    assert training.curves.points("val_loss")[0].tolist() == [1, 2, 3, 4, 5]
    qtbot.waitUntil(lambda: any(run.epochs == 5 for run in panel.table.shown), timeout=20_000)


def test_a_run_gets_another_name_and_keeps_its_time(
    qtbot: QtBot, several: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, several)
    select(qtbot, panel, "other")
    monkeypatch.setattr(QInputDialog, "getText", lambda *_args, **_more: ("too fast", True))
    qtbot.mouseClick(panel.rename, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "too fast" in titles(panel), timeout=20_000)
    folder = next(run.folder for run in panel.table.shown if run.folder.title == "too fast")
    assert folder.name == "2026-02-01 10.00.00 too fast"
    told: list[object] = []
    several.problem.connect(told.append)
    select(qtbot, panel, "too fast")
    (folder.path.parent / "2026-02-01 10.00.00 taken").mkdir()
    monkeypatch.setattr(QInputDialog, "getText", lambda *_args, **_more: ("taken", True))
    qtbot.mouseClick(panel.rename, Qt.MouseButton.LeftButton)
    assert "already" in str(told[0])


def test_runs_are_removed_only_when_that_was_confirmed(
    qtbot: QtBot, several: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, several)
    select(qtbot, panel, "other", "broken")
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.No)
    qtbot.mouseClick(panel.trash, Qt.MouseButton.LeftButton)
    assert len(panel.table.shown) == 3
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    qtbot.mouseClick(panel.trash, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: titles(panel) == ["first"], timeout=20_000)
    assert several.run is not None
    assert RunFolder(several.run.path).best.exists()


def test_without_runs_it_says_what_will_be_here(qtbot: QtBot) -> None:
    session = Session()
    panel = ComparisonPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.empty.isVisible()
    session.close()


def test_dataset_initial_weights_and_labels_of_each_run_are_listed(qtbot: QtBot, session_with_run: Session) -> None:
    project = session_with_run.project
    assert project is not None
    (first,) = project.runs()
    second = RunFolder.create(project.folder / "runs" / "2030-01-01 00.00.00 second")
    settings = toml.replace_values(RunSettings(), {"transfer.start_from": str(first.path)})
    second.settings_file.write_text(toml.dumps(settings.with_paths_for(second.path)))
    panel = ComparisonPanel(session_with_run)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: len(panel.table.shown) == 2)
    model = panel.table.model()
    heads = [model.headerData(column, Qt.Orientation.Horizontal) for column in range(model.columnCount())]
    rows = [[model.index(row, column).data() for column in range(model.columnCount())] for row in range(2)]
    known = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
    split = session_with_run.dataset.split
    assert split is not None and len(split.train) < 120
    labels = str(len(split.train))
    assert (known["first"]["Dataset"], known["first"]["From"], known["first"]["Labels"]) == ("galaxies", "–", labels)
    assert (known["second"]["From"], known["second"]["Labels"]) == ("first", "–")
    panel.table.selectAll()
    assert panel.differences.textElideMode() == Qt.TextElideMode.ElideMiddle

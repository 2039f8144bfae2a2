from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from galaxies import write_dataset
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QComboBox, QMessageBox
from pytestqt.qtbot import QtBot

from app.data.dataset import DatasetPanel
from app.session.session import Session
from core.data import kept_parts, split
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> DatasetPanel:
    shown = DatasetPanel(session)
    qtbot.addWidget(shown)
    shown.resize(400, 620)
    with qtbot.waitExposed(shown):
        shown.show()
    return shown


def rows(panel: DatasetPanel) -> list[list[str]]:
    table = panel.table
    cells = [[table.item(row, column) for column in range(5)] for row in range(table.rowCount())]
    return [[item.text() for item in line if item is not None] for line in cells]


def test_classes_are_counted_as_a_whole_and_in_each_part(panel: DatasetPanel) -> None:
    assert [line[:2] for line in rows(panel)] == [["edge-on", "60"], ["round", "60"]]
    for line in rows(panel):
        assert sum(map(int, line[2:])) == 60
        assert 0 < int(line[4]) < int(line[2])
    assert "locked" in panel.rule.text()


def test_an_angle_has_no_median_until_it_is_called_a_plain_number(
    panel: DatasetPanel, session: Session, tmp_path: Path
) -> None:
    angles = np.linspace(0, 179, 60)
    columns, units = {"pa": angles, "size": angles + 1}, {"pa": "deg", "size": "pix"}
    path = write_dataset(tmp_path / "axes.h5", np.zeros((60, 2, 8, 8), np.float32), columns, list(columns), units=units)
    session.open_cutouts(path)
    assert [(line[0], line[3]) for line in rows(panel)] == [("pa [deg]", "–"), ("size [pix]", "90.5")]
    session.draft.edit("data.angles", "none")
    assert [line[3] for line in rows(panel)] == ["89.5", "90.5"]


def test_hand_labels_are_counted_too(qtbot: QtBot, panel: DatasetPanel, session: Session) -> None:
    with qtbot.waitSignal(session.dataset.split_changed):
        session.dataset.set_labels([0, 2], ["edge-on", ""])  # both were round
        assert [line[:2] for line in rows(panel)] == [["edge-on", "61"], ["round", "58"]]  # at once
    assert [line[:2] for line in rows(panel)] == [["edge-on", "61"], ["round", "58"], ["no label", "1"]]


def test_a_click_on_a_class_selects_its_galaxies(qtbot: QtBot, panel: DatasetPanel, session: Session) -> None:
    item = panel.table.item(1, 0)
    assert item is not None
    place = panel.table.visualItemRect(item).center()
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.selection.tolist() == list(range(0, 120, 2))


def test_larger_test_part_locks_more_galaxies_away(qtbot: QtBot, panel: DatasetPanel, session: Session) -> None:
    assert session.dataset.split is not None
    before = set(session.dataset.split.test.tolist())
    field = panel.form.editor("test")
    qtbot.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(field, "0.3")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    after = session.dataset.split
    assert after is not None
    assert before < set(after.test.tolist())
    assert sum(int(line[4]) for line in rows(panel)) == len(after.test)


def test_drawing_again_takes_the_next_seed_and_other_galaxies(
    qtbot: QtBot, panel: DatasetPanel, session: Session
) -> None:
    assert session.dataset.split is not None
    before = session.dataset.split.test.tolist()
    qtbot.mouseClick(panel.again, Qt.MouseButton.LeftButton)
    assert session.draft.settings.seed == 2
    assert session.dataset.split.test.tolist() != before


def test_another_column_is_learned_when_it_is_ticked(qtbot: QtBot, panel: DatasetPanel, session: Session) -> None:
    action = next(action for action in panel.learn.list.actions() if action.data() == "axis_ratio")
    panel.learn.list.popup(panel.mapToGlobal(panel.rect().topLeft()))
    qtbot.mouseClick(panel.learn.list, Qt.MouseButton.LeftButton, pos=panel.learn.list.actionGeometry(action).center())
    assert session.draft.settings.data.labels == ("axis_ratio",)
    assert panel.learn.text() == "axis_ratio"
    assert panel.learn.list.isVisible()  # several may be ticked
    panel.learn.list.close()
    ratio = np.asarray(session.dataset.columns["axis_ratio"])
    expected = [f"{value:.4g}" for value in (ratio.min(), np.median(ratio), ratio.max())]
    assert rows(panel) == [["axis_ratio", "120", *expected]]


def test_what_makes_no_sense_is_said_with_its_remedy(qtbot: QtBot, panel: DatasetPanel, session: Session) -> None:
    with qtbot.waitSignal(session.dataset.split_changed):
        session.dataset.set_labels(range(120), ["round"] * 119 + ["odd one"])
    assert panel.problem.isVisible()
    assert "odd one" in panel.problem.text()
    assert "Label more" in panel.problem.text()


def test_without_a_dataset_it_says_what_to_do(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session()
    shown = DatasetPanel(session)
    qtbot.addWidget(shown)
    shown.show()
    assert shown.empty.isVisible()
    session.close()


def press(name: str, said: list[str]) -> None:
    """Answer the question that is on the screen, and note what it says."""
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    said.append(box.informativeText())
    next(button for button in box.buttons() if button.text().replace("&", "") == name).click()


def test_parts_that_a_training_has_used_are_drawn_again_only_after_a_question_that_names_the_run(
    qtbot: QtBot, panel: DatasetPanel, session: Session
) -> None:
    assert session.project is not None
    assert session.dataset.cutouts is not None
    assert session.dataset.split is not None
    data, run = session.dataset.cutouts.path, session.project.new_run("first")
    run.path.mkdir(exist_ok=True)
    split.save(session.dataset.split, session.dataset.cutouts.ids, run.split_file)
    run.save_data_path(data)
    run.metrics_file.write_text('{"reason": "finished"}')
    kept_parts.extend(session.dataset.split, session.dataset.cutouts, DataSettings(), session.dataset.journal)
    session.runs_changed.emit()
    assert "they stay as they are" in panel.rule.text()
    before, said = session.dataset.split.test.tolist(), list[str]()
    session.draft.edit("seed", 77)
    assert session.dataset.split.test.tolist() == before
    QTimer.singleShot(0, lambda: press("Cancel", said))
    qtbot.mouseClick(panel.again, Qt.MouseButton.LeftButton)
    assert session.dataset.split.test.tolist() == before
    QTimer.singleShot(0, lambda: press("Draw again", said))
    qtbot.mouseClick(panel.again, Qt.MouseButton.LeftButton)
    assert "“first”" in said[1]
    assert session.dataset.split is not None
    assert session.dataset.split.test.tolist() != before


def test_a_label_moves_no_galaxy_to_another_part(session: Session) -> None:
    assert session.dataset.split is not None
    before = session.dataset.split.part_of(120)
    session.dataset.set_labels(range(0, 40, 2), ["edge-on"] * 20)
    assert session.dataset.split is not None
    assert session.dataset.split.part_of(120) == before


def test_a_column_that_gives_the_parts_is_offered_and_used(
    qtbot: QtBot, tmp_path: Path, galaxies: Path, session: Session
) -> None:
    with Cutouts.open(galaxies) as cutouts:
        given = np.repeat(["train", "test", ""], (80, 30, 10))
        columns = {"shape": cutouts.columns["shape"], "sample": given}
        data = write_dataset(tmp_path / "given.h5", cutouts.images[:], columns, ["shape"], bands=("r",))
    session.open_cutouts(data)
    panel = DatasetPanel(session)
    qtbot.addWidget(panel)
    assert [panel.source.itemData(place) for place in range(panel.source.count())] == ["", "sample"]
    panel.source.setCurrentIndex(1)
    panel.source.activated.emit(1)
    assert session.draft.settings.data.split_column == "sample"
    assert session.dataset.split is not None
    assert session.dataset.split.test.tolist() == list(range(80, 110))
    assert "Given by the column “sample”" in panel.rule.text()
    assert "10 labelled galaxies, which are in no part" in panel.hints.text()
    assert not panel.again.isEnabled()


def test_the_column_of_the_same_object_is_chosen_among_those_that_there_are(
    panel: DatasetPanel, session: Session
) -> None:
    box = panel.form.editor("group")
    assert isinstance(box, QComboBox)
    assert [box.itemText(place) for place in range(box.count())] == ["–", "shape", "axis_ratio"]
    box.setCurrentIndex(2)
    box.activated.emit(2)
    assert session.draft.settings.data.group == "axis_ratio"


def test_another_dataset_is_asked_for_and_the_open_one_is_named_until_then(
    qtbot: QtBot, panel: DatasetPanel, session: Session
) -> None:
    assert session.project is not None
    folder = session.project.folder / "datasets"
    folder.mkdir(exist_ok=True)
    (folder / "other.h5").write_bytes(b"")
    session.dataset.changed.emit()
    place = next(place for place in range(panel.others.count()) if panel.others.itemData(place).stem == "other")
    panel.others.setCurrentIndex(place)
    with qtbot.waitSignal(session.dataset_wanted) as asked:
        panel.others.activated.emit(place)
    assert asked.args == [folder / "other.h5"]
    assert session.dataset.cutouts is not None
    assert panel.others.currentData() == session.dataset.cutouts.path

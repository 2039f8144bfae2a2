from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from app.data.dataset import DatasetPanel
from app.session.session import Session


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
    assert rows(panel) == [["edge-on", "60", "42", "9", "9"], ["round", "60", "42", "9", "9"]]
    assert "locked" in panel.rule.text()


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
    field = panel.form.editor("test")
    qtbot.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(field, "0.3")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert [line[4] for line in rows(panel)] == ["18", "18"]
    assert session.dataset.split is not None
    assert len(session.dataset.split.test) == 36


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


def test_the_column_of_the_same_object_is_chosen_among_those_that_there_are(
    panel: DatasetPanel, session: Session
) -> None:
    box = panel.form.editor("group")
    assert isinstance(box, QComboBox)
    assert [box.itemText(place) for place in range(box.count())] == ["–", "shape", "axis_ratio"]
    box.setCurrentIndex(2)
    box.activated.emit(2)
    assert session.draft.settings.data.group == "axis_ratio"

import json

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.evaluate.evaluation import EvaluationPanel
from app.session.session import Session


def shown(qtbot: QtBot, session: Session) -> EvaluationPanel:
    panel = EvaluationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1000, 650)
    panel.show()
    qtbot.waitUntil(lambda: panel.numbers["Accuracy"] != "–", timeout=60_000)
    return panel


def test_the_validation_part_is_judged_first_and_named(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    assert "validation" in panel.part.text()
    assert panel.classes.rowCount() == 2
    loss, calibration = (panel.numbers[name].partition(" ± ") for name in ("Log loss", "Calibration error"))
    assert float(loss[0]) > 0 and 0 <= float(calibration[0]) <= 1
    assert all(float(error) > 0 for _, _, error in (loss, calibration))
    assert panel.reliability.isVisibleTo(panel)
    assert session_with_run.dataset.split is None or panel.numbers["Galaxies"] == str(
        len(session_with_run.dataset.split.validation)
    )
    assert "commonest class" in panel.state.text()
    assert "commonest class" in panel.numbers.explanation("Balanced accuracy")


def test_a_click_on_a_cell_selects_its_galaxies(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    place = panel.confusion.cell_rect(0, 0).center().toPoint()
    with qtbot.waitSignal(session_with_run.selection_changed):
        qtbot.mouseClick(panel.confusion, Qt.MouseButton.LeftButton, pos=place)
    assert session_with_run.dataset.cutouts is not None
    assert {session_with_run.dataset.cutouts.columns["shape"][row] for row in session_with_run.selection} == {"edge-on"}


def test_the_test_part_is_opened_only_after_a_second_click(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    assert not panel.confirm.isVisible()
    qtbot.mouseClick(panel.test, Qt.MouseButton.LeftButton)
    assert panel.confirm.isVisible()
    assert "Look at it once" in panel.caution.text()
    assert "validation" in panel.part.text()
    qtbot.mouseClick(panel.confirm, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "test part" in panel.part.text() and not panel.part.text().endswith("…"), timeout=30_000)
    assert session_with_run.run is not None
    assert "test" in json.loads(session_with_run.run.metrics_file.read_text())


def test_without_a_network_it_says_what_to_do(qtbot: QtBot, session: Session) -> None:
    panel = EvaluationPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.empty.isVisible()

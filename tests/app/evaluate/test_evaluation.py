import json
import shutil
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from waiting import paint

from app.evaluate.evaluation import EvaluationPanel
from app.session.session import Session

GOLDEN = Path(__file__).parents[2] / "golden"


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
    assert "commonest class" in panel.remarks.text and "guessing gives 0.5" in panel.remarks.badges[0].text()
    assert "commonest class" in panel.numbers.explanation("Balanced accuracy")


def test_a_click_on_a_cell_selects_its_galaxies(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    place = panel.confusion.cell_rect(0, 0).center().toPoint()
    with qtbot.waitSignal(session_with_run.selection_changed):
        qtbot.mouseClick(panel.confusion, Qt.MouseButton.LeftButton, pos=place)
    assert session_with_run.dataset.cutouts is not None
    assert {session_with_run.dataset.cutouts.columns["shape"][row] for row in session_with_run.selection} == {"edge-on"}


def test_labels_that_changed_since_are_counted_and_a_click_evaluates_with_them(
    qtbot: QtBot, session_with_run: Session
) -> None:
    panel, dataset = shown(qtbot, session_with_run), session_with_run.dataset
    rows, names = panel._evaluation.rows, dataset.class_names
    others = sorted(set(range(len(dataset.cutouts))) - set(rows.tolist()))
    one, before = int(rows[0]), panel._evaluation.labels[0]
    other = names[1] if dataset.label(one) == names[0] else names[0]
    dataset.set_labels(others[:3], [names[0]] * 3)
    assert not panel.again.isVisible()
    own = dataset.label(one)
    dataset.set_labels([one], [other])
    assert panel.again.isVisible() and panel.again.text() == "1 label changed: evaluate again"
    dataset.set_labels([one], [own])
    assert not panel.again.isVisible()
    dataset._show_drawn(dataset._catalogue.copy(), dataset._kept)  # as for many galaxies, in a job
    assert not panel.again.isVisible()
    dataset.set_labels([one], [other])
    qtbot.mouseClick(panel.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel._evaluation.labels[0] != before, timeout=30_000)
    assert not panel.again.isVisible()


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


def test_what_is_said_of_the_numbers_is_read_whole(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    panel.state.setText(" ".join([panel.state.text()] * 6))
    panel.class_view.tabs.setCurrentIndex(1)  # a plot takes what room there is
    panel.resize(700, 700)
    paint(panel)
    assert len(panel.state.shown_lines()) > 2
    assert not panel.state.is_elided


def test_remarks_are_short_until_a_click_opens_them_and_the_panel_is_narrow_enough_for_a_small_screen(
    qtbot: QtBot, session_with_run: Session
) -> None:
    panel = shown(qtbot, session_with_run)
    assert panel.minimumSizeHint().width() <= 420  # beside gallery and cutout in a window of 1024 pixels
    panel.resize(420, 520)
    paint(panel)
    above = panel.numbers.mapTo(panel, panel.numbers.rect().topLeft()).y()
    assert above <= 260 and len(panel.state.shown_lines()) <= 2
    assert panel.remarks.text and not panel.remarks.whole.isVisible()
    assert panel.remarks.text.splitlines()[0].startswith("The best epoch was chosen on this part")
    qtbot.mouseClick(panel.remarks.badges[0], Qt.MouseButton.LeftButton)
    assert panel.remarks.whole.isVisible() and panel.remarks.whole.text() == panel.remarks.text
    qtbot.mouseClick(panel.remarks.button, Qt.MouseButton.LeftButton)
    assert not panel.remarks.whole.isVisible()


def test_without_a_network_it_says_what_to_do(qtbot: QtBot, session: Session) -> None:
    panel = EvaluationPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.empty.isVisible()


def test_error_bars_of_quantities_are_told_with_their_coverage_and_calibration(qtbot: QtBot, tmp_path: Path) -> None:
    project = Path(shutil.copytree(GOLDEN / "measured", tmp_path / "measured"))
    session = Session()
    session.open_project(project)
    session.open_cutouts(next((project / "datasets").iterdir()))
    assert session.project is not None
    session.open_run(session.project.runs()[0])
    panel = EvaluationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1280, 720)
    panel.show()
    qtbot.waitUntil(lambda: panel.measuring.scores.rowCount() == 3, timeout=60_000)
    table = panel.measuring.scores
    heads = [table.horizontalHeaderItem(column) for column in range(table.columnCount())]
    names = [head.text() for head in heads if head is not None]
    assert names[-2:] == ["In 1 σ", "In 2 σ"]
    cells = [table.item(0, names.index(name)) for name in names[-2:]]
    assert [cell.text().split()[0] for cell in cells if cell is not None] == ["71", "100"]  # 20 and 28 of 28
    assert "28 validation galaxies are within one: here by construction" in panel.remarks.text
    session.close()

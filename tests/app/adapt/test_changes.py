"""What moved: bars by layer, both confusions, and flipped galaxies that lead back to the galaxy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.adapt.changes import ChangesPanel
from app.session.session import Session
from core.project.runs import RunFolder

GOLDEN = Path(__file__).parents[2] / "golden" / "tuned"


@pytest.fixture
def session(qapp: QApplication, tmp_path: Path):
    project = Path(shutil.copytree(GOLDEN, tmp_path / "tuned"))
    made = Session()
    made.open_project(project)
    made.open_cutouts(project / "datasets" / "tuned.h5")
    yield made
    made.close()


def shown(qtbot: QtBot, session: Session, run: str = "tuned") -> ChangesPanel:
    assert session.project is not None
    panel = ChangesPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1240, 640)
    with qtbot.waitExposed(panel):
        panel.show()
    session.open_run(RunFolder(next((session.project.folder / "runs").glob(f"* {run}"))))
    qtbot.waitUntil(lambda: not panel._moves.is_running, timeout=60_000)
    return panel


def test_the_layers_the_matrices_and_the_flipped_galaxies_are_those_of_the_comparison(
    qtbot: QtBot, session: Session
) -> None:
    panel = shown(qtbot, session)
    classes = panel._classes
    assert classes is not None
    assert "“tuned” against “base”" in panel.heading.text()
    assert panel.sentence.text().startswith(classes.sentence)
    assert panel.flips.rowCount() == len(classes.flips)
    assert f"of {len(classes.rows)} flipped" in panel.count.text()
    longest = [max(panel.bars.lengths(place)[kind] for place in range(6)) for kind in (0, 1)]
    assert longest == [1.0, 0.0]  # the batch statistics were kept


def test_a_flipped_galaxy_leads_to_the_galaxy_and_to_the_evidence_before_and_after(
    qtbot: QtBot, session: Session
) -> None:
    panel = shown(qtbot, session)
    assert panel._classes is not None and panel._classes.flips
    flip = panel._classes.flips[0]
    place = panel.flips.visualItemRect(panel.flips.item(0, 0)).center()
    qtbot.mouseClick(panel.flips.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert (session.current, session.selection.tolist()) == (flip.row, [flip.row])
    qtbot.waitUntil(lambda: "red supports" in panel.evidence.text(), timeout=60_000)
    assert panel.captions["before"].text().startswith(f"Before: {flip.before} (")
    assert panel.captions["after"].text().startswith(f"After: {flip.after} (")


def test_a_cell_of_a_matrix_selects_its_galaxies(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    classes = panel._classes
    assert classes is not None
    label, answer = divmod(int(classes.confusion_before.argmax()), len(classes.old_names))
    place = panel.before.cell_rect(label, answer).center().toPoint()
    qtbot.mouseClick(panel.before, Qt.MouseButton.LeftButton, pos=place)
    assert len(session.selection) == classes.confusion_before[label, answer]


def test_a_run_from_random_weights_is_told_to_have_nothing_to_compare_with(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session, "base")
    assert panel.empty is not None and not panel.empty.isHidden()
    assert "random weights" in panel.empty.text.text()


def test_without_a_run_the_next_step_is_said(qtbot: QtBot, session: Session) -> None:
    assert session.project is not None
    shutil.rmtree(session.project.folder / "runs")
    session.runs_changed.emit()
    panel = ChangesPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.empty is not None
    assert "fine-tuned run" in panel.empty.text.text()

import csv
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.studies.training_size import TrainingSizePanel
from app.widgets.fold import Fold
from core.studies.settings import TrainingSizeSettings


def shown(qtbot: QtBot, session: Session) -> TrainingSizePanel:
    panel = TrainingSizePanel(session)
    qtbot.addWidget(panel)
    panel.resize(1000, 760)
    panel.show()
    return panel


def click(qtbot: QtBot, widget: object) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def prepare(panel: TrainingSizePanel, **wish: object) -> None:
    few = {"sizes": ("8", "16", "32", "all"), "seeds": 2, "least_steps": 0, **wish}
    panel.form.set_value(TrainingSizeSettings.model_validate(few))


@pytest.mark.slow
def test_a_study_by_clicks_draws_points_with_errors_and_a_law(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, session)
    prepare(panel)
    panel.name.setText("how many")
    click(qtbot, panel.start)
    assert panel.stop.isEnabled()
    qtbot.waitUntil(lambda: session.activity.studying is None and panel.plot.shown is not None, timeout=60_000)

    lines = panel.plot.shown
    assert lines is not None
    assert list(lines.sizes[:3]) == [8, 16, 32]
    assert len(lines.runs) == 8
    assert (lines.errors > 0).any()
    assert lines.exponent is not None
    assert (lines.low <= lines.middle).all()
    assert (lines.middle <= lines.high).all()
    assert "labels the balanced accuracy is" in panel.sentences.text()
    assert panel.sizes.rowCount() == 4
    assert session.study is not None
    assert "how many" in session.study.name

    table = tmp_path / "copy.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(table), "CSV (*.csv)"))
    click(qtbot, panel.table)
    qtbot.waitUntil(table.exists, timeout=30_000)
    with table.open() as file:
        assert len(list(csv.DictReader(file))) == 8
    figure = tmp_path / "figure"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(figure), "PDF (*.pdf)"))
    click(qtbot, panel.figure)
    qtbot.waitUntil(figure.with_suffix(".pdf").exists, timeout=30_000)

    folder = session.study
    click(qtbot, panel.fresh)
    assert panel.plot.shown is None
    session.open_study(folder)
    qtbot.waitUntil(lambda: panel.plot.shown is not None and panel.start.isEnabled(), timeout=30_000)
    assert panel.plot.shown is not None
    assert panel.plot.shown.means.tolist() == pytest.approx(lines.means.tolist(), abs=1e-5)
    assert panel.form.value().seeds == 2

    panel.form.set_value(panel.form.value().model_copy(update={"seeds": 3}))
    click(qtbot, panel.start)
    qtbot.waitUntil(lambda: panel.plot.shown is not None and len(panel.plot.shown.runs) == 9, timeout=60_000)
    click(qtbot, panel.stop)
    qtbot.waitUntil(lambda: session.activity.studying is None, timeout=60_000)


def test_the_scores_of_what_is_learned_are_offered(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    field = panel.form.editor("metric")
    qtbot.waitUntil(lambda: panel.form.editor("metric") is not field, timeout=30_000)
    offered = panel.form.editor("metric")
    texts = [offered.itemText(place) for place in range(offered.count())]  # pyright: ignore[reportAttributeAccessIssue]
    assert texts[0] == "auto"
    assert {"accuracy", "completeness:round"} <= set(texts)


def test_it_says_whether_the_test_part_is_read(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    assert "No run reads the test part" in panel.note.text()
    for fold in panel.form.findChildren(Fold):
        click(qtbot, fold.button)
    box = panel.form.editor("judge_test")
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert "evaluated on the test part as well" in panel.note.text()


def test_a_size_that_is_none_is_told_while_it_is_typed(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    assert panel.start.isEnabled()
    sizes = panel.form.editor("sizes")
    qtbot.keyClick(sizes, Qt.Key.Key_End)
    qtbot.keyClicks(sizes, ", foo")  # without Enter
    assert not panel.start.isEnabled()
    assert "“foo” is not a size: write a number (200), a share (5%), or all" in panel.state.text()
    for _ in "foo":
        qtbot.keyClick(sizes, Qt.Key.Key_Backspace)
    assert panel.start.isEnabled()
    assert panel.state.text() == ""


def test_without_a_dataset_it_says_what_it_is_for(qtbot: QtBot) -> None:
    session = Session()
    panel = shown(qtbot, session)
    assert panel.empty.isVisible()
    session.close()

"""The tab of Evaluate that tells what the catalogue columns beside the image bring."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.evaluate.evaluation import EvaluationPanel
from app.evaluate.side_view import TITLE
from app.session.session import Session

GOLDEN = Path(__file__).parents[2] / "golden" / "beside"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    project = Path(shutil.copytree(GOLDEN, tmp_path / "beside"))
    opened = Session()
    opened.open_project(project)
    opened.open_cutouts(next((project / "datasets").glob("*.h5")))
    assert opened.project is not None
    opened.open_run(opened.project.runs()[0])
    yield opened
    opened.close()


def test_what_each_column_brings_is_shown_over_the_judged_galaxies_and_saved(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = EvaluationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1000, 650)
    panel.show()
    qtbot.waitUntil(lambda: panel._evaluation is not None, timeout=60_000)
    judged, tabs, view = panel._evaluation, panel.class_view.tabs, panel.class_view.side
    place = tabs.indexOf(view)
    assert tabs.isTabVisible(place) and tabs.tabText(place) == TITLE
    tabs.setCurrentIndex(place)
    qtbot.waitUntil(lambda: view._shown is not None, timeout=60_000)
    assert f"on {len(judged.rows)} galaxies, the validation part of {judged.data}" in view.note.text()
    names = [view.table.item(row, 0).text() for row in range(view.table.rowCount())]
    assert sorted(names) == sorted(each.column for each in view._shown.columns)
    assert view.plot.accessibleDescription().startswith(names[0])
    path = tmp_path / "columns.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_arguments: (str(path), ""))
    tabs.save.choices.aboutToShow.emit()
    assert tabs.figure.isEnabled() and tabs.numbers.isEnabled()
    tabs.numbers.trigger()
    qtbot.waitUntil(path.exists, timeout=60_000)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["column"]: float(row["fall"]) for row in rows} == pytest.approx(
        {each.column: each.drop for each in view._shown.columns}
    )

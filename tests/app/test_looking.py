"""Whatever is looked at, the settings of the next training stay what they were."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractItemView, QWidget
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.data.gallery import GalleryPanel
from app.evaluate.evaluation import EvaluationPanel
from app.explain.faithfulness import FaithfulnessPanel
from app.explain.filters import FiltersPanel
from app.explain.maps.panel import ExplanationPanel
from app.session.session import Session
from app.studies.studies import StudiesPanel
from app.train.comparison import ComparisonPanel
from app.train.network import NetworkPanel
from app.train.runs import RunsPanel
from app.train.settings_panel import SettingsPanel
from app.train.training import TrainingPanel
from core.settings import toml
from core.train.settings import RunSettings

OTHERS = (GalleryPanel, ExplanationPanel, FiltersPanel, FaithfulnessPanel)
PANELS = (RunsPanel, ComparisonPanel, StudiesPanel, SettingsPanel, TrainingPanel, NetworkPanel, EvaluationPanel)


def click_every_row(qtbot: QtBot, panel: QWidget) -> int:
    """Click every visible row of every table and list; returns the number of clicks."""
    clicks = 0
    for table in panel.findChildren(QAbstractItemView):
        for row in range(table.model().rowCount() if table.isVisible() and table.model() else 0):
            place = table.visualRect(table.model().index(row, 0)).center()
            if table.viewport().rect().contains(place):
                qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
                clicks += 1
    return clicks


@pytest.mark.slow
@pytest.mark.parametrize(
    "kinds", [PANELS, pytest.param((*OTHERS, *PANELS), marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_clicking_through_everything_leaves_the_draft_equal(
    qtbot: QtBot, session_with_run: Session, kinds: tuple[Callable[[Session], QWidget], ...]
) -> None:
    session = session_with_run
    assert session.run is not None and session.project is not None
    other = Path(shutil.copytree(session.run.path, session.run.path.with_name("2026-02-01 10.00.00 other")))
    settings = toml.load(RunSettings, other / "settings.toml")
    changed = settings.model_copy(update={"seed": 9, "data": settings.data.model_copy(update={"test": 0.4})})
    (other / "settings.toml").write_text(toml.dumps(changed))
    session.draft.edit_together({"optimiser.epochs": 77, "data.train_limit": 30, "data.validation": 0.2})
    mine, split = session.draft.settings, session.dataset.split
    clicks = 0
    with qtbot.assertNotEmitted(session.draft.changed):
        for kind in kinds:
            panel = kind(session)
            qtbot.addWidget(panel)
            panel.resize(900, 600)
            panel.show()
            wait_for_all_work(qtbot)
            clicks += click_every_row(qtbot, panel)
            if isinstance(panel, GalleryPanel):
                for place in (4, 9):
                    qtbot.mouseClick(
                        panel.grid.viewport(), Qt.MouseButton.LeftButton, pos=panel.grid.cell_rect(place).center()
                    )
            wait_for_all_work(qtbot)
            panel.close()
        for run in session.project.runs():
            session.open_run(run)
    assert clicks >= 4
    assert session.draft.settings == mine
    assert session.dataset.split is split

"""A run in training is in every list, and every place that shows it agrees with the others."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.explain.filters import FiltersPanel
from app.explain.maps.controls import Controls
from app.session.session import Session
from app.train.comparison import ComparisonPanel
from app.train.runs import RunsPanel
from app.train.settings_panel import SettingsPanel
from app.train.training import TrainingPanel
from app.widgets.job_bar import JobBar


def click(qtbot: QtBot, button: object) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def settings(qtbot: QtBot, session: Session) -> SettingsPanel:
    """Settings of a training that goes on until it is stopped."""
    session.draft.edit("optimiser.epochs", 5000)
    panel = SettingsPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    return panel


@pytest.fixture
def training(qtbot: QtBot, session: Session) -> Iterator[TrainingPanel]:
    """The first training of a project."""
    panel = TrainingPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    yield panel
    session.activity.close()


def test_the_first_run_is_in_all_lists_while_it_is_trained(
    qtbot: QtBot, session: Session, settings: SettingsPanel, training: TrainingPanel
) -> None:
    runs, comparison, filters = RunsPanel(session), ComparisonPanel(session), FiltersPanel(session)
    others = Controls(session)
    for panel in (runs, comparison, filters, others):
        qtbot.addWidget(panel)
        panel.show()
    assert runs.empty is not None
    assert runs.empty.isVisible()
    settings.form.name.setText("night shift")
    click(qtbot, settings.start)
    qtbot.waitUntil(lambda: runs.table.topLevelItemCount() == 1)
    qtbot.waitUntil(lambda: [run.folder.title for run in comparison.table.shown] == ["night shift"])
    assert not runs.empty.isVisible()
    item = runs.table.topLevelItem(0)
    assert item is not None
    assert (item.text(0), item.text(1)) == ("night shift", "in training")
    assert [run.state for run in comparison.table.shown] == ["running"]
    assert filters.empty is not None
    qtbot.waitUntil(lambda: others.runs.findText("night shift") > 0)  # from its first weights on
    assert settings.form.start_from.findText("night shift") > 0
    assert "choose its run" in filters.empty.text.text()
    runs.table.setCurrentItem(runs.table.topLevelItem(0))
    assert not filters.empty.isVisible(), "its weights can be looked at"
    click(qtbot, training.stop)
    qtbot.waitUntil(lambda: "Stopped by you" in training.reason.text())
    qtbot.waitUntil(lambda: [run.state for run in comparison.table.shown] == ["stopped"])
    ended = runs.table.topLevelItem(0)
    assert ended is not None
    assert "accuracy" in ended.text(1)


def test_pause_and_stop_in_one_place_are_those_of_all(
    qtbot: QtBot, session: Session, settings: SettingsPanel, training: TrainingPanel
) -> None:
    bar = JobBar()
    qtbot.addWidget(bar)
    session.activity.job_started.connect(bar.watch)
    click(qtbot, settings.start)
    qtbot.waitUntil(lambda: training.numbers["Best"] != "–")
    click(qtbot, bar.pause)
    assert training.pause.text() == "Resume"
    click(qtbot, training.pause)
    assert training.pause.text() == "Pause"
    assert bar.pause.toolTip() == "Pause"
    click(qtbot, training.pause)
    assert bar.left.text() == "paused"
    click(qtbot, bar.pause)
    click(qtbot, bar.stop)
    qtbot.waitUntil(lambda: "Stopped by you" in training.reason.text())


def test_the_time_left_is_the_same_wherever_it_is_shown(
    qtbot: QtBot, session: Session, settings: SettingsPanel, training: TrainingPanel
) -> None:
    bar = JobBar()
    qtbot.addWidget(bar)
    session.activity.job_started.connect(bar.watch)
    click(qtbot, settings.start)
    qtbot.waitUntil(lambda: training.numbers["Time left"] not in ("–", ""))
    bar.refresh()
    training._show_time_left()
    assert bar.left.text() == f"{training.numbers['Time left']} left"
    assert training.numbers["Time left"].startswith("≤ ")

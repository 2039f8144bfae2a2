"""Whatever the user changes in a form of the window is taken back by Undo, in every room."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractSpinBox, QCheckBox, QComboBox, QDoubleSpinBox, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from app.panel.panel import Panel
from app.session.edit_commands import EditForm
from app.shell.closing import running_jobs
from app.shell.window import MainWindow
from app.shell.workspaces import WORKSPACES
from app.simulate.widgets.simulation_form import SimulationForm
from app.studies.space_form import SpaceForm
from app.studies.widgets.check_list import CheckList
from app.widgets.dialog import Dialog
from app.widgets.forms import SettingsForm
from core.settings.declare import knobs


@pytest.fixture
def window(qtbot: QtBot, trained: Path, galaxies: Path, tmp_path: Path) -> Iterator[MainWindow]:
    folder = tmp_path / "project"
    shutil.copytree(trained, folder)
    (folder / "datasets").mkdir(exist_ok=True)
    for name in ("galaxies", "others"):
        shutil.copy(galaxies, folder / "datasets" / f"{name}.h5")
    opened = MainWindow()
    qtbot.addWidget(opened)
    with qtbot.waitExposed(opened):
        opened.show()
    opened.opening.open_project(folder)
    qtbot.waitUntil(lambda: opened.session.dataset.cutouts is not None)
    assert opened.session.project is not None
    opened.session.open_run(opened.session.project.runs()[0])
    yield opened
    opened.close()


def inside(widget: QWidget, kinds: tuple[type[QWidget], ...]) -> bool:
    above = widget.parentWidget()
    while above is not None and not isinstance(above, kinds):
        above = above.parentWidget()
    return above is not None


def change(form: SettingsForm) -> str:
    """Change one field as the user does, the first that lets itself be changed alone; its name, or nothing."""
    for name in knobs(type(form.value())):
        try:
            field = form.editor(name)
        except KeyError:  # it is not on the form
            continue
        before = form.value()
        if not field.isEnabled():
            continue
        if isinstance(field, QCheckBox):
            field.click()
        elif isinstance(field, QComboBox) and field.count() > 1:
            field.setCurrentIndex((field.currentIndex() + 1) % field.count())
            field.activated.emit(field.currentIndex())
        elif isinstance(field, QSpinBox | QDoubleSpinBox):
            field.stepBy(1 if field.stepEnabled() & QAbstractSpinBox.StepEnabledFlag.StepUpEnabled else -1)
            field.editingFinished.emit()
        if form.value() != before:
            return name
    return ""


@pytest.mark.slow
def test_all_forms_of_all_rooms(qtbot: QtBot, window: MainWindow) -> None:
    session, seen = window.session, 0
    for workspace, arranged in WORKSPACES.items():
        window.show_workspace(workspace)
        for name in (panel for column in arranged.columns for area in column for panel in area):
            window.docks.bring_to_front(name)
            panel = window.docks.panel(name)
            assert isinstance(panel, Panel)
            qtbot.waitUntil(lambda: not running_jobs(window), timeout=60_000)
            forms = [
                each
                for each in panel.findChildren(SettingsForm)
                if each.isEnabled() and not inside(each, (SettingsForm, SimulationForm, Dialog))  # a dialog has Cancel
            ]
            for form in forms:
                before, place = form.value(), session.undo.index()
                changed = change(form)
                assert changed, f"no field of a form in {workspace}/{name} can be changed"
                after = form.value()
                assert session.undo.index() == place + 1, f"{changed} in {workspace}/{name} cannot be undone"
                session.undo.undo()
                assert form.value() == before, f"{changed} in {workspace}/{name} is not as before"
                session.undo.redo()
                assert form.value() == after, f"{changed} in {workspace}/{name} is not done again"
                session.undo.undo()
                seen += 1
    assert seen > 20


def test_lists_to_tick_and_the_depth_are_undone(qtbot: QtBot, window: MainWindow) -> None:
    window.show_workspace("studies")
    for name in ("transfer", "matrix", "labelling_order", "search"):
        panel = window.docks.panel(name)
        window.docks.bring_to_front(name)
        qtbot.waitUntil(lambda: not running_jobs(window), timeout=60_000)
        for chosen in (*panel.findChildren(CheckList), *panel.findChildren(SpaceForm)):
            before = chosen.snapshot()
            if isinstance(chosen, CheckList):
                chosen.item(0).setCheckState(
                    chosen.item(0).checkState().__class__(2 - chosen.item(0).checkState().value)
                )
            else:
                chosen.tick("network.depth").click()
            assert chosen.snapshot() != before, name
            window.session.undo.undo()
            assert chosen.snapshot() == before, name
    window.show_workspace("adapt")
    panel = window.docks.panel("adaptation")
    qtbot.waitUntil(lambda: panel.layers.blocks > 0, timeout=60_000)
    before = panel.layers.snapshot()
    panel.layers.buttons["head" if before == 0 else "all"].click()
    assert panel.layers.snapshot() != before
    window.session.undo.undo()
    assert panel.layers.snapshot() == before


def test_a_form_that_shows_something_else_meanwhile_is_left_alone(qtbot: QtBot, window: MainWindow) -> None:
    panel = window.docks.panel("training_size")
    assert change(panel.form)
    earlier = type(panel.form.value())(seeds=7)
    panel.form.set_value(earlier)  # as a study that is opened does
    assert isinstance(window.session.undo.command(window.session.undo.index() - 1), EditForm)
    window.session.undo.undo()
    assert panel.form.value() == earlier and not window.session.undo.canRedo()


def test_another_question_and_its_strategies_are_taken_back(qtbot: QtBot, window: MainWindow) -> None:
    panel = window.docks.panel("transfer")
    panel.strategies.item(0).setCheckState(panel.strategies.item(0).checkState().Unchecked)
    ticked, form = panel.strategies.chosen, panel.form
    question = form.editor("question")
    before = form.value()
    question.setCurrentIndex((question.currentIndex() + 1) % question.count())
    question.activated.emit(question.currentIndex())
    assert form.value().question != before.question
    window.session.undo.undo()
    assert form.value() == before and panel.strategies.chosen == ticked
    window.session.undo.undo()
    assert len(panel.strategies.chosen) == len(ticked) + 1

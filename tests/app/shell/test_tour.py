"""The tour goes through the rooms, is told to screen readers, and is offered once; “What's this?” names papers."""

from __future__ import annotations

from html import escape
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.shell.tour import STEPS, Tour, is_first_time
from app.shell.window import MainWindow
from app.shell.workspaces import PANELS, WORKSPACES
from app.widgets.forms import SettingsForm
from app.widgets.method_texts import explain, read_methods
from core.explain.methods import DREAMS, METHODS
from core.nets.settings import LossSettings


def test_the_steps_are_about_panels_that_stand_in_their_rooms() -> None:
    for step in STEPS[:-1]:
        assert any(step.panel in area for column in WORKSPACES[step.room].columns for area in column), step
        assert step.panel in PANELS and len(step.text) < 260


def test_the_tour_is_gone_through_by_keys_and_offered_once(qtbot: QtBot, window: MainWindow) -> None:
    shown: list[str] = []
    assert is_first_time()
    tour = Tour(shown.append, shown.append, window)
    for _ in range(2):
        qtbot.keyClick(tour, Qt.Key.Key_Right)
    assert shown == ["data", "gallery", "data", "dataset", "train", "settings"]
    assert tour.number.text() == f"3 of {len(STEPS)}" and "Train a network" in tour.accessibleName()
    qtbot.keyClick(tour, Qt.Key.Key_Left)
    assert tour.title.text() == STEPS[1].title
    with qtbot.waitSignal(tour.ended):
        qtbot.keyClick(tour, Qt.Key.Key_Escape)
    assert not is_first_time()


def test_the_tour_stands_over_what_is_open(window: MainWindow, galaxies: Path, tmp_path: Path) -> None:
    window.session.open_project(tmp_path / "project")
    window.session.open_cutouts(galaxies)
    window.menus.actions_by_name["tour"].trigger()
    tour = window.findChild(Tour)
    assert window.docks.current == "data" and window.rect().contains(tour.geometry())
    window.resize(1400, 900)
    assert window.rect().contains(tour.geometry())
    tour.end.click()


def test_every_method_is_explained_in_two_sentences_with_its_paper(qtbot: QtBot) -> None:
    methods = read_methods()
    assert {*METHODS, *DREAMS} <= set(methods)
    for name, method in methods.items():
        assert method.about.count(". ") == 1 and method.about.endswith("."), name
        assert any(letter.isdigit() for letter in method.paper), name
        assert escape(method.paper) in explain(name)
    form = SettingsForm(LossSettings)
    qtbot.addWidget(form)
    assert "Lin et al. 2017" in form.editor("classes").whatsThis()
    assert "Nix &amp; Weigend 1994" in form.editor("quantities").whatsThis()

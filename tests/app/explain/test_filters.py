"""The Filters panel on a small network: the strongest galaxies, clicks there and back, and another network."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, Qt, QThread
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.explain.filters import FiltersPanel
from app.explain.widgets.filter_cards import FilterCard
from app.session.session import Session
from app.widgets.mosaic import Mosaic
from core.nets.predictor import Predictor
from core.project.runs import RunFolder


def shown(qtbot: QtBot, session: Session) -> FiltersPanel:
    """The panel with the layers of its network."""
    panel = FiltersPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1100, 700)
    panel.show()
    qtbot.waitUntil(lambda: panel.layers.count() > 0 and panel.responses.maps.count > 0, timeout=30_000)
    return panel


def choose(panel: FiltersPanel, layer: str) -> None:
    panel.layers.setCurrentIndex(panel.layers.findData(layer))
    assert panel.layer == layer


def search(qtbot: QtBot, panel: FiltersPanel) -> list[FilterCard]:
    """The cards after a click on the button."""
    qtbot.mouseClick(panel.seek, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(panel.filters.cards) and panel.seek.isVisible(), timeout=30_000)
    return panel.filters.cards


def click(qtbot: QtBot, mosaic: Mosaic, place: int) -> None:
    qtbot.mouseClick(mosaic, Qt.MouseButton.LeftButton, pos=mosaic.place_rect(place).center())


def numbers(panel: FiltersPanel) -> list[int]:
    return [mosaic.number for mosaic in panel.filters.mosaics]


def responses(session: Session, layer: str) -> NDArray[np.float32]:
    """The responses (n, F, h, w) to every galaxy, one galaxy after the other."""
    assert session.predictor_path is not None
    assert session.dataset.cutouts is not None
    predictor = Predictor.load(session.predictor_path)
    found = []
    with torch.no_grad():
        for row in range(len(session.dataset.cutouts)):
            x = predictor.normalisation(torch.from_numpy(session.dataset.cutouts.images[row])[None])
            for name, module in predictor.network.features.named_children():
                x = module(x)
                if name == layer:
                    break
            found.append(x[0].numpy().copy())
    return np.stack(found)


def another_run(session: Session) -> RunFolder:
    """A run with the same network under another name."""
    assert session.run is not None
    folder = session.run.path.with_name("another")
    shutil.copytree(session.run.path, folder)
    return RunFolder(folder)


def test_clicks_on_a_card_go_through_the_nine_strongest_of_all(qtbot: QtBot, session_with_run: Session) -> None:
    session = session_with_run
    panel = shown(qtbot, session)
    choose(panel, "activation2")
    cards = search(qtbot, panel)
    peaks = responses(session, "activation2").max(axis=(2, 3))  # (n, F)
    for card, drawn in zip(cards, panel.filters.mosaics, strict=True):
        wanted = np.argsort(-peaks[:, drawn.number], kind="stable")[:9]
        visited = []
        for place in range(card.regions.count):
            click(qtbot, card.regions, place)
            visited.append(session.current)
        assert visited == [row for row in wanted if peaks[row, drawn.number] > 0]
        click(qtbot, card.patterns, 0)
        assert session.current == wanted[0]
        assert list(card.regions.marked) == list(card.patterns.marked) == [0]


def test_a_click_on_a_map_shows_a_filter_or_hides_it(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    choose(panel, "activation2")
    search(qtbot, panel)
    first = numbers(panel)
    assert sorted(panel.responses.maps.marked) == sorted(first)
    click(qtbot, panel.responses.maps, first[1])
    qtbot.waitUntil(lambda: numbers(panel) == [first[0], *first[2:]], timeout=10_000)
    others = [number for number in range(panel.responses.maps.count) if number not in first]
    wanted = others[0] if others else first[1]
    click(qtbot, panel.responses.maps, wanted)
    qtbot.waitUntil(lambda: numbers(panel) == [wanted, first[0], *first[2:]], timeout=10_000)
    assert sorted(panel.responses.maps.marked) == sorted(numbers(panel))


def test_a_filter_that_was_chosen_before_the_search_is_among_the_cards(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    choose(panel, "activation2")
    for number in range(panel.responses.maps.count):
        click(qtbot, panel.responses.maps, number)
    chosen = list(panel.responses.maps.marked)
    assert len(chosen) == panel.responses.maps.count
    search(qtbot, panel)
    assert numbers(panel) == chosen


def test_another_layer_shows_its_own_maps_and_cards(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    choose(panel, "activation1")
    first = panel.responses.maps.count
    assert first == responses(session_with_run, "activation1").shape[1]
    assert panel.layers.currentText() == f"activation1, {first} filters"
    search(qtbot, panel)
    told = panel.state.text()
    assert told.startswith("120 galaxies")
    choose(panel, "activation2")
    assert panel.responses.maps.count == responses(session_with_run, "activation2").shape[1] != first
    assert not panel.filters.cards
    assert panel.state.text() == ""
    assert panel.seek.isEnabled()
    choose(panel, "activation1")
    qtbot.waitUntil(lambda: bool(panel.filters.cards), timeout=10_000)
    assert not panel.seek.isEnabled()
    assert panel.state.text() == told


def test_the_scale_of_the_maps_is_that_of_the_responses(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    for row, layer in ((0, "activation2"), (5, "pool1")):
        session_with_run.set_current(row)
        choose(panel, layer)
        assert session_with_run.dataset.cutouts is not None
        title = f"Responses to {session_with_run.dataset.cutouts.ids[row]}"
        qtbot.waitUntil(lambda title=title: panel.responses.title.text() == title, timeout=10_000)
        own = responses(session_with_run, layer)[row]
        high = own.max() if own.min() >= 0 else np.abs(own).max()
        assert panel.responses.bar.limits[1] == pytest.approx(high, rel=1e-4)


def test_a_search_that_is_stopped_leaves_no_cards_and_can_be_begun_again(
    qtbot: QtBot, session_with_run: Session
) -> None:
    panel = shown(qtbot, session_with_run)
    qtbot.mouseClick(panel.seek, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(panel.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not session_with_run.activity.jobs, timeout=30_000)
    assert not panel.filters.cards
    assert not panel.stop.isVisible()
    assert len(search(qtbot, panel)) > 0


@pytest.mark.slow
def test_the_figure_is_saved(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, session_with_run)
    assert not panel.save.isEnabled()
    search(qtbot, panel)
    path = tmp_path / "figure v1.5"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, **_options: (str(path), "PDF page (*.pdf)"))
    with qtbot.waitSignal(session_with_run.message, timeout=30_000):
        qtbot.mouseClick(panel.save, Qt.MouseButton.LeftButton)
    assert (tmp_path / "figure v1.5.pdf").read_bytes().startswith(b"%PDF")


def test_another_network_begins_anew(qtbot: QtBot, session_with_run: Session) -> None:
    session = session_with_run
    panel = shown(qtbot, session)
    search(qtbot, panel)
    session.open_run(another_run(session))
    assert not panel.filters.cards
    assert panel.responses.maps.count == 0
    qtbot.waitUntil(lambda: panel.responses.maps.count > 0, timeout=30_000)
    assert panel.seek.isEnabled()
    assert not panel.save.isEnabled()


def test_weights_that_were_trained_further_are_another_network(qtbot: QtBot, session_with_run: Session) -> None:
    session = session_with_run
    panel = shown(qtbot, session)
    search(qtbot, panel)
    assert session.predictor_path is not None
    os.utime(session.predictor_path, ns=(1, 1))
    session.open_run(session.run)
    assert not panel.filters.cards


def test_what_was_found_for_another_network_is_not_shown(qtbot: QtBot, session_with_run: Session) -> None:
    session = session_with_run
    panel = shown(qtbot, session)
    qtbot.mouseClick(panel.seek, Qt.MouseButton.LeftButton)
    application = QCoreApplication.instance()
    assert application is not None
    (search_thread,) = application.findChildren(QThread, session.activity.jobs[0].title)
    assert search_thread.wait(30_000)  # it is done, but the window has not heard of it
    session.open_run(another_run(session))
    qtbot.waitUntil(lambda: not session.activity.jobs and panel.responses.maps.count > 0, timeout=30_000)
    wait_for_all_work(qtbot)
    assert not panel.filters.cards
    assert panel.seek.isEnabled()


def test_nothing_is_asked_while_nobody_looks(qtbot: QtBot, session_with_run: Session) -> None:
    session = session_with_run
    assert session.dataset.cutouts is not None
    title = f"Responses to {session.dataset.cutouts.ids[7]}"
    panel = FiltersPanel(session)
    qtbot.addWidget(panel)
    session.set_current(7)
    wait_for_all_work(qtbot)
    assert panel.layers.count() == panel.responses.maps.count == 0
    panel.show()
    qtbot.waitUntil(lambda: panel.responses.title.text() == title, timeout=30_000)
    panel.hide()
    session.set_current(3)
    wait_for_all_work(qtbot)
    assert panel.responses.title.text() == title


def test_without_a_network_it_says_what_to_do(qtbot: QtBot, session: Session) -> None:
    panel = FiltersPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.empty.isVisible()
    assert panel.empty.title.text() == "No network yet"
    session.close_cutouts()
    assert panel.empty.text.text() == "Open a dataset and train a network first."

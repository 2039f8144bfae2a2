"""Galaxies ranked by a network in the gallery, on the map, and pairs of near-duplicates in the dataset panel."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from galaxies import write_dataset
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QMenu, QToolTip
from pytestqt.qtbot import QtBot

from app.data.cutout import CutoutPanel
from app.data.dataset import DatasetPanel
from app.data.gallery import GalleryPanel
from app.explain.galaxy_map import GalaxyMapPanel
from app.panel.panel import Panel
from app.session.session import Session
from core.data.cutouts import Cutouts
from core.evaluate import similar, unusual
from core.events import result_of

Shown = TypeVar("Shown", bound=Panel)


def shown(qtbot: QtBot, panel: Shown) -> Shown:
    qtbot.addWidget(panel)
    panel.resize(640, 560)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def choose(gallery: GalleryPanel, box: str, text: str) -> None:
    combo = getattr(gallery, box)
    combo.setCurrentText(text)
    combo.activated.emit(combo.currentIndex())


def entry(menu: QMenu, text: str):
    return next(action for action in menu.actions() if action.text() == text)


def menu_at(gallery: GalleryPanel, place: int) -> QMenu:
    menu = QMenu(gallery)
    gallery._offer_actions(menu, gallery.grid.cell_rect(place).center())
    return menu


def tip_of(gallery: GalleryPanel, place: int) -> str:
    at = gallery.grid.cell_rect(place).center()
    event = QHelpEvent(QEvent.Type.ToolTip, at, gallery.grid.viewport().mapToGlobal(at))
    QApplication.sendEvent(gallery.grid.viewport(), event)
    return QToolTip.text()


def test_find_more_like_this_shows_the_nearest_first_and_leads_back(qtbot: QtBot, session_with_run: Session) -> None:
    session = session_with_run
    gallery, mapped = shown(qtbot, GalleryPanel(session)), shown(qtbot, GalaxyMapPanel(session))
    mapped.begin()
    qtbot.waitUntil(lambda: mapped.feature_map is not None)
    choose(gallery, "classes", "round")
    place = 3
    row = int(gallery.grid.rows[place])
    with qtbot.waitSignal(gallery.ranking.changed):
        entry(menu_at(gallery, place), "Find more like this").trigger()
    assert session.run is not None and session.dataset.cutouts is not None
    found = result_of(similar.load(session.run.path, session.dataset.cutouts.path)).find([row], 300)
    assert gallery.grid.rows.tolist() == [row, *found.rows.tolist()]
    assert gallery.ranking.label(int(found.rows[0])) == f"{found.distances[0]:.4f}"
    assert "“first”" in gallery.ranking.line.text.text() and gallery.ranking.line.isVisible()
    assert "of random pairs" in tip_of(gallery, 1)
    assert len(mapped.map.neighbours) == 20
    at = mapped.feature_map.coordinates[found.rows[:20]]
    np.testing.assert_allclose(np.sort(mapped.map.neighbours, axis=0), np.sort(at, axis=0))
    choose(gallery, "parts", "Training")  # the usual filters go on
    assert 0 < len(gallery.grid.rows) < 119
    choose(gallery, "parts", "All parts")
    with qtbot.waitSignal(gallery.ranking.changed):
        qtbot.mouseClick(gallery.ranking.line.back, Qt.MouseButton.LeftButton)
    assert gallery.grid.rows.tolist() == list(range(120)) and not gallery.ranking.line.isVisible()
    assert len(mapped.map.neighbours) == 0
    gallery.close()
    mapped.close()


def test_several_selected_galaxies_are_asked_for_together_and_the_index_is_made_once(
    qtbot: QtBot, session_with_run: Session, begun: list[str]
) -> None:
    gallery = shown(qtbot, GalleryPanel(session_with_run))
    session_with_run.set_selection(np.array([4, 8]))
    choose(gallery, "parts", "Selected")
    with qtbot.waitSignal(gallery.ranking.changed):
        entry(menu_at(gallery, 0), "Find more like these").trigger()
    assert gallery.grid.rows[:2].tolist() == [4, 8] and len(gallery.grid.rows) == 120
    assert "2 galaxies" in gallery.ranking.line.text.text() and "mean" in gallery.ranking.line.text.text()
    index = gallery.ranking._index
    with qtbot.waitSignal(gallery.ranking.changed):
        session_with_run.similar_wanted.emit(np.array([11]))
    assert gallery.ranking._index is not None and index is not None and gallery.ranking._index[1] is index[1]
    gallery.close()


def test_the_strangest_first_is_a_choice_of_order(qtbot: QtBot, session_with_run: Session) -> None:
    gallery = shown(qtbot, GalleryPanel(session_with_run))
    with qtbot.waitSignal(gallery.ranking.changed):
        choose(gallery, "order", "Strangest first")
    assert session_with_run.run is not None and session_with_run.dataset.cutouts is not None
    found = result_of(unusual.run(session_with_run.run.path, session_with_run.dataset.cutouts.path))
    assert gallery.grid.rows.tolist() == found.order.tolist()
    assert gallery.ranking.label(int(found.order[0])).endswith(" %")
    told = tip_of(gallery, 0)
    assert "of the training galaxies" in told and "Nearest training galaxy: G0-" in told
    choose(gallery, "order", "axis_ratio")
    assert not gallery.ranking.is_shown
    ratios = session_with_run.dataset.columns["axis_ratio"][gallery.grid.rows]
    assert (np.diff(ratios) >= 0).all()
    gallery.close()


def test_without_a_network_it_is_said_what_is_missing(qtbot: QtBot, session: Session) -> None:
    gallery, cutout = shown(qtbot, GalleryPanel(session)), shown(qtbot, CutoutPanel(session))
    action = entry(menu_at(gallery, 0), "Find more like this")
    assert not action.isEnabled() and "no network yet" in action.toolTip()
    assert not cutout.similar.isEnabled() and "no network yet" in cutout.similar.toolTip()
    choose(gallery, "order", "Strangest first")
    assert "no network yet" in gallery.ranking.line.text.text()
    assert gallery.grid.rows.tolist() == list(range(120))
    qtbot.mouseClick(gallery.ranking.line.back, Qt.MouseButton.LeftButton)
    assert gallery.order.currentText() == "File order"
    for panel in (gallery, cutout):
        panel.close()


def test_the_cutout_asks_the_gallery_and_another_run_ends_the_ranking(qtbot: QtBot, session_with_run: Session) -> None:
    gallery, cutout = shown(qtbot, GalleryPanel(session_with_run)), shown(qtbot, CutoutPanel(session_with_run))
    session_with_run.set_current(17)
    with qtbot.waitSignal(gallery.ranking.changed), qtbot.waitSignal(session_with_run.panel_wanted):
        qtbot.mouseClick(cutout.similar, Qt.MouseButton.LeftButton)
    assert gallery.grid.rows[0] == 17 and gallery.ranking.is_shown
    session_with_run.open_run(None)
    assert not gallery.ranking.is_shown and not cutout.similar.isEnabled()
    for panel in (gallery, cutout):
        panel.close()


@pytest.fixture
def doubled(galaxies: Path, tmp_path: Path) -> Path:
    """Twelve galaxies, two of which are copies of others: as it stands, and turned."""
    with Cutouts.open(galaxies) as cutouts:
        images = cutouts.images[:12].copy()
        shapes = cutouts.columns["shape"][:12].tolist()
    images[10], images[11] = images[0], np.rot90(images[1], 1, (1, 2))
    return write_dataset(tmp_path / "doubled.h5", images, {"shape": shapes}, ["shape"], "r")


def test_near_duplicates_are_listed_and_a_click_leads_to_both(qtbot: QtBot, doubled: Path) -> None:
    session = Session()
    session.open_cutouts(doubled)
    panel = shown(qtbot, DatasetPanel(session))
    section = panel.duplicates
    assert not section.table.isVisible() and section.look.isVisibleTo(panel)
    section.look.click()
    qtbot.waitUntil(lambda: section.table.isVisibleTo(panel))
    assert "2 near-duplicates" in section.state.text() and section.table.rowCount() == 2
    cells = [[section.table.item(line, column).text() for column in range(4)] for line in range(2)]
    assert {tuple(cell[:2]) for cell in cells} == {("galaxy 0000", "galaxy 0010"), ("galaxy 0001", "galaxy 0011")}
    line = next(number for number, cell in enumerate(cells) if cell[0] == "galaxy 0001")
    at = section.table.visualItemRect(section.table.item(line, 0)).center()
    qtbot.mouseClick(section.table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(at))
    assert session.selection.tolist() == [1, 11] and session.current == 1
    panel.close()
    session.close()

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from galaxies import write_dataset
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QInputDialog, QMainWindow, QMenu, QToolTip
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.data.gallery import GalleryPanel
from app.session import label_commands
from app.session.session import Session
from app.shell.opening import Opening
from app.widgets.plain_text import as_written


@pytest.fixture
def gallery(qtbot: QtBot, session: Session) -> Iterator[GalleryPanel]:
    panel = GalleryPanel(session)
    qtbot.addWidget(panel)
    panel.resize(560, 560)
    with qtbot.waitExposed(panel):
        panel.show()
    yield panel
    panel.close()


def place_of(gallery: GalleryPanel, place: int) -> QPoint:
    return gallery.grid.cell_rect(place).center()


def click(
    qtbot: QtBot,
    gallery: GalleryPanel,
    place: int,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    qtbot.mouseClick(gallery.grid.viewport(), Qt.MouseButton.LeftButton, keys, place_of(gallery, place))


def choose(gallery: GalleryPanel, box: str, text: str) -> None:
    """As the user does with the keyboard in a list of choices."""
    combo = getattr(gallery, box)
    combo.setCurrentText(text)
    combo.activated.emit(combo.currentIndex())


def test_words_typed_while_a_dataset_opens_are_meant_for_it_and_earlier_ones_are_not(
    qtbot: QtBot, gallery: GalleryPanel, session: Session, tmp_path: Path
) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    opening = Opening(window, session, lambda: True)
    for name in ("second", "third"):
        ids = [f"{name}-{at}" for at in range(4)]
        write_dataset(tmp_path / f"{name}.h5", np.zeros((4, 2, 24, 24), np.float32), {}, [], ids=ids)
    qtbot.keyClicks(gallery.search, "edge")
    with qtbot.waitSignal(session.dataset.changed, timeout=20_000):
        opening.open_dataset(tmp_path / "second.h5")
        qtbot.keyClicks(gallery.search, "-2")  # after “edge”
        gallery.search.selectAll()
        qtbot.keyClicks(gallery.search, "second-2")
    assert gallery.search.text() == "second-2"
    qtbot.waitUntil(lambda: gallery.count.text() == "1 of 4 shown", timeout=10_000)
    with qtbot.waitSignal(session.dataset.changed, timeout=20_000):
        opening.open_dataset(tmp_path / "third.h5")
    assert gallery.search.text() == ""
    qtbot.waitUntil(lambda: gallery.count.text() == "4 of 4 shown", timeout=10_000)
    wait_for_all_work(qtbot)


def test_galaxies_are_drawn_with_their_own_pixels(qtbot: QtBot, gallery: GalleryPanel, session: Session) -> None:
    assert session.dataset.cutouts is not None

    def brightness(place: int) -> tuple[float, float]:
        image = gallery.grid.viewport().grab(gallery.grid.cell_rect(place)).toImage()
        middle = image.pixelColor(image.width() // 2, image.height() // 2 - 4).value()
        return middle, image.pixelColor(image.width() - 14, 12).value()

    qtbot.waitUntil(lambda: brightness(0)[0] > brightness(0)[1] + 60, timeout=5000)  # a bright centre on a dark sky


def test_a_click_makes_the_galaxy_current_and_selects_it(qtbot: QtBot, gallery: GalleryPanel, session: Session) -> None:
    click(qtbot, gallery, 3)
    assert session.current == 3
    assert session.selection.tolist() == [3]
    click(qtbot, gallery, 6, Qt.KeyboardModifier.ShiftModifier)
    assert session.selection.tolist() == [3, 4, 5, 6]


def test_only_one_class_is_shown_when_it_is_chosen(gallery: GalleryPanel, session: Session) -> None:
    choose(gallery, "classes", "round")
    assert {session.dataset.label(int(row)) for row in gallery.grid.rows} == {"round"}
    assert gallery.count.text() == "60 of 120 shown"
    choose(gallery, "classes", "No label")
    assert gallery.count.text() == "0 of 120 shown"


def test_only_one_part_is_shown_when_it_is_chosen(gallery: GalleryPanel, session: Session) -> None:
    assert session.dataset.split is not None
    choose(gallery, "parts", "Test")
    assert gallery.grid.rows.tolist() == session.dataset.split.test.tolist()


def test_words_find_galaxies_by_id_and_class(qtbot: QtBot, gallery: GalleryPanel) -> None:
    qtbot.keyClicks(gallery.search, "g0-001 edge")
    qtbot.waitUntil(lambda: gallery.count.text() == "5 of 120 shown", timeout=2000)
    assert gallery.grid.rows.tolist() == [11, 13, 15, 17, 19]


def test_any_column_sorts_in_both_directions(qtbot: QtBot, gallery: GalleryPanel, session: Session) -> None:
    ratio = session.dataset.columns["axis_ratio"]
    choose(gallery, "order", "axis_ratio")
    assert gallery.grid.rows.tolist() == np.argsort(ratio, kind="stable").tolist()
    qtbot.mouseClick(gallery.descending, Qt.MouseButton.LeftButton)
    assert gallery.grid.rows[0] == np.argmax(ratio)


def test_a_number_key_labels_the_selected_galaxies_and_can_be_undone(
    qtbot: QtBot, gallery: GalleryPanel, session: Session
) -> None:
    before = [session.dataset.label(row) for row in (2, 3, 4)]
    click(qtbot, gallery, 2)
    click(qtbot, gallery, 4, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(gallery.grid, Qt.Key.Key_1)
    assert [session.dataset.label(row) for row in (2, 3, 4)] == ["edge-on"] * 3
    qtbot.keyClick(gallery.grid, Qt.Key.Key_0)
    assert [session.dataset.label(row) for row in (2, 3, 4)] == [""] * 3
    session.undo.undo()
    session.undo.undo()
    assert [session.dataset.label(row) for row in (2, 3, 4)] == before


def test_undo_goes_back_to_the_galaxy_whose_label_it_takes(
    qtbot: QtBot, gallery: GalleryPanel, session: Session
) -> None:
    click(qtbot, gallery, 3)
    qtbot.keyClick(gallery.grid, "2")
    click(qtbot, gallery, 7)
    gallery.parts.setCurrentIndex(0)
    session.undo.undo()
    assert session.current == 3
    assert session.selection.tolist() == [3]
    assert gallery.parts.currentIndex() == 0, "what is filtered stays so"
    click(qtbot, gallery, 7)
    session.undo.redo()
    assert session.current == 3


def test_a_label_key_goes_on_to_the_next_galaxy_where_one_wants_that(
    qtbot: QtBot, gallery: GalleryPanel, session: Session
) -> None:
    click(qtbot, gallery, 3)
    qtbot.keyClick(gallery.grid, "1")
    assert session.current == 3
    gallery.advance.click()
    qtbot.keyClick(gallery.grid, "2")
    assert session.current == 4
    assert session.selection.tolist() == [4]
    qtbot.keyClick(gallery.grid, "2")
    assert [session.dataset.label(row) for row in (3, 4)] == [gallery.class_names[1]] * 2
    again = GalleryPanel(session)
    qtbot.addWidget(again)
    assert again.advance.isChecked(), "it is kept"
    gallery.advance.click()


def test_a_badge_explains_itself(gallery: GalleryPanel, session: Session) -> None:
    split, cutouts = session.dataset.split, session.dataset.cutouts
    assert split is not None
    assert cutouts is not None
    row = int(split.test[0])
    text = gallery._describe_galaxy(row)
    assert text.splitlines() == [
        cutouts.ids[row],
        session.dataset.label(row),
        "•: in the test part, which no training sees",
    ]
    shown = int(gallery.grid._rows[3])
    place = gallery.grid.cell_rect(3).center()
    help_wanted = QHelpEvent(QEvent.Type.ToolTip, place, gallery.grid.viewport().mapToGlobal(place))
    QApplication.sendEvent(gallery.grid.viewport(), help_wanted)
    assert QToolTip.text() == as_written(gallery._describe_galaxy(shown))
    QToolTip.hideText()


def test_a_right_click_offers_what_can_be_done_with_a_galaxy(
    qtbot: QtBot, gallery: GalleryPanel, session: Session
) -> None:
    gallery.grid.customContextMenuRequested.emit(gallery.grid.cell_rect(5).center())
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert session.current == 5
    titles = [action.text().split("\t")[0] for action in menu.actions() if not action.isSeparator()]
    assert session.dataset.cutouts is not None
    assert titles == [
        session.dataset.cutouts.ids[5],
        *gallery.class_names,
        "New class…",
        "Take the label off",
        "Find more like this",
        "Send 120 galaxies to TOPCAT, Aladin…",
        "Send the image to DS9, Aladin…",
        "Copy id",
    ]
    next(action for action in menu.actions() if action.text().startswith(gallery.class_names[1])).trigger()
    assert session.dataset.label(5) == gallery.class_names[1]
    menu.close()


def test_a_key_without_a_class_does_nothing(qtbot: QtBot, gallery: GalleryPanel, session: Session) -> None:
    click(qtbot, gallery, 0)
    qtbot.keyClick(gallery.grid, Qt.Key.Key_7)
    assert session.undo.count() == 0


def test_a_class_that_was_not_there_can_be_given(
    qtbot: QtBot, gallery: GalleryPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *_arguments: ("merger", True))
    click(qtbot, gallery, 5)
    gallery.menu.aboutToShow.emit()
    next(action for action in gallery.menu.actions() if action.text() == "New class…").trigger()
    assert session.dataset.label(5) == "merger"
    assert "merger" in gallery.class_names
    assert "merger" in gallery.legend.text()


def test_what_another_panel_selects_is_shown_alone(qtbot: QtBot, gallery: GalleryPanel, session: Session) -> None:
    session.set_selection(np.array([7, 90, 101]))
    assert gallery.grid.rows.tolist() == [7, 90, 101]
    click(qtbot, gallery, 1)  # looking at one of them does not hide the others
    assert session.current == 90
    assert gallery.grid.rows.tolist() == [7, 90, 101]
    choose(gallery, "parts", "All parts")
    assert len(gallery.grid.rows) == 120


def test_what_another_panel_selects_takes_the_place_of_what_was_selected_and_filtered(
    qtbot: QtBot, gallery: GalleryPanel, session: Session
) -> None:
    choose(gallery, "parts", "Validation")
    click(qtbot, gallery, 0)
    assert len(session.selection) == 1
    wanted = [row for row in range(120) if row not in session.selection][:5]
    session.set_selection(np.array(wanted))
    assert session.selection.tolist() == wanted
    assert gallery.grid.rows.tolist() == wanted
    assert gallery.grid.selection.tolist() == wanted


def test_the_legend_shows_a_class_name_as_it_was_written(gallery: GalleryPanel, session: Session) -> None:
    label_commands.give(session, [0], "<b>ring & bar</b>")
    assert "&lt;b&gt;ring&nbsp;&amp;&nbsp;bar&lt;/b&gt;" in gallery.legend.text()


def test_another_stretch_redraws_the_thumbnails(qtbot: QtBot, gallery: GalleryPanel) -> None:
    def brightness(row: int) -> float:
        cell = gallery.grid.cell_rect(row)
        image = gallery.grid.viewport().grab(cell.adjusted(20, 12, -12, -84)).toImage()  # sky above the galaxy
        return image.scaled(1, 1, mode=Qt.TransformationMode.SmoothTransformation).pixelColor(0, 0).value()

    qtbot.waitUntil(lambda: brightness(1) < 90, timeout=5000)
    qtbot.mouseClick(gallery.stretch_bar.invert, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: brightness(1) > 150, timeout=5000)


def test_without_a_dataset_nothing_can_be_filtered(qtbot: QtBot) -> None:
    session = Session()
    panel = GalleryPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    assert not panel.search.isEnabled()
    assert len(panel.grid.rows) == 0
    panel.close()
    session.close()


@pytest.fixture
def crowd(qtbot: QtBot, tmp_path: Path) -> Iterator[GalleryPanel]:
    """So many galaxies that they are found and sorted in the background."""
    draw = np.random.default_rng(0)
    ids = [f"J{number:06d}" for number in draw.permutation(60_000)]
    columns = {"shape": np.where(np.arange(60_000) % 3, "round", "edge-on"), "size": draw.uniform(0, 1, 60_000)}
    images = np.zeros((60_000, 1, 2, 2), np.float32)
    session = Session()
    session.open_cutouts(write_dataset(tmp_path / "crowd.h5", images, columns, ["shape"], "r", ids=ids))
    panel = GalleryPanel(session)
    qtbot.addWidget(panel)
    yield panel
    panel.close()
    session.close()


def test_many_galaxies_are_found_and_sorted_in_the_background(qtbot: QtBot, crowd: GalleryPanel) -> None:
    columns = crowd._session.dataset.columns
    choose(crowd, "order", "size")
    assert crowd.count.text() == "Looking…"
    assert crowd.grid.rows[:3].tolist() == [0, 1, 2]  # until they are sorted
    qtbot.waitUntil(lambda: crowd.count.text() == "60,000 of 60,000 shown")
    assert crowd.grid.rows.tolist() == np.argsort(columns["size"], kind="stable").tolist()
    choose(crowd, "order", "File order")
    assert crowd.count.text() == "60,000 of 60,000 shown"  # for which no value is looked at
    choose(crowd, "classes", "edge-on")
    assert crowd.count.text() == "20,000 of 60,000 shown"


def test_only_the_last_of_many_searches_is_shown(qtbot: QtBot, crowd: GalleryPanel) -> None:
    for text in ("J0", "J01", "J012", "J0123"):
        crowd.search.setText(text)
        crowd._filter()
    qtbot.waitUntil(lambda: crowd.count.text() == "100 of 60,000 shown")
    ids = crowd._session.dataset.columns["id"]
    assert sorted(ids[crowd.grid.rows].tolist()) == [f"J{number:06d}" for number in range(12300, 12400)]


def test_a_search_that_goes_on_is_forgotten_with_its_dataset(qtbot: QtBot, crowd: GalleryPanel) -> None:
    choose(crowd, "order", "id")
    crowd._session.close_cutouts()
    wait_for_all_work(qtbot)
    assert len(crowd.grid.rows) == 0
    assert crowd.count.text() == ""

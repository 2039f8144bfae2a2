from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from small_survey import SIDE, Survey

from app import theme
from app.data.cutout import CutoutPanel
from app.session.session import Session


@pytest.fixture
def panel(qtbot: QtBot, sky_session: Session) -> Iterator[CutoutPanel]:
    shown = CutoutPanel(sky_session)
    qtbot.addWidget(shown)
    shown.resize(460, 640)
    with qtbot.waitExposed(shown):
        shown.show()
    yield shown
    shown.close()


def rows(panel: CutoutPanel) -> dict[str, str]:
    cells = [(panel.table.item(row, 0), panel.table.item(row, 1)) for row in range(panel.table.rowCount())]
    return {name.text(): value.text() for name, value in cells if name is not None and value is not None}


def hover(panel: CutoutPanel, x: float, y: float) -> None:
    panel.view.hovered.emit(x, y)


def test_the_catalogue_row_stands_beside_the_current_galaxy(panel: CutoutPanel, sky_session: Session) -> None:
    sky_session.set_current(4)
    assert sky_session.dataset.cutouts is not None
    assert panel.name.text() == sky_session.dataset.cutouts.ids[4]
    assert rows(panel)["objid"] == sky_session.dataset.cutouts.ids[4]  # all 18 digits
    assert rows(panel)["shape"] == sky_session.dataset.label(4)


def test_a_label_given_by_hand_is_shown_at_once(panel: CutoutPanel, sky_session: Session) -> None:
    sky_session.dataset.set_labels([sky_session.current], ["merger"])
    assert rows(panel)["shape"] == "merger"


def test_pixel_value_and_place_on_the_sky_are_those_of_the_file(
    qtbot: QtBot, panel: CutoutPanel, sky_session: Session, survey: Survey
) -> None:
    assert sky_session.dataset.cutouts is not None
    sky_session.set_current(7)
    file = survey.folder / f"{sky_session.dataset.cutouts.ids[7]}.fits"
    with fits.open(file) as opened:
        value = float(opened[0].data[5, 18])
        ra, dec = WCS(opened[0].header).wcs_pix2world(18.2, 5.1, 0)

    def said() -> str:
        hover(panel, 18.2, 5.1)
        return panel.cursor_text.text()

    qtbot.waitUntil(lambda: "RA" in said(), timeout=10_000)
    assert "x 18, y 5" in said()
    assert f"{value:.4g}" in said()
    assert f"{float(ra):.5f}" in said()
    assert f"{float(dec):+.5f}" in said()


def test_the_mouse_finds_the_pixel_under_it(qtbot: QtBot, panel: CutoutPanel) -> None:
    with qtbot.waitSignal(panel.view.hovered) as hovered:
        place = panel.view.rect().center()
        qtbot.mouseMove(panel.view, place - QPoint(3, 3))
        qtbot.mouseMove(panel.view.childAt(place), panel.view.childAt(place).rect().center())
    assert hovered.args == pytest.approx([(SIDE - 1) / 2] * 2, abs=1)
    assert panel.cursor_text.text().startswith("x 1")


def test_inverting_shows_the_negative(qtbot: QtBot, panel: CutoutPanel) -> None:
    def sky() -> int:
        return panel.view.grab().toImage().pixelColor(panel.view.width() // 2, panel.view.height() // 2).value()

    galaxy = sky()
    qtbot.mouseClick(panel.stretch_bar.invert, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: abs(sky() - galaxy) > 100, timeout=2000)


def test_the_last_of_many_galaxies_has_its_own_coordinates(
    qtbot: QtBot, panel: CutoutPanel, sky_session: Session
) -> None:
    assert sky_session.dataset.cutouts is not None
    for row in range(30):
        sky_session.set_current(row)
    wcs = sky_session.dataset.cutouts.wcs(29)
    assert wcs is not None
    ra = float(wcs.wcs_pix2world(0, 0, 0)[0])

    def said() -> str:
        hover(panel, 0, 0)
        return panel.cursor_text.text()

    qtbot.waitUntil(lambda: "RA" in said(), timeout=10_000)
    assert f"{ra:.5f}" in said()


def test_without_a_galaxy_it_says_what_to_do(qtbot: QtBot) -> None:
    session = Session()
    shown = CutoutPanel(session)
    qtbot.addWidget(shown)
    shown.show()
    assert shown.empty.isVisible()
    assert not np.any([label.text() for label in (shown.name, shown.cursor_text)])
    session.close()


def test_a_narrow_panel_shows_the_coordinates_whole(
    qtbot: QtBot, panel: CutoutPanel, sky_session: Session, qapp: QApplication
) -> None:
    theme.apply(qapp, False)
    panel.resize(panel.minimumSizeHint().expandedTo(QSize(250, 500)))
    sky_session.set_current(7)
    qtbot.waitUntil(lambda: panel._position is not None, timeout=10_000)
    assert panel.view._canvas.compass is not None, "north and east are shown"
    hover(panel, 18.2, 5.1)
    _, in_hours, in_degrees = panel.cursor_text.text().splitlines()
    assert "…" not in in_hours + in_degrees
    ra, dec = panel._position(18.2, 5.1)
    place = SkyCoord(in_hours.replace("RA", "").replace("Dec", ""), unit=("hourangle", "deg"))
    assert (place.ra.deg, place.dec.deg) == pytest.approx((ra, dec), abs=2e-4)
    assert f"{ra:.5f}" in in_degrees and f"{dec:+.5f}" in in_degrees


@pytest.mark.parametrize("width", [250, 460])
def test_the_name_of_a_galaxy_is_shown_whole(
    panel: CutoutPanel, sky_session: Session, qapp: QApplication, width: int
) -> None:
    """Also a name of 18 digits in a narrow panel."""
    theme.apply(qapp, False)
    panel.resize(width, 640)
    sky_session.set_current(4)
    qapp.processEvents()
    assert len(panel.name.text()) == 18
    assert panel.name.width() >= panel.name.fontMetrics().horizontalAdvance(panel.name.text())
    for each in (panel.similar, panel.stretch_bar.kind):
        assert each.isVisible() and panel.rect().contains(each.mapTo(panel, each.rect().bottomRight()))

"""The map of the galaxies on a small network: points, clicks, lassos, colours, and another network."""

import re
import shutil

import numpy as np
import pytest
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt, QThread
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QWidget
from pytestqt.qtbot import QtBot
from waiting import paint, wait_for_all_work

from app import theme
from app.explain.galaxy_map import GalaxyMapPanel
from app.explain.widgets.point_map import PointMap
from app.session.label_commands import give
from app.session.session import Session
from core.explain.features import FeatureMap
from core.explain.settings import FeatureMapSettings
from core.project.runs import RunFolder


def shown(qtbot: QtBot, session: Session) -> GalaxyMapPanel:
    panel = GalaxyMapPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1000, 700)
    panel.show()
    return panel


def drawn(qtbot: QtBot, panel: GalaxyMapPanel) -> FeatureMap:
    """The map after a click on the button."""
    before = panel.feature_map
    qtbot.mouseClick(panel.draw, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.feature_map is not before and panel.draw.isVisible(), timeout=60_000)
    assert panel.feature_map is not None
    wait_for_all_work(qtbot)
    paint(panel)
    return panel.feature_map


def canvas(points: PointMap) -> QWidget:
    """What the mouse is over."""
    found = points.childAt(points.rect().center())
    assert found is not None
    return found


def pixels(points: PointMap) -> NDArray[np.float64]:
    """Where all points stand, in pixels (n, 2)."""
    places = [points.position(place) for place in range(points.count)]
    return np.array([(place.x(), place.y()) for place in places])


def alone(at: NDArray[np.float64], which: NDArray[np.int64] | None = None) -> int:
    """The point that is farthest from any other, of all or of some."""
    distance = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    nearest = distance.min(axis=1)
    which = np.arange(len(at)) if which is None else which
    return int(which[nearest[which].argmax()])


def lasso(points: PointMap, corners: list[QPoint], modifiers: Qt.KeyboardModifier) -> None:
    """Press, draw a line, and let go."""
    target, left, none = canvas(points), Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    way = [
        corner + (following - corner) * step / 6
        for corner, following in zip(corners, [*corners[1:], corners[0]], strict=True)
        for step in range(6)
    ]

    def send(kind: QEvent.Type, place: QPoint, button: Qt.MouseButton, buttons: Qt.MouseButton) -> None:
        here = target.mapFrom(points, place)
        at, where = QPointF(here), QPointF(target.mapToGlobal(here))
        QApplication.sendEvent(target, QMouseEvent(kind, at, where, button, buttons, modifiers))

    send(QEvent.Type.MouseButtonPress, way[0], left, left)
    for place in way[1:]:
        QTest.qWait(12)  # pyqtgraph looks at no more than a hundred moves a second
        send(QEvent.Type.MouseMove, place, none, left)
    send(QEvent.Type.MouseButtonRelease, way[-1], left, none)


def test_every_galaxy_is_a_point_and_a_click_goes_to_it(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    found = drawn(qtbot, panel)
    assert session_with_run.dataset.cutouts is not None
    assert panel.map.count == len(found) == len(session_with_run.dataset.cutouts) == 120
    assert "120 galaxies" in panel.state.text()
    at = pixels(panel.map)
    place = alone(at)
    target = canvas(panel.map)
    where = target.mapFrom(panel.map, QPoint(*at[place].round().astype(int).tolist()))
    qtbot.mouseClick(target, Qt.MouseButton.LeftButton, pos=where)
    assert session_with_run.current == found.rows[place]
    assert panel.caption.text().startswith(found.ids[place])


@pytest.mark.parametrize("method", ["PCA", pytest.param("t-SNE", marks=pytest.mark.slow)])
def test_a_line_around_points_selects_their_galaxies(qtbot: QtBot, session_with_run: Session, method: str) -> None:
    panel = shown(qtbot, session_with_run)
    panel.form.set_value(FeatureMapSettings.model_validate({"method": method}))
    found = drawn(qtbot, panel)
    at = pixels(panel.map)
    (left, top), (right, bottom) = np.percentile(at, (10, 60), axis=0)
    corners = [QPoint(int(left), int(top)), QPoint(int(right), int(top)), QPoint(int(right), int(bottom))]
    lasso(panel.map, corners, Qt.KeyboardModifier.NoModifier)
    inside = Polygon([(corner.x(), corner.y()) for corner in corners]).contains_points(at)
    near = Polygon([(corner.x(), corner.y()) for corner in corners]).contains_points(at, radius=4) ^ inside
    near |= Polygon([(corner.x(), corner.y()) for corner in corners]).contains_points(at, radius=-4) ^ inside
    assert 0 < inside.sum() < 120
    chosen = set(session_with_run.selection.tolist())
    assert set(found.rows[inside & ~near].tolist()) <= chosen <= set(found.rows[inside | near].tolist())
    assert f"{len(chosen)} selected" in panel.state.text()
    others = [QPoint(int(left), int(top)), QPoint(int(left), int(bottom)), QPoint(int(right), int(bottom))]
    lasso(panel.map, others, Qt.KeyboardModifier.ShiftModifier)
    assert chosen < set(session_with_run.selection.tolist())


def test_the_points_have_the_colours_of_their_classes(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    found = drawn(qtbot, panel)
    session_with_run.set_current(-1)
    target = session_with_run.dataset.target
    assert target is not None
    names = target.names  # pyright: ignore[reportAttributeAccessIssue]
    plain = re.sub(r"<[^>]*>", " ", panel.legend.text())
    assert all(f"{name}  60" in plain for name in names)
    labels = np.array([session_with_run.dataset.label(row) for row in found.rows.tolist()])
    at = pixels(panel.map)
    colours = [QColor(name) for name in theme.class_colours(len(names))]
    picture = panel.map.grab().toImage()
    for number, name in enumerate(names):
        place = alone(at, np.flatnonzero(labels == name))
        seen = picture.pixelColor(QPoint(*at[place].round().astype(int).tolist()))
        away = [
            abs(seen.red() - other.red()) + abs(seen.green() - other.green()) + abs(seen.blue() - other.blue())
            for other in colours
        ]
        assert int(np.argmin(away)) == number


def test_a_new_label_changes_the_colours_at_once(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    drawn(qtbot, panel)
    give(session_with_run, [0, 2, 4], "edge-on")
    plain = re.sub(r"<[^>]*>", " ", panel.legend.text())
    assert "edge-on  63" in plain
    assert "round  57" in plain


def test_the_legend_follows_the_theme(qtbot: QtBot, qapp: QApplication, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    drawn(qtbot, panel)
    give(session_with_run, [3], "")
    assert "no label" in panel.legend.text()
    for dark in (True, False):
        theme.apply(qapp, dark)
        assert panel.legend.text().count(theme.colours().muted) == 4  # three numbers and the point without a label


def test_a_quantity_colours_the_points_by_a_scale(qtbot: QtBot, session_with_run: Session) -> None:
    session = session_with_run
    panel = shown(qtbot, session)
    drawn(qtbot, panel)
    session.draft.edit("data.labels", ("axis_ratio",))
    assert panel.columns.currentText() == "axis_ratio"
    assert panel.bar.isVisible()
    values = session.dataset.columns["axis_ratio"]
    assert panel.bar.limits == pytest.approx(np.percentile(values, (1, 99)), rel=1e-5)
    assert not panel.legend.text()


def test_the_methods_are_called_as_the_field_calls_them(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    methods = panel.form.editor("method")
    assert isinstance(methods, QComboBox)
    assert [methods.itemText(place) for place in range(methods.count())] == ["PCA", "t-SNE"]


def test_galaxies_selected_elsewhere_are_counted(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    session_with_run.set_selection(np.arange(5))
    drawn(qtbot, panel)
    assert "5 selected" in panel.state.text()
    session_with_run.set_selection(np.empty(0, np.int64))
    assert "selected" not in panel.state.text()


def test_a_map_that_is_stopped_is_not_shown_and_can_be_drawn_again(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    qtbot.mouseClick(panel.draw, Qt.MouseButton.LeftButton)
    assert not panel.draw.isVisible()
    qtbot.mouseClick(panel.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.draw.isVisible(), timeout=30_000)
    assert panel.feature_map is None
    assert panel.state.text() == ""
    assert len(drawn(qtbot, panel)) == 120


def test_the_map_of_another_network_is_not_shown(qtbot: QtBot, session_with_run: Session) -> None:
    session = session_with_run
    panel = shown(qtbot, session)
    drawn(qtbot, panel)
    qtbot.mouseClick(panel.draw, Qt.MouseButton.LeftButton)
    application = QCoreApplication.instance()
    assert application is not None
    (thread,) = application.findChildren(QThread, session.activity.jobs[0].title)
    assert thread.wait(60_000)  # it is done, but the window has not heard of it
    assert session.run is not None
    folder = session.run.path.with_name("another")
    shutil.copytree(session.run.path, folder)
    session.open_run(RunFolder(folder))
    assert panel.feature_map is None
    wait_for_all_work(qtbot)
    assert not session.activity.jobs
    assert panel.feature_map is None
    assert panel.draw.isVisible()


def test_nothing_is_read_while_nobody_looks(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    drawn(qtbot, panel)
    caption = panel.caption.text()
    panel.hide()
    session_with_run.set_current(8)
    assert panel.caption.text() == caption
    panel.show()
    assert session_with_run.dataset.cutouts is not None
    assert panel.caption.text().startswith(session_with_run.dataset.cutouts.ids[8])


def test_without_a_network_it_says_what_to_do(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    assert panel.empty.isVisible()
    assert panel.empty.title.text() == "No network yet"
    session.close_cutouts()
    assert panel.empty.text.text() == "Open a dataset and train a network first."

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot
from waiting import paint

from app.explain.widgets.point_map import PointMap, inside_polygon

numbers = st.floats(-1, 1, width=32)


@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=3), st.integers(0, 2**32 - 1))
def test_what_lies_within_a_triangle_is_what_matplotlib_finds(corners: list[tuple[float, float]], seed: int) -> None:
    points = np.random.default_rng(seed).uniform(-1, 1, (50, 2))
    polygon = Path([*corners, corners[0]], closed=True)
    near = polygon.contains_points(points, radius=1e-6) ^ polygon.contains_points(points, radius=-1e-6)
    found = inside_polygon(points, np.array(corners))
    assert np.array_equal(found[~near], polygon.contains_points(points)[~near])


def test_the_hole_of_a_ring_lies_outside() -> None:
    ring = [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0), (1, 1), (1, 3), (3, 3), (3, 1), (1, 1)]
    assert inside_polygon(np.array([[2.0, 2.0], [0.5, 2.0], [5.0, 2.0]]), np.array(ring, float)).tolist() == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("titles", [None, ["Component 1", "Component 2"]])
def test_a_click_near_a_point_chooses_it_and_one_elsewhere_does_not(qtbot: QtBot, titles: list[str] | None) -> None:
    points = PointMap()
    qtbot.addWidget(points)
    points.resize(500, 400)
    points.set_points(np.array([[0.0, 0.0], [10.0, 0.0], [5.0, 8.0]]), titles, str)
    points.show()
    paint(points)
    chosen: list[int] = []
    points.clicked.connect(chosen.append)
    target = points.childAt(points.rect().center())
    assert target is not None
    for place in (2, 0, 1):
        at = points.position(place).toPoint()
        for away in (QPoint(0, 0), QPoint(4, -4), QPoint(25, -25)):
            qtbot.mouseClick(target, Qt.MouseButton.LeftButton, pos=target.mapFrom(points, at + away))
    assert chosen == [2, 2, 0, 0, 1, 1]


def test_distances_are_true_where_only_they_count(qtbot: QtBot) -> None:
    points = PointMap()
    qtbot.addWidget(points)
    points.resize(700, 300)
    points.set_points(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), None, str)
    points.show()
    paint(points)
    corner, right, above = (points.position(place) for place in range(3))
    assert right.x() - corner.x() == pytest.approx(corner.y() - above.y(), rel=0.02)

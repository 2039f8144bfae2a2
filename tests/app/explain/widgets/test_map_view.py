import numpy as np
import pytest
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.explain.widgets.map_view import MapView, describe_map
from core.explain.explanation import Explanation
from core.explain.settings import OcclusionSettings

FIELD = np.linspace(-1, 3, 24 * 24, dtype=np.float32).reshape(24, 24)


def explanation(**changes: object) -> Explanation:
    values: dict[str, object] = {
        "galaxy_id": "G1",
        "method": "occlusion",
        "target_name": "spiral",
        "map": FIELD,
        "score": 2.5,
        "baseline_score": -0.5,
        "error": None,
        "settings": OcclusionSettings(),
        "probability": 0.9,
    }
    return Explanation(**(values | changes))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def whole(qtbot: QtBot) -> QWidget:
    """What owns the view; the fixture keeps it alive."""
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.resize(300, 500)
    return widget


@pytest.fixture
def view(whole: QWidget) -> MapView:
    made = MapView({"occlusion": "Occlusion", "grad-cam": "Grad-CAM"}, whole)
    column = QVBoxLayout(whole)
    for part in (made.head, made.caption, made.picture, made.bar, made.note):
        column.addWidget(part)
    whole.show()
    made.set_image(np.zeros((24, 24, 3), np.uint8), 0.4)
    return made


def test_the_colours_of_a_signed_map_are_centred_on_zero(view: MapView) -> None:
    view.show_map(explanation())
    low, high = view.bar.limits
    assert low == -high
    assert high == pytest.approx(np.percentile(np.abs(FIELD), 99.5))


def test_the_colours_of_a_map_of_strength_begin_at_zero(view: MapView) -> None:
    view.show_map(explanation(map=np.abs(FIELD), is_signed=False))
    assert view.bar.limits[0] == 0
    assert view.bar.limits[1] > 0
    assert "brighter" in view.note.text()


def test_the_galaxy_under_a_map_is_grey(view: MapView) -> None:
    picture = np.zeros((24, 24, 3), np.uint8)
    picture[..., 0], picture[12:, :, 2] = 90, 180
    view.set_image(picture, 0.4)
    view.set_opacity(0.0)
    view.show_map(explanation())
    shown = view.view.grab().toImage()
    for height, grey in ((0.25, 90), (0.75, 30)):  # row 0 is at the bottom
        colour = shown.pixelColor(shown.width() // 2, round(height * shown.height()))
        assert (colour.red(), colour.green(), colour.blue()) == (grey, grey, grey)


def test_views_can_share_a_scale(view: MapView) -> None:
    view.show_map(explanation())
    view.set_limit(10.0)
    assert view.bar.limits == (-10.0, 10.0)
    view.set_limit(None)
    assert view.bar.limits[1] < 4


def test_a_sentence_stands_in_the_place_of_a_map_that_cannot_be_made(view: MapView) -> None:
    view.show_map(explanation())
    view.show_message("This network pools by strides.")
    assert view.message.isVisible()
    assert not view.view.isVisible()
    assert not view.save.isEnabled()
    view.show_waiting()
    assert view.view.isVisible()
    view.show_map(explanation(), coarse=True)
    assert view.note.text() == "First look…"
    assert view.save.isEnabled()


def test_an_empty_map_is_shown_and_said_to_be_so(view: MapView) -> None:
    view.show_map(explanation(map=np.zeros((24, 24), np.float32)))
    assert view.bar.limits == (-1.0, 1.0)
    assert "Nothing" in view.note.text()


def test_what_is_told_has_both_sides_units_and_errors() -> None:
    field = np.zeros((4, 4), np.float32)
    field[0, 0], field[1, 1] = 3.0, -1.0
    assert describe_map(explanation(map=field, error=0.004)) == (
        "Score: 2.5, without the galaxy −0.5. Red speaks for spiral (75\u00a0%), blue against it (25\u00a0%). "
        "Completeness error 0.4\u00a0%."
    )
    assert describe_map(explanation(map=field, probability=None, target_name="size", unit="arcsec")).startswith(
        "Size: 2.5 arcsec, without the galaxy −0.5 arcsec. Red raises it"
    )

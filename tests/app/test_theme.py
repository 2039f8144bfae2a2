"""The theme: readable in the light and in the dark, for every eye; icons that follow it."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from app import theme
from app.theme import DARK, LIGHT, class_colours, colours, icon

APP = Path(theme.__file__).parent
THEMES = pytest.mark.parametrize("chosen", [LIGHT, DARK], ids=["light", "dark"])


@pytest.fixture(autouse=True)
def _light_again(qapp):
    yield
    theme.apply(qapp, False)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.1."""
    channels = np.array(QColor(colour).getRgbF()[:3])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.1."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_formula_knows_its_extremes():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@THEMES
@pytest.mark.parametrize("ground", ["window", "surface", "raised"])
@pytest.mark.parametrize("text", ["text", "muted", "good", "warn", "bad"])
def test_text_is_readable_on_every_ground(chosen, ground, text):
    assert contrast(getattr(chosen, text), getattr(chosen, ground)) >= 4.5


@THEMES
def test_text_on_the_accent_and_the_accent_itself_are_readable(chosen):
    assert contrast(chosen.on_accent, chosen.accent) >= 4.5
    assert contrast(chosen.accent, chosen.surface) >= 4.5


@THEMES
@pytest.mark.parametrize("line", ["edge", "train", "validation"])
def test_edges_and_curves_stand_out(chosen, line):
    assert contrast(getattr(chosen, line), chosen.surface) >= 3


def test_classes_have_distinct_colours_and_more_classes_repeat_them():
    eight = class_colours(8)
    assert len(set(eight)) == 8
    assert class_colours(10)[8:] == eight[:2]
    assert class_colours(0) == []


def test_class_colours_differ_for_people_who_see_no_red_or_no_green():
    # Viénot, Brettel & Mollon 1999, on linear RGB
    protan = np.array([[0.1121, 0.8853, -0.0005], [0.1127, 0.8897, -0.0001], [0.0045, 0.0, 1.0019]])
    deutan = np.array([[0.2920, 0.7054, -0.0003], [0.2934, 0.7089, 0.0], [-0.0210, 0.0256, 1.0]])
    linear = [np.array(QColor(name).getRgbF()[:3]) ** 2.2 for name in class_colours(6)]
    for sight in (protan, deutan):
        seen = [np.clip(sight @ colour, 0, 1) ** (1 / 2.2) for colour in linear]
        closest = min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2))
        assert closest > 0.07


@pytest.mark.parametrize("dark", [False, True])
def test_the_whole_application_is_dressed(qapp: QApplication, dark):
    theme.apply(qapp, dark)
    assert theme.is_dark() is dark
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == colours().window
    assert not re.findall(r"@[a-z_]+", qapp.styleSheet())


def test_the_style_sheet_names_only_pictures_that_are_there(qapp):
    for dark in (False, True):
        theme.apply(qapp, dark)
        pictures = re.findall(r"url\((.*?)\)", qapp.styleSheet())
        assert pictures
        for picture in pictures:
            assert Path(picture).is_file(), picture
            assert not QIcon(picture).pixmap(8, 8).isNull()


def test_without_a_choice_the_system_decides(qapp: QApplication):
    theme.apply(qapp, None)
    assert theme.is_dark() is (QGuiApplication.styleHints().colorScheme().name == "Dark")


def darkest(symbol: QIcon, mode: QIcon.Mode = QIcon.Mode.Normal) -> QColor:
    """The colour of the strongest pixel."""
    image = symbol.pixmap(QSize(32, 32), mode).toImage()
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return max(pixels, key=lambda pixel: pixel.alpha())


def test_an_icon_made_in_the_light_is_bright_in_the_dark(qapp):
    theme.apply(qapp, False)
    play = icon("mdi6.play")
    assert darkest(play).name() == LIGHT.text
    theme.apply(qapp, True)
    assert darkest(play).name() == DARK.text
    assert darkest(icon("mdi6.play", "on_accent")).name() == DARK.on_accent
    assert darkest(play, QIcon.Mode.Disabled).alphaF() < 0.6


def test_every_icon_that_the_program_names_can_be_drawn():
    named = {
        name
        for path in APP.rglob("*.py")
        for name in re.findall(r"""["']mdi6\.([a-z0-9-]+)["']""", path.read_text(encoding="utf-8"))
    }
    missing = sorted(named - theme._load_symbols().keys())
    assert not missing, "run “python packaging/icons.py”"
    for name in named:
        bounds = theme._build_outline(name).boundingRect()
        assert 0 <= bounds.left() < bounds.right() <= 24, name
        assert 0 <= bounds.top() < bounds.bottom() <= 24, name


def test_the_program_has_an_icon_of_its_own(qapp):
    image = theme.program_icon().pixmap(64, 64).toImage()
    colours_seen = {image.pixelColor(x, y).name() for x in range(0, 64, 4) for y in range(0, 64, 4)}
    assert len(colours_seen) > 5

"""Colours by meaning, light and dark; one style sheet; icons that follow the theme.

Classes have the colours of Okabe & Ito (2008), which people with colour-blindness tell apart. Icons are outlines from
the Material Design set, drawn in the theme's colours at the moment of painting: a window that is open when the theme
changes changes with it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QIconEngine, QPainter, QPainterPath, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QApplication, QLabel, QWidget


@dataclass(frozen=True)
class Colours:
    """What each colour is for, as ``#rrggbb``."""

    window: str
    surface: str
    raised: str
    line: str
    edge: str
    text: str
    muted: str
    accent: str
    on_accent: str
    good: str
    warn: str
    bad: str
    train: str
    validation: str
    image: str


LIGHT = Colours(
    window="#f4f5f7",
    surface="#ffffff",
    raised="#e9ebef",
    line="#cfd4dc",
    edge="#868f9c",
    text="#1c222b",
    muted="#5a6473",
    accent="#0b63b0",
    on_accent="#ffffff",
    good="#00734f",
    warn="#8a5300",
    bad="#b3261e",
    train="#0b63b0",
    validation="#b84e00",
    image="#11151b",
)
DARK = Colours(
    window="#171b21",
    surface="#1e242c",
    raised="#2a323d",
    line="#3a4452",
    edge="#6f7b8b",
    text="#e6e9ee",
    muted="#9da8b7",
    accent="#5aaef0",
    on_accent="#0d1822",
    good="#4cc38a",
    warn="#f0b04f",
    bad="#ff8a80",
    train="#5aaef0",
    validation="#f59c4c",
    image="#0b0e12",
)
_SPOT = 14  # pixels across
_GRID = 24  # side of the square in which icons are drawn
_UNKNOWN = "M4 4 L20 4 L20 20 L4 20 L4 4 M6 6 L6 18 L18 18 L18 6 L6 6"
_CLASSES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#8c8c8c")


def is_dark() -> bool:
    """Whether the dark theme is in use."""
    application = QGuiApplication.instance()
    return bool(application is not None and application.property("dark"))


def colours() -> Colours:
    """The colours in use."""
    return DARK if is_dark() else LIGHT


def class_colours(count: int) -> list[str]:
    """``count`` colours for classes, in their order; they repeat after eight."""
    return [_CLASSES[index % len(_CLASSES)] for index in range(count)]


def colour_spot(colour: str) -> QIcon:
    """A round spot of a colour, unchanged on a selected row."""
    picture = QPixmap(2 * _SPOT, 2 * _SPOT)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(colour))
    painter.setPen(QPen(QColor("#ffffff"), 2))
    painter.drawEllipse(3, 3, 2 * _SPOT - 6, 2 * _SPOT - 6)
    painter.end()
    made = QIcon(picture)
    made.addPixmap(picture, QIcon.Mode.Selected)
    return made


def icon(name: str, colour: str = "text") -> QIcon:
    """An icon of the Material Design set, such as ``"mdi6.play"``.

    Parameters
    ----------
    name
        One of those in ``resources/icons/symbols.json``; ``packaging/icons.py`` adds new ones.
    colour
        A field of :class:`Colours`: ``"on_accent"`` on a primary button.
    """
    return QIcon(_SymbolEngine(name.removeprefix("mdi6."), colour))


class SymbolLabel(QLabel):
    """A label with an icon that follows the theme."""

    def __init__(self, name: str, side: int = 16, colour: str = "text", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._side = icon(name, colour), side
        self._draw()

    def _draw(self) -> None:
        self.setPixmap(self._icon.pixmap(QSize(self._side, self._side), self.devicePixelRatio()))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()


class _SymbolEngine(QIconEngine):
    """Draws the outline of one icon in the colours of the present theme."""

    def __init__(self, name: str, colour: str) -> None:
        super().__init__()
        self._name, self._colour = name, colour

    def clone(self) -> QIconEngine:
        return _SymbolEngine(self._name, self._colour)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        del state
        chosen = colours()
        colour = QColor(getattr(chosen, self._colour))
        if mode == QIcon.Mode.Disabled:
            colour = QColor(chosen.muted)
            colour.setAlphaF(0.5)
        elif mode == QIcon.Mode.Selected:
            colour = QColor(chosen.on_accent)
        side = min(rect.width(), rect.height())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(rect.center().x() + 0.5 - side / 2, rect.center().y() + 0.5 - side / 2)
        painter.scale(side / _GRID, side / _GRID)
        painter.fillPath(_build_outline(self._name), colour)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        drawn = QPixmap(size)
        drawn.fill(Qt.GlobalColor.transparent)
        painter = QPainter(drawn)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return drawn


@cache
def _build_outline(name: str) -> QPainterPath:
    """Build the outline of an icon; a hollow square for an unknown one."""
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    numbers: list[QPointF] = []
    x = ""
    for word in _load_symbols().get(name, _UNKNOWN).split():
        if not x:
            x = word
            continue
        letter = x[0] if x[0] in "MLC" else ""
        point = QPointF(float(x[len(letter) :]), float(word))
        x = ""
        if letter == "M":
            path.moveTo(point)
        elif letter == "L":
            path.lineTo(point)
        else:  # the three points of a Bézier curve
            numbers.append(point)
            if len(numbers) == 3:
                path.cubicTo(*numbers)
                numbers.clear()
    return path


@cache
def _load_symbols() -> dict[str, str]:
    return json.loads((resources.files("resources") / "icons" / "symbols.json").read_text(encoding="utf-8"))


def program_icon() -> QIcon:
    """The program's own icon."""
    return QIcon(str(resources.files("resources") / "icons" / "tuning-fork.svg"))


def apply(application: QApplication, dark: bool | None = None) -> None:
    """Apply a theme to the application; None follows the system."""
    if dark is None:
        dark = application.styleHints().colorScheme() == Qt.ColorScheme.Dark
    application.setProperty("dark", dark)
    application.setStyle("Fusion")
    application.setPalette(_palette(colours()))
    application.setStyleSheet(_style_sheet(colours()))


@cache
def _style_sheet(chosen: Colours) -> str:
    folder = resources.files("resources") / "themes"
    text = (folder / "style.qss").read_text(encoding="utf-8")
    values = asdict(chosen)
    text = text.replace("@marks", f"{Path(str(folder)).as_posix()}/{'dark' if chosen is DARK else 'light'}")
    for field in sorted(fields(chosen), key=lambda field: -len(field.name)):  # longer names first
        text = text.replace(f"@{field.name}", values[field.name])
    return text


def _palette(chosen: Colours) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, colour in {
        role.Window: chosen.window,
        role.Base: chosen.surface,
        role.AlternateBase: chosen.window,
        role.Button: chosen.raised,
        role.ToolTipBase: chosen.raised,
        role.WindowText: chosen.text,
        role.Text: chosen.text,
        role.ButtonText: chosen.text,
        role.ToolTipText: chosen.text,
        role.BrightText: chosen.bad,
        role.PlaceholderText: chosen.muted,
        role.Highlight: chosen.accent,
        role.HighlightedText: chosen.on_accent,
        role.Link: chosen.accent,
        role.Light: chosen.raised,
        role.Midlight: chosen.raised,
        role.Mid: chosen.line,
        role.Dark: chosen.line,
        role.Shadow: chosen.line,
        role.Accent: chosen.accent,
    }.items():
        palette.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(chosen.muted).darker(130 if is_dark() else 80))
    return palette

"""Colours by meaning, light and dark; one style sheet; icons.

Classes have the colours of Okabe & Ito (2008), which people with colour-blindness tell apart.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib import resources

import qtawesome
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication


@dataclass(frozen=True)
class Colours:
    """What each colour is for, as ``#rrggbb``."""

    window: str
    surface: str
    raised: str
    line: str
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
_CLASSES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#8c8c8c")


def is_dark() -> bool:
    """Whether the application is dark just now."""
    application = QGuiApplication.instance()
    return bool(application is not None and application.property("dark"))


def colours() -> Colours:
    """The colours in use."""
    return DARK if is_dark() else LIGHT


def class_colours(count: int) -> list[str]:
    """``count`` colours for classes, in their order; they repeat after eight."""
    return [_CLASSES[index % len(_CLASSES)] for index in range(count)]


def icon(name: str) -> QIcon:
    """An icon of the Material Design set, such as ``"mdi6.play"``, in the colour of text."""
    return qtawesome.icon(name, color=colours().text, color_disabled=colours().line)


def program_icon() -> QIcon:
    """The program's own icon."""
    return QIcon(str(resources.files("resources") / "icons" / "tuning-fork.svg"))


def apply(application: QApplication, dark: bool | None = None) -> None:
    """Dress the application; None follows the system."""
    if dark is None:
        dark = application.styleHints().colorScheme() == Qt.ColorScheme.Dark
    application.setProperty("dark", dark)
    application.setStyle("Fusion")
    application.setPalette(_palette(colours()))
    application.setStyleSheet(_style_sheet(colours()))
    qtawesome.reset_cache()


@cache
def _style_sheet(chosen: Colours) -> str:
    text = (resources.files("resources") / "themes" / "style.qss").read_text(encoding="utf-8")
    values = asdict(chosen)
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

"""Where the numbers of a preset come from, and which of them the user has changed."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.widgets.plain_text import RichLabel, in_html
from core.settings.declare import Settings, knobs


class SourceList(QWidget):
    """A paragraph for each number: its name, value and source."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = RichLabel()
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 0, 0, 0)
        column.addWidget(self.text)

    def show_sources(self, sources: Mapping[str, str], preset: Settings, value: Settings) -> None:
        """Show the sources by the dotted names of the settings, with the present values."""
        paragraphs = []
        for name, source in sources.items():
            title, text = describe_setting(value, name)
            own = text != describe_setting(preset, name)[1]
            said = "your value" if own else source
            paragraphs.append(
                f'<p style="margin: 0 0 4px 0"><b>{in_html(title)}</b> {in_html(text)}<br>{in_html(said)}</p>'
            )
        if (text := "".join(paragraphs)) != self.text.text():  # laying it out takes a moment
            self.text.setText(text)


def describe_setting(settings: Settings, name: str) -> tuple[str, str]:
    """Title and value, with its unit, of the setting with a dotted name; a whole part has no value."""
    title, value, unit = "", settings, ""
    for part in name.split("."):
        knob = knobs(type(value)).get(part) if isinstance(value, Settings) else None
        if knob is None:
            return name, ""
        title, unit, value = knob.title, knob.unit, getattr(value, part)
    if isinstance(value, Settings):
        return title, ""
    return title, f"{value:.6g} {unit}".strip() if isinstance(value, float) else f"{value} {unit}".strip()

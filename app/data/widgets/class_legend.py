"""The classes and their colours below the gallery, with the keys that give them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import colours
from app.widgets.plain_text import RichLabel, in_html, shortened


class ClassLegend(RichLabel):
    """A square in its colour for each of the first nine classes, its name, and its number key."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_classes(self, names: Sequence[str], shades: Sequence[str]) -> None:
        """Show these classes in their colours."""
        marks = [
            f'<span style="color:{colour}">■</span>&nbsp;{in_html(shortened(name)).replace(" ", "&nbsp;")}&nbsp;'
            f'<span style="color:{colours().muted}">{key}</span>'
            for key, (name, colour) in enumerate(zip(names[:9], shades, strict=False), 1)
        ]
        self.setText("&ensp; ".join(marks))
        self.setToolTip("The number keys label the selected galaxies; 0 takes the label off.")

"""Sentences as paragraphs with a small gap."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app.widgets.plain_text import RichLabel, in_html


class Sentences(RichLabel):
    """A label of several sentences, each a paragraph."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)

    def set_sentences(self, sentences: Sequence[str]) -> None:
        """Show these; none clears it."""
        self.setText("".join(f'<p style="margin: 0 0 6px 0">{in_html(text)}</p>' for text in sentences))

"""Names and sentences of the user, shown as they are written: Qt takes what looks like HTML for HTML.

A class may be called ``a<5 & b>7``, a file ``<new>.fits``; Qt would swallow part of either, make a link of ``<a>`` and
load the file of an ``<img>``. Labels and message boxes show plain text: the style sheet says so for every QLabel but
those of the class :class:`RichLabel`. What Qt does not let a style sheet decide passes through the functions here.
"""

from __future__ import annotations

import re
from html import escape

from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import QLabel

from core.printable import on_lines

_LONGEST_WORD = 80  # letters; a tooltip with longer ones would be wider than the window
_BREAK = "\u200b"  # where a line may end, of no width


class RichLabel(QLabel):
    """A label whose text is HTML of our own; the names in it are escaped with :func:`in_html`."""


def as_written(text: str) -> str:
    """A text for a tooltip, which cannot be told to take it as plain text; long words may be broken there."""
    wrapped = re.sub(rf"\S{{{_LONGEST_WORD}}}(?=\S)", rf"\g<0>{_BREAK}", text)
    if wrapped == text and not GuiQt.mightBeRichText(text):
        return text
    return f'<p style="white-space: pre-wrap">{in_html(wrapped)}</p>'


def in_html(text: str) -> str:
    """A text within HTML of our own, such as that of a :class:`RichLabel` or of the title of an axis in pyqtgraph.

    Control characters appear as escapes: a mark of direction in one name would turn round all that follows it.
    """
    return escape(on_lines(text))


def shortened(text: str, letters: int = 32) -> str:
    """A name for a legend, which has no room for three hundred letters."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def on_button(text: str) -> str:
    """A text for a button, a menu or a tab, which would take an ampersand for the mark of a shortcut."""
    return text.replace("&", "&&")


def in_window_title(text: str) -> str:
    """A text in the title of a window, where ``[*]`` would stand for changes that are not saved."""
    return text.replace("[*]", "[*][*]")

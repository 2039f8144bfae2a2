"""Shows pages of the guide, with their pictures, and marks the words that were sought."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QEvent, QRegularExpression, Qt, QUrl
from PySide6.QtGui import QColor, QDesktopServices, QFontDatabase, QImage, QResizeEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QTextBrowser, QTextEdit, QWidget

from app.shell.guide_pages import folder, read_pages, to_html
from app.theme import colours

_COLUMN = 700  # pixels: lines of 90 letters, which are read well
_MARGIN = 22
_SCROLL_BAR = 28  # with the frame and its padding
_MARK_OPACITY = 80
_SCHEME = "guide"
_ANY = QTextDocument.ResourceType.UnknownResource

_STYLE = """
h1 {{ font-size: 22px; font-weight: 600; margin: 14px 0 10px 0; }}
h2 {{ font-size: 17px; font-weight: 600; margin: 26px 0 8px 0; }}
h3 {{ font-size: 14px; font-weight: 600; margin: 20px 0 6px 0; }}
p {{ margin: 0 0 10px 0; line-height: 135%; }}
p.picture {{ line-height: 100%; }}
li {{ margin: 0 0 5px 0; line-height: 135%; }}
a {{ color: {accent}; text-decoration: none; }}
code, pre {{ font-family: '{fixed}'; font-size: 12px; }}
pre {{ margin: 0; white-space: pre-wrap; line-height: 130%; }}
table {{ border-collapse: collapse; margin: 4px 0 12px 0; border: 1px solid {line}; }}
th {{ background: {raised}; padding: 5px 9px; text-align: left; border: 1px solid {line}; }}
td {{ padding: 5px 9px; border: 1px solid {line}; }}
table.code {{ border: 1px solid {line}; margin: 2px 0 14px 0; }}
table.code td {{ background: {window}; border: 0; padding: 9px 12px; }}
"""


class GuideBrowser(QTextBrowser):
    """A page of the guide; links lead to other pages, or to the web."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(_COLUMN + 2 * _MARGIN + _SCROLL_BAR)
        self.setOpenLinks(True)
        self.setAccessibleName("Page of the guide")
        self._set_style()

    def show_place(self, place: str) -> None:
        """Show a page, or a section of it as ``page#anchor``."""
        name, _, anchor = place.partition("#")
        url = QUrl(f"{_SCHEME}:/{name}.md")
        if anchor:
            url.setFragment(anchor)
        self.setSource(url, QTextDocument.ResourceType.HtmlResource)

    @property
    def page_name(self) -> str:
        """The page that is shown."""
        return self.source().fileName().removesuffix(".md")

    def mark(self, words: Iterable[str]) -> None:
        """Mark words wherever they stand on the page."""
        colour = QColor(colours().warn)
        colour.setAlpha(_MARK_OPACITY)
        marks: list[QTextEdit.ExtraSelection] = []
        if parts := [re.escape(word) for word in words]:
            pattern = QRegularExpression(
                rf"\b(?:{'|'.join(parts)})\b",
                QRegularExpression.PatternOption.CaseInsensitiveOption
                | QRegularExpression.PatternOption.UseUnicodePropertiesOption,
            )
            cursor = self.document().find(pattern, QTextCursor(self.document()))
            while not cursor.isNull():
                mark: Any = QTextEdit.ExtraSelection()  # whose fields the stubs leave open
                mark.cursor = cursor
                mark.format.setBackground(colour)
                marks.append(mark)
                cursor = self.document().find(pattern, cursor)
        self.setExtraSelections(marks)

    def doSetSource(self, name: QUrl | str, /, type: QTextDocument.ResourceType = _ANY) -> None:  # noqa: A002
        """Show a page of the guide here, and anything else in the web browser."""
        del type  # Markdown by its ending, which is not how it is shown
        url = QUrl(name)
        if url.scheme() != _SCHEME:
            QDesktopServices.openUrl(url)
            return
        self.setExtraSelections([])
        super().doSetSource(url, QTextDocument.ResourceType.HtmlResource)
        self._set_margins()
        if url.hasFragment():
            self.scrollToAnchor(url.fragment())

    def loadResource(self, type: int, name: QUrl | str, /) -> object:  # noqa: A002 - as Qt calls it
        """The HTML of a page, or a picture as wide as the column."""
        place = QUrl(name).path().lstrip("/")
        if type != QTextDocument.ResourceType.ImageResource.value:
            return _html(place.removesuffix(".md"))
        file = folder().joinpath(*place.split("/"))
        image = QImage()
        if not file.is_file() or not image.loadFromData(file.read_bytes()):
            return None
        ratio = self.devicePixelRatioF()
        if image.width() > _COLUMN * ratio:
            image = image.scaledToWidth(round(_COLUMN * ratio), Qt.TransformationMode.SmoothTransformation)
            image.setDevicePixelRatio(ratio)
        return image

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and not self.source().isEmpty():
            place = self.verticalScrollBar().value()
            self._set_style()
            self.reload()
            self._set_margins()
            self.verticalScrollBar().setValue(place)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the column in the middle."""
        super().resizeEvent(event)
        self._set_margins()

    def _set_margins(self) -> None:
        frame = self.document().rootFrame()
        form = frame.frameFormat()
        side = max(_MARGIN, (self.viewport().width() - _COLUMN) // 2)
        if form.leftMargin() != side:
            form.setLeftMargin(side)
            form.setRightMargin(side)
            form.setTopMargin(_MARGIN // 2)
            form.setBottomMargin(_MARGIN)
            frame.setFrameFormat(form)

    def _set_style(self) -> None:
        chosen = colours()
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        self.document().setDefaultStyleSheet(
            _STYLE.format(
                accent=chosen.accent, line=chosen.line, raised=chosen.raised, window=chosen.window, fixed=fixed
            )
        )


def _html(name: str) -> str:
    page = next((page for page in read_pages() if page.name == name), None)
    if page is None:
        return "<p>There is no such page.</p>"
    html = to_html(
        page.markdown,
        lambda anchor: f'<a name="{anchor}"></a>',
        lambda place, about: f'<img src="{place}" alt="{about}">',
    )
    html = html.replace("<p><img ", '<p class="picture"><img ')  # whose height is not to grow as that of a line does
    html = html.replace("<pre>", '<table class="code" width="100%"><tr><td><pre>')
    return html.replace("\n</code></pre>", "</code></pre></td></tr></table>")

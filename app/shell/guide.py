"""The user guide, with its contents and its search, and the “About” box."""

from __future__ import annotations

import platform
from html import escape

from PySide6 import __version__ as qt_version
from PySide6.QtCore import QEvent, QObject, QSize, Qt, QUrl
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QSplitter,
    QStackedWidget,
    QTextBrowser,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.shell.guide_browser import GuideBrowser
from app.shell.guide_pages import read_pages
from app.shell.guide_search import BEGIN, END, Found, GuideIndex
from app.theme import colours, icon, program_icon
from app.widgets.dialog import Dialog
from core.version import PROGRAM, VERSION

_PLACE = Qt.ItemDataRole.UserRole
_SIZE = QSize(1080, 720)
_CONTENTS_WIDTH = 290
_LINE = 22
_STEPS = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}


class Guide(Dialog):
    """The pages of ``resources/help``, beside their contents or what a search has found.

    Attributes
    ----------
    line
        What is sought.
    contents
        Chapters, pages and the sections of the page that is shown.
    results
        The found sections, in place of the contents while there are words in the line.
    page
        The page.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("User guide")
        self.resize(_SIZE)
        self._index: GuideIndex | None = None
        self._found: list[Found] = []
        self._chosen = -1
        self._pages: dict[str, QTreeWidgetItem] = {}
        self._sections: dict[str, QTreeWidgetItem] = {}
        self.page = GuideBrowser()
        self.line = QLineEdit()
        self.line.setPlaceholderText("Search the guide")
        self.line.setAccessibleName("Search the guide")
        self.line.setClearButtonEnabled(True)
        self.line.installEventFilter(self)
        self.contents = self._list_contents()
        self.results = QTextBrowser()
        self.results.setOpenLinks(False)
        self.results.setAccessibleName("Found sections")
        self._stack = QStackedWidget()
        self._stack.addWidget(self.contents)
        self._stack.addWidget(self.results)
        self._lay_out()
        self.line.textChanged.connect(self._search)
        self.contents.itemClicked.connect(lambda item, _column: self._follow(item))
        self.contents.itemActivated.connect(lambda item, _column: self._follow(item))
        self.results.anchorClicked.connect(self._choose_link)
        self.page.sourceChanged.connect(self._show_where)
        QShortcut(QKeySequence.StandardKey.Find, self, self._begin_search)
        self.page.show_place(read_pages()[0].name)

    def show_page(self, place: str) -> None:
        """Show a page, or a section as ``page#anchor``."""
        self.page.show_place(place)

    # -- layout ----------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.line, 1)
        for symbol, title, go, is_there, keys in (
            ("mdi6.arrow-left", "Back", self.page.backward, self.page.backwardAvailable, QKeySequence.StandardKey.Back),
            ("mdi6.arrow-right", "On", self.page.forward, self.page.forwardAvailable, QKeySequence.StandardKey.Forward),
        ):
            button = QToolButton()
            button.setIcon(icon(symbol))
            button.setToolTip(title)
            button.setAccessibleName(title)
            button.setEnabled(False)
            button.clicked.connect(go)
            is_there.connect(button.setEnabled)
            QShortcut(QKeySequence(keys), self, go)
            head.addWidget(button)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(head)
        column.addWidget(self._stack, 1)
        splitter = QSplitter()
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(left)
        splitter.addWidget(self.page)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([_CONTENTS_WIDTH, _SIZE.width() - _CONTENTS_WIDTH])
        QVBoxLayout(self).addWidget(splitter)

    def _list_contents(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setHeaderHidden(True)
        tree.setRootIsDecorated(False)
        tree.setIndentation(14)
        tree.setAccessibleName("Contents")
        tree.setStyleSheet(f"QTreeView::item {{ min-height: {_LINE}px; }}")
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        chapter = QTreeWidgetItem()
        for page in read_pages():
            if page.chapter != chapter.text(0):
                chapter = QTreeWidgetItem(tree, [page.chapter])
                chapter.setFlags(Qt.ItemFlag.ItemIsEnabled)
                chapter.setForeground(0, QBrush(QColor(colours().muted)))
            item = QTreeWidgetItem(chapter, [page.title])
            item.setData(0, _PLACE, page.name)
            item.setToolTip(0, page.title)
            self._pages[page.name] = item
            for section in page.sections[1:]:
                if section.level == 2:
                    below = QTreeWidgetItem(item, [section.title])
                    below.setData(0, _PLACE, f"{page.name}#{section.anchor}")
                    below.setToolTip(0, section.title)
                    self._sections[f"{page.name}#{section.anchor}"] = below
            chapter.setExpanded(True)
        return tree

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            muted = QBrush(QColor(colours().muted))
            for row in range(self.contents.topLevelItemCount()):
                if (chapter := self.contents.topLevelItem(row)) is not None:
                    chapter.setForeground(0, muted)
            self._show_found()

    # -- going about -----------------------------------------------------------------------------------------------

    def _follow(self, item: QTreeWidgetItem) -> None:
        if place := item.data(0, _PLACE):
            self.page.show_place(str(place))

    def _show_where(self, url: QUrl) -> None:
        """Mark the page in the contents, and show the sections of this page alone."""
        name, anchor = url.fileName().removesuffix(".md"), url.fragment()
        for item in self._pages.values():
            item.setExpanded(item is self._pages.get(name))
        if (chosen := self._sections.get(f"{name}#{anchor}") or self._pages.get(name)) is not None:
            self.contents.setCurrentItem(chosen)

    # -- searching -------------------------------------------------------------------------------------------------

    def _begin_search(self) -> None:
        self.line.setFocus()
        self.line.selectAll()

    def _search(self, words: str) -> None:
        if self._index is None:
            self._index = GuideIndex(read_pages())
        self._found, self._chosen = self._index.find(words), -1
        self._stack.setCurrentWidget(self.results if words.strip() else self.contents)
        if not words.strip():
            self.page.mark([])
        self._show_found()

    def _show_found(self) -> None:
        chosen = colours()
        if not self._found:
            self.results.setHtml(f'<p style="color:{chosen.muted}">Nothing is found. Try other or fewer words.</p>')
            return
        lines = []
        for number, found in enumerate(self._found):
            excerpt = escape(found.excerpt).replace(BEGIN, "<b>").replace(END, "</b>")
            ground = f' bgcolor="{chosen.raised}"' if number == self._chosen else ""
            where = "" if found.page == found.title else f'<div style="color:{chosen.muted}">{escape(found.page)}</div>'
            lines.append(
                f'<table width="100%" cellpadding="7" cellspacing="0"{ground}><tr><td><a name="{number}" '
                f'href="{number}" style="color:{chosen.accent}; text-decoration:none"><b>{escape(found.title)}</b></a>'
                f"{where}<div>{excerpt}</div></td></tr></table>"
            )
        self.results.setHtml("".join(lines))

    def _choose_link(self, url: QUrl) -> None:
        self._choose(int(url.toString()))

    def _choose(self, number: int) -> None:
        """Show a found section, with the words marked."""
        if not self._found:
            return
        self._chosen = min(max(number, 0), len(self._found) - 1)
        found = self._found[self._chosen]
        self._show_found()
        self.results.scrollToAnchor(str(self._chosen))
        self.page.show_place(found.place)
        self.page.mark(found.words)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In the search line, Enter and the arrow keys go through what is found."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self.line.text().strip():
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._choose(max(self._chosen, 0))
                return True
            if step := _STEPS.get(Qt.Key(event.key())):
                self._choose(self._chosen + step)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.line.clear()
                return True
        return super().eventFilter(watched, event)


def show_about(parent: QWidget | None = None) -> None:
    """Show name, version and licence."""
    box = QMessageBox(parent)
    box.setObjectName("about")  # with headings, which the style sheet allows here
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("About Tuning Fork")
    box.setIconPixmap(program_icon().pixmap(QSize(72, 72)))
    box.setText(f"<h3>{PROGRAM}</h3><p>Train, fine-tune and interrogate networks on galaxy cutouts.</p>")
    box.setInformativeText(
        "<p>Named after Edwin Hubble's diagram of the galaxies (1936), and after fine-tuning.</p>"
        f"<p>Version {VERSION}; Python {platform.python_version()}, Qt {qt_version}.<br>BSD 3-Clause licence.</p>"
    )
    box.show()

"""The user guide and the “About” box."""

from __future__ import annotations

import platform
from importlib import resources

from PySide6 import __version__ as qt_version
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QTextCursor, QTextDocument
from PySide6.QtWidgets import QListWidget, QMessageBox, QSplitter, QTextBrowser, QVBoxLayout, QWidget

from app.theme import program_icon
from app.widgets.dialog import Dialog
from core.version import PROGRAM, VERSION


class Guide(Dialog):
    """The pages of ``resources/help``, beside a list of their titles."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("User guide")
        self.resize(1060, 720)
        folder = resources.files("resources") / "help"
        pages = sorted((page for page in folder.iterdir() if page.name.endswith(".md")), key=lambda page: page.name)
        self._texts = [page.read_text(encoding="utf-8") for page in pages]
        self.titles = QListWidget()
        self.titles.addItems([text.split("\n", 1)[0].lstrip("# ") for text in self._texts])
        self.page = QTextBrowser()
        self.page.setOpenExternalLinks(True)
        self.page.setSearchPaths([str(folder)])
        splitter = QSplitter()
        splitter.addWidget(self.titles)
        splitter.addWidget(self.page)
        splitter.setSizes([200, 840])
        QVBoxLayout(self).addWidget(splitter)
        self.titles.currentRowChanged.connect(lambda row: self.page.setMarkdown(self._texts[row]))
        self.titles.setCurrentRow(0)

    def show_page(self, page: int, heading: str = "") -> None:
        """Show a page, scrolled to one of its headings."""
        self.titles.setCurrentRow(page)
        if heading:
            self.page.moveCursor(QTextCursor.MoveOperation.End)
            self.page.find(heading, QTextDocument.FindFlag.FindBackward)
            self.page.moveCursor(QTextCursor.MoveOperation.StartOfLine)
            self.page.ensureCursorVisible()


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

"""The guide: contents, search, marks, links, pictures, and F1."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from app.shell.guide import Guide
from app.shell.guide_pages import read_pages
from app.shell.window import MainWindow


@pytest.fixture
def guide(qtbot: QtBot) -> Guide:
    made = Guide()
    qtbot.addWidget(made)
    made.show()
    return made


def current(guide: Guide) -> str:
    item = guide.contents.currentItem()
    return "" if item is None else item.text(0)


def test_each_page_is_in_the_contents_and_shows_its_text(guide: Guide) -> None:
    for page in read_pages():
        guide.show_page(page.name)
        assert current(guide) == page.title
        assert page.sections[-1].title in guide.page.toPlainText()


def test_a_section_is_shown_from_its_beginning(guide: Guide) -> None:
    guide.show_page("3-training#honest-numbers")
    assert current(guide) == "Honest numbers"
    assert guide.page.verticalScrollBar().value() > guide.page.height()


def test_what_is_sought_is_found_marked_and_gone_through_by_keys(qtbot: QtBot, guide: Guide) -> None:
    qtbot.keyClicks(guide.line, "receptive field")
    assert guide.results.isVisible() and not guide.contents.isVisible()
    assert "receptive" in guide.results.toHtml()
    qtbot.keyClick(guide.line, Qt.Key.Key_Return)
    first = guide.page.source()
    marked = {mark.cursor.selectedText().casefold() for mark in guide.page.extraSelections()}
    assert {"receptive", "field"} <= marked
    qtbot.keyClick(guide.line, Qt.Key.Key_Down)
    assert guide.page.source() != first
    guide.page.backward()
    assert guide.page.source() == first
    qtbot.keyClick(guide.line, Qt.Key.Key_Escape)
    assert guide.isVisible() and guide.contents.isVisible() and not guide.page.extraSelections()


def test_nothing_found_is_said(qtbot: QtBot, guide: Guide) -> None:
    qtbot.keyClicks(guide.line, "zebrafinch")
    assert "Nothing is found" in guide.results.toPlainText()
    qtbot.keyClick(guide.line, Qt.Key.Key_Return)
    assert guide.page.page_name == read_pages()[0].name


def test_links_lead_to_pages_here_and_to_the_web_outside(
    qtbot: QtBot, guide: Guide, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    guide.show_page("15-tutorial")
    qtbot.keyClick(guide.page, Qt.Key.Key_Tab)  # to the first link
    qtbot.keyClick(guide.page, Qt.Key.Key_Return)
    assert guide.page.page_name == "2-data" and current(guide) == "Your own galaxies"
    guide.page.setSource(QUrl("https://huggingface.co/timm"))
    assert opened == ["https://huggingface.co/timm"] and guide.page.page_name == "2-data"


def test_pictures_are_as_wide_as_the_column(guide: Guide) -> None:
    guide.show_page("4-why")
    picture = guide.page.loadResource(2, QUrl("guide:/pictures/explain.png"))
    assert picture.width() / picture.devicePixelRatio() == 700
    assert guide.page.loadResource(2, QUrl("guide:/pictures/none.png")) is None


def test_the_text_goes_on_right_below_a_picture(guide: Guide) -> None:
    guide.show_page("1-first-steps")
    document, block = guide.page.document(), guide.page.document().begin()
    while "\N{OBJECT REPLACEMENT CHARACTER}" not in block.text():
        block = block.next()
    picture = guide.page.loadResource(2, QUrl("guide:/pictures/welcome.png"))
    height = picture.height() / picture.devicePixelRatio()
    layout = document.documentLayout()
    taken = layout.blockBoundingRect(block.next()).top() - layout.blockBoundingRect(block).top()
    assert height <= taken < height + 30


def test_f1_opens_the_page_of_the_room(window: MainWindow) -> None:
    window.show_workspace("simulate")
    window.menus.actions_by_name["help"].trigger()
    guide = window._guide
    assert guide is not None and guide.page.page_name == "35-simulated-galaxies"
    window.show_guide("7-formats#package-a-file-to-send")
    assert current(guide) == "Package (a file to send)"
    guide.close()

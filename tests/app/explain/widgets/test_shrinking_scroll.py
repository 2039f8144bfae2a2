from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.explain.widgets.shrinking_scroll import ShrinkingScrollArea


def test_it_is_as_high_as_its_content_and_scrolls_where_there_is_no_room(qtbot: QtBot) -> None:
    content, whole = QWidget(), QWidget()
    lines = QVBoxLayout(content)
    for number in range(12):
        lines.addWidget(QLabel(f"line {number}"))
    area = ShrinkingScrollArea(content)
    column = QVBoxLayout(whole)
    column.addWidget(QWidget(), 1)
    column.addWidget(area)
    qtbot.addWidget(whole)
    whole.resize(300, 600)
    whole.show()
    assert area.height() == content.sizeHint().height()
    assert not area.verticalScrollBar().isVisible()
    whole.resize(300, 160)
    qtbot.waitUntil(area.verticalScrollBar().isVisible)
    whole.resize(300, 600)
    lines.addWidget(QLabel("one more"))
    qtbot.waitUntil(lambda: area.height() == content.sizeHint().height())

"""Notices: a sentence and a remedy, there until seen; a report for defects."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel

from app import theme
from app.notices import CrashDialog
from app.widgets.notice_strip import NoticeStrip
from core.errors import NotPossible


@pytest.fixture
def strip(qtbot, qapp):
    theme.apply(qapp)  # as the program does; it makes every label one of plain text
    strip = NoticeStrip()
    qtbot.addWidget(strip)
    yield strip
    strip.clear()


def test_a_problem_is_shown_with_its_remedy_and_place_until_dismissed(qtbot, strip):
    told = []
    strip.filled.connect(told.append)
    strip.show_problem(NotPossible("The stamp is too small.", "Use fewer blocks.", "network.depth"))
    assert strip.isVisible()
    assert strip.texts == ["network.depth: The stamp is too small. Use fewer blocks."]
    strip._notices[0].dismissed.click()
    assert strip.texts == []
    assert not strip.isVisible()
    assert told == [True, False]


def test_news_go_by_themselves(qtbot, strip):
    strip.show_message("2 files saved.")
    assert strip.texts == ["2 files saved."]
    strip._notices[0].timer.setInterval(10)
    strip._notices[0].timer.start()
    qtbot.waitUntil(lambda: not strip.isVisible(), timeout=1000)


def test_a_notice_that_is_too_long_offers_all_of_it(qtbot, strip):
    strip.resize(600, strip.sizeHint().height())
    strip.show_message("2 files saved.")
    qtbot.waitExposed(strip)
    assert strip._notices[-1]._number.text() == ""
    strip.clear()
    strip.show_message("Predictions for 12 galaxies are saved in a table, and the stamps were made by resampling. " * 3)
    notice = strip._notices[-1]
    assert notice._number.text() == "⋯"
    notice.all.aboutToShow.emit()
    assert notice.words.text() in [label.text() for label in notice.all.findChildren(QLabel)]
    strip.resize(4000, strip.height())
    assert notice._number.text() == ""


def test_what_is_said_again_is_counted_and_not_stacked(strip):
    for _ in range(4):
        strip.show_problem(NotPossible("No room on the disk."))
    assert strip.texts == ["No room on the disk."]
    labels = [label.text() for label in strip.findChildren(QLabel)]
    assert "4 times" in labels


def test_no_more_than_three_notices_stand_there_at_once(strip):
    for number in range(5):
        strip.show_problem(NotPossible(f"Problem {number}."))
    assert strip.texts == ["Problem 2.", "Problem 3.", "Problem 4."]


def test_a_file_name_is_never_read_as_markup(strip):
    strip.show_problem(NotPossible("Cannot read it.", "", "<b>galaxy</b>.fits"))
    shown = [label for label in strip.findChildren(QLabel) if "<b>" in label.text()]
    assert shown
    assert all(label.textFormat().name == "PlainText" for label in shown)


def test_a_defect_can_be_copied_with_its_traceback_and_log(qtbot):
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    dialog = CrashDialog(caught.value, log="12:00 training began")
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert "ZeroDivisionError: division by zero" in copied
    assert "test_notices.py" in copied
    assert "12:00 training began" in copied
    assert "numpy" in copied

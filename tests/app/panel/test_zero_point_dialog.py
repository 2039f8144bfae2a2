from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.panel.zero_point_dialog import ZeroPointDialog
from app.work import PixelAnswer
from core.evaluate.zero_point_question import ZeroPointQuestion

BOTH = ZeroPointQuestion(
    ("F160W",), (None,), ("magnitude", "radius"), (25.94,), True, sizes=("radius",), scale_of_training=0.06
)
SCALE = ZeroPointQuestion(("r",), (0.0,), ("radius",), (), True, sizes=("radius",), scale_of_training=0.06)


def asked(qtbot: QtBot, question: ZeroPointQuestion) -> tuple[ZeroPointDialog, list[PixelAnswer]]:
    answers: list[PixelAnswer] = []
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = ZeroPointDialog(question, parent)
    dialog.answered.connect(answers.append)
    dialog.show()
    return dialog, answers


def test_zero_point_and_pixel_scale_are_asked_together(qtbot: QtBot) -> None:
    dialog, answers = asked(qtbot, BOTH)
    dialog.fields[0].setText("26.5")
    assert not dialog.go_on.isEnabled()
    for text in ("wide", "-1", "0"):
        dialog.scale.setText(text)
        assert not dialog.go_on.isEnabled(), text
    dialog.scale.setText("0,396")
    dialog.go_on.click()
    assert answers == [PixelAnswer((26.5,), 0.396)]


@pytest.mark.parametrize("is_given", [True, False])
def test_only_what_is_not_known_is_asked(qtbot: QtBot, is_given: bool) -> None:
    dialog, answers = asked(qtbot, SCALE)
    assert not dialog.given.isVisible() and dialog.scale_given.isVisible() and not dialog.fields
    assert "0.06" in dialog.scale_unknown.text()
    if is_given:
        dialog.scale.setText("0.2")
    else:
        dialog.scale_unknown.setChecked(True)
    dialog.go_on.click()
    assert answers == [PixelAnswer((), 0.2 if is_given else None)]

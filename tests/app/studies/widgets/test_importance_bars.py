from pytestqt.qtbot import QtBot

from app.studies.widgets.importance_bars import ImportanceBars


def test_the_most_important_comes_first(qtbot: QtBot) -> None:
    bars = ImportanceBars()
    qtbot.addWidget(bars)
    bars.set_shares({"Depth": 0.25, "Learning rate": 0.7, "Dropout": 0.05}, "too few")
    assert bars.texts == ["Learning rate 70 %", "Depth 25 %", "Dropout 5 %"]
    assert not bars.grab().isNull()


def test_a_sentence_stands_where_nothing_is_known(qtbot: QtBot) -> None:
    bars = ImportanceBars()
    qtbot.addWidget(bars)
    bars.set_shares({}, "too few trials")
    assert bars.texts == []
    assert bars.accessibleDescription() == "too few trials"
    assert not bars.grab().isNull()

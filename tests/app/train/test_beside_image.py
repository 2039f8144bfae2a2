"""Catalogue columns beside the image are ticked in a list, and what cannot be taken is said."""

from collections.abc import Iterator
from pathlib import Path

import beside_survey
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.train.training_form import TrainingForm
from app.widgets.tick_list import TickListInput


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Session]:
    session = Session()
    session.open_project(tmp_path / "project")
    session.open_cutouts(beside_survey.write(tmp_path / "survey.h5", 60))
    yield session
    session.close()


def tick(qtbot: QtBot, ticks: TickListInput, name: str) -> None:
    (item,) = ticks.findItems(name, Qt.MatchFlag.MatchStartsWith)
    ticks.scrollToItem(item)
    place = ticks.visualItemRect(item)
    qtbot.mouseClick(ticks.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place.left() + 12, place.center().y()))


def test_the_columns_with_numbers_are_offered_and_the_ticked_ones_are_in_the_settings(
    qtbot: QtBot, planted: Session, tmp_path: Path
) -> None:
    form = TrainingForm(planted)
    qtbot.addWidget(form)
    form.show()
    ticks = form.data.editor("side_columns")
    assert isinstance(ticks, TickListInput)
    assert [ticks.item(row).text() for row in range(ticks.count())] == ["redshift", "flux", "epoch"]
    tick(qtbot, ticks, "flux")
    tick(qtbot, ticks, "redshift")
    assert planted.draft.settings.data.side_columns == ("redshift", "flux")
    tick(qtbot, ticks, "redshift")
    assert planted.draft.settings.data.side_columns == ("flux",)
    order = ("redshift", "distance")
    planted.open_cutouts(beside_survey.write(tmp_path / "others.h5", 60, order=order))
    ticks = form.data.editor("side_columns")
    assert isinstance(ticks, TickListInput)
    assert [ticks.item(row).text() for row in range(ticks.count())] == ["redshift", "flux (not in this dataset)"]
    tick(qtbot, ticks, "flux")
    assert planted.draft.settings.data.side_columns == ()

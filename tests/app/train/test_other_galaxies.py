"""The choice of the galaxies that are shown without labels."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.train.training_form import TrainingForm


def test_they_are_of_this_dataset_of_another_of_the_project_or_of_a_file(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session.project is not None
    assert session.dataset.cutouts is not None
    other = session.project.dataset_path("other")
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_bytes(session.dataset.cutouts.path.read_bytes())
    form = TrainingForm(session)
    qtbot.addWidget(form)
    form.show()
    choice = form.others
    assert not choice.isEnabled()
    assert "method" in choice.toolTip()
    assert form.unlabelled._fold is not None
    assert not form.unlabelled._fold.isVisible(), "without a method there is nothing more to choose"
    session.draft.edit("unlabelled.method", "mmd")
    assert choice.isEnabled()
    assert form.unlabelled._fold.isVisible()
    names = [choice.itemText(place) for place in range(choice.count())]
    assert names == ["This dataset", "other", "Dataset file…"]
    choice.setCurrentIndex(1)
    choice.activated.emit(1)
    assert session.draft.settings.unlabelled.dataset == str(other)
    assert choice.currentText() == "other"
    far = tmp_path / "far.h5"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(far), ""))
    choice.activated.emit(2)
    assert session.draft.settings.unlabelled.dataset == str(far)
    assert choice.currentText() == "far"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    choice.activated.emit(choice.count() - 1)
    assert choice.currentText() == "far", "nothing was chosen"
    choice.activated.emit(0)
    assert session.draft.settings.unlabelled.dataset == ""

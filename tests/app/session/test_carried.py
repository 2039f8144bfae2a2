"""One choice of the network that is carried: what it is at first, what it follows, and who sees it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.adapt.adaptation import AdaptationPanel
from app.adapt.changes import ChangesPanel
from app.adapt.suggestions import SuggestionsPanel
from app.session.session import Session
from app.studies.labelling_order import LabellingOrderPanel
from app.studies.transfer import TransferPanel
from core.project.runs import RunFolder

PANELS = (AdaptationPanel, ChangesPanel, SuggestionsPanel, TransferPanel, LabellingOrderPanel)


def copy_run(session: Session, name: str, data: Path | None = None) -> RunFolder:
    """Another run of the project; ``data``: of another dataset."""
    assert session.project is not None
    run = session.project.runs()[0]
    copy = RunFolder(Path(shutil.copytree(run.path, run.path.with_name(name))))
    if data is not None:
        copy.data_file.write_text(f"{os.path.relpath(data, copy.path)}\n{data}\n")
    session.runs_changed.emit()
    return copy


def test_at_first_it_is_the_newest_run_that_was_trained_on_another_dataset(
    session: Session, trained: Path, galaxies: Path, tmp_path: Path
) -> None:
    assert session.project is not None
    assert session.carried.run is None, "one that comes with the program, or none"
    shutil.copytree(next((trained / "runs").iterdir()), session.project.folder / "runs" / "2026-01-01 10.00.00 old")
    session.runs_changed.emit()
    assert session.carried.run is None, "this run was trained on the open dataset"
    elsewhere = Path(shutil.copy(galaxies, tmp_path / "elsewhere.h5"))
    copy_run(session, "2026-01-02 10.00.00 elsewhere", elsewhere)
    for run in (RunFolder(session.project.folder / "runs" / "2026-01-01 10.00.00 old"),):
        run.data_file.write_text(f"{os.path.relpath(galaxies, run.path)}\n{galaxies}\n")
    copy_run(session, "2026-01-03 10.00.00 here", galaxies)
    assert session.carried.title == "elsewhere" and not session.carried.is_of_open_dataset


def test_it_follows_the_run_that_is_looked_at_the_draft_and_the_users_choice(
    session_with_run: Session, tmp_path: Path
) -> None:
    session, seen = session_with_run, []
    session.carried.changed.connect(lambda: seen.append(session.carried.title))
    other = copy_run(session, "2027-02-01 10.00.00 other")
    session.open_run(other)
    assert session.carried.run == other
    session.carried.continue_classes({"smooth": "round"})
    assert session.project is not None
    session.draft.edit("transfer.start_from", str(session.project.runs()[0].path))
    assert session.carried.title == "first"
    assert session.carried.class_map == {}, "it was said of another network"
    file = Path(shutil.copy(other.best, tmp_path / "downloaded.safetensors"))
    session.carried.choose(file)
    assert (session.carried.run, session.carried.start_from) == (None, str(file))
    assert seen[-1] == session.carried.title == "downloaded"


def test_settings_that_start_from_it_keep_what_they_say_of_it_already(session_with_run: Session) -> None:
    session = session_with_run
    start = session.carried.start_from
    session.draft.edit("transfer", session.draft.settings.transfer.model_copy(update={"bands": "r"}))
    assert session.carried.settle(session.draft.settings).transfer.bands == "", "the bands of another network"
    session.draft.edit_together({"transfer.start_from": start, "transfer.bands": "r"})
    session.carried.continue_classes({"smooth": "round"})
    session.carried.scale("refitted")
    settled = session.carried.settle(session.draft.settings).transfer
    assert (settled.start_from, settled.bands, settled.class_map) == (start, "r", {"smooth": "round"})
    assert settled.input_scaling == "refitted"


def test_every_panel_of_a_move_shows_and_changes_the_one_network_and_dataset(
    qtbot: QtBot, qapp: QApplication, session_with_run: Session
) -> None:
    session = session_with_run
    copy_run(session, "2027-02-01 10.00.00 other")
    panels = [kind(session) for kind in PANELS]
    for panel in panels:
        qtbot.addWidget(panel)
        place = panel.carry.network.findText("other" if session.carried.title == "first" else "first")
        panel.carry.network.setCurrentIndex(place)
        panel.carry.network.activated.emit(place)
        wanted = session.carried.title
        assert wanted == panel.carry.network.itemText(place)
        assert {each.carry.network.currentText() for each in panels} == {wanted}
        assert panel.carry.target.currentText() == "galaxies"
        assert panel.carry.doubt.text() == "It was trained on this dataset."
    for panel in panels:
        panel.close()


@pytest.mark.parametrize(
    ("file", "title"),
    [
        ("runs/2026-03-01 09.00.00 first light/best.safetensors", "first light"),
        ("runs/2026-03-01 09.00.00 first light/snapshots/epoch-0005.safetensors", "first light, epoch-0005"),
        ("downloads/sdss/model.safetensors", "sdss"),
        ("downloads/adapted to jwst.safetensors", "adapted to jwst"),
    ],
)
def test_a_weights_file_is_called_by_its_run_where_its_own_name_says_nothing(
    session: Session, tmp_path: Path, file: str, title: str
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.touch()
    session.carried.choose(path)
    assert session.carried.title == title

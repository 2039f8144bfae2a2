"""The panels of the move to another survey: chosen by clicks, started, looked at, opened again."""

from __future__ import annotations

import shutil
from pathlib import Path

import planted_move
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import theme
from app.session.session import Session
from app.studies.matrix import MatrixPanel
from app.studies.transfer import TransferPanel
from app.widgets.plain_text import RichLabel
from core.nets import base_networks
from core.studies import study_folders
from core.studies.transfer_settings import default_settings


def shown(qtbot: QtBot, session: Session, kind: type[TransferPanel | MatrixPanel]) -> TransferPanel | MatrixPanel:
    panel = kind(session)
    qtbot.addWidget(panel)
    panel.resize(1000, 760)
    panel.show()
    return panel


def click(qtbot: QtBot, widget: object) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def plant(session: Session, question: str = "labels") -> Path:
    """A finished study in the project."""
    assert session.project is not None
    folder = study_folders.new_folder(session.project.folder, f"planted {question}")
    planted_move.save(planted_move.plant(folder, question=question), Path("/elsewhere/runs/sdss"))
    return folder


def test_without_a_network_it_says_that_one_has_to_be_chosen(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session, TransferPanel)
    bases = base_networks.base_networks()
    assert panel.start.isEnabled() == bool(bases), "one that comes with the program can move"
    assert bases or "Choose the network that moves" in panel.state.text()


def test_the_network_that_is_carried_moves_and_the_draft_of_the_next_training_stays(
    qtbot: QtBot, session_with_run: Session
) -> None:
    session = session_with_run
    panel = shown(qtbot, session, TransferPanel)
    assert session.project is not None
    run = session.project.runs()[0]
    assert panel.start.isEnabled()
    assert panel._base.transfer.start_from == str(run.path)
    assert session.draft.settings.transfer.start_from == ""
    other = Path(shutil.copytree(run.path, run.path.with_name("2027-02-01 10.00.00 other")))
    session.draft.edit("transfer.start_from", str(other))
    assert panel._base.transfer.start_from == str(other), "what is chosen in the Train workspace is chosen here"
    assert isinstance(panel, TransferPanel)
    assert panel.carry.network.currentText() == "other"


def test_a_study_that_has_begun_shows_its_own_network(qtbot: QtBot, session_with_run: Session) -> None:
    folder = plant(session_with_run)
    panel = shown(qtbot, session_with_run, TransferPanel)
    assert isinstance(panel, TransferPanel)
    session_with_run.open_study(folder)
    qtbot.waitUntil(lambda: panel.plot.shown is not None, timeout=30_000)
    assert (panel.carry.network.currentText(), panel.carry.network.isEnabled()) == ("sdss", False)
    click(qtbot, panel.fresh)
    assert (panel.carry.network.currentText(), panel.carry.network.isEnabled()) == ("first", True)


def test_the_usual_numbers_of_labels_can_be_read_in_their_field(qtbot: QtBot, session: Session) -> None:
    theme.apply(QApplication.instance(), False)  # pyrefly: ignore[bad-argument-type]
    panel = shown(qtbot, session, TransferPanel)
    panel.resize(1012, 645)
    QApplication.processEvents()
    field = panel.form.editor("labels")
    assert field.width() >= field.fontMetrics().horizontalAdvance(field.text()) + 16


def test_another_question_brings_its_own_labels_and_strategies(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session, TransferPanel)
    assert isinstance(panel, TransferPanel)
    panel.form.set_value(panel.form.value().model_copy(update={"question": "layers", "seeds": 5}))
    panel.form.changed.emit(panel.form.value())
    assert panel.strategies.chosen == ("as is", "scratch", "head", "last-*", "all")
    assert panel.form.value().labels == default_settings("layers").labels
    assert panel.form.value().seeds == 5
    assert "or more, with the settings of the Train workspace" in panel.runs.text()
    assert panel.runs.text().endswith("Those from scratch make 3 times as many epochs.")
    panel.form.set_value(panel.form.value().model_copy(update={"scratch_epochs": 1}))
    panel.form.changed.emit(panel.form.value())
    assert "from scratch" not in panel.runs.text()


def test_a_finished_study_is_opened_with_its_pictures_table_and_sentences(qtbot: QtBot, session: Session) -> None:
    folder = plant(session)
    panel = shown(qtbot, session, TransferPanel)
    session.open_study(folder)
    qtbot.waitUntil(lambda: panel.plot.shown is not None, timeout=30_000)
    titles = [panel.view.itemText(place) for place in range(panel.view.count())]
    assert titles == ["Against labels", "Against tuned blocks", "Strategies × labels", "What was forgotten", "Table"]
    for place, page in enumerate((panel.plot, panel.plot, panel.grid, panel.plot, panel.numbers)):
        panel.view.setCurrentIndex(place)
        panel.view.activated.emit(place)
        assert panel.pictures.currentWidget() is page
    assert panel.grid.table.rowCount() == 0, "only what is looked at is drawn"
    assert panel.numbers.rowCount() == 3 + 5 * len(planted_move.LABELS)
    assert isinstance(panel.sentences, RichLabel), "or the theme would show its tags"
    assert "labels are saved" in panel.sentences.text()
    assert panel.start.text() == "Go on"
    assert panel.figure.isEnabled()
    click(qtbot, panel.fresh)
    assert panel.plot.shown is None


def test_the_matrix_offers_the_datasets_of_the_project(qtbot: QtBot, session: Session) -> None:
    assert session.project is not None
    datasets = session.project.folder / "datasets"
    for name in ("sdss", "jwst", "des"):
        (datasets / f"{name}.h5").touch()
    panel = shown(qtbot, session, MatrixPanel)
    assert isinstance(panel, MatrixPanel)
    assert panel.surveys.chosen == ()
    assert not panel.start.isEnabled()
    for name in ("sdss", "jwst"):
        panel.surveys.tick(str(datasets / f"{name}.h5"))
    assert panel.start.isEnabled()
    assert "18 trainings" in panel.runs.text(), "3 seeds × 2 surveys × (their own, and 2 with 50 labels)"


@pytest.mark.slow
def test_a_study_by_clicks_draws_lines_with_errors_and_goes_on(qtbot: QtBot, session_with_run: Session) -> None:
    session = session_with_run
    panel = shown(qtbot, session, TransferPanel)
    assert isinstance(panel, TransferPanel)
    assert session.project is not None
    optimiser = {"optimiser.epochs": 1, "optimiser.repeats": 1, "network.depth": 2, "device": "cpu"}
    session.draft.edit_together({"transfer.start_from": str(session.project.runs()[0].path), **optimiser})
    few = {"labels": ("0", "8", "16"), "seeds": 2}
    panel.form.set_value(panel.form.value().model_copy(update=few))
    click(qtbot, panel.start)
    qtbot.waitUntil(lambda: session.activity.studying is None and panel.plot.shown is not None, timeout=120_000)
    lines = panel.plot.shown
    assert lines is not None
    assert [line.title for line in lines.lines] == ["from scratch", "features recycled", "last block", "all layers"]
    assert all((line.errors >= 0).all() and len(line.runs) == 4 for line in lines.lines)
    assert [level.title for level in lines.levels] == ["as is"]
    assert panel.start.text() == "Go on"

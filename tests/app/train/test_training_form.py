"""The draft of a training: as a file, as a curve of learning rates, and with a learning rate that was found."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.session.session import Session
from app.train.training_form import TrainingForm
from core.cli import main as command_line
from core.settings import toml
from core.train import schedule
from core.train.settings import RunSettings


def shown(qtbot: QtBot, session: Session) -> TrainingForm:
    form = TrainingForm(session)
    qtbot.addWidget(form)
    form.resize(420, 900)
    form.show()
    form.set_running(False)
    return form


def draft(session: Session, **optimiser: object) -> None:
    session.draft.edit_together({f"optimiser.{name}": value for name, value in optimiser.items()})


def test_saved_settings_run_unchanged_without_a_window(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = shown(qtbot, session)
    draft(session, decay="step", decay_every=2, epochs=2)
    path = tmp_path / "mine.toml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    form.save.trigger()
    assert toml.load(RunSettings, path) == session.draft.settings
    assert session.dataset.cutouts is not None
    arguments = [
        "train",
        str(session.dataset.cutouts.path),
        "-o",
        str(tmp_path / "run"),
        "--settings",
        str(path),
        "--quiet",
    ]
    assert command_line.main(arguments) == 0
    assert toml.load(RunSettings, tmp_path / "run" / "settings.toml") == session.draft.settings


def test_loaded_settings_fill_the_form_and_a_broken_file_changes_nothing(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = shown(qtbot, session)
    path = tmp_path / "theirs.toml"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    path.write_text("[optimiser]\nepochs = 17\n")
    form.load.trigger()
    assert form.optimiser.editor("epochs").value() == 17  # pyright: ignore[reportAttributeAccessIssue]
    told: list[object] = []
    session.problem.connect(told.append)
    path.write_text("[optimiser]\nepochs = -1\n")
    form.load.trigger()
    assert session.draft.settings.optimiser.epochs == 17
    assert "epochs" in str(told[0])


def test_the_rates_that_are_drawn_are_those_of_the_training(qtbot: QtBot, session: Session) -> None:
    form = shown(qtbot, session)
    for decay in ("constant", "step", "one-cycle"):
        draft(session, decay=decay, epochs=20, learning_rate=0.02)
        epochs, rates = form.schedule.rates
        assert epochs[0] == 0
        assert epochs[-1] < 20
        assert rates.max() <= 0.02
        wanted = [schedule.rate_at(session.draft.settings, place) for place in epochs[::50]]
        np.testing.assert_allclose(rates[::50], wanted, err_msg=decay)


def test_a_learning_rate_is_found_and_taken(qtbot: QtBot, session: Session) -> None:
    draft(session, learning_rate=None)
    form = shown(qtbot, session)
    qtbot.mouseClick(form.finders.find_rate, Qt.MouseButton.LeftButton)
    dialog = form.finders.rates
    assert dialog.isVisible()
    assert not dialog.take.isEnabled()
    qtbot.waitUntil(lambda: "Suggested" in dialog.summary.text(), timeout=60_000)
    qtbot.mouseClick(dialog.take, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()
    found = session.draft.settings.optimiser.learning_rate
    assert found is not None
    assert 1e-6 < found < 10
    assert f"{found:g}" in dialog.summary.text()


def test_a_batch_size_is_found_and_another_one_is_taken(qtbot: QtBot, session: Session) -> None:
    draft(session, batch_size=None)
    form = shown(qtbot, session)
    qtbot.mouseClick(form.finders.find_size, Qt.MouseButton.LeftButton)
    dialog = form.finders.sizes
    qtbot.waitUntil(lambda: "Suggested" in dialog.summary.text(), timeout=60_000)
    sizes = dialog.plots.speed.sizes
    assert dialog.chosen in sizes and dialog.take.text() == f"Use {dialog.chosen}"
    other = next(size for size in sizes if size != dialog.chosen)
    plot, row = dialog.plots.speed, sizes.index(other)
    place = plot.mapFromScene(plot.getViewBox().mapViewToScene(plot.place_of(row)))
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert dialog.chosen == other and f"{other} galaxies per step" in dialog.summary.text()
    qtbot.mouseClick(dialog.take, Qt.MouseButton.LeftButton)
    assert session.draft.settings.optimiser.batch_size == other
    session.undo.undo()
    assert session.draft.settings.optimiser.batch_size is None


def test_a_test_that_is_closed_ends_and_changes_nothing(qtbot: QtBot, session: Session) -> None:
    form = shown(qtbot, session)
    before = session.draft.settings
    qtbot.mouseClick(form.finders.find_rate, Qt.MouseButton.LeftButton)
    qtbot.keyClick(form.finders.rates, Qt.Key.Key_Escape)
    assert not form.finders.rates.isVisible()
    qtbot.waitUntil(lambda: not form.finders.rates.is_running, timeout=30_000)
    assert session.draft.settings == before


def test_the_number_of_labels_is_limited_where_fine_tuning_is(qtbot: QtBot, session: Session) -> None:
    form = TrainingForm(session)
    qtbot.addWidget(form)
    assert form.limit.automatic is not None
    form.limit.automatic.click()
    form.limit.field.setValue(20)
    assert session.draft.settings.data.train_limit == 20
    session.draft.edit("data.train_limit", None)
    assert form.limit.value() is None


def test_moving_the_depth_changes_the_draft(qtbot: QtBot, session: Session) -> None:
    form = shown(qtbot, session)
    with qtbot.waitSignal(session.draft.changed):
        qtbot.keyClick(form.network.editor("depth"), Qt.Key.Key_Up)
    assert session.draft.settings.network.depth == 3


def test_the_layers_of_an_earlier_network_are_not_offered_for_change_but_its_blocks_can_be_frozen(
    qtbot: QtBot, session: Session, trained: Path
) -> None:
    form = shown(qtbot, session)
    assert form.network.isEnabled()
    assert not form.transfer.isEnabled()
    run = next((trained / "runs").iterdir())
    session.draft.edit("transfer.start_from", str(run))
    assert not form.network.isEnabled()
    assert form.transfer.isEnabled()
    qtbot.keyClick(form.transfer.editor("freeze_blocks"), Qt.Key.Key_Up)
    assert session.draft.settings.transfer.start_from == str(run)
    assert session.draft.settings.transfer.freeze_blocks == 1

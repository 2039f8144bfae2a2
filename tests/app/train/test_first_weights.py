"""First weights without labels, by a click; and what the other rooms say of such a run."""

from __future__ import annotations

import math
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.session.draft_commands import use_settings
from app.session.session import Session
from app.train.base_choices import BaseChoices
from app.train.first_weights import FirstWeightsPanel
from app.train.training import TrainingPanel
from app.train.training_form import TrainingForm
from core.nets import base_networks
from core.project.metrics_file import read_metrics
from core.settings import toml
from core.train.settings import RunSettings, TransferSettings


def shown(qtbot: QtBot, session: Session) -> tuple[FirstWeightsPanel, TrainingPanel]:
    panel, curves = FirstWeightsPanel(session), TrainingPanel(session)
    for widget in (panel, curves):
        qtbot.addWidget(widget)
        widget.resize(460, 650)
        widget.show()
    return panel, curves


def test_a_click_learns_without_labels_and_shows_loss_and_neighbours(qtbot: QtBot, session: Session) -> None:
    panel, curves = shown(qtbot, session)
    panel.optimiser.set_value(panel.optimiser.value().model_copy(update={"epochs": 2, "batch_size": 16}))
    panel.optimiser.changed.emit(panel.optimiser.value())
    qtbot.mouseClick(panel.start, Qt.MouseButton.LeftButton)
    assert not panel.start.isEnabled()
    qtbot.waitUntil(lambda: "are kept" in curves.reason.text(), timeout=60_000)
    assert panel.start.isEnabled()
    assert session.run is not None
    metrics = read_metrics(session.run.metrics_file)
    classes = metrics["data"]["classes"]["validation"]
    assert curves.curves.guess == max(classes.values()) / sum(classes.values())
    epochs, right = curves.curves.points("val_score")
    assert epochs.tolist() == [1, 2] and (right <= 1).all()
    assert all(math.isfinite(loss) for loss in curves.curves.points("val_loss")[1])
    final = metrics["validation"]
    assert curves.numbers["Validation"].startswith(f"{final['neighbours_accuracy']:.3f} ± 0.")
    assert "nearest labelled training galaxies" in curves.numbers.explanation("Validation")

    use_settings(session, toml.load(RunSettings, session.run.settings_file), "it")  # the forms are for labels
    assert session.draft.settings.self_supervised.method == "none"
    choices = BaseChoices(session)
    qtbot.addWidget(choices)
    session.draft.edit("transfer", TransferSettings(start_from=str(session.run.path)))
    qtbot.waitUntil(lambda: "learned without labels" in choices.note.text(), timeout=20_000)


def test_without_a_dataset_there_is_nothing_to_learn_from(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session()
    session.open_project(tmp_path / "empty")
    panel, _ = shown(qtbot, session)
    assert not panel.start.isEnabled()
    assert panel.hindrance.text() == "Open a dataset first."
    session.close()


def test_the_networks_that_come_with_the_program_are_offered_to_start_from(qtbot: QtBot, session: Session) -> None:
    form = TrainingForm(session)
    qtbot.addWidget(form)
    for network in base_networks.base_networks():
        place = form.start_from.findData(network.name)
        assert form.start_from.itemText(place) == network.title
        form.start_from.activated.emit(place)
        assert session.draft.settings.transfer.start_from == network.name
        assert form.run_name == f"{network.title}, fine-tuned"
        qtbot.waitUntil(lambda: bool(form.base.band_note.text()), timeout=20_000)
        assert form.base.problem == ""  # one grey band takes whatever there is

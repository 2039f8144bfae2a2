"""The whole road through the real window, by real clicks: from galaxies to curves, overlays, a fine-tuned network."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QCheckBox, QWidget
from pytestqt.qtbot import QtBot
from small_survey import write_survey

from app.data.gallery import GalleryPanel
from app.evaluate.evaluation import EvaluationPanel
from app.explain.maps.panel import ExplanationPanel
from app.shell.window import MainWindow
from app.train.network import NetworkPanel
from app.train.runs import RunsPanel
from app.train.settings_panel import SettingsPanel
from app.train.training import TrainingPanel
from core.data import importing
from core.data.cutouts import Cutouts
from core.data.settings import ImportSettings
from core.events import result_of
from core.nets.predictor import Predictor


@pytest.fixture(scope="module")
def first(survey_dataset: Path) -> Path:
    """A small survey."""
    return survey_dataset


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other galaxies."""
    folder = tmp_path_factory.mktemp("surveys")
    survey, path = write_survey(folder, seed=2), folder / "others.h5"
    settings = ImportSettings(catalogue_id="objid", labels=("shape",))
    result_of(importing.run([survey.folder], path, settings, survey.catalogue, threading.Event()))
    return path


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, first: Path) -> Iterator[MainWindow]:
    opened = MainWindow()
    qtbot.addWidget(opened)
    opened.show()
    qtbot.waitExposed(opened)
    opened.opening.open_project(tmp_path / "My galaxies")
    opened.opening.open_dataset(first)
    qtbot.waitUntil(lambda: opened.session.dataset.cutouts is not None, timeout=30_000)
    yield opened
    opened.close()


def panel(window: MainWindow, name: str) -> QWidget:
    return window.docks.panel(name)


def click(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def typed(qtbot: QtBot, field: QWidget, text: str) -> None:
    qtbot.mouseDClick(field, Qt.MouseButton.LeftButton)
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def trained(qtbot: QtBot, window: MainWindow) -> TrainingPanel:
    """Click on start, and wait for the end."""
    settings = cast("SettingsPanel", panel(window, "settings"))
    training = cast("TrainingPanel", panel(window, "training"))
    assert settings.start.isEnabled(), settings.outlook.notice.text()
    click(qtbot, settings.start)
    qtbot.waitUntil(lambda: "are kept" in training.reason.text() or settings.start.isEnabled(), timeout=120_000)
    assert "are kept" in training.reason.text(), training.reason.text()
    qtbot.waitUntil(settings.start.isEnabled, timeout=10_000)
    return training


def explained(qtbot: QtBot, window: MainWindow, row: int) -> ExplanationPanel:
    """Wait for both maps of a galaxy."""
    why = cast("ExplanationPanel", panel(window, "explanation"))
    cutouts = window.session.dataset.cutouts
    assert cutouts is not None
    galaxy = cutouts.ids[row]
    qtbot.waitUntil(
        lambda: all(
            made is not None and made.galaxy_id == galaxy for made in (side.view.explanation for side in why.sides)
        ),
        timeout=60_000,
    )
    return why


def test_from_galaxies_to_a_fine_tuned_network_by_clicks(
    qtbot: QtBot, window: MainWindow, first: Path, second: Path
) -> None:
    session = window.session
    click(qtbot, window.buttons["train"])

    # a small network and three epochs, typed into the forms
    network = cast("NetworkPanel", panel(window, "network"))
    window.docks.bring_to_front("network")
    qtbot.waitUntil(lambda: network.table.model().rowCount() > 0, timeout=60_000)
    form = cast("SettingsPanel", panel(window, "settings")).form
    training = cast("TrainingPanel", panel(window, "training"))
    typed(qtbot, form.network.editor("depth"), "3")
    typed(qtbot, form.network.editor("channels"), "8")
    typed(qtbot, form.optimiser.editor("epochs"), "3")
    batch_size = form.optimiser.editor("batch_size")
    automatic = cast("QWidget", batch_size.parentWidget()).findChild(QCheckBox)
    assert isinstance(automatic, QCheckBox) and automatic.isChecked()
    automatic.click()
    typed(qtbot, batch_size, "16")
    settings = session.draft.settings
    assert (settings.network.depth, settings.network.channels) == (3, 8)
    assert (settings.optimiser.epochs, settings.optimiser.batch_size) == (3, 16)
    form.name.setText("first light")

    # training, with its curves
    trained(qtbot, window)
    run = session.run
    assert run is not None
    with run.history_file.open() as file:
        history = list(csv.DictReader(file))
    assert len(history) == 3
    epochs, losses = training.curves.points("val_loss")
    np.testing.assert_array_equal(epochs, [1, 2, 3])
    np.testing.assert_allclose(losses, [float(line["val_loss"]) for line in history], rtol=1e-5)
    assert len(training.curves.points("batches")[0]) > 3

    # why?
    click(qtbot, window.buttons["explain"])
    gallery = cast("GalleryPanel", panel(window, "gallery"))
    row = clicked_galaxy(qtbot, gallery, session.current)
    assert session.current == row
    why = explained(qtbot, window, row)
    assert len(why.galaxy.bars.texts) == 3
    assert why.galaxy.truth.text().startswith("Label: ")

    # how good?
    click(qtbot, window.buttons["evaluate"])
    evaluation = cast("EvaluationPanel", panel(window, "evaluation"))
    qtbot.waitUntil(lambda: evaluation.numbers["Accuracy"] != "–", timeout=60_000)
    assert "validation part" in evaluation.part.text()
    assert "test" not in json.loads(run.metrics_file.read_text())

    # fine-tuning on another survey, two blocks frozen by a click on the table
    window.opening.open_dataset(second)
    qtbot.waitUntil(
        lambda: session.dataset.cutouts is not None and session.dataset.cutouts.path.stem == second.stem, timeout=30_000
    )
    click(qtbot, window.buttons["train"])
    runs = cast("RunsPanel", panel(window, "runs"))
    click(qtbot, runs.fine_tune)
    window.docks.bring_to_front("network")
    assert Path(session.draft.settings.transfer.start_from) == run.path
    qtbot.waitUntil(lambda: session.draft.settings.transfer.start_from in str(run.path), timeout=5_000)
    freeze_by_click(qtbot, network, block=2)
    assert session.draft.settings.transfer.freeze_blocks == 2
    trained(qtbot, window)
    assert "unadapted" in training.baseline.text()
    assert session.run is not None
    assert session.run.path != run.path
    assert_frozen(run.best, session.run.best, blocks=2)
    metrics = json.loads(session.run.metrics_file.read_text())
    assert metrics["baseline"]["accuracy"] is not None
    with Cutouts.open(second) as cutouts:
        assert metrics["data"]["checksum"] == cutouts.checksum

    # and why again, with the new network
    click(qtbot, window.buttons["explain"])
    explained(qtbot, window, session.current)


@pytest.mark.slow
def test_the_maps_are_renewed_while_the_training_runs(qtbot: QtBot, window: MainWindow) -> None:
    session = window.session
    small = {"network.depth": 2, "network.channels": 8, "optimiser.epochs": 5000, "stopping.patience": 0}
    session.draft.edit_together(small)
    click(qtbot, window.buttons["train"])
    training = cast("TrainingPanel", panel(window, "training"))
    click(qtbot, cast("SettingsPanel", panel(window, "settings")).start)
    click(qtbot, window.buttons["explain"])
    why = explained(qtbot, window, session.current)
    early = why.sides[0].view.explanation
    qtbot.waitUntil(lambda: why.sides[0].view.explanation is not early, timeout=60_000)
    assert session.activity.training is not None
    click(qtbot, window.buttons["train"])
    click(qtbot, training.stop)
    qtbot.waitUntil(lambda: session.activity.training is None, timeout=60_000)


def clicked_galaxy(qtbot: QtBot, gallery: GalleryPanel, current: int) -> int:
    """Click on a thumbnail that is not the current galaxy; its row."""
    grid = gallery.grid
    seen: list[int] = []
    grid.current_changed.connect(seen.append)
    side = QRect(grid.viewport().rect())
    for x in range(20, side.width(), 30):
        qtbot.mouseClick(
            grid.viewport(), Qt.MouseButton.LeftButton, pos=side.topLeft() + QRect(0, 0, x, 30).bottomRight()
        )
        if seen and seen[-1] != current:
            return seen[-1]
    raise AssertionError("no galaxy was clicked")


def freeze_by_click(qtbot: QtBot, network: NetworkPanel, block: int) -> None:
    """Click on the first layer of a block."""
    model = network.table.model()
    qtbot.waitUntil(lambda: model.rowCount() > 0 and bool(network.base.text()), timeout=30_000)
    for row in range(model.rowCount()):
        if model.index(row, 0).data() == str(block):
            network.table.scrollTo(model.index(row, 0))
            place = network.table.visualRect(model.index(row, 0)).center()
            qtbot.mouseClick(network.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
            return
    raise AssertionError(f"no block {block}")


def assert_frozen(base: Path, tuned: Path, blocks: int) -> None:
    """Parameters and buffers of the frozen blocks are the same, byte by byte; those after them are not."""
    before, after = Predictor.load(base).network, Predictor.load(tuned).network
    old, new = before.state_dict(), after.state_dict()
    changed = False
    for name in old:
        if 1 <= before.block_of(name.rpartition(".")[0]) <= blocks:
            assert old[name].numpy().tobytes() == new[name].numpy().tobytes(), name
        elif old[name].shape == new[name].shape:
            changed |= old[name].numpy().tobytes() != new[name].numpy().tobytes()
    assert changed

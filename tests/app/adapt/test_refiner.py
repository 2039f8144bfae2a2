"""The refiner's panel: real widgets on a tiny training of a real project."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from galaxies import ellipse, write_dataset
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.adapt.refiner import RefinerPanel
from app.session.session import Session
from core.adapt.refiner.settings import RefinerSettings
from core.data.cutouts import Cutouts

SIDE, COUNT = 20, 50
TINY = RefinerSettings(
    epochs=1, steps=1, batch_size=2, refiner_alone=1, discriminator_alone=1, blocks=1, filters=2, held_out=0.8
)


def write_survey(path: Path, noise: float, seed: int) -> Path:
    random = np.random.default_rng(seed)
    galaxies = np.stack([2 * ellipse(SIDE, 3, 2, random.uniform(0, math.pi)) for _ in range(COUNT)])[:, None]
    stamps = (galaxies + random.normal(0, noise, galaxies.shape)).astype(np.float32)
    return write_dataset(path, stamps, {}, [], bands=["r"], zero_points=[22.5])


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("surveys")
    write_survey(folder / "Simulated SDSS r.h5", 0.05, 1)
    write_survey(folder / "real.h5", 0.1, 2)
    return folder


@pytest.fixture
def panel(qtbot: QtBot, session: Session, datasets: Path) -> RefinerPanel:
    """With both datasets in the project, and a tiny training in the form."""
    assert session.project is not None
    for file in datasets.glob("*.h5"):
        shutil.copy(file, session.project.dataset_path(file.stem))
    session.open_cutouts(session.project.dataset_path("real"))
    shown = RefinerPanel(session)
    qtbot.addWidget(shown)
    shown.form.set_value(TINY)
    shown.resize(1200, 640)
    with qtbot.waitExposed(shown):
        shown.show()
    wait_for_all_work(qtbot)
    return shown


def test_the_open_survey_and_the_simulated_galaxies_of_the_project_are_proposed(panel: RefinerPanel) -> None:
    assert (panel.real.currentText(), panel.simulated.currentText()) == ("real", "Simulated SDSS r")
    assert panel.train.isEnabled()
    assert not panel.make.isEnabled() and panel.make.toolTip() == "Train a refiner first."
    panel.simulated.choose(panel.real.path)
    assert not panel.train.isEnabled()
    assert panel.hint.text() == "Choose two different datasets."


def test_a_training_is_seen_live_and_makes_a_dataset(qtbot: QtBot, panel: RefinerPanel) -> None:
    qtbot.mouseClick(panel.train, Qt.MouseButton.LeftButton)
    assert panel.stop.isEnabled() and not panel.form.isEnabled()
    wait_for_all_work(qtbot)
    assert [each.epoch for each in panel.plots.history] == [0, 1]
    assert panel.rows.counts == [10, 10, 10]
    assert panel.drift.rowCount() == 4
    assert panel.drift.item(0, 5).text() == "3 %"
    assert "Told from real galaxies" in panel.verdict.text()
    assert "20 of each that nothing was learned from or chosen by" in panel.verdict.text()
    assert panel.train.text() == "Train on"
    qtbot.mouseClick(panel.make, Qt.MouseButton.LeftButton)
    wait_for_all_work(qtbot)
    assert "50 galaxies" in panel.state.text()
    assert panel.output is not None
    with Cutouts.open(panel.output) as cutouts:
        assert len(cutouts) == COUNT
    assert not panel.make.isEnabled() and "choose another name" in panel.make.toolTip()


@pytest.mark.slow
def test_a_refiner_of_the_project_is_found_by_its_name(qtbot: QtBot, panel: RefinerPanel) -> None:
    panel.begin_training()
    wait_for_all_work(qtbot)
    verdict = panel.verdict.text()
    panel.name.setText("Another")
    wait_for_all_work(qtbot)
    assert (panel.plots.history, panel.verdict.text(), panel.rows.counts) == ([], "", [])
    assert panel.train.text() == "Train refiner"
    panel.name.setText("Refined")
    wait_for_all_work(qtbot)
    assert len(panel.plots.history) == 2
    assert panel.verdict.text() == verdict


def test_what_cannot_be_compared_is_said_in_the_panel(qtbot: QtBot, panel: RefinerPanel, tmp_path: Path) -> None:
    pictures = write_dataset(tmp_path / "jpeg.h5", np.zeros((COUNT, 1, SIDE, SIDE), np.uint8), {}, [], bands=["r"])
    panel.real.choose(pictures)
    panel.begin_training()
    wait_for_all_work(qtbot)
    assert "8-bit pictures" in panel.state.text()
    assert panel.train.isEnabled()


def test_without_a_project_it_says_what_is_needed(qtbot: QtBot, qapp: object) -> None:
    alone = Session()
    panel = RefinerPanel(alone)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.hint.text() == "Open a project first, in which the refiner is kept."
    alone.close()


@pytest.mark.parametrize("size", [(1262, 645), (1006, 545)])
def test_the_table_of_the_drift_has_room_for_its_rows_in_a_small_window(
    panel: RefinerPanel, size: tuple[int, int]
) -> None:
    panel._fill_drift([(name, "500", "0.1 %", "0.5 %", "2 %", "3 %") for name in ("flux", "radius", "ratio", "angle")])
    panel.resize(*size)
    QApplication.processEvents()
    last = panel.drift.visualItemRect(panel.drift.item(3, 0))
    assert panel.drift.viewport().rect().contains(last)

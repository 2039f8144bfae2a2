"""The Adapt room: a trained network, another survey, how the two fit, and what is done about it by clicking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from galaxies import ellipse, write_dataset
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.adapt.adaptation import AdaptationPanel
from app.session.session import Session
from app.shell.workspaces import PANELS
from app.studies.transfer import TransferPanel
from core.data.cutouts import Cutouts
from core.nets import base_networks

SIDE = 24


def write_survey(path: Path, width: float, scale: float, names: tuple[str, str]) -> Path:
    """Galaxies as those of the training, but of another width [pixels] and unit, or by other names."""
    draw = np.random.default_rng(5)
    labels = [names[row % 2] for row in range(80)]
    images = np.array(
        [ellipse(SIDE, width, width * (0.95, 0.3)[row % 2], draw.uniform(0, np.pi)) for row in range(80)], np.float32
    )[:, None]
    images = (images + draw.normal(0, 0.03, images.shape)).astype(np.float32) * np.float32(scale)
    ids = [f"B-{row:04d}" for row in range(80)]
    return write_dataset(path, images, {"kind": labels}, ["kind"], ("r",), ids=ids)


def opened(qtbot: QtBot, session: Session) -> AdaptationPanel:
    panel = AdaptationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1260, 680)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def click(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def settled(qtbot: QtBot, panel: AdaptationPanel) -> None:
    """Wait until everything was compared."""
    requests = (panel._check, panel._distance, panel._judgement, panel._layers)
    qtbot.waitUntil(lambda: panel.match.rows["labels"].state != "", timeout=60_000)
    qtbot.waitUntil(lambda: not any(request.is_running for request in requests), timeout=60_000)


@pytest.fixture
def session(session_with_run: Session) -> Iterator[Session]:
    """The project with a run, and a second survey open: smaller galaxies in another unit, by other names."""
    assert session_with_run.project is not None
    path = session_with_run.project.dataset_path("second")
    write_survey(path, 2.5, 50.0, ("smooth", "edge_on"))
    session_with_run.open_cutouts(path)
    yield session_with_run


def test_without_a_run_it_offers_what_comes_with_the_program_or_says_where_a_network_comes_from(
    qtbot: QtBot, galaxies: Path, tmp_path: Path
) -> None:
    empty = Session()
    empty.open_project(tmp_path / "project")
    empty.open_cutouts(galaxies)
    panel = opened(qtbot, empty)
    bases = base_networks.base_networks()
    if bases:
        assert panel.network.start_from == bases[0].name
    else:
        assert panel.empty is not None and panel.empty.isVisible()
        assert panel.empty.title.text() == "No network to adapt" and panel.empty.button.isVisible()
    wanted: list[str] = []
    empty.workspace_wanted.connect(wanted.append)
    panel.network.activated.emit(panel.network.count() - 1)  # an encoder of the hub
    assert wanted == ["train"] and empty.draft.settings.network.weights.startswith("hf_hub:")
    panel.close()
    empty.close()


@pytest.mark.slow
def test_each_line_has_its_state_and_what_does_not_fit_its_remedy(qtbot: QtBot, session: Session) -> None:
    panel = opened(qtbot, session)
    assert panel.network.path == session.predictor_path
    settled(qtbot, panel)
    rows = panel.match.rows
    assert rows["bands"].state == rows["stamps"].state == "fits"
    assert rows["size"].state == "can be adapted" and rows["size"].button.text().startswith("Resample × 1.")
    assert rows["values"].state == "a problem" and rows["values"].button.text() == "Fit the scaling"
    assert rows["distance"].state == "can be adapted" and "linear classifier" in rows["distance"].sentence.text()
    assert rows["classes"].state == "can be adapted"
    assert not rows["labels"].button.isVisible()


def test_from_a_run_and_a_new_survey_to_the_study_in_four_clicks(qtbot: QtBot, session: Session) -> None:
    panel = opened(qtbot, session)
    settled(qtbot, panel)
    assert "only its class “edge-on” occurs here" in panel.as_is.sentence.text()
    click(qtbot, panel.match.rows["classes"].button)
    assert panel.classes.isVisible()
    box = panel.classes.boxes["smooth"]
    box.setCurrentIndex(box.findData("round"))
    box.activated.emit(box.currentIndex())
    settled(qtbot, panel)
    assert "“smooth” as “round”" in panel.as_is.sentence.text()
    assert panel.as_is.numbers["Galaxies"] not in {"–", ""}
    click(qtbot, panel.match.rows["values"].button)
    settled(qtbot, panel)
    assert "fitted to these galaxies" in panel.as_is.sentence.text()
    click(qtbot, panel.layers.buttons["last"])
    study = TransferPanel(session)
    qtbot.addWidget(study)
    wanted: list[str] = []
    session.workspace_wanted.connect(wanted.append)
    session.panel_wanted.connect(wanted.append)
    assert panel.study.isEnabled()
    click(qtbot, panel.study)
    assert wanted == ["studies", "transfer"] and "transfer" in PANELS
    transfer = session.draft.settings.transfer
    assert study._base.transfer == transfer, "the study begins with what was chosen"
    study.close()
    assert session.run is not None and Path(transfer.start_from) == session.run.path
    assert (transfer.freeze_blocks, transfer.input_scaling) == (1, "refitted")
    assert transfer.class_map == {"edge_on": "edge-on", "smooth": "round"}


@pytest.mark.slow
def test_fine_tuning_is_prepared_with_the_network_and_the_depth_chosen(qtbot: QtBot, session: Session) -> None:
    panel = opened(qtbot, session)
    settled(qtbot, panel)
    click(qtbot, panel.layers.buttons["head"])
    assert panel.layers.sentence.text().startswith("The head alone is tuned")
    wanted: list[str] = []
    session.workspace_wanted.connect(wanted.append)
    click(qtbot, panel.tune)
    assert wanted == ["train"]
    assert session.draft.settings.transfer.freeze_blocks == panel.layers.blocks == 2


@pytest.mark.slow
def test_galaxies_are_resampled_to_the_size_of_the_training_into_a_dataset_of_the_project(
    qtbot: QtBot, session: Session
) -> None:
    panel = opened(qtbot, session)
    settled(qtbot, panel)
    wanted: list[Path] = []
    session.dataset_wanted.connect(wanted.append)
    click(qtbot, panel.match.rows["size"].button)
    qtbot.waitUntil(lambda: bool(wanted), timeout=60_000)
    with Cutouts.open(wanted[0]) as cutouts:
        assert cutouts.shape[2] == SIDE and len(cutouts) == 80
    session.open_cutouts(wanted[0])
    settled(qtbot, panel)
    assert panel.match.rows["size"].state == "fits"

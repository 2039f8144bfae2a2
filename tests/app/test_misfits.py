"""Every panel with a network and a dataset that do not fit: one sentence, whatever is clicked, and a way out of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from misfits import DATASETS, HARD, NETWORKS, write_data, write_network
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QGridLayout, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.data.cutout import CutoutPanel
from app.data.dataset import DatasetPanel
from app.data.gallery import GalleryPanel
from app.evaluate.evaluation import EvaluationPanel
from app.explain.dreams import DreamsPanel
from app.explain.faithfulness import FaithfulnessPanel
from app.explain.filters import FiltersPanel
from app.explain.galaxy_map import GalaxyMapPanel
from app.explain.maps.panel import ExplanationPanel
from app.session.session import Session
from app.studies.studies import StudiesPanel
from app.train.comparison import ComparisonPanel
from app.train.network import NetworkPanel
from app.train.runs import RunsPanel
from app.train.settings_panel import SettingsPanel
from app.train.training import TrainingPanel
from core.errors import NotPossible, Problem
from core.project import band_choices
from core.project.project import Project
from core.train.settings import TransferSettings

PANELS = (
    *(EvaluationPanel, ExplanationPanel, FiltersPanel, DreamsPanel, GalaxyMapPanel, FaithfulnessPanel),
    *(SettingsPanel, TrainingPanel, NetworkPanel, RunsPanel),
)
OF_THE_DATA = (GalleryPanel, CutoutPanel, DatasetPanel, ComparisonPanel, StudiesPanel)
SOME = (("three bands", "four bands"), ("radius", "other classes"))
OTHERS = (*HARD[1:], ("flat", "other classes"), ("votes", "magnitudes"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the networks as its runs, and the datasets beside it."""
    place = tmp_path_factory.mktemp("misfits")
    project = Project.create(place / "project", "project")
    for name in NETWORKS:
        write_network(project.new_run(name).path, name)
    project.close()
    for name in DATASETS:
        write_data(place / f"{name}.h5", name)
    return place


@pytest.fixture
def session(files: Path, qapp: object) -> Iterator[Session]:
    opened = Session()
    opened.open_project(files / "project")
    yield opened
    opened.close()


def shown(qtbot: QtBot, session: Session, *kinds: type) -> dict[type, QWidget]:
    """All these panels at once, as in one window."""
    window = QWidget()
    grid = QGridLayout(window)
    panels: dict[type, QWidget] = {kind: kind(session) for kind in kinds}
    for place, panel in enumerate(panels.values()):
        grid.addWidget(panel, place // 3, place % 3)
        qtbot.addWidget(panel)
    qtbot.addWidget(window)
    window.resize(1800, 1600)
    window.show()
    return panels


def open_pair(session: Session, files: Path, network: str, data: str) -> None:
    assert session.project is not None
    session.open_cutouts(files / f"{data}.h5")
    run = next(run for run in session.project.runs() if run.title == network)
    session.draft.edit("transfer", TransferSettings(start_from=str(run.path)))
    session.open_run(run)


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [SOME, pytest.param(OTHERS, marks=pytest.mark.slow)], ids=["some", "others"])
def test_no_pair_of_network_and_dataset_is_a_defect_in_any_panel(
    qtbot: QtBot, session: Session, files: Path, pairs: tuple[tuple[str, str], ...]
) -> None:
    told: list[object] = []
    session.problem.connect(told.append)
    panels = shown(qtbot, session, *PANELS, *(OF_THE_DATA if pairs is OTHERS else ()))
    for network, data in pairs:
        told.clear()
        open_pair(session, files, network, data)
        wait_for_all_work(qtbot)
        for row in (1, 2, 1):
            session.set_current(row)
            wait_for_all_work(qtbot)
        assert all(isinstance(each, Problem) for each in told), (network, data, told)
        assert len({str(each) for each in told}) <= 1, "one sentence, however often something is clicked"
        if (network, data) in HARD:
            said = panels[EvaluationPanel].state.text()  # pyright: ignore[reportAttributeAccessIssue]
            assert "was trained on" in said, (network, data)
            for name in ("seek", "draw", "ask"):
                for button in (getattr(panel, name, None) for panel in panels.values()):
                    if isinstance(button, QPushButton) and button.isEnabled() and button.isVisible():
                        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
                        wait_for_all_work(qtbot)
            assert all(isinstance(each, Problem) for each in told), (network, data, told)


def test_predictions_of_what_does_not_fit_are_refused_in_one_sentence(
    qtbot: QtBot, session: Session, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    session.problem.connect(told.append)
    panel = shown(qtbot, session, RunsPanel)[RunsPanel]
    assert isinstance(panel, RunsPanel)
    open_pair(session, files, "three bands", "four bands")
    wait_for_all_work(qtbot)
    cube = np.random.default_rng(0).normal(0, 1, (4, 16, 16)).astype(np.float32)
    fits.writeto(tmp_path / "four.fits", cube, fits.Header({"BANDS": "ugri"}))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_arguments: (str(tmp_path / "table.csv"), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_arguments: ([str(tmp_path / "four.fits")], ""))
    for press in (panel.predict.click, panel.ask_files.trigger):
        told.clear()
        press()
        wait_for_all_work(qtbot)
        assert len(told) == 1 and isinstance(told[0], NotPossible), told
        assert "g, r, i" in told[0].sentence and "u, g, r, i" in told[0].sentence
    assert not (tmp_path / "table.csv").exists()


def test_bands_are_chosen_in_a_row_and_every_panel_goes_on(qtbot: QtBot, session: Session, files: Path) -> None:
    panels = shown(qtbot, session, EvaluationPanel, ExplanationPanel, DreamsPanel)
    open_pair(session, files, "three bands", "four bands")
    wait_for_all_work(qtbot)
    evaluation, explanation = panels[EvaluationPanel], panels[ExplanationPanel]
    assert isinstance(evaluation, EvaluationPanel) and isinstance(explanation, ExplanationPanel)
    row = evaluation.bands
    assert row.isVisible() and "takes g, r, i; these images have u, g, r, i" in row.sentence.text()
    assert row.chooser.text == "g,r,i", "proposed by the names"
    row.chooser.boxes[0].setEditText("mean(u, x)")
    qtbot.mouseClick(row.chooser.use, Qt.MouseButton.LeftButton)
    assert "no band “x”" in row.sentence.text()
    row.chooser.boxes[0].setEditText("mean(u,g)")
    try:
        qtbot.mouseClick(row.chooser.use, Qt.MouseButton.LeftButton)
        wait_for_all_work(qtbot)
        assert evaluation.numbers.findChildren(QWidget)
        assert "on all labelled galaxies of four bands.h5" in evaluation.part.text()
        assert "are fed mean(u,g),r,i" in row.sentence.text()
        assert all(side.view.explanation is not None for side in explanation.sides)
        assert session.run is not None
        assert band_choices.recall(session.run.best, ("u", "g", "r", "i")) == "mean(u,g),r,i"
    finally:
        assert session.run is not None
        band_choices.remember(session.run.best, ("u", "g", "r", "i"), "")


def test_bands_and_classes_of_a_fine_tuning_are_chosen_in_the_form(qtbot: QtBot, session: Session, files: Path) -> None:
    panel = SettingsPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    open_pair(session, files, "three bands", "four bands")
    wait_for_all_work(qtbot)
    base = panel.form.base
    assert not panel.start.isEnabled() and "choose which bands" in panel.outlook.notice.text()
    assert base.classes.mapping == {name: name for name in ("edge-on", "elliptical", "spiral")}
    qtbot.mouseClick(base.bands.use, Qt.MouseButton.LeftButton)
    assert session.draft.settings.transfer.bands == "g,r,i"
    assert panel.start.isEnabled()
    box = base.classes.boxes["spiral"]
    box.setCurrentIndex(0)
    box.activated.emit(0)
    assert session.draft.settings.transfer.class_map == {"edge-on": "edge-on", "elliptical": "elliptical", "spiral": ""}
    assert base.classes.mapping["spiral"] == ""
    session.draft.edit("transfer", TransferSettings())
    assert not base.isVisible()

"""Panels about the network of a run that does not fit the open dataset."""

import shutil
from pathlib import Path

import pytest
from program import ROOT
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.explain.dreams import DreamsPanel
from app.explain.faithfulness import FaithfulnessPanel
from app.explain.filters import FiltersPanel
from app.explain.galaxy_map import GalaxyMapPanel
from app.explain.network_panel import RunNetworkPanel
from app.session.session import Session
from core.errors import Problem


@pytest.mark.parametrize("panel_type", [DreamsPanel, FaithfulnessPanel, FiltersPanel, GalaxyMapPanel])
def test_a_network_for_stamps_of_another_size_is_no_defect_of_the_program(
    qtbot: QtBot, tmp_path: Path, panel_type: type[RunNetworkPanel]
) -> None:
    project = Path(shutil.copytree(ROOT / "tests" / "golden" / "bench", tmp_path / "bench"))
    session = Session()
    reported: list[object] = []
    session.problem.connect(reported.append)
    try:
        session.open_project(project)
        session.open_cutouts(project / "datasets" / "survey.h5")
        assert session.project is not None
        panel = panel_type(session)
        qtbot.addWidget(panel)
        panel.resize(1000, 700)
        panel.show()
        session.open_run(next(run for run in session.project.runs() if run.title == "every knob"))  # 12 × 12 pixels
        session.set_current(0)
        wait_for_all_work(qtbot)
        assert [each for each in reported if not isinstance(each, Problem)] == []
        if panel_type is DreamsPanel:  # the others say more than one thing
            assert "24 × 24 pixels" in panel.state.text()
        panel.close()
    finally:
        session.close()

"""The Adapt room: a trained network, another survey, how the two fit, and what is done about it by clicking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from second_survey import SIDE, write_survey

from app.adapt.adaptation import AdaptationPanel
from app.session.session import Session
from app.shell.workspaces import PANELS
from app.studies.transfer import TransferPanel
from core.data.cutouts import Cutouts
from core.nets import base_networks


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
        assert empty.carried.start_from == bases[0].name
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
    assert session.carried.path == session.predictor_path
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


def adapt_and_go_elsewhere(qtbot: QtBot, session: Session, galaxies: Path, method: str) -> AdaptationPanel:
    """Press the button, open another dataset at once, and wait for the end."""
    panel = opened(qtbot, session)
    settled(qtbot, panel)
    view = panel.without_labels
    view.method.setCurrentIndex(view.method.findData(method))
    assert view.begin.isEnabled()
    click(qtbot, view.begin)
    assert not view.begin.isEnabled()
    session.open_cutouts(galaxies)
    qtbot.waitUntil(lambda: panel._adapting is None, timeout=120_000)
    return panel


def test_new_batch_statistics_by_a_button_become_a_run_whatever_is_open_at_their_end(
    qtbot: QtBot, session: Session, galaxies: Path
) -> None:
    session.carried.continue_classes({"smooth": "round"})
    panel = adapt_and_go_elsewhere(qtbot, session, galaxies, "adabn")
    text = panel.without_labels.verdict.text()
    assert text.startswith("first, adabn on second: On ") and "before" in text and "after" in text, text
    assert session.carried.title == "first", "the network that was looked at stays"
    click(qtbot, panel.without_labels.use)
    assert session.run is not None and session.run.title == "first, adabn on second"
    assert session.carried.run == session.run


@pytest.mark.slow
def test_a_further_training_without_labels_is_a_training_and_ends_in_a_run(
    qtbot: QtBot, session: Session, galaxies: Path
) -> None:
    session.carried.continue_classes({"smooth": "round"})
    panel = adapt_and_go_elsewhere(qtbot, session, galaxies, "mcc")
    assert panel.without_labels.verdict.text().startswith("first, mcc on second: On ")
    assert session.activity.training is None
    assert session.project is not None
    assert [run.title for run in session.project.runs()] == ["first", "first, mcc on second"]


def test_a_network_that_became_worse_is_warned_of(qtbot: QtBot) -> None:
    from app.adapt.widgets.without_labels import WithoutLabels

    view = WithoutLabels()
    qtbot.addWidget(view)
    view.say("On 105 galaxies: accuracy 0.8 before, 0.6 after: 0.2 ± 0.05 worse.", is_worse=True, is_usable=True)
    assert view.verdict.property("role") == "warning" and not view.use.isHidden()
    view.say_nothing()
    assert view.verdict.property("role") == "muted" and view.use.isHidden()


@pytest.mark.slow
def test_a_resampled_dataset_is_not_opened_over_another_that_was_opened_meanwhile(
    qtbot: QtBot, session: Session, galaxies: Path
) -> None:
    panel = opened(qtbot, session)
    settled(qtbot, panel)
    wanted: list[Path] = []
    said: list[str] = []
    session.dataset_wanted.connect(wanted.append)
    session.message.connect(said.append)
    click(qtbot, panel.match.rows["size"].button)
    session.open_cutouts(galaxies)
    qtbot.waitUntil(lambda: bool(said), timeout=60_000)
    assert "among the project’s datasets" in said[-1] and not wanted

"""The Simulate room: real widgets on real simulations of a few small galaxies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.session.session import Session
from app.simulate.simulation import SimulationPanel
from core.data.cutouts import Cutouts
from core.data.target import columns_of
from core.settings import toml
from core.simulate import presets
from core.simulate.settings import SimulationSettings
from core.simulate.unfinished import Blocks, UnfinishedFolder, folder_of


@pytest.fixture
def alone(qapp: object) -> Iterator[Session]:
    """Nothing is open."""
    opened = Session()
    yield opened
    opened.close()


def shown(qtbot: QtBot, session: Session) -> SimulationPanel:
    panel = SimulationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1260, 600)
    panel.form.edit(size=24, seed=3)
    panel.show()
    wait_for_the_grid(qtbot, panel)
    return panel


def wait_for_the_grid(qtbot: QtBot, panel: SimulationPanel) -> None:
    """Until the sixteen are as the settings say; noise and sizes are measured later."""
    qtbot.waitUntil(lambda: not panel._grid.is_running)


def stamps(panel: SimulationPanel) -> np.ndarray:
    return panel.comparison._stamps.copy()


def click(qtbot: QtBot, widget: object) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def type_number(qtbot: QtBot, field: object, text: str) -> None:
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def test_without_a_dataset_there_are_sixteen_galaxies_and_a_sentence_for_what_is_missing(
    qtbot: QtBot, alone: Session
) -> None:
    panel = shown(qtbot, alone)
    assert stamps(panel).shape == (16, 1, 24, 24)
    assert panel.comparison.mosaic.count == 16
    assert "mag " in panel.comparison.simulated_text.text()
    assert panel.comparison.invitation.isVisible()
    assert panel.making.make.isEnabled() and panel.making.make.text() == "Make 20,000 galaxies"
    assert "46 MB" in panel.making.expected.text()


def test_a_change_of_one_prior_changes_that_and_keeps_the_galaxies(qtbot: QtBot, alone: Session) -> None:
    panel = shown(qtbot, alone)
    panel.form.parts["noise"].form.editor("kind").setCurrentText("none")
    panel.form.parts["noise"].form.editor("kind").activated.emit(0)
    wait_for_the_grid(qtbot, panel)
    before, texts = stamps(panel), list(panel.comparison._tips)
    editor = panel.form.parts["galaxies"].priors["magnitude"]
    click(qtbot, editor.button)
    assert editor.form is not None
    type_number(qtbot, editor.form.editor("low"), "23.9")
    wait_for_the_grid(qtbot, panel)
    after, others = stamps(panel), list(panel.comparison._tips)
    assert all("mag 23.9" in text or "mag 24" in text for text in others)
    assert [text.partition(", ")[2] for text in others] == [text.partition(", ")[2] for text in texts]
    shapes = before / before.max((1, 2, 3), keepdims=True), after / after.max((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(*shapes, atol=1e-3)
    click(qtbot, panel.comparison.others)
    wait_for_the_grid(qtbot, panel)
    assert panel.form.value.seed == 4
    assert list(panel.comparison._tips) != others


def test_the_current_galaxy_of_the_dataset_stands_beside_and_its_noise_is_compared(
    qtbot: QtBot, session: Session
) -> None:
    panel = shown(qtbot, session)
    wait_for_all_work(qtbot)
    cutouts = session.dataset.cutouts
    assert cutouts is not None
    assert panel.comparison.real.isVisible() and panel.comparison.real_name.text() == cutouts.ids[0]
    click(qtbot, panel.comparison.forward)
    assert session.current == 1 and panel.comparison.real_name.text() == cutouts.ids[1]
    click(qtbot, panel.comparison.back)
    click(qtbot, panel.comparison.back)
    assert session.current == len(cutouts) - 1
    assert "64 of your 120 galaxies" in panel.comparison.legend.text()
    assert panel.comparison.noise_plot.is_drawn and panel.comparison.size_plot.shares["real"].sum() > 90
    assert "cannot be compared" in panel.comparison.legend.text(), "these galaxies have no zero point"


def test_what_cannot_be_simulated_is_said_where_it_is_typed_and_nothing_is_made(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    editor = panel.form.parts["galaxies"].priors["magnitude"]
    click(qtbot, editor.button)
    assert editor.form is not None
    type_number(qtbot, editor.form.editor("low"), "30")
    assert "smaller than the highest" in panel.making.expected.text()
    assert not panel.making.make.isEnabled()
    type_number(qtbot, editor.form.editor("low"), "20")
    assert panel.making.make.isEnabled()
    form = panel.form.parts["psf"].form
    form.editor("kind").setCurrentText("image")
    form.editor("kind").activated.emit(0)
    wait_for_the_grid(qtbot, panel)
    assert panel.comparison.problem.text(), "there is no such image"
    form.editor("kind").setCurrentText("gaussian")
    form.editor("kind").activated.emit(0)
    wait_for_the_grid(qtbot, panel)
    assert not panel.comparison.problem.text()


def test_a_name_is_proposed_and_one_that_is_taken_is_refused(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    assert session.project is not None and panel.making.name.text() == "Simulated HST WFC3 F160W"
    path = session.project.dataset_path("mine")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    panel.making.name.selectAll()
    qtbot.keyClicks(panel.making.name, "mine")
    assert not panel.making.make.isEnabled()
    assert "already" in panel.making.expected.text()


def test_a_preset_brings_its_numbers_with_their_sources_and_keeps_seed_and_number(qtbot: QtBot, alone: Session) -> None:
    panel = shown(qtbot, alone)
    assert panel.form.note.text().startswith("Changed by you.")
    type_number(qtbot, panel.making.count.field, "500")
    box = panel.form.preset
    box.setCurrentText("SDSS r")
    box.activated.emit(box.currentIndex())
    assert panel.settings == presets.load_preset("SDSS r").model_copy(update={"seed": 3, "count": 500})
    assert not panel.form.note.text().startswith("Changed")
    assert panel.making.name.text() == "Simulated SDSS r"
    shown_text = panel.form.sources.text.text()
    assert "Pixel scale" in shown_text and "0.396" in shown_text
    type_number(qtbot, panel.form.parts["instrument"].form.editor("pixel_scale"), "0.4")
    assert "your value" in panel.form.sources.text.text()


def test_settings_go_to_a_file_for_the_command_line_and_come_back(
    qtbot: QtBot, alone: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, alone)
    type_number(qtbot, panel.making.count.field, "77")
    path = tmp_path / "mine.toml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    click(qtbot, panel.form.save)
    saved = toml.load(SimulationSettings, path)
    assert saved == panel.settings and saved.count == 77 and saved.size == 24
    box = panel.form.preset
    box.setCurrentText("SDSS r")
    box.activated.emit(box.currentIndex())
    click(qtbot, panel.form.load)
    wait_for_the_grid(qtbot, panel)
    assert panel.settings == saved


@pytest.mark.slow
def test_what_is_made_is_opened_with_its_quantities_ready_and_a_stopped_one_goes_on(
    qtbot: QtBot, session: Session
) -> None:
    panel = shown(qtbot, session)
    session.dataset_wanted.connect(session.open_cutouts)
    said: list[str] = []
    session.message.connect(said.append)
    type_number(qtbot, panel.making.count.field, "2000")
    click(qtbot, panel.making.make)
    qtbot.waitUntil(lambda: " of 2,000 galaxies" in panel.state.text())
    qtbot.waitUntil(lambda: "left" in panel.state.text())
    click(qtbot, panel.making.stop)
    qtbot.waitUntil(panel.making.make.isEnabled)
    click(qtbot, panel.making.make)
    qtbot.waitUntil(lambda: panel.making.train.isVisible())
    assert any("goes on" in each for each in said)
    cutouts, target = session.dataset.cutouts, session.dataset.target
    assert cutouts is not None and len(cutouts) == 2_000 and cutouts.path.stem == "Simulated HST WFC3 F160W"
    assert target is not None and {"magnitude", "half_light_radius"} <= set(columns_of(target))
    assert session.draft.settings.loss.quantities == "gaussian"
    assert panel.making.name.text() == "Simulated HST WFC3 F160W (2)"
    wanted: list[str] = []
    session.workspace_wanted.connect(wanted.append)
    click(qtbot, panel.making.train)
    assert wanted == ["train"]


def left_unfinished(session: Session, name: str, settings: SimulationSettings) -> Path:
    """What a simulation leaves that was killed after its first block."""
    assert session.project is not None
    output = session.project.dataset_path(name)
    shape = (settings.count, 1, settings.size, settings.size)
    with UnfinishedFolder(output) as folder:
        folder.begin("recipe", Blocks(shape), toml.dumps(settings))
        with folder.journal.opened():
            folder.journal.add_columns((("magnitude", "<f8", "mag"),))
            folder.journal.add_block(0, "images", "truth")
    return output


def test_an_unfinished_simulation_is_shown_and_removed_at_the_second_click(qtbot: QtBot, session: Session) -> None:
    output = left_unfinished(session, "Mine", SimulationSettings(count=600, size=24))
    panel = shown(qtbot, session)
    qtbot.waitUntil(panel.unfinished.isVisible)
    assert panel.unfinished.text.text() == "Unfinished: “Mine”, 256 of 600 galaxies."
    click(qtbot, panel.unfinished.remove)
    assert folder_of(output).exists() and panel.unfinished.remove.text() == "Remove for good"
    click(qtbot, panel.unfinished.remove)
    qtbot.waitUntil(lambda: not panel.unfinished.isVisible())
    assert not folder_of(output).exists()


@pytest.mark.slow
def test_an_unfinished_simulation_goes_on_with_its_own_settings(qtbot: QtBot, session: Session) -> None:
    settings = presets.load_preset("SDSS r").model_copy(update={"count": 300, "size": 32, "seed": 8})
    output = left_unfinished(session, "Mine", settings)
    panel = shown(qtbot, session)
    qtbot.waitUntil(panel.unfinished.isVisible)
    click(qtbot, panel.unfinished.go_on)
    qtbot.waitUntil(output.exists, timeout=60_000)
    with Cutouts.open(output) as cutouts:
        assert len(cutouts) == 300 and cutouts.shape[-1] == 32
        assert toml.loads(SimulationSettings, cutouts.origin.settings) == settings


def test_what_is_changed_is_taken_back_and_done_again(qtbot: QtBot, alone: Session) -> None:
    panel = shown(qtbot, alone)
    form, undo = panel.form, alone.undo
    undo.clear()
    first = form.snapshot()
    type_number(qtbot, panel.making.count.field, "500")
    editor = form.parts["psf"].form.editor("fwhm")
    type_number(qtbot, editor, "2.5")
    type_number(qtbot, editor, "2.25")
    assert (undo.count(), undo.undoText()) == (2, "change of “FWHM”"), "what is typed in one field is one step"
    changed = form.snapshot()
    form.preset.setCurrentText("HST/ACS F814W")
    form.preset.activated.emit(form.preset.currentIndex())
    other = form.snapshot()
    assert undo.undoText() == "change of “Preset”" and other[1].psf != changed[1].psf
    undo.undo()
    assert form.snapshot() == changed and form.preset.currentText() == first[0]
    assert form.parts["psf"].value.fwhm == 2.25 and "Changed by you" in form.note.text()
    undo.undo()
    undo.undo()
    assert form.snapshot() == first and panel.making.count.value() == first[1].count and panel.settings == first[1]
    for _ in range(3):
        undo.redo()
    assert form.snapshot() == other and panel.making.count.value() == 500 and not undo.canRedo()


def test_a_prior_and_all_features_at_once_are_taken_back(qtbot: QtBot, alone: Session) -> None:
    panel = shown(qtbot, alone)
    form, undo = panel.form, alone.undo
    undo.clear()
    before = form.snapshot()
    editor = form.parts["galaxies"].priors["magnitude"]
    editor.button.setChecked(True)
    type_number(qtbot, editor.form.editor("high"), "21.5")
    click(qtbot, form.realistic)
    assert undo.undoText().startswith("change of ") and undo.count() == 2
    undo.undo()
    assert form.value.realism == before[1].realism and form.value.galaxies.magnitude.high == 21.5
    undo.undo()
    assert form.snapshot() == before and editor.form.value() == before[1].galaxies.magnitude

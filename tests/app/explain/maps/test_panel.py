"""The Explain panel on a small network: methods, comparison, saving, and what it says where there is nothing."""

import csv
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import another_program
import numpy as np
import pytest
from astropy.io import fits
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtWidgets import QComboBox, QFileDialog
from pytestqt.qtbot import QtBot
from waiting import wait_for_all_work

from app.explain.maps.panel import ExplanationPanel
from app.explain.widgets.map_view import MapView
from app.session.session import Session
from core.events import result_of
from core.explain.methods import METHODS
from core.project.project import Project
from core.settings import toml
from core.train import loop
from core.train.settings import RunSettings


@pytest.fixture
def asked() -> Iterator[None]:
    """Methods are remembered; forget them."""
    yield
    QSettings().remove("explain")


@pytest.fixture(scope="module")
def trained_twice(trained: Path, galaxies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a second run from another seed."""
    folder = tmp_path_factory.mktemp("twice") / "project"
    shutil.copytree(trained, folder)
    project = Project.open_or_create(folder, "twice")
    try:
        settings = toml.load(RunSettings, next(iter(project.runs())).settings_file).model_copy(update={"seed": 7})
        result_of(loop.run(settings, galaxies, project.new_run("other seed"), threading.Event()))
    finally:
        project.close()
    return folder


@pytest.fixture
def session_with_two(trained_twice: Path, galaxies: Path, tmp_path: Path) -> Iterator[Session]:
    """Two runs, of which the first is open."""
    shutil.copytree(trained_twice, tmp_path / "copy")
    opened = Session()
    opened.open_project(tmp_path / "copy")
    opened.open_cutouts(galaxies)
    assert opened.project is not None
    opened.open_run(next(run for run in opened.project.runs() if run.title == "first"))
    yield opened
    opened.close()


def shown(qtbot: QtBot, session: Session) -> ExplanationPanel:
    panel = ExplanationPanel(session)
    qtbot.addWidget(panel)
    panel.resize(1100, 650)
    panel.show()
    return panel


def is_done(view: MapView, galaxy: str) -> bool:
    explained = view.explanation is not None and view.explanation.galaxy_id == galaxy
    return explained and view.note.text() not in {"", "…", "First look…"}


def wait_for_maps(qtbot: QtBot, panel: ExplanationPanel, session: Session, row: int) -> None:
    assert session.dataset.cutouts is not None
    galaxy = session.dataset.cutouts.ids[row]
    qtbot.waitUntil(lambda: all(is_done(side.view, galaxy) for side in panel.sides), timeout=60_000)


def choose(qtbot: QtBot, combo: QComboBox, text: str) -> None:
    """Open the list and click on an item."""
    combo.showPopup()
    items = combo.view()
    place = items.visualRect(combo.model().index(combo.findText(text), 0)).center()
    qtbot.mouseClick(items.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert combo.currentText() == text


def test_a_click_on_a_galaxy_shows_its_probabilities_and_both_maps(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    session_with_run.set_current(3)
    wait_for_maps(qtbot, panel, session_with_run, 3)
    shares = [float(text.split()[-1]) for text in panel.galaxy.bars.texts]
    assert sum(shares) == pytest.approx(1, abs=0.02)
    assert panel.galaxy.truth.text() == "Label: edge-on"
    first, second = (side.view for side in panel.sides)
    assert (first.method, second.method) == ("occlusion", "integrated-gradients")
    assert "ompleteness error" in second.note.text()
    assert "speaks for" in first.note.text()
    assert first.explanation.map.shape == (24, 24)
    assert first.bar.limits[0] == -first.bar.limits[1] < 0


def test_only_the_newest_galaxy_is_explained(qtbot: QtBot, session_with_run: Session, begun: list[str]) -> None:
    panel = shown(qtbot, session_with_run)
    wait_for_maps(qtbot, panel, session_with_run, 0)
    wait_for_all_work(qtbot)
    begun.clear()
    for row in range(1, 8):  # before any of them can have been answered
        session_with_run.set_current(row)
    wait_for_maps(qtbot, panel, session_with_run, 7)
    wait_for_all_work(qtbot)
    assert all(is_done(side.view, session_with_run.dataset.cutouts.ids[7]) for side in panel.sides)
    assert begun.count("Predicting") == 2, "the first was under way"
    assert [begun.count(METHODS[side.view.method].title) for side in panel.sides] == [1, 1]


def test_another_class_can_be_asked_for(qtbot: QtBot, session_with_run: Session) -> None:
    session_with_run.set_current(0)
    panel = shown(qtbot, session_with_run)
    wait_for_maps(qtbot, panel, session_with_run, 0)
    views = [side.view for side in panel.sides]
    predicted = views[0].explanation.target_name
    other = next(name for name in ("round", "edge-on") if name != predicted)
    choose(qtbot, panel.controls.outputs, other)
    qtbot.waitUntil(
        lambda: all(view.explanation is not None and view.explanation.target_name == other for view in views),
        timeout=30_000,
    )


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    "method",
    [
        name if name in ("occlusion", "grad-cam", "smoothgrad") else pytest.param(name, marks=pytest.mark.slow)
        for name in METHODS
    ],
)
def test_every_method_can_be_chosen_and_is_remembered(qtbot: QtBot, session_with_run: Session, method: str) -> None:
    panel = shown(qtbot, session_with_run)
    wait_for_maps(qtbot, panel, session_with_run, 0)
    view = panel.sides[1].view
    if view.method != method:
        choose(qtbot, view.chooser, METHODS[method].title)
    wait_for_maps(qtbot, panel, session_with_run, 0)
    assert view.explanation is not None
    assert type(view.explanation.settings) is METHODS[method].settings
    low, high = view.bar.limits
    assert low == (-high if view.explanation.is_signed else 0)
    assert panel.sides[1].form.isVisibleTo(panel.sides[1].settings)
    again = ExplanationPanel(session_with_run)
    qtbot.addWidget(again)
    assert again.sides[1].view.method == method


@pytest.mark.usefixtures("asked")
def test_the_layers_of_the_network_can_be_chosen(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    wait_for_maps(qtbot, panel, session_with_run, 0)
    side = panel.sides[0]
    layers = side.form.editor("layer")
    assert isinstance(layers, QComboBox)
    names = [layers.itemText(place) for place in range(layers.count())]
    assert names[0] == "–"
    assert "conv2" in names
    choose(qtbot, layers, "conv2")
    qtbot.waitUntil(lambda: "raises it" in side.view.note.text(), timeout=30_000)
    assert side.view.explanation.target_name == "mean response of conv2"


def test_two_runs_are_compared_with_one_scale_of_colours(qtbot: QtBot, session_with_two: Session) -> None:
    panel = shown(qtbot, session_with_two)
    wait_for_maps(qtbot, panel, session_with_two, 0)
    first, second = (side.view for side in panel.sides)
    assert not first.caption.isVisible()
    choose(qtbot, panel.controls.runs, "other seed")
    wait_for_maps(qtbot, panel, session_with_two, 0)
    assert session_with_two.project is not None
    for view, title in ((first, "first"), (second, "other seed")):
        best = next(run for run in session_with_two.project.runs() if run.title == title).best_epoch
        said = f"“{title}”, epoch {best} (best): "
        qtbot.waitUntil(lambda view=view, said=said: view.caption.text().startswith(said))
    assert second.method == first.method == "occlusion"
    assert not second.chooser.isEnabled()
    assert not np.array_equal(first.explanation.map, second.explanation.map)
    assert first.bar.limits == second.bar.limits
    assert first.bar.limits[1] == max(first.own_limit, second.own_limit)
    choose(qtbot, first.chooser, "Integrated gradients")
    wait_for_maps(qtbot, panel, session_with_two, 0)
    assert second.method == "integrated-gradients"
    choose(qtbot, panel.controls.runs, "no other run")
    wait_for_maps(qtbot, panel, session_with_two, 0)
    assert second.chooser.isEnabled()
    assert not second.caption.isVisible()
    QSettings().remove("explain")


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("PNG picture (*.png)", ".png"), pytest.param("PDF page (*.pdf)", ".pdf", marks=pytest.mark.slow)],
)
def test_a_map_is_saved_as_the_chosen_kind(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, suffix: str
) -> None:
    panel = shown(qtbot, session_with_run)
    wait_for_maps(qtbot, panel, session_with_run, 0)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, **_options: (str(tmp_path / "my map"), kind))
    with qtbot.waitSignal(session_with_run.message, timeout=30_000):
        panel.sides[0].view.save.trigger()
    assert (tmp_path / f"my map{suffix}").stat().st_size > 1000


def test_a_map_is_saved_as_fits(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, session_with_run)
    wait_for_maps(qtbot, panel, session_with_run, 0)
    path = tmp_path / "map.fits"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, **_options: (str(path), ""))
    with qtbot.waitSignal(session_with_run.message, timeout=30_000):
        panel.sides[0].view.save.trigger()
    assert np.array_equal(fits.getdata(path), panel.sides[0].view.explanation.map)


@pytest.mark.slow
def test_a_map_is_sent_to_another_program(qtbot: QtBot, session_with_run: Session) -> None:
    panel = shown(qtbot, session_with_run)
    wait_for_maps(qtbot, panel, session_with_run, 0)
    with another_program.hub() as hub, another_program.program(hub, name="DS9") as ds9:
        with qtbot.waitSignal(session_with_run.message, timeout=30_000) as told:
            panel.sides[0].view.send.trigger()
        assert told.args is not None and told.args[0].endswith("to DS9.")
        sent = fits.getdata(another_program.path_of(ds9.next("image.load.fits")))
        assert np.array_equal(sent, panel.sides[0].view.explanation.map)
        session_with_run.samp.close()


def test_maps_of_the_selection_are_saved_with_a_list(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, session_with_run)
    wait_for_maps(qtbot, panel, session_with_run, 0)
    view = panel.sides[1].view
    assert not view.save_all.isEnabled()
    session_with_run.set_selection(np.array([2, 5, 11]))
    assert view.save_all.text() == "Save maps of the selection (3)…"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args, **_options: str(tmp_path))
    with qtbot.waitSignal(session_with_run.message, timeout=60_000) as told:
        view.save_all.trigger()
    assert told.args[0].startswith("3 maps saved")
    assert session_with_run.dataset.cutouts is not None
    wanted = [session_with_run.dataset.cutouts.ids[row] for row in (2, 5, 11)]
    with (tmp_path / "integrated-gradients.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == wanted
    assert all((tmp_path / row[kind]).exists() for row in rows for kind in ("fits", "png"))


@pytest.mark.slow
def test_saving_maps_can_be_stopped(
    qtbot: QtBot, session_with_run: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = shown(qtbot, session_with_run)
    wait_for_maps(qtbot, panel, session_with_run, 0)
    session_with_run.set_selection(np.arange(120))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args, **_options: str(tmp_path))
    with qtbot.waitSignal(session_with_run.activity.job_started) as begun:
        panel.sides[1].view.save_all.trigger()
    job = begun.args[0]
    qtbot.waitUntil(lambda: job.progress is not None and job.progress.done >= 2, timeout=30_000)
    with qtbot.waitSignal(session_with_run.message, timeout=30_000) as told:
        job.stop()
    assert told.args[0].startswith("Stopped.")
    assert 0 < len(list(tmp_path.glob("*.fits"))) < 120


def test_contours_are_drawn_on_all_three_pictures_and_remembered(
    qtbot: QtBot, session_with_run: Session, asked: None
) -> None:
    panel = shown(qtbot, session_with_run)
    wait_for_maps(qtbot, panel, session_with_run, 0)
    views = [panel.galaxy.view, *(side.view.view for side in panel.sides)]
    qtbot.mouseClick(panel.controls.contours, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    qtbot.waitUntil(lambda: all(not view.outlined[0].isEmpty() for view in views), timeout=30_000)
    assert views[0].outlined[0].boundingRect().center().x() == pytest.approx(11.5, abs=2)
    again = ExplanationPanel(session_with_run)
    qtbot.addWidget(again)
    assert again.controls.contours.isChecked()
    session_with_run.set_current(1)
    assert all(view.outlined[0].isEmpty() for view in views)
    qtbot.waitUntil(lambda: all(not view.outlined[0].isEmpty() for view in views), timeout=30_000)
    qtbot.mouseClick(panel.controls.contours, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert all(view.outlined[0].isEmpty() for view in views)


def test_without_a_network_it_says_what_to_do(qtbot: QtBot, session: Session) -> None:
    panel = shown(qtbot, session)
    assert panel.empty.isVisible()

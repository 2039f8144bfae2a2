"""The Explain panel from epoch to epoch, and the film of the moving square."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot
from waiting import stays, wait_for_all_work

from app.explain.maps.epoch_slider import read_epoch_choices
from app.explain.maps.map_side import MapSide
from app.explain.maps.panel import ExplanationPanel
from app.session.session import Session
from app.train import work
from core.events import CheckpointSaved, result_of
from core.explain import methods
from core.nets.predictor import Predictor
from core.nets.settings import NetworkSettings
from core.project.history import read_history
from core.train.settings import OptimiserSettings

SMALL = {
    "network": NetworkSettings(depth=2, channels=6, dense=8),
    "optimiser": OptimiserSettings(epochs=2, batch_size=16),
    "device": "cpu",
}


@pytest.fixture(autouse=True)
def _asked() -> Iterator[None]:
    """Methods are remembered; forget them."""
    yield
    QSettings().remove("explain")


@pytest.fixture
def panel(qtbot: QtBot, session_with_run: Session) -> ExplanationPanel:
    """The panel with the maps of the first galaxy."""
    made = ExplanationPanel(session_with_run)
    qtbot.addWidget(made)
    made.resize(1100, 650)
    made.show()
    answered(qtbot, made, session_with_run)
    return made


def click(qtbot: QtBot, button: QWidget) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(button.width() // 2, button.height() // 2))


def answered(qtbot: QtBot, panel: ExplanationPanel, session: Session) -> None:
    """Wait until both maps and the prediction are those of the galaxy and the epoch that are chosen."""
    assert session.dataset.cutouts is not None
    name = session.dataset.cutouts.ids[session.current]

    def is_shown(side: MapSide) -> bool:
        found = side.view.explanation
        return not side.is_busy and found is not None and found.galaxy_id == name

    qtbot.waitUntil(
        lambda: bool(panel.galaxy.bars.texts) and panel.epochs.is_idle() and all(map(is_shown, panel.sides)),
        timeout=60_000,
    )


def maps(panel: ExplanationPanel) -> list[np.ndarray]:
    return [side.view.explanation.map for side in panel.sides if side.view.explanation is not None]


def test_every_kept_epoch_can_be_chosen_and_at_first_the_best_one_is(
    panel: ExplanationPanel, session_with_run: Session
) -> None:
    run = session_with_run.run
    assert run is not None
    slider, epochs = panel.epochs.slider, panel.epochs
    assert epochs.isVisible()
    best = run.best_epoch
    assert best is not None
    assert slider.maximum() == 2
    assert slider.value() == best - 1, "the best epoch stands where it is"
    assert epochs.choice is not None
    assert epochs.choice.path == run.best
    assert epochs.summary.text().startswith(f"epoch {best} (best) · val. accuracy")
    final = json.loads(run.metrics_file.read_text())["validation"]  # averaged over views, as the curves are not
    for place, row in enumerate(read_history(run.history_file)):
        slider.setValue(place)
        name = f"epoch {place + 1} (best)" if place + 1 == best else f"epoch {place + 1} of 3"
        value = final["accuracy"] if place + 1 == best else row["val_accuracy"]
        assert epochs.summary.text().startswith(f"{name} · val. accuracy {value:.2f} ± 0.")
        assert epochs.summary.text().endswith(f"({final['galaxies']} galaxies)")


def test_the_best_epoch_stands_between_the_kept_ones_where_it_was_not_kept_itself(
    panel: ExplanationPanel, session_with_run: Session
) -> None:
    run = session_with_run.run
    assert run is not None
    run.snapshot(2).unlink()
    values = json.loads(run.metrics_file.read_text()) | {"best_epoch": 2}
    run.metrics_file.write_text(json.dumps(values))
    choices = read_epoch_choices(run)
    assert [choice.name for choice in choices] == ["epoch 1", "epoch 2 (best)", "epoch 3"]
    assert [choice.path for choice in choices] == [run.snapshot(1), run.best, run.snapshot(3)]
    session_with_run.open_run(None)
    session_with_run.open_run(run)
    assert panel.epochs.slider.value() == 1


def test_both_maps_and_the_probabilities_are_those_of_the_chosen_epoch(
    qtbot: QtBot, panel: ExplanationPanel, session_with_run: Session
) -> None:
    run, cutouts = session_with_run.run, session_with_run.dataset.cutouts
    assert run is not None and cutouts is not None
    asked = panel.controls.output
    qtbot.keyClick(panel.epochs.slider, Qt.Key.Key_Home)
    answered(qtbot, panel, session_with_run)
    predictor = Predictor.load(run.snapshot(1))
    shares = predictor.scores(torch.from_numpy(cutouts.images[:1]))[0].detach()
    shown = {text.split()[0]: float(text.split()[1]) for text in panel.galaxy.bars.texts}
    assert shown == pytest.approx(dict(zip(predictor.output_names, shares.tolist(), strict=True)), abs=0.006)
    for side, map_ in zip(panel.sides, maps(panel), strict=True):
        work = methods.explain(
            side.method, predictor, cutouts.images[0], asked, side.form.value(), threading.Event(), cutouts.ids[0]
        )
        np.testing.assert_allclose(map_, result_of(work).map, atol=1e-6)


def test_sliding_back_is_immediate_and_the_colours_have_one_scale(
    qtbot: QtBot, panel: ExplanationPanel, session_with_run: Session
) -> None:
    best = maps(panel)
    limits = [[side.view.explanation.colour_limit] for side in panel.sides if side.view.explanation is not None]
    first = panel.epochs.slider.value()
    for place in {0, 1, 2} - {first}:
        panel.epochs.slider.setValue(place)
        answered(qtbot, panel, session_with_run)
        for found, side in zip(limits, panel.sides, strict=True):
            assert side.view.explanation is not None
            found.append(side.view.explanation.colour_limit)
            assert side.view.bar.limits[1] == pytest.approx(max(found))
    assert not np.array_equal(best[0], maps(panel)[0])
    said = panel.galaxy.bars.texts
    panel.epochs.slider.setValue(first)
    assert panel.epochs.is_idle()
    assert all(shown is kept for shown, kept in zip(maps(panel), best, strict=True))
    assert panel.galaxy.bars.texts != said
    for found, side in zip(limits, panel.sides, strict=True):
        assert side.view.bar.limits[1] == pytest.approx(max(found))


def test_what_is_asked_about_stays_the_same_whatever_an_epoch_predicts(
    qtbot: QtBot, panel: ExplanationPanel, session_with_run: Session
) -> None:
    asked = panel.controls.output
    for place in range(3):
        panel.epochs.slider.setValue(place)
        answered(qtbot, panel, session_with_run)
        assert {side.view.explanation.target_name for side in panel.sides if side.view.explanation} == {asked}


def test_only_the_last_of_many_moves_is_answered(
    qtbot: QtBot, panel: ExplanationPanel, session_with_run: Session, begun: list[str]
) -> None:
    wait_for_all_work(qtbot)
    begun.clear()
    for place in (0, 1, 2, 1, 0, 2, 1):  # before any of them can have been answered
        panel.epochs.slider.setValue(place)
    answered(qtbot, panel, session_with_run)
    wait_for_all_work(qtbot)
    assert begun.count("Predicting") == 2, "the first was under way"
    assert [begun.count(methods.METHODS[side.view.method].title) for side in panel.sides] == [2, 2]
    moved = maps(panel)
    session_with_run.set_current(1)
    answered(qtbot, panel, session_with_run)
    session_with_run.set_current(0)  # the epoch stays, and nothing is remembered of this galaxy
    answered(qtbot, panel, session_with_run)
    assert panel.epochs.summary.text().startswith("epoch 2 ")
    for one, other in zip(moved, maps(panel), strict=True):
        assert one is not other
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_it_plays_through_the_epochs_and_can_be_held(
    qtbot: QtBot, panel: ExplanationPanel, session_with_run: Session
) -> None:
    told: list[str] = []
    panel.epochs.moved.connect(lambda: told.append(panel.epochs.summary.text()))
    click(qtbot, panel.epochs.play)
    assert panel.epochs.is_playing and panel.epochs.slider.value() == 0
    qtbot.waitUntil(lambda: panel.epochs.slider.value() == 1, timeout=30_000)
    click(qtbot, panel.epochs.play)
    assert not panel.epochs.is_playing
    click(qtbot, panel.epochs.play)
    qtbot.waitUntil(lambda: not panel.epochs.is_playing, timeout=30_000)
    answered(qtbot, panel, session_with_run)
    assert told[-1].startswith("epoch 3 ")
    assert panel.epochs.slider.value() == 2


def test_without_kept_weights_there_is_no_slider(qtbot: QtBot, session_with_run: Session) -> None:
    assert session_with_run.run is not None
    shutil.rmtree(session_with_run.run.snapshot(1).parent)
    panel = ExplanationPanel(session_with_run)
    qtbot.addWidget(panel)
    panel.show()
    answered(qtbot, panel, session_with_run)
    assert not panel.epochs.slider.isVisible()
    assert "(best)" in panel.epochs.summary.text()


@pytest.mark.slow
def test_another_run_begins_with_its_best_epoch(
    qtbot: QtBot, panel: ExplanationPanel, session_with_run: Session
) -> None:
    panel.epochs.slider.setValue(0)
    session_with_run.open_run(None)
    assert not panel.epochs.isVisible()
    assert panel.empty.isVisible()
    assert session_with_run.project is not None
    session_with_run.open_run(session_with_run.project.runs()[0])
    assert panel.epochs.choice is not None and panel.epochs.choice.is_best
    answered(qtbot, panel, session_with_run)


def test_the_square_moves_over_the_galaxy_and_can_be_held_and_ended(qtbot: QtBot, panel: ExplanationPanel) -> None:
    side = panel.sides[0]
    view, map_note = side.view, side.view.note.text()
    assert view.play.isVisible() and not view.end.isVisible()
    assert not panel.sides[1].view.play.isVisible()
    click(qtbot, view.play)
    qtbot.waitUntil(lambda: side.film.is_playing, timeout=30_000)
    first, place = view.note.text(), view.view.square
    assert "with this square covered" in first
    assert place is not None and place.width() == 8
    qtbot.waitUntil(lambda: view.view.square != place, timeout=5_000)
    click(qtbot, view.play)
    assert not side.film.is_playing
    held, mark = view.note.text(), view.bar.mark
    assert stays(qtbot, view.note.text)
    score = float(held.split()[3].replace("−", "-"))
    assert view.explanation is not None
    assert mark == pytest.approx(view.explanation.score - score, abs=0.006)
    click(qtbot, view.play)
    assert side.film.is_playing
    click(qtbot, view.end)
    assert view.note.text() == map_note
    assert view.view.square is None and view.bar.mark is None
    assert not view.end.isVisible()


@pytest.mark.slow
def test_a_film_ends_by_itself_and_with_its_map(
    qtbot: QtBot, panel: ExplanationPanel, session_with_run: Session
) -> None:
    side = panel.sides[0]
    click(qtbot, side.view.play)
    qtbot.waitUntil(lambda: side.film.is_playing, timeout=30_000)
    qtbot.waitUntil(lambda: not side.film.is_playing, timeout=30_000)  # 81 pictures
    assert side.view.view.square is None
    click(qtbot, side.view.play)
    qtbot.waitUntil(lambda: side.film.is_playing, timeout=30_000)
    session_with_run.set_current(1)
    assert not side.film.is_playing and side.view.view.square is None
    assert not side.view.play.isEnabled()
    answered(qtbot, panel, session_with_run)
    assert side.view.play.isEnabled()


@pytest.mark.slow
def test_while_a_training_is_watched_there_is_no_slider_and_afterwards_there_is(
    qtbot: QtBot, panel: ExplanationPanel, session_with_run: Session, galaxies: Path
) -> None:
    assert session_with_run.project is not None
    run = session_with_run.project.new_run("second")
    job = work.train(session_with_run.draft.settings.model_copy(update=SMALL), galaxies, run, None)
    session_with_run.activity.training = job
    session_with_run.activity.add(job)
    seen: list[bool] = []
    job.happened.connect(
        lambda events: seen.extend(panel.epochs.slider.isVisible() for e in events if isinstance(e, CheckpointSaved))
    )
    job.finished.connect(lambda _result: session_with_run.open_run(run))
    job.start()
    qtbot.waitUntil(lambda: session_with_run.run == run, timeout=60_000)
    assert seen and not any(seen)
    assert panel.epochs.isVisible()
    assert panel.epochs.slider.maximum() == 1
    assert panel.epochs.choice is not None and panel.epochs.choice.path == run.best
    answered(qtbot, panel, session_with_run)

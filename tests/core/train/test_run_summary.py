import math
import shutil
import threading

import pytest

from core.errors import UnreadableFile
from core.events import result_of
from core.nets.settings import NetworkSettings
from core.project import notes
from core.project.notes import Notes
from core.project.runs import RunFolder
from core.train import loop, run_summary
from core.train.settings import OptimiserSettings, RunSettings


@pytest.fixture(scope="module")
def trained(blobs, tmp_path_factory):
    optimiser = OptimiserSettings(epochs=2, batch_size=32)
    settings = RunSettings(network=NetworkSettings(depth=2, channels=4), optimiser=optimiser)
    folder = RunFolder.create(tmp_path_factory.mktemp("trained") / "2026-01-02 03.04.05 first")
    return folder, result_of(loop.run(settings, blobs, folder, threading.Event()))


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run, and what the training came to."""
    folder, result = trained
    return RunFolder(shutil.copytree(folder.path, tmp_path / "runs" / folder.path.name)), result


def test_a_summary_has_the_numbers_of_the_run(run):
    folder, result = run
    found = run_summary.summarise(folder)
    assert (found.state, found.epochs, found.planned) == ("finished", 2, 2)
    assert found.best_epoch == result.best_epoch
    assert found.score_name == "balanced_accuracy"
    assert found.score == pytest.approx(result.scores.values["balanced_accuracy"])
    assert found.loss == pytest.approx(result.scores.loss)
    assert math.isnan(found.test)
    assert found.problem is None
    assert found.settings is not None
    assert found.settings.network.channels == 4


def test_broken_runs_are_listed_with_the_reason(run, tmp_path):
    folder, _ = run
    for name, file in (("a", "settings.toml"), ("b", "metrics.json")):
        copy = shutil.copytree(folder.path, tmp_path / "runs" / name)
        (copy / file).write_text("{ broken")
    copy = shutil.copytree(folder.path, tmp_path / "runs" / "c")
    (copy / "metrics.json").unlink()
    found = {each.folder.name: each for each in map(run_summary.summarise, run_summary.find_runs(tmp_path))}
    assert set(found) == {folder.name, "a", "b", "c"}
    assert found["a"].state == found["b"].state == "unreadable"
    assert "settings.toml" in str(found["a"].problem)
    assert "metrics.json" in str(found["b"].problem)
    assert found["c"].state == "unfinished"
    with pytest.raises(UnreadableFile, match="no such folder"):
        run_summary.find_runs(tmp_path / "nowhere")


def test_words_are_looked_for_in_names_tags_and_notes(run):
    folder, _ = run
    notes.write(folder.path, Notes("With bars, at last.", ("SDSS",)))
    found = run_summary.summarise(folder)
    assert found.matches("")
    assert found.matches("first sdss BARS finished")
    assert not found.matches("first decals")


def test_only_what_differs_is_told_in_the_order_of_the_forms():
    one = RunSettings()
    two = RunSettings(network=NetworkSettings(depth=3))
    three = RunSettings(optimiser=OptimiserSettings(learning_rate=0.01), seed=2)
    found = run_summary.differing_settings([one, two, three])
    assert [(name, values) for name, _, values in found] == [
        ("network.depth", [5, 3, 5]),
        ("optimiser.learning_rate", [None, None, 0.01]),
        ("seed", [1, 1, 2]),
    ]
    assert [knob.title for _, knob, _ in found] == ["Depth", "Learning rate", "Seed"]
    assert run_summary.differing_settings([one, one]) == []

"""Coarse, then fine: what is drawn, what is kept, what is given up, and how a broken search goes on."""

import csv
import json
import platform
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from carrying import carried_out

from core.data import split as splits
from core.data.cutouts import Cutouts
from core.errors import FolderInUse, Problem
from core.events import EpochEnded, Preview, Progress, result_of
from core.project.project import Project
from core.project.runs import RunFolder
from core.settings import toml
from core.studies import search, search_figure, search_space, workers
from core.studies.journal import Journal
from core.studies.settings import SearchSettings
from core.studies.trials import Search, TrialEpoch
from core.train import loop
from core.train.settings import RunSettings

FEW = SearchSettings(
    space=("optimiser.learning_rate=1e-5:1", "network.activation=relu,gelu"),
    coarse=8,
    coarse_epochs=3,
    fine=3,
    fine_epochs=4,
)


def run_search(settings, data, folder, wish=FEW):
    return carried_out(search.run(settings, data, folder, wish, threading.Event()))


def table(folder):
    with (folder / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def numbers(rows):
    """What does not depend on when and by whom a trial was done."""
    return [{name: text for name, text in row.items() if name != "worker"} for row in rows]


@pytest.fixture(scope="module")
def done(small, tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("searches") / "search"
    return (folder, *run_search(small, tiny, folder))


def test_each_trial_is_a_run_and_a_row(done):
    folder, events, found = done
    rows = table(folder)
    assert [row["stage"] for row in rows] == ["coarse"] * 8 + ["fine"] * 3
    assert {row["state"] for row in rows} <= {"finished", "pruned"}
    for row in rows:
        settings = toml.load(RunSettings, folder / row["run"] / "settings.toml")
        assert f"{settings.optimiser.learning_rate:.5g}" == f"{float(row['optimiser.learning_rate']):.5g}"
        assert settings.network.activation == row["network.activation"]
        assert settings.optimiser.epochs == (3 if row["stage"] == "coarse" else 4)
    progress = [event for event in events if isinstance(event, Progress)]
    assert (progress[-1].done, progress[-1].total) == (11, 11)
    previews = [event.what for event in events if isinstance(event, Preview)]
    assert any(isinstance(what, Search) for what in previews)
    assert any(isinstance(what, TrialEpoch) and isinstance(what.ended, EpochEnded) for what in previews)
    assert found.missing == 0


def test_the_score_is_that_of_the_epoch_whose_weights_were_kept(done):
    folder, _, found = done
    finished = found.select("fine", "finished")
    assert finished
    for trial in finished:
        metrics = json.loads((folder / trial.run / "metrics.json").read_text())
        assert trial.score == pytest.approx(metrics["validation"]["balanced_accuracy"])
        assert trial.best_epoch == metrics["best_epoch"]
        assert trial.history[trial.best_epoch - 1] == pytest.approx(trial.score)


def test_the_fine_search_begins_with_the_best_coarse_values_and_stays_around_them(done):
    _, _, found = done
    coarse = max(found.select("coarse", "finished"), key=lambda trial: trial.score)
    assert found.select("fine", "finished")[0].values == coarse.values
    wide, narrow = found.spaces["coarse"][0], found.spaces["fine"][0]
    assert wide.low <= narrow.low < narrow.high <= wide.high
    assert np.log(narrow.high / narrow.low) < np.log(wide.high / wide.low)
    for trial in found.trials:
        if trial.stage == "fine":
            assert narrow.low <= trial.values[narrow.name] <= narrow.high


def test_the_best_settings_train_to_the_same_numbers(done, tiny, tmp_path):
    folder, _, found = done
    settings = toml.load(RunSettings, folder / "best.toml")
    assert settings == found.settings
    again = result_of(loop.run(settings, tiny, RunFolder(tmp_path / "again"), threading.Event()))
    assert again.scores.values["balanced_accuracy"] == pytest.approx(found.best.score, abs=1e-6)


@pytest.mark.slow
def test_all_trials_have_the_same_judges_and_none_has_read_the_test_part(done, small, draw, new_dataset, tmp_path):
    images, kinds, width = draw()
    wish = FEW.model_copy(update={"coarse": 1, "fine": 1})
    found = []
    for turn in (1, 2):
        data = new_dataset(images, kinds, width)
        folder = tmp_path / f"search {turn}"
        run_search(small, data, folder, wish)
        found.append(numbers(table(folder)))
        with Cutouts.open(data) as cutouts:
            parts = [splits.load(RunFolder(run).split_file, cutouts.ids) for run in (folder / "runs").iterdir()]
        assert len({(tuple(part.validation), tuple(part.test)) for part in parts}) == 1
        images = images.copy()
        images[parts[0].test] = 1e6
        data.unlink()
    assert found[0] == found[1]


@pytest.mark.slow
def test_hopeless_trials_are_given_up_and_impossible_ones_told(small, tiny, tmp_path):
    wish = FEW.model_copy(
        update={"space": ("network.depth=1:8",), "coarse": 9, "fine": 0, "method": "grid", "grid_points": 8}
    )
    _, found = run_search(small, tiny, tmp_path / "search", wish)
    assert len(found.trials) == 8, "a grid has no more"
    reasons = {trial.values["network.depth"]: trial.reason for trial in found.trials}
    assert all("too many" in reason for depth, reason in reasons.items() if depth > 5)
    assert found.select("coarse", "finished")


def test_a_trial_whose_loss_bursts_is_a_bad_one_and_no_end(small, tiny, tmp_path):
    wide = small.model_copy(update={"optimiser": small.optimiser.model_copy(update={"method": "sgd"})})
    wish = FEW.model_copy(update={"space": ("optimiser.learning_rate=9:10",), "coarse": 2, "fine": 0})
    _, found = run_search(wide, tiny, tmp_path / "search", wish)
    assert found.missing == 0


def test_where_nothing_can_be_trained_the_reason_is_told(small, tiny, tmp_path):
    wish = FEW.model_copy(update={"space": ("network.depth=7:9",), "coarse": 2})
    with pytest.raises(Problem, match="No coarse trial"):
        run_search(small, tiny, tmp_path / "search", wish)


@pytest.mark.slow
def test_a_search_goes_on_where_it_was_broken_off(done, small, tiny, tmp_path):
    """Stopped within the fourth trial: in the end the trials are those of a search without a break."""
    stop, folder = threading.Event(), tmp_path / "search"
    wish = FEW.model_copy(update={"fine": 0})
    work = search.run(small, tiny, folder, wish, stop)
    in_the_fourth = lambda event: isinstance(event, Preview) and getattr(event.what, "number", None) == 3  # noqa: E731
    _, found = carried_out(work, stop, in_the_fourth)
    assert len(found.select("coarse", "finished", "pruned")) == 3
    assert len(found.select("coarse", "failed")) == 1
    _, found = run_search(small, tiny, folder, wish)
    assert found.missing == 0
    tried = [trial.values for trial in found.select("coarse", "finished", "pruned")]
    assert tried[:4] == [trial.values for trial in done[2].select("coarse", "finished", "pruned")][:4]


@pytest.mark.slow
def test_more_trials_may_be_asked_for_and_nothing_else_changed(done, small, tiny, tmp_path):
    folder = shutil.copytree(done[0], tmp_path / "search")
    _, found = run_search(small, tiny, folder, FEW.model_copy(update={"fine": 4}))
    assert len(found.select("fine", "finished", "pruned")) == 4
    with pytest.raises(FolderInUse, match="coarse_epochs"):
        run_search(small, tiny, folder, FEW.model_copy(update={"coarse_epochs": 9}))
    with pytest.raises(FolderInUse, match="seed"):
        run_search(small.model_copy(update={"seed": 5}), tiny, folder)


def test_another_dataset_is_another_search(done, small, draw, new_dataset):
    with pytest.raises(FolderInUse, match="another dataset"):
        run_search(small, new_dataset(*draw(seed=5)), done[0])


def test_a_trial_of_a_process_that_is_no_more_is_tried_again(small, tiny, tmp_path):
    run_search(small, tiny, tmp_path / "search", FEW.model_copy(update={"coarse": 1, "fine": 0}))
    journal = Journal(tmp_path / "search", *search.read_settings(tmp_path / "search"))
    journal.begin("coarse", journal.space("coarse"), 2, [])
    trial = journal.ask("coarse")
    journal.requeue_abandoned()
    assert journal.trials()[-1].state == "running", "this process is alive"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    trial.set_user_attr("worker", f"{platform.node()}:{gone.pid}:1")
    journal.requeue_abandoned()
    states = [(each.state, each.values) for each in journal.trials()]
    assert states[1] == ("failed", trial.params)
    assert journal.ask("coarse").params == trial.params
    assert journal.ask("coarse") is None, "no more are wanted"


def test_a_line_that_a_power_cut_left_half_written_is_taken_away(done, tmp_path):
    folder = shutil.copytree(done[0], tmp_path / "search")
    with (folder / "optuna.jsonl").open("ab") as file:
        file.write(b'{"op_code":4,"work')
    found = search.open_search(folder)
    assert found.trials == done[2].trials
    for line in (folder / "optuna.jsonl").read_text().splitlines():
        json.loads(line)


@pytest.mark.slow
def test_several_workers_share_the_trials_and_end_with_the_search(small, tiny, tmp_path):
    wish = FEW.model_copy(update={"workers": 2, "coarse": 5, "fine": 2})
    _, found = run_search(small, tiny, tmp_path / "search", wish)
    assert found.missing == 0
    assert len(found.select("coarse", "finished", "pruned")) == 5
    assert len({trial.worker for trial in found.trials}) == 2
    assert len({trial.values["optimiser.learning_rate"] for trial in found.select("coarse", "finished", "pruned")}) == 5


@pytest.mark.slow
def test_a_worker_ends_when_the_one_that_holds_it_is_gone(small, tiny, tmp_path):
    wish = FEW.model_copy(update={"coarse": 500, "coarse_epochs": 50})
    folder = tmp_path / "search"
    stop = threading.Event()
    carried_out(search.run(small, tiny, folder, wish, stop), stop, lambda event: isinstance(event, Preview))
    worker = subprocess.Popen(
        workers.worker_command(tiny, folder, 1),
        stdin=subprocess.PIPE,
        env=workers.worker_environment(1),
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not search.open_search(folder).select("coarse", "running") and time.monotonic() < deadline:
        time.sleep(0.2)
    worker.stdin.close()
    assert worker.wait(30) == 0
    assert not search.open_search(folder).select("coarse", "running"), "its trial was given back"


@pytest.mark.slow
def test_a_killed_search_loses_nothing_that_was_done(small, tiny, tmp_path):
    folder = tmp_path / "search"
    small_file = tmp_path / "small.toml"
    small_file.write_text(toml.dumps(small))
    command = [
        *workers.worker_command(tiny, folder, 1)[:-4],
        "--settings",
        str(small_file),
        "--coarse",
        "6",
        "--fine",
        "0",
    ]
    command += ["--knob", "optimiser.learning_rate=1e-4:1e-1"]
    process = subprocess.Popen(command, env=workers.worker_environment(1), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (folder / "trials.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    before = [trial for trial in search.open_search(folder).trials if trial.state in ("finished", "pruned")]
    assert before
    wish = SearchSettings(space=("optimiser.learning_rate=1e-4:1e-1",), coarse=6, fine=0)
    _, found = run_search(small, tiny, folder, wish)
    assert found.missing == 0
    assert list(found.trials[: len(before)]) == before


def test_importance_tells_which_knob_mattered(done):
    importance = done[2].importance
    assert set(importance) == {axis.name for axis in done[2].spaces["coarse"]}
    assert sum(importance.values()) == pytest.approx(1)
    assert importance["optimiser.learning_rate"] > 0.4, "five decades of it were tried"


def test_the_sentences_name_the_best_and_its_equals(done):
    known = " ".join(replace(done[2], noise=0.05).sentences)
    assert "±" in known and "error is unknown" not in known
    told = " ".join(replace(done[2], noise=1.1e-16).sentences)
    assert done[2].best.name in told
    assert "±" not in told  # the error of a score is never rounding
    assert "error is unknown" in told and "within that error" not in told
    assert "error is unknown" not in " ".join(replace(done[2], noise=None).sentences), "it was not estimated"
    assert done[2].best in done[2].equally_good


@pytest.mark.parametrize(
    "ending", ["png", pytest.param("svg", marks=pytest.mark.slow), pytest.param("pdf", marks=pytest.mark.slow)]
)
def test_the_figure_is_drawn_for_paper_and_screen(done, tmp_path, ending):
    search_figure.save(done[2], tmp_path / f"figure.{ending}")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert (tmp_path / f"figure.{ending}").read_bytes().startswith(start)


def test_the_space_of_a_stage_is_kept_in_the_journal(done):
    again = search.open_search(done[0])
    assert again.spaces == done[2].spaces
    assert [str(axis) for axis in again.spaces["coarse"]] == [
        str(axis) for axis in search_space.parse_space(FEW.space, RunSettings())
    ]


@pytest.mark.slow
def test_labels_given_while_a_search_goes_on_change_none_of_its_later_trials(small, tiny, tmp_path):
    """Neither in this process after an interruption, nor in a worker, which knows the project's labels only."""
    project = Project.create(tmp_path / "project", "project")
    data = project.dataset_path("tiny")
    shutil.copy(tiny, data)
    journal, folder = project.labels(data), project.folder / "studies" / "search"
    wish = FEW.model_copy(update={"coarse": 3, "coarse_epochs": 1, "fine": 0})
    stop = threading.Event()
    carried_out(
        search.run(small, data, folder, wish, stop, hand_labels=journal), stop, lambda each: isinstance(each, Preview)
    )
    with Cutouts.open(data) as cutouts:
        journal.record_all("kind", [(name, "", "merger") for name in cutouts.ids[::4]])
    done = carried_out(search.run_worker(data, folder, 7, hand_labels=journal))[1]
    assert done >= 1
    carried_out(search.run(small, data, folder, wish, hand_labels=journal))
    runs = sorted((folder / "runs").iterdir())
    assert len(runs) >= 3
    assert len({(run / "split.csv").read_text(encoding="utf-8") for run in runs}) == 1
    assert not [run for run in runs if "merger" in (run / "metrics.json").read_text(encoding="utf-8")]
    project.close()


@pytest.mark.slow
def test_a_trial_that_fails_in_its_own_way_is_noted_and_the_others_go_on(small, tiny, tmp_path):
    wish = FEW.model_copy(update={"coarse": 1, "fine": 0, "coarse_epochs": 1})
    run_search(small, tiny, tmp_path / "search", wish)
    (tmp_path / "search" / "runs" / "coarse-0001").write_text("the folder of the next trial cannot be made")
    events, found = run_search(small, tiny, tmp_path / "search", wish.model_copy(update={"coarse": 3}))
    assert [trial.state for trial in found.trials] == ["finished", "pruned", "finished"]
    assert "exists" in found.trials[1].reason
    assert [event.problem.where.split(":")[0] for event in events if getattr(event, "is_failure", False)] == [
        "runs/coarse-0001"
    ]

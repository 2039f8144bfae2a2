"""The move to another survey: nested sets, equal judges, two baselines, what was forgotten; broken off and gone on."""

import csv
import itertools
import shutil
import threading

import numpy as np
import pytest
from carrying import carried_out
from matplotlib.image import imread

from core.data import split as splits
from core.data.cutouts import Cutouts
from core.errors import FolderInUse, SettingsProblem, TooFewGalaxies
from core.events import Preview, Progress, Skipped, result_of
from core.project.runs import RunFolder
from core.settings import toml
from core.studies import study_folders, transfer, transfer_sentences
from core.studies.transfer_settings import MatrixSettings, TransferStudySettings, default_settings
from core.train import loop
from core.train.settings import RunSettings

ONE = TransferStudySettings(labels=("0", "12"), strategies=("as is", "scratch", "head"), seeds=1)
FEW = TransferStudySettings(labels=("0", "12", "24"), strategies=("as is", "scratch", "head", "all"), seeds=2)


def table(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def base(small, tiny, tmp_path_factory):
    """A network of the old survey."""
    folder = tmp_path_factory.mktemp("bases") / "old"
    longer = small.model_copy(update={"optimiser": small.optimiser.model_copy(update={"epochs": 6})})
    result_of(loop.run(longer, tiny, folder))
    return folder


@pytest.fixture(scope="module")
def new(draw, write, tmp_path_factory):
    """Another survey: other noise, other names of the classes, one of them under another name altogether."""
    images, kinds, _ = draw(150, seed=7)
    images = images + np.random.default_rng(1).normal(0, 2, images.shape).astype(np.float32)
    names = ["Disks", "edge_on", "star"]
    return write(tmp_path_factory.mktemp("new") / "new.h5", images, np.array(names)[kinds])


@pytest.fixture(scope="module")
def settings(small, base):
    optimiser = small.optimiser.model_copy(update={"epochs": 1, "repeats": 1})
    started = small.transfer.model_copy(update={"start_from": str(base), "class_map": {"star": "point"}})
    return small.model_copy(update={"optimiser": optimiser, "transfer": started})


def test_answers_that_have_no_place_are_not_dropped_in_silence(settings, new, tmp_path):
    unmapped = settings.model_copy(update={"transfer": settings.transfer.model_copy(update={"class_map": {}})})
    as_is = TransferStudySettings(labels=("0", "12"), strategies=("as is", "head"), seeds=1)
    events, found = carried_out(transfer.run(unmapped, new, tmp_path / "study", as_is, threading.Event()))
    assert {point.strategy for point in found.points} == {"head"}
    told = [event.problem.sentence for event in events if isinstance(event, Skipped)]
    assert any("As it is, the network is not judged" in each and "point" in each for each in told)
    assert any("What is forgotten is not judged: star" in each for each in told)


def test_what_was_judged_stays_in_the_table_when_other_numbers_are_asked_for(one, settings, new, tmp_path):
    folder = shutil.copytree(one[0], tmp_path / "study")
    before = table(folder / transfer.TABLE)
    stop = threading.Event()
    other = ONE.model_copy(update={"labels": ("24",)})
    work = transfer.run(settings, new, folder, other, stop)
    carried_out(work, stop, lambda event: isinstance(event, Preview))
    after = table(folder / transfer.TABLE)
    assert len(after) > len(before)
    assert all(row in after for row in before)


@pytest.fixture(scope="module")
def one(settings, new, tmp_path_factory):
    """A study of two runs."""
    folder = tmp_path_factory.mktemp("studies") / "one"
    return (folder, *carried_out(transfer.run(settings, new, folder, ONE, threading.Event())))


@pytest.fixture(scope="module")
def done(settings, new, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "move"
    return (folder, *carried_out(transfer.run(settings, new, folder, FEW, threading.Event())))


def parts(folder, data):
    with Cutouts.open(data) as cutouts:
        return {run.name: splits.load(RunFolder(run).split_file, cutouts.ids) for run in (folder / "runs").iterdir()}


@pytest.mark.slow
def test_each_strategy_number_and_seed_is_a_run_and_a_row(done):
    folder, events, result = done
    rows = table(folder / "study.csv")
    assert [(row["strategy"], row["labels"], row["seed"]) for row in rows] == sorted(
        [
            ("as is", "0", "1"),
            *itertools.product(("scratch", "head", "all"), ("12", "24"), ("1", "2")),
        ],
        key=lambda row: (row[0], row[0] != "scratch" and 1, int(row[1]), row[2]),
    )
    assert {row["start"] for row in rows if row["strategy"] == "scratch"} == {""}
    assert {row["start"] for row in rows if row["strategy"] != "scratch"} == {"old"}
    frozen = {
        row["strategy"]: toml.load(RunSettings, folder / row["run"] / "settings.toml") for row in rows if row["run"]
    }
    assert {name: each.transfer.freeze_blocks for name, each in frozen.items()} == {"scratch": 0, "head": 2, "all": 0}
    assert not frozen["scratch"].transfer.start_from
    assert imread(folder / "study.png").ndim == 3
    assert sum(isinstance(event, Preview) for event in events) == 13 == len(result.points)
    progress = [event for event in events if isinstance(event, Progress)]
    assert [event.done for event in progress] == sorted(event.done for event in progress)


@pytest.mark.slow
def test_strategies_share_the_galaxies_and_smaller_sets_lie_within_larger_ones(done, new):
    found = parts(done[0], new)
    assert len({(tuple(each.validation), tuple(each.test)) for each in found.values()}) == 1
    for seed in (1, 2):
        small, large = (
            {tuple(found[f"{name}-n0000{n}-seed{seed}"].train) for name in ("scratch", "head", "all")} for n in (12, 24)
        )
        assert len(small) == 1 == len(large)
        assert set(*small) < set(*large)
    assert set(found["all-n000012-seed1"].train) != set(found["all-n000012-seed2"].train)


def test_the_network_as_it_is_is_judged_by_the_classes_that_are_mapped(one, base, new):
    """The score without any training is that of the answers under the other survey's names."""
    result = one[2]
    (point,) = result.at("as is", 0)
    with Cutouts.open(new) as cutouts:
        rows = next(iter(parts(one[0], new).values())).validation
        truth = np.array(
            [
                {"Disks": "disk", "edge_on": "edge-on", "star": "point"}[str(kind)]
                for kind in cutouts.columns["kind"][rows]
            ]
        )
        images = cutouts.images[rows]
    import torch

    from core.nets.predictor import Predictor

    predictor = Predictor.load(base)
    with torch.no_grad():
        called = np.array(predictor.output_names)[predictor.scores(torch.from_numpy(images)).argmax(1).numpy()]
    assert point.values["accuracy"] == pytest.approx((called == truth).mean())
    assert point.galaxies == len(rows)
    assert point.values["source:accuracy"] > 0.5, "on its own survey"
    assert result.judged.samples[point.key].shape == (200,)


def test_what_was_forgotten_is_known_of_all_that_came_from_there(one):
    for point in one[2].points:
        assert ("source:balanced_accuracy" in point.values) == (point.strategy != "scratch")


def test_a_frozen_network_with_a_new_head_forgets_nothing_of_its_features(one, base):
    from core.nets.predictor import Predictor

    before = Predictor.load(base).network.state_dict()
    after = Predictor.load(one[0] / "runs" / "head-n000012-seed1").network.state_dict()
    features = [name for name in before if name.startswith("features")]
    assert all((before[name] == after[name]).all() for name in features)


def test_no_galaxy_beyond_the_labels_has_a_say(one):
    assert {point.chosen_by for point in one[2].points} == {0}
    assert all(point.best_epoch == point.epochs for point in one[2].points)


@pytest.mark.slow
def test_galaxies_that_choose_the_epoch_are_counted(settings, new, tmp_path):
    chosen = FEW.model_copy(
        update={"epoch": "best on validation", "labels": ("12",), "seeds": 1, "strategies": ("all",)}
    )
    _, result = carried_out(transfer.run(settings, new, tmp_path / "study", chosen, threading.Event()))
    assert [point.chosen_by for point in result.points] == [result.points[0].galaxies]
    assert "costs" in " ".join(transfer_sentences.describe(result))


def test_a_study_is_opened_as_it_ended(one):
    found = transfer.open_study(one[0])
    assert found.strategies == ("as is", "scratch", "head")
    assert [point.key for point in found.points] == [point.key for point in one[2].points]
    assert transfer_sentences.describe(found) == transfer_sentences.describe(one[2])
    assert study_folders.kind_of(one[0]) == "transfer"


@pytest.mark.slow
def test_finished_runs_are_kept_and_killed_ones_are_made_anew(done, settings, new, tmp_path):
    folder = shutil.copytree(done[0], tmp_path / "study")
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("best.safetensors") if "n000012" in str(path)}
    killed = folder / "runs" / "all-n000024-seed2"
    shutil.rmtree(killed / "last")
    (killed / "metrics.json").unlink()
    carried_out(transfer.run(settings, new, folder, FEW, threading.Event()))
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert (folder / "study.csv").read_text() == (done[0] / "study.csv").read_text()


@pytest.mark.slow
def test_a_stopped_study_keeps_what_is_done(settings, new, tmp_path):
    stop = threading.Event()
    work = transfer.run(settings, new, tmp_path / "study", FEW, stop)
    _, result = carried_out(work, stop, lambda event: isinstance(event, Preview) and len(event.what.points) == 2)
    assert len(result.points) == 2
    assert result.missing == 11
    assert len(table(tmp_path / "study" / "study.csv")) == 2


def test_only_a_training_from_scratch_makes_more_epochs(one, settings):
    def epochs(strategy):
        return toml.load(RunSettings, one[0] / "runs" / f"{strategy}-n000012-seed1" / "settings.toml").optimiser.epochs

    assert (epochs("scratch"), epochs("head")) == (3 * settings.optimiser.epochs, settings.optimiser.epochs)


@pytest.mark.parametrize("model", [TransferStudySettings, MatrixSettings])
def test_a_study_of_the_first_format_goes_on_with_equally_many_epochs(model):
    text = toml.dumps(model()).replace("format 2", "format 1").replace("scratch_epochs = 3", "")
    assert "scratch_epochs" not in text and toml.loads(model, text).scratch_epochs == 1


def test_a_study_stays_with_its_settings(one, settings, new):
    with pytest.raises(FolderInUse, match="Epoch"):
        result_of(transfer.run(settings, new, one[0], ONE.model_copy(update={"epoch": "best on validation"})))


def test_numbers_with_too_few_of_a_class_are_left_out_and_told(settings, new, tmp_path):
    study = ONE.model_copy(update={"labels": ("0", "6", "9,000")})
    events, result = carried_out(transfer.run(settings, new, tmp_path / "study", study, threading.Event()))
    told = " ".join(str(event.problem) for event in events if isinstance(event, Skipped))
    assert "needs 2" in told
    assert "9,000" in told
    assert [point.strategy for point in result.points] == ["as is"]


def test_a_study_needs_a_network_and_known_strategies(settings, small, new, tmp_path):
    with pytest.raises(SettingsProblem, match="network to start from"):
        result_of(transfer.run(small, new, tmp_path / "study", FEW))
    for wrong in ("last-7", "last-2", "magic"):
        with pytest.raises(SettingsProblem, match=wrong):
            result_of(transfer.run(settings, new, tmp_path / "study", FEW.model_copy(update={"strategies": (wrong,)})))
    assert not (tmp_path / "study").exists() or not any((tmp_path / "study").glob("*.toml"))


@pytest.mark.slow
def test_the_test_part_is_judged_last_and_only_where_that_is_asked_for(done, settings, new, tmp_path):
    assert not list(done[0].rglob("*test*.csv"))
    folder = shutil.copytree(done[0], tmp_path / "study")
    _, result = carried_out(
        transfer.run(settings, new, folder, FEW.model_copy(update={"judge_test": True}), threading.Event())
    )
    assert result.on_test.judged.part == "test"
    assert len(table(folder / "study-test.csv")) == 13
    assert "no choice had seen" in " ".join(transfer_sentences.describe(result.on_test))


@pytest.mark.slow
def test_layers_are_tried_one_by_one(settings, new, tmp_path):
    study = default_settings("layers").model_copy(update={"labels": ("24",), "seeds": 1})
    _, result = carried_out(transfer.run(settings, new, tmp_path / "study", study, threading.Event()))
    assert {point.strategy: point.tuned for point in result.points} == {"scratch": -1, "head": 0, "last-1": 1, "all": 2}


@pytest.mark.slow
def test_workers_share_the_runs_and_find_the_same(done, settings, new, tmp_path):
    shared = FEW.model_copy(update={"workers": 2})
    _, result = carried_out(transfer.run(settings, new, tmp_path / "study", shared, threading.Event()))
    assert [point.key for point in result.points] == [point.key for point in done[2].points]
    assert (tmp_path / "study" / "study.csv").read_text() == (done[0] / "study.csv").read_text()
    logs = [(tmp_path / "study" / "workers" / f"{number}.log").read_text() for number in (1, 2)]
    assert all("6 runs done." in log for log in logs), "half of twelve runs each"


@pytest.mark.slow
def test_methods_without_labels_have_a_point_at_none_and_fixmatch_needs_some(settings, new, tmp_path):
    names = ("as is", "adabn", "coral", "mcc", "all", "fixmatch")
    study = FEW.model_copy(update={"labels": ("0", "24"), "strategies": names, "seeds": 1})
    events, result = carried_out(transfer.run(settings, new, tmp_path / "study", study, threading.Event()))
    assert {(point.strategy, point.labels) for point in result.points} == {
        *((name, 0) for name in ("as is", "adabn", "coral", "mcc")),
        *((name, 24) for name in ("all", "fixmatch")),
    }, [str(event.problem) for event in events if isinstance(event, Skipped)]
    run = toml.load(RunSettings, tmp_path / "study" / "runs" / "coral-seed1" / "settings.toml")
    assert run.unlabelled.method == "coral"
    as_is, adabn = result.at("as is", 0)[0], result.at("adabn", 0)[0]
    assert as_is.galaxies == adabn.galaxies
    assert "source:accuracy" in adabn.values
    shown = (tmp_path / "study" / "runs" / "coral-seed1").glob("*.csv")
    with Cutouts.open(new) as cutouts:
        judged = {cutouts.ids[row] for row in next(iter(parts_of_new(tmp_path / "study", new))).validation}
    texts = [path.read_text() for path in shown if "unlabelled" in path.name]
    assert texts
    assert not any(f'"{name}"' in text for name in judged for text in texts), "no galaxy that is judged was shown"


def parts_of_new(folder, data):
    """The parts of the runs that were trained on the new survey."""
    with Cutouts.open(data) as cutouts:
        return [splits.load(RunFolder(run).split_file, cutouts.ids) for run in (folder / "runs").glob("*-n*")]


def test_a_refused_study_leaves_its_folder_free_for_the_next_try(settings, new, tmp_path):
    for wanted in ("900", "901"):  # the second try is with other settings
        with pytest.raises(TooFewGalaxies):
            wish = TransferStudySettings(labels=(wanted,), strategies=("scratch",), seeds=1)
            result_of(transfer.run(settings, new, tmp_path / "study", wish))
    assert not (tmp_path / "study").exists()


def test_a_study_that_is_stopped_while_the_test_part_is_judged_has_the_rest(one, settings, new, tmp_path):
    folder, stop = shutil.copytree(one[0], tmp_path / "study"), threading.Event()
    wish = ONE.model_copy(update={"judge_test": True})
    work = transfer.run(settings, new, folder, wish, stop)
    _, found = carried_out(work, stop, lambda event: isinstance(event, Progress) and event.unit == "networks judged")
    assert len(found.points) == 3 and found.test is None


def test_what_was_judged_on_the_test_part_stays_there_when_something_else_is_asked_for(one, settings, new, tmp_path):
    folder = shutil.copytree(one[0], tmp_path / "study")
    wish = ONE.model_copy(update={"judge_test": True})
    carried_out(transfer.run(settings, new, folder, wish, threading.Event()))
    before = table(folder / "study-test.csv")
    other = wish.model_copy(update={"strategies": ("as is", "all")})
    _, found = carried_out(transfer.run(settings, new, folder, other, threading.Event()))
    assert {point.strategy for point in found.on_test.points} == {"as is", "all"}
    after = table(folder / "study-test.csv")
    assert {row["strategy"] for row in after} == {"as is", "scratch", "head", "all"}
    assert all(row in after for row in before), "the same numbers, by the same samples"
    kept = transfer.open_study(folder).on_test.points
    assert {point.strategy for point in kept} == {row["strategy"] for row in after}

"""Nested sets of galaxies, the same judges for all, a table and a figure; broken off and gone on with."""

import csv
import itertools
import math
import shutil
import threading

import numpy as np
import pytest
from carrying import carried_out
from matplotlib.image import imread

from core.data import kept_parts
from core.data import split as splits
from core.data.cutouts import Cutouts
from core.errors import FolderInUse, SettingsProblem, Stopped, TooFewGalaxies
from core.events import Preview, Progress, Skipped
from core.project.project import Project
from core.project.runs import RunFolder
from core.settings import toml
from core.studies import size_figure, size_study, training_size
from core.studies.settings import TrainingSizeSettings
from core.studies.size_study import Point, SizeStudy
from core.train.settings import RunSettings

FEW = TrainingSizeSettings(sizes=("10", "20", "all"), seeds=2, least_steps=4)


def run_study(settings, data, folder, study=FEW):
    return carried_out(training_size.run(settings, data, folder, study, threading.Event()))


def table(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def done(small, tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies") / "sizes"
    return (folder, *run_study(small, tiny, folder))


def parts(folder, data):
    with Cutouts.open(data) as cutouts:
        return {run.name: splits.load(RunFolder(run).split_file, cutouts.ids) for run in (folder / "runs").iterdir()}


def test_each_size_and_seed_is_a_run_and_a_row(done):
    folder, events, result = done
    rows = table(folder / "study.csv")
    assert list(rows[0])[:2] == ["size", "seed"]
    largest = max(result.sizes)
    assert [(int(row["size"]), int(row["seed"])) for row in rows] == [
        (size, seed) for size in (10, 20, largest) for seed in (1, 2)
    ]
    for row in rows:
        run = RunFolder(folder / row["run"])
        assert toml.load(RunSettings, run.settings_file).seed == int(row["seed"])
        assert run.best.exists()
        assert 0 <= float(row["accuracy"]) <= 1
    assert imread(folder / "study.png").ndim == 3
    assert sum(isinstance(event, Preview) for event in events) == 6
    progress = [event for event in events if isinstance(event, Progress)]
    assert [event.done for event in progress] == sorted(event.done for event in progress)
    assert progress[-1].done <= progress[-1].total


def test_smaller_sets_lie_within_larger_ones_and_the_judges_are_the_same(done, tiny):
    folder, _, result = done
    found = parts(folder, tiny)
    judges = {(tuple(part.validation), tuple(part.test)) for part in found.values()}
    assert len(judges) == 1
    for seed in (1, 2):
        sets = [set(found[f"n{size:06d}-seed{seed}"].train) for size in result.sizes]
        assert [len(rows) for rows in sets] == list(result.sizes)
        assert all(small < large for small, large in itertools.pairwise(sets))
    assert set(found["n000020-seed1"].train) != set(found["n000020-seed2"].train)


def test_the_classes_are_in_proportion_in_every_set(done, tiny):
    found = parts(done[0], tiny)
    with Cutouts.open(tiny) as cutouts:
        kinds = np.asarray(cutouts.columns["kind"], str)
    whole = found[f"n{max(done[2].sizes):06d}-seed1"].train
    for part in found.values():
        for kind in np.unique(kinds):
            expected = (kinds[whole] == kind).mean() * len(part.train)
            assert abs((kinds[part.train] == kind).sum() - expected) <= 1.5


def test_the_test_part_has_no_say(small, draw, new_dataset, tmp_path):
    """Other images in the test part change no number of the study."""
    study = TrainingSizeSettings(sizes=("20",), seeds=1, least_steps=0)
    found = []
    images, kinds, width = draw()
    for turn in (1, 2):
        data = new_dataset(images, kinds, width)
        folder = tmp_path / f"study {turn}"
        run_study(small, data, folder, study)
        found.append((folder / "study.csv").read_text())
        rows = next(iter(parts(folder, data).values())).test
        images = images.copy()
        images[rows] = 1e6
        data.unlink()
    assert found[0] == found[1]


@pytest.mark.slow
def test_the_test_part_is_judged_last_and_only_where_that_is_asked_for(done, small, tiny, tmp_path):
    assert done[2].test is None
    assert not list(done[0].rglob("*test*.csv"))
    folder = shutil.copytree(done[0], tmp_path / "study")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("best.safetensors")}
    events, result = run_study(small, tiny, folder, FEW.model_copy(update={"judge_test": True}))
    assert result.test.part == "test"
    assert len(result.test.points) == 6
    assert len(table(folder / "study-test.csv")) == 6
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("best.safetensors")}
    kinds = [event.unit if isinstance(event, Progress) else "preview" for event in events]
    assert kinds.index("runs judged") > max(place for place, kind in enumerate(kinds) if kind == "preview")


@pytest.mark.slow
def test_a_study_goes_on_where_it_was_broken_off(done, small, tiny, tmp_path):
    """Stopped within the third run, in the middle of it: in the end the table is that of a study without a break."""
    stop, folder = threading.Event(), tmp_path / "study"
    one = FEW.model_copy(update={"seeds": 1})
    work = training_size.run(small, tiny, folder, one, stop)
    _, result = carried_out(work, stop, lambda event: isinstance(event, Progress) and event.done == 9)  # 4 + 4 + 1
    assert len(result.points) == 2
    assert result.missing == 1
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("n0000[12]0-seed1/best.safetensors")}
    assert len(kept) == 2
    reasons = [path.read_text() for path in folder.glob("runs/*/metrics.json")]
    assert sum('"stopped"' in reason for reason in reasons) == 1
    _, result = run_study(small, tiny, folder, one)
    assert result.missing == 0
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert table(folder / "study.csv") == [row for row in table(done[0] / "study.csv") if row["seed"] == "1"]


def test_a_run_that_was_killed_within_its_first_epoch_is_begun_anew(done, small, tiny, tmp_path):
    folder = shutil.copytree(done[0], tmp_path / "study")
    killed = folder / "runs" / "n000020-seed2"
    shutil.rmtree(killed / "last")
    for name in ("metrics.json", "history.csv", "best.safetensors"):
        (killed / name).unlink()
    run_study(small, tiny, folder)
    assert (folder / "study.csv").read_text() == (done[0] / "study.csv").read_text()


@pytest.mark.slow
def test_more_sizes_and_another_score_may_follow(done, small, tiny, tmp_path):
    folder = shutil.copytree(done[0], tmp_path / "study")
    more = FEW.model_copy(update={"sizes": (*FEW.sizes, "50%"), "metric": "macro_f1"})
    _, result = run_study(small, tiny, folder, more)
    assert len(result.points) == 8
    assert result.metric == "macro_f1"
    errors = [point.values["macro_f1_error"] for point in result.points]
    assert min(errors) >= 0  # none for a network that always says the same
    assert max(errors) > 0


def test_a_study_stays_with_its_settings_and_its_data(done, small, tiny, draw, new_dataset, tmp_path):
    other = small.model_copy(update={"network": small.network.model_copy(update={"channels": 8})})
    with pytest.raises(FolderInUse, match=r"network\.channels"):
        run_study(other, tiny, done[0])
    with pytest.raises(FolderInUse, match="steps"):
        run_study(small, tiny, done[0], FEW.model_copy(update={"least_steps": 50}))
    with pytest.raises(FolderInUse, match="another dataset"):
        run_study(small, new_dataset(*draw(seed=5)), done[0])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(FolderInUse):
        run_study(small, tiny, tmp_path / "full")


def test_small_sets_are_shown_more_often(done):
    rows = table(done[0] / "study.csv")
    by_size = {int(row["size"]): int(row["epochs"]) for row in rows}
    assert by_size[10] == 4, "four steps of one batch"
    assert by_size[max(by_size)] == 2


def test_sizes_that_cannot_be_are_told_and_left_out(small, tiny, tmp_path):
    study = TrainingSizeSettings(sizes=("3", "20", "9,000"), seeds=1, least_steps=0)
    events, result = run_study(small, tiny, tmp_path / "study", study)
    told = [str(event.problem) for event in events if isinstance(event, Skipped)]
    assert result.sizes == (20,)
    assert any("3 is left out" in sentence for sentence in told)
    assert any("9,000 training galaxies, and there are" in sentence for sentence in told)
    with pytest.raises(TooFewGalaxies):
        run_study(small, tiny, tmp_path / "none", study.model_copy(update={"sizes": ("1%",)}))


@pytest.mark.parametrize(("text", "size"), [("200", 200), ("5%", 114), ("0.5 %", 11), ("all", 2272), ("100%", 2272)])
def test_a_size_is_a_number_or_a_share(text, size):
    assert training_size.parse_size(text, 2272) == size


@pytest.mark.parametrize("text", ["", "many", "-5", "0", "120%", "0%", "1.5"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="is not a size"):
        training_size.parse_size(text, 2272)
    with pytest.raises(SettingsProblem, match="is not a size"):
        toml.validate(TrainingSizeSettings, {"sizes": ("5%", text)})


def test_an_unknown_score_is_refused_before_anything_is_trained(small, tiny, tmp_path):
    with pytest.raises(SettingsProblem, match="balanced_accuracy"):
        run_study(small, tiny, tmp_path / "study", FEW.model_copy(update={"metric": "beauty"}))
    assert not (tmp_path / "study").exists()


def test_a_quantity_is_studied_by_its_r2(small, tiny, tmp_path):
    settings = small.model_copy(update={"data": small.data.model_copy(update={"labels": ("width",)})})
    study = TrainingSizeSettings(sizes=("20",), seeds=1, least_steps=0)
    _, result = run_study(settings, tiny, tmp_path / "study", study)
    assert result.metric == "r2"
    assert result.points[0].values["mae:width"] > 0


def test_stopped_before_the_first_run_is_done_there_is_no_study(small, tiny, tmp_path):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        carried_out(training_size.run(small, tiny, tmp_path / "study", FEW, stop))


def of_law(limit=0.9, factor=1.0, exponent=0.5, noise=0.004, sizes=(50, 100, 200, 500, 1000, 2000), metric="accuracy"):
    random = np.random.default_rng(3)
    points = [
        Point(size, seed, f"runs/{size}", 10, 8, 487, {metric: score, f"{metric}_error": 0.016})
        for size in sizes
        for seed in (1, 2, 3)
        for score in [limit - factor * size**-exponent + noise * random.normal()]
    ]
    return lambda folder: SizeStudy(folder, "validation", metric, tuple(points), len(points))


def test_the_sentences_say_what_more_labels_are_worth(tmp_path):
    study = of_law()(tmp_path)
    told = " ".join(study.sentences)
    assert "With 2,000 labels the accuracy is 0.8" in told
    assert "the mean of 3 runs" in told
    assert "Twice as many labels (4,000) would raise it from 0.8" in told
    assert "±" in told
    assert "487 galaxies of the validation part" in told
    assert "± 0.016" in told
    assert abs(study.curve.at(4000)[0] - (0.9 - 4000**-0.5)) < 0.01


def test_the_sentences_of_a_loss_speak_of_lowering_it(tmp_path):
    told = " ".join(of_law(limit=0.4, factor=-2.0, metric="log_loss")(tmp_path).sentences)
    assert "would lower it from" in told


def test_nothing_is_said_of_more_labels_where_the_curve_is_doubtful(tmp_path):
    told = " ".join(of_law(factor=0.0)(tmp_path).sentences)
    assert "nothing is said of more labels" in told
    assert "Twice" not in told
    told = " ".join(of_law(sizes=(100, 500))(tmp_path).sentences)
    assert "needs 4 sizes or more" in told


def test_a_single_run_is_not_called_a_mean(tmp_path):
    point = Point(100, 1, "runs/100", 10, 8, 487, {"accuracy": 0.8, "accuracy_error": 0.02})
    told = SizeStudy(tmp_path, "validation", "accuracy", (point,), 1).sentences[0]
    assert told == "With 100 labels the accuracy is 0.800, of a single run."


def test_the_table_comes_back_as_it_was(done):
    folder, _, result = done
    again = size_study.read_table(folder / "study.csv")
    for one, other in zip(again, result.points, strict=True):
        assert (one.size, one.seed, one.run, one.best_epoch) == (other.size, other.seed, other.run, other.best_epoch)
        for name, value in other.values.items():
            assert one.values[name] == pytest.approx(value, rel=1e-5) or math.isnan(value)


@pytest.mark.parametrize(
    "ending", [pytest.param("png", marks=pytest.mark.slow), "svg", pytest.param("pdf", marks=pytest.mark.slow)]
)
def test_the_figure_is_drawn_for_paper_and_screen(tmp_path, ending):
    size_figure.save(of_law()(tmp_path), tmp_path / f"figure.{ending}")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert (tmp_path / f"figure.{ending}").read_bytes().startswith(start)


def test_labels_given_while_a_study_goes_on_change_none_of_its_later_runs(small, tiny, tmp_path):
    project = Project.create(tmp_path / "project", "project")
    data = project.dataset_path("tiny")
    shutil.copy(tiny, data)
    journal, folder = project.labels(data), project.folder / "studies" / "sizes"
    few = TrainingSizeSettings(sizes=("10", "all"), seeds=1, least_steps=1)
    stop = threading.Event()
    work = training_size.run(small, data, folder, few, stop, hand_labels=journal)
    carried_out(work, stop, lambda event: isinstance(event, Preview))
    with Cutouts.open(data) as cutouts:
        journal.record_all("kind", [(name, "", "merger") for name in cutouts.ids[::4]])
    kept_parts.draw_again(data, journal)
    _, result = carried_out(training_size.run(small, data, folder, few, hand_labels=journal))
    assert result.missing == 0
    first, second = parts(folder, data).values()
    for part in ("validation", "test"):
        assert np.array_equal(getattr(first, part), getattr(second, part))
    for run in (folder / "runs").iterdir():
        assert "merger" not in (run / "metrics.json").read_text(encoding="utf-8")
    project.close()

"""Fine-tuning on a survey with other names of the classes and other bands, and evaluating there."""

import json
import threading

import numpy as np
import pytest
import torch
from galaxies import ellipse, write_dataset

from core.cli.main import main
from core.data import split as splits
from core.data.cutouts import Cutouts
from core.data.target import Classes
from core.errors import NotPossible, SettingsProblem
from core.evaluate import evaluation, predict
from core.events import Preview, Skipped, result_of
from core.nets import normalisation, transfer
from core.nets.predictor import Predictor
from core.project import band_choices
from core.project.runs import RunFolder
from core.settings import toml
from core.train import loop
from core.train.settings import RunSettings

SIDE = 16
AXES = {"edge": (4, 1), "ell": (2, 2), "spi": (5, 4), "blob": (1, 1)}
KINDS = {"edge-on": "edge", "edge_on": "edge", "elliptical": "ell", "Ellipticals": "ell", "blob": "blob"}


def write(path, names, bands, count, seed=0):
    """Galaxies of classes in turn; each band is the same galaxy, as bright as the number of the band."""
    draw = np.random.default_rng(seed)
    labels = [names[row % len(names)] for row in range(count)]
    images = np.empty((count, len(bands), SIDE, SIDE), np.float32)
    for row, label in enumerate(labels):
        shape = AXES[KINDS.get(label, "spi")]
        for band in range(len(bands)):
            images[row, band] = 10 * (band + 1) * ellipse(SIDE, *shape, draw.uniform(0, np.pi))
    images += draw.normal(0, 0.3, images.shape).astype(np.float32)
    return write_dataset(path, images, {"kind": labels, "size": draw.uniform(1, 2, count)}, ["kind"], bands)


def settings(epochs=1, **transfer):
    return RunSettings.model_validate(
        {
            "network": {"depth": 2, "channels": 6, "dense": 8, "dropout": 0},
            "optimiser": {"epochs": epochs, "batch_size": 16, "learning_rate": 0.01},
            "transfer": transfer,
            "device": "cpu",
        }
    )


def train(data, folder, wish):
    events = []
    work = loop.run(wish, data, folder, threading.Event())
    while True:
        try:
            events.append(next(work))
        except StopIteration:
            return events


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A run on three bands and three classes."""
    place = tmp_path_factory.mktemp("base")
    data = write(place / "gri.h5", ("edge-on", "elliptical", "spiral"), ("g", "r", "i"), 90)
    train(data, place / "run", settings(4))
    return place / "run"


NEW = ("edge_on", "Ellipticals", "spiral_cw", "spiral_acw", "blob")


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """Another survey: four bands, classes by other names, one that is new."""
    return write(tmp_path_factory.mktemp("survey") / "ugri.h5", NEW, ("u", "g", "r", "i"), 150, 1)


@pytest.fixture(scope="module")
def tuned(base, survey, tmp_path_factory):
    """What happened in a fine-tuning with chosen bands, and its folder."""
    folder = tmp_path_factory.mktemp("tuned") / "run"
    return train(survey, folder, settings(start_from=str(base), bands="g,r,i")), RunFolder(folder)


def baseline_of(events):
    return next(event.what for event in events if isinstance(event, Preview))


def test_other_bands_are_refused_in_a_sentence_with_a_way_out(base, survey, tmp_path):
    with pytest.raises(NotPossible, match="trained on 3 bands") as told:
        train(survey, tmp_path / "run", settings(start_from=str(base)))
    assert "“g,r,i”" in told.value.remedy
    with pytest.raises(SettingsProblem, match="no band “z”"):
        train(survey, tmp_path / "run", settings(start_from=str(base), bands="g,r,z"))
    assert not (tmp_path / "run").exists()


def test_the_baseline_is_over_merged_classes_with_its_error(base, tuned, survey):
    events, _ = tuned
    baseline = baseline_of(events)
    assert baseline.names == ("edge-on", "elliptical", "spiral")
    with Cutouts.open(survey) as cutouts:
        labels = np.asarray(cutouts.columns["kind"])
        rows = splits.load(tuned[1].split_file, cutouts.ids).validation
        rows = rows[labels[rows] != "blob"]
        scores = Predictor.load(base).scores(torch.from_numpy(cutouts.images[rows][:, 1:]))
    merged = {"edge_on": 0, "Ellipticals": 1, "spiral_cw": 2, "spiral_acw": 2}
    right = np.mean(scores.argmax(1).numpy() == [merged[str(labels[row])] for row in rows])
    assert baseline.galaxies == len(rows)
    assert baseline.scores.values["accuracy"] == pytest.approx(right)
    assert 0 < baseline.error < 0.2
    for words in (f"{right:.3f} ± {baseline.error:.3f}", f"on {len(rows)} validation", "“spiral_acw” as “spiral”"):
        assert words in baseline.sentence
    assert json.loads(tuned[1].metrics_file.read_text())["baseline"]["sentence"] == baseline.sentence
    assert baseline.sentence in tuned[1].card.read_text(encoding="utf-8")


def test_the_fine_tuned_network_is_compared_over_the_galaxies_and_classes_of_the_baseline(base, tuned, survey):
    baseline, folder = baseline_of(tuned[0]), tuned[1]
    values = json.loads(folder.metrics_file.read_text())
    after, own = values["baseline"]["afterwards"], values["validation"]
    with Cutouts.open(survey) as cutouts:
        labels = np.asarray(cutouts.columns["kind"])
        rows = splits.load(folder.split_file, cutouts.ids).validation
        rows = rows[labels[rows] != "blob"]
        scores = Predictor.load(folder.best).scores(torch.from_numpy(cutouts.images[rows][:, 1:])).numpy()
        old = Predictor.load(base).scores(torch.from_numpy(cutouts.images[rows][:, 1:])).numpy().argmax(1)
    names = Predictor.load(folder.best).output_names
    kept = [name for name in names if name != "blob"]
    merged = {"edge_on": "edge-on", "Ellipticals": "elliptical", "spiral_cw": "spiral", "spiral_acw": "spiral"}
    classes = ["edge-on", "elliptical", "spiral"]
    together = np.stack([sum(scores[:, names.index(n)] for n in kept if merged[n] == one) for one in classes], axis=1)
    true = np.array([classes.index(merged[str(labels[row])]) for row in rows])
    right, was_right = together.argmax(1) == true, old == true
    assert after["galaxies"] == len(rows) == baseline.galaxies < own["galaxies"]
    assert after["accuracy"] == pytest.approx(right.mean())
    assert after["difference"] == pytest.approx(right.mean() - was_right.mean())
    difference = right.astype(int) - was_right.astype(int)
    assert after["difference_error"] == pytest.approx(difference.std() / len(rows) ** 0.5)
    for words in (
        f"On the same {len(rows)} galaxies",
        f"Always answering “{classes[np.bincount(true).argmax()]}” gives {np.bincount(true).max() / len(true):.3f}.",
        "cannot be compared",
        f"{own['accuracy']:.3f} ({own['galaxies']} galaxies",
    ):
        assert words in after["sentence"]
    assert after["sentence"] in folder.card.read_text(encoding="utf-8")


def test_what_was_mapped_is_said_and_saved_with_the_run(tuned):
    events, folder = tuned
    told = " ".join(event.problem.sentence for event in events if isinstance(event, Skipped))
    assert "“edge_on” continues “edge-on”" in told and "“blob” starts at random" in told
    saved = toml.load(RunSettings, folder.settings_file).transfer
    assert saved.bands == "g,r,i"
    assert saved.class_map == {
        "Ellipticals": "elliptical",
        "blob": "",
        "edge_on": "edge-on",
        "spiral_acw": "spiral",
        "spiral_cw": "spiral",
    }


@pytest.mark.parametrize(
    ("names", "chosen", "words"),
    [
        (("elliptical", "ring"), {}, "only its class “elliptical” occurs here"),
        (("blob", "ring"), {}, "it knows edge-on, elliptical, spiral, and here blob, ring are learned"),
        (("spiral_cw", "spiral_acw"), {}, "only its class “spiral” occurs here (“spiral_acw” as “spiral”"),
        (("elliptical", "spiral"), {"spiral": ""}, "only its class “elliptical” occurs here"),
    ],
)
def test_no_number_is_given_where_it_would_mean_nothing(base, tmp_path, names, chosen, words):
    data = write(tmp_path / "gri.h5", names, ("g", "r", "i"), 60)
    baseline = baseline_of(train(data, tmp_path / "run", settings(start_from=str(base), class_map=chosen)))
    assert baseline.scores is None
    assert words in baseline.sentence
    assert "loss" not in json.loads((tmp_path / "run" / "metrics.json").read_text())["baseline"]


def test_few_galaxies_give_no_number(base, tmp_path):
    data = write(tmp_path / "gri.h5", ("elliptical", "spiral"), ("g", "r", "i"), 30)
    baseline = baseline_of(train(data, tmp_path / "run", settings(start_from=str(base))))
    assert baseline.scores is None and "validation galaxies are of its classes" in baseline.sentence


def test_several_new_classes_share_the_probability_of_the_old_one(base):
    old = Predictor.load(base)
    target = Classes("kind", ("spiral_cw", "edge_on", "spiral_acw", "elliptical"))
    network = transfer.prepare(old, old.stamp_shape, target).eval()
    new = Predictor(network, normalisation.identity(3), target, old.bands, old.stamp_shape, old.pixel_scale)
    new.normalisation, new.views = old.normalisation, old.views
    images = torch.randn(4, *old.stamp_shape) * 10
    before, after = old.scores(images), new.scores(images)
    torch.testing.assert_close(after[:, 0] + after[:, 2], before[:, 2])
    torch.testing.assert_close(after[:, [1, 3]], before[:, :2])


def test_the_tuned_network_takes_the_four_bands_by_itself_and_goes_on(tuned, survey):
    _, folder = tuned
    predictor = Predictor.load(folder.best)
    assert (predictor.bands, predictor.bands_from) == (("g", "r", "i"), (("g",), ("r",), ("i",)))
    found = result_of(predict.run(folder.best, survey))
    with Cutouts.open(survey) as cutouts:
        expected = predictor.scores(torch.from_numpy(cutouts.images[:][:, 1:])).numpy()
    np.testing.assert_allclose(found.scores, expected, atol=1e-6)
    result = result_of(loop.run(settings(2), survey, folder, threading.Event(), resume=True))
    assert result.epochs == 2
    assert Predictor.load(folder.best).bands_from == predictor.bands_from


def test_the_command_maps_classes_as_it_was_told(base, survey, tmp_path, capsys):
    options = ("--band-map", "g,r,i", "--class-map", "blob=elliptical", "--class-map", "Ellipticals=")
    quick = ("--set", "optimiser.epochs=1", "--set", "optimiser.batch_size=64")
    assert main(["train", str(survey), "--start-from", str(base), "-o", str(tmp_path / "run"), *options, *quick]) == 0
    found = toml.load(RunSettings, tmp_path / "run" / "settings.toml").transfer.class_map
    assert (found["blob"], found["Ellipticals"], found["edge_on"]) == ("elliptical", "", "edge-on")
    said = capsys.readouterr().err
    assert "“blob” continues “elliptical”" in said and "“Ellipticals” starts at random" in said
    assert main(["train", str(survey), "-o", str(tmp_path / "b"), "--class-map", "blob", *quick]) == 1
    assert "“blob” maps no class" in capsys.readouterr().err


def test_another_survey_is_evaluated_by_the_mapped_classes_and_says_so(base, survey, tmp_path, capsys):
    def evaluate(*options):
        status = main(["evaluate", str(base), str(survey), "--json", *options])
        said = capsys.readouterr()
        return status, json.loads(said.out) if not status else {}, said.err

    status, _, told = evaluate()
    assert status == 1 and told.count("\n") == 1 and "trained on 3 bands" in told
    try:
        status, found, told = evaluate("--band-map", "g,r,i")
        assert status == 0 and "kept with the run" in told
        assert found["galaxies"] == 120
        assert found["unknown_classes"] == {"blob": 30}
        assert found["mapped_classes"]["spiral_cw"] == "spiral"
        assert "“spiral_cw” as “spiral”" in told and "fed g,r,i" in told
        _, found, _ = evaluate("--class-map", "blob=elliptical", "--class-map", "spiral_acw=")
        assert found["unknown_classes"] == {"spiral_acw": 30} and found["galaxies"] == 120
    finally:
        band_choices.remember(base, ("u", "g", "r", "i"), "")
    evaluated = result_of(evaluation.run(base, write(tmp_path / "gri.h5", ("edge_on", "spirals"), ("g", "r", "i"), 20)))
    assert evaluated.mapped == {"edge_on": "edge-on", "spirals": "spiral"} and not evaluated.unknown

"""Proposals for a real dataset and a real network: which galaxies may be proposed, by which rule, and why."""

import threading

import numpy as np
import pytest
from galaxies import write_dataset

from core.adapt.suggest import methods, suggestions
from core.adapt.suggest.pool import find_pool
from core.adapt.suggest.settings import SuggestSettings
from core.data import parts as rules
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.errors import NotPossible, Stopped, TooFewGalaxies
from core.evaluate import predict
from core.events import Progress, result_of
from core.project.labels import LabelJournal
from core.project.project import Project


@pytest.fixture
def half(survey_dataset, tmp_path):
    """The survey, of which every second galaxy has no label: a copy, and the rows without one."""
    return _copy(survey_dataset, tmp_path / "half.h5", np.arange(90) % 2 == 0)


def _copy(data, path, is_labelled):
    with Cutouts.open(data) as cutouts:
        shape = np.where(is_labelled, cutouts.columns["shape"], "")
        write_dataset(path, cutouts.images[:], {"shape": shape}, ["shape"], "r", ids=cutouts.ids)
    return path


def proposed(networks, data, stop=threading.Event(), *, hand_labels=None, parts=None, **settings):  # noqa: B008
    chosen = SuggestSettings.model_validate(settings)
    return result_of(suggestions.run(networks, data, chosen, stop, parts=parts, hand_labels=hand_labels))


def parts_by_name(ids, seed=0, validation=0.15, test=0.15):
    """The part of each galaxy as it would be if it were labelled."""
    groups = rules.group_rows(ids)
    place = rules.places(groups.checksums, seed)[groups.ranks]
    return np.where(place < test, 2, np.where(place < test + validation, 1, 0))


@pytest.mark.parametrize("method", ["typical", "uncertain", "diverse", "core-set", "random"])
def test_each_method_proposes_unlabelled_training_galaxies_and_says_why(half, survey_run, method):
    found = proposed([survey_run], half, method=method, count=10)
    with Cutouts.open(half) as cutouts:
        labels, ids = cutouts.columns["shape"], cutouts.ids
    data = DataSettings()
    may = (labels == "") & (parts_by_name(ids, 0, data.validation, data.test) == 0)
    assert len(found) == 10
    assert len(set(found.rows.tolist())) == 10
    assert may[found.rows].all()
    assert found.ids == tuple(ids[row] for row in found.rows)
    assert found.method == method
    assert all(reason.endswith(".") for reason in found.reasons)
    again = proposed([survey_run], half, method=method, count=10)
    assert again.rows.tolist() == found.rows.tolist()


def test_uncertain_ones_have_the_smallest_margins_of_all_that_may_be_proposed(half, survey_run):
    found = proposed([survey_run], half, method="uncertain", count=8)
    with Cutouts.open(half) as cutouts:
        candidates = find_pool(cutouts, DataSettings(), 0, None).candidates
    scores = np.sort(result_of(predict.run(survey_run, half, candidates)).scores, axis=1)
    margins = scores[:, -1] - scores[:, -2]
    assert found.rows.tolist() == candidates[np.argsort(margins, kind="stable")[:8]].tolist()
    assert found.names == ("disk", "edge-on", "spheroid")
    assert "hardly decides" in found.reasons[0]


def test_several_networks_are_asked_where_they_disagree(half, survey_run, other_run):
    found = proposed([survey_run, other_run], half, method="uncertain", count=5)
    with Cutouts.open(half) as cutouts:
        candidates = find_pool(cutouts, DataSettings(), 0, None).candidates
    members = np.stack([result_of(predict.run(run, half, candidates)).scores for run in (survey_run, other_run)])
    bits = methods.disagreement(members)
    assert found.rows.tolist() == candidates[np.argsort(-bits, kind="stable")[:5]].tolist()
    assert "disagree" in found.reasons[0]


@pytest.fixture
def other_run(survey_run, tmp_path):
    """Another network of the same kind: the last weights are somewhat different."""
    import torch

    from core.nets.predictor import Predictor

    predictor = Predictor.load(survey_run)
    with torch.no_grad():
        last = list(predictor.network.head.parameters())[-2]
        last += 0.5 * last.std() * torch.randn(last.shape, generator=torch.Generator().manual_seed(1))
    predictor.save(tmp_path / "other.safetensors")
    return tmp_path / "other.safetensors"


def test_parts_that_the_project_keeps_and_parts_that_a_column_gives_are_respected(half, tmp_path):
    project = Project.create(tmp_path / "project", "project")
    data = project.dataset_path("half")
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_bytes(half.read_bytes())
    journal = project.labels(data)
    with Cutouts.open(data) as cutouts:
        ids = cutouts.ids
    (tmp_path / "project" / "splits").mkdir()
    kept = {ids[row]: (2 if row < 80 else 0) for row in range(1, 90, 2)}
    rules.KeptParts(0, kept).save(tmp_path / "project" / "splits" / "half.csv", "kept")
    found = proposed([], data, method="random", count=90, hand_labels=journal)
    assert sorted(found.rows.tolist()) == [81, 83, 85, 87, 89]
    project.close()


def test_a_given_part_column_says_who_may_be_proposed(survey_dataset, tmp_path):
    with Cutouts.open(survey_dataset) as cutouts:
        part = np.array(["train", "validation", "test"])[np.arange(90) // 30]
        columns = {"shape": np.array([""] * 90), "split": part}
        path = write_dataset(tmp_path / "given.h5", cutouts.images[:], columns, ["shape"], "r", ids=cutouts.ids)
    given = DataSettings(split_column="split")
    assert sorted(proposed([], path, method="random", count=90, parts=given).rows.tolist()) == list(range(30))
    judging = proposed([], path, method="typical", count=90, parts=given, part="validation")
    assert judging.method == "random"
    assert sorted(judging.rows.tolist()) == list(range(30, 60))
    assert "fair" in judging.rule


def test_labels_given_by_hand_count_and_their_galaxies_are_not_proposed_again(half, survey_run, tmp_path):
    first = proposed([survey_run], half, method="typical", count=4)
    journal = LabelJournal(tmp_path / "half.jsonl")
    journal.record_all("shape", [(name, "", "disk") for name in first.ids])
    second = proposed([survey_run], half, method="typical", count=40, hand_labels=journal)
    assert not set(first.ids) & set(second.ids)


def test_auto_is_typical_with_few_labels_and_diverse_with_many(half, survey_run):
    few = proposed([survey_run], half, count=3, switch_at=1000)
    assert few.method == "typical"
    many = proposed([survey_run], half, count=3, switch_at=2)
    assert many.method == "diverse"
    assert "2 for each of 3 classes" in many.rule
    assert proposed([survey_run], half, count=3, switch_at=2).rows.tolist() == many.rows.tolist()


def test_a_dataset_without_any_label_gets_typical_ones(survey_dataset, survey_run, tmp_path):
    bare = _copy(survey_dataset, tmp_path / "bare.h5", np.zeros(90, bool))
    found = proposed([survey_run], bare, count=5)
    assert found.method == "typical"
    assert len(found) == 5


def test_one_image_of_each_object_is_proposed_and_none_of_a_labelled_object(survey_dataset, tmp_path):
    with Cutouts.open(survey_dataset) as cutouts:
        shape = np.where(np.arange(90) == 0, "disk", "")
        objects = np.array([f"object {row // 3}" for row in range(90)])
        path = write_dataset(
            tmp_path / "objects.h5", cutouts.images[:], {"shape": shape, "object": objects}, ["shape"], "r"
        )
    found = proposed([], path, method="random", count=90, parts=DataSettings(group="object", validation=0.05, test=0))
    assert len(set((found.rows // 3).tolist())) == len(found)
    assert 0 not in found.rows // 3
    assert len(found) > 20


def test_without_a_network_nobody_doubts_but_random_is_possible(half):
    with pytest.raises(NotPossible, match="network is needed"):
        proposed([], half, method="uncertain")
    assert len(proposed([], half, method="random", count=5)) == 5


def test_nothing_left_is_said(survey_dataset, survey_run):
    with pytest.raises(TooFewGalaxies, match="No unlabelled galaxy"):
        proposed([survey_run], survey_dataset)


def test_of_very_many_a_sample_is_looked_at_and_told_of(half, survey_run):
    found = proposed([survey_run], half, method="typical", count=5)
    assert "sample" not in found.rule
    pool = suggestions._sample(np.arange(1_000_000), SuggestSettings(candidates=1000))
    assert len(set(pool.tolist())) == 1000
    assert pool.max() > 900_000


def test_it_can_be_stopped_and_tells_how_far_it_is(half, survey_run, tmp_path, monkeypatch):
    monkeypatch.setenv("TUNINGFORK_CACHE", str(tmp_path))  # where no features are kept yet
    stop = threading.Event()
    work = suggestions.run([survey_run], half, SuggestSettings(method="uncertain"), stop)
    event = next(work)
    assert isinstance(event, Progress)
    assert event.unit == "galaxies"
    stop.set()
    with pytest.raises(Stopped):
        result_of(work)

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.data.cutouts import Cutouts
from core.errors import Stopped
from core.events import Progress, result_of
from core.nets import features, kept_features
from core.nets.opening import open_network_on_data
from core.nets.predictor import AS_IT_STANDS, Predictor
from core.project.user_folders import cache_folder


def test_the_features_are_what_the_head_is_given(survey_run, survey_dataset, monkeypatch) -> None:
    predictor = replace(Predictor.load(survey_run), views=(AS_IT_STANDS,))
    with Cutouts.open(survey_dataset) as cutouts:
        rows = np.arange(len(cutouts))[::-3]
        found = result_of(features.compute(predictor, cutouts, rows))
        images = torch.from_numpy(np.stack([cutouts.images[row] for row in rows]))
        monkeypatch.setattr(features, "_MOST_PER_BATCH", 7)
        events = list(features.compute(predictor, cutouts, rows))
    assert found.dtype == np.float32 and found.shape == (30, features.feature_count(predictor))
    with torch.no_grad():
        torch.testing.assert_close(predictor.network.head(torch.from_numpy(found)), predictor.logits(images))
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == [*range(0, len(rows), 7), len(rows)]


def test_a_turned_and_mirrored_galaxy_has_the_features_of_the_galaxy(survey_run, survey_dataset) -> None:
    predictor = Predictor.load(survey_run)
    assert len(predictor.views) == 8
    with Cutouts.open(survey_dataset) as cutouts:
        images = torch.from_numpy(cutouts.images[:5])
    turned = torch.rot90(images.flip(3), 1, (2, 3))
    torch.testing.assert_close(features.last_features(predictor, images), features.last_features(predictor, turned))


def test_features_of_a_dataset_are_computed_once(survey_run, survey_dataset, monkeypatch) -> None:
    with open_network_on_data(survey_run, survey_dataset) as opened:
        first = result_of(kept_features.of_dataset(opened))
        np.testing.assert_array_equal(
            first, result_of(features.compute(opened.predictor, opened.cutouts, np.arange(90)))
        )
        monkeypatch.setattr(features, "compute_batches", None)
        again = result_of(kept_features.of_dataset(opened))
        some = result_of(kept_features.of_rows(opened, np.array([7, 3])))
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(some, first[[7, 3]])


def test_other_weights_and_other_views_have_other_features(survey_run, survey_dataset) -> None:
    with open_network_on_data(survey_run, survey_dataset, "cpu") as opened:
        kept = np.array(result_of(kept_features.of_dataset(opened)))
        opened.predictor.views = (AS_IT_STANDS,)
        assert not np.array_equal(result_of(kept_features.of_dataset(opened)), kept)
        next(opened.predictor.network.features.parameters()).mul_(2)
        scaled = np.array(result_of(kept_features.of_dataset(opened)))
        opened.predictor.views = (AS_IT_STANDS, (True, 0))
        assert not np.array_equal(result_of(kept_features.of_dataset(opened)), scaled)


def test_a_damaged_file_of_features_is_made_again(survey_run, survey_dataset) -> None:
    with open_network_on_data(survey_run, survey_dataset) as opened:
        first = np.array(result_of(kept_features.of_dataset(opened)))
        for path in (cache_folder() / "features").glob("*.npy"):
            path.write_bytes(path.read_bytes()[:-5])
        np.testing.assert_array_equal(result_of(kept_features.of_dataset(opened)), first)


def test_the_features_not_used_for_longest_make_room(survey_run, survey_dataset, monkeypatch) -> None:
    monkeypatch.setattr(kept_features, "_ROOM", 1)
    with open_network_on_data(survey_run, survey_dataset) as opened:
        opened.predictor.views = ((False, 1),)
        result_of(kept_features.of_dataset(opened))
        opened.predictor.views = ((False, 2),)
        found = result_of(kept_features.of_dataset(opened))
        assert len(list((cache_folder() / "features").glob("*.npy"))) == 1
        np.testing.assert_array_equal(result_of(kept_features.of_dataset(opened)), found)


def test_nothing_is_kept_of_work_that_was_stopped(survey_run, survey_dataset, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TUNINGFORK_CACHE", str(tmp_path))
    stop = threading.Event()
    with open_network_on_data(survey_run, survey_dataset) as opened:
        work = kept_features.of_dataset(opened, stop)
        next(work)
        stop.set()
        with pytest.raises(Stopped):
            list(work)
    assert not list((tmp_path / "features").iterdir())

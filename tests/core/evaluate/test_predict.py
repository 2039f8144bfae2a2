from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest
import torch
from tolerances import summed, through

from core.data.cutouts import Cutouts
from core.errors import NotANumber, NotPossible, Stopped
from core.evaluate import predict, raw_files
from core.events import Progress, Skipped, result_of
from core.nets import answers
from core.nets.predictor import Predictor


def test_predictions_are_those_of_the_network_one_by_one(survey_run, survey_dataset) -> None:
    found = result_of(predict.run(survey_run, survey_dataset, None, threading.Event()))
    network = Predictor.load(survey_run)
    with Cutouts.open(survey_dataset) as cutouts, torch.no_grad():
        assert list(found.ids) == cutouts.ids
        for row in (0, 17, 89):
            expected = network.scores(torch.from_numpy(cutouts.images[row])[None])[0]
            np.testing.assert_allclose(found.scores[row], expected, atol=through(network.network))
    assert found.names == ("disk", "edge-on", "spheroid")
    assert found.run == "first"
    assert found.predicted is not None and set(found.predicted) <= set(found.names)
    np.testing.assert_allclose(found.scores.sum(axis=1), 1, atol=summed(3))


def test_rows_may_come_in_any_order_and_batches_do_not_matter(survey_run, survey_dataset, monkeypatch) -> None:
    whole = result_of(predict.run(survey_run, survey_dataset, None, threading.Event()))
    monkeypatch.setattr(answers, "_MAX_BATCH", 7)
    rows = np.array([80, 3, 3, 41, *range(20)])
    events = list(predict.run(survey_run, survey_dataset, rows, threading.Event()))
    found = result_of(predict.run(survey_run, survey_dataset, rows, threading.Event()))
    assert found.ids == tuple(whole.ids[row] for row in rows)
    exact = through(Predictor.load(survey_run).network)
    np.testing.assert_allclose(found.scores, whole.scores[rows], atol=exact)
    np.testing.assert_array_equal(found.rows, rows)
    assert [event.done for event in events if isinstance(event, Progress)] == [0, 7, 14, 21, 24]


def test_no_rows_give_no_predictions(survey_run, survey_dataset) -> None:
    found = result_of(predict.run(survey_run, survey_dataset, np.zeros(0, np.int64), threading.Event()))
    assert len(found) == 0 and found.scores.shape == (0, 3) and found.predicted == []


def test_it_stops_between_batches(survey_run, survey_dataset) -> None:
    stop = threading.Event()
    work = predict.run(survey_run, survey_dataset, None, stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        list(work)


def test_another_pixel_scale_is_a_doubt_and_another_number_of_bands_is_refused(
    survey_run, survey_dataset, tmp_path
) -> None:
    trained = Predictor.load(survey_run)
    dataclasses.replace(trained, pixel_scale=2 * trained.pixel_scale).save(tmp_path / "coarse.safetensors")
    events = list(predict.run(tmp_path / "coarse.safetensors", survey_dataset, np.arange(3), threading.Event()))
    doubts = [event.problem.sentence for event in events if isinstance(event, Skipped)]
    assert len(doubts) == 1 and "arcsec/pixel" in doubts[0]
    wider = dataclasses.replace(trained, bands=("g", "r"), training_range=None, zero_points=())
    wider.save(tmp_path / "wide.safetensors")
    with pytest.raises(NotPossible, match="2 bands"):
        list(predict.run(tmp_path / "wide.safetensors", survey_dataset, None, threading.Event()))


def test_a_network_that_answers_nan_is_told_of(survey_run, survey_dataset, tmp_path) -> None:
    broken = Predictor.load(survey_run)
    broken.network.head.output.bias.data.fill_(float("nan"))
    broken.save(tmp_path / "broken.safetensors")
    with pytest.raises(NotANumber, match="not finite for 4 of 4"):
        list(predict.run(tmp_path / "broken.safetensors", survey_dataset, np.arange(4), threading.Event()))


def test_raw_files_are_predicted_like_the_dataset_made_of_them(survey, survey_run, survey_dataset, tmp_path) -> None:
    (tmp_path / "not an image.fits").write_text("<html>404</html>")
    whole = result_of(predict.run(survey_run, survey_dataset, None, threading.Event()))
    sources, data = [survey.folder, tmp_path], tmp_path / "galaxies.h5"
    report = result_of(raw_files.import_for(survey_run, sources, data))
    found = result_of(predict.run(survey_run, data, None, threading.Event()))
    place = {name.removesuffix(".fits"): row for row, name in enumerate(found.ids)}
    order = [place[name.removesuffix(".fits")] for name in whole.ids]
    exact = through(Predictor.load(survey_run).network)
    np.testing.assert_allclose(found.scores[order], whole.scores, atol=exact)
    assert [problem for problem in report.unusable if "not an image.fits" in problem.where]


def test_raw_files_become_stamps_of_the_networks_size_unless_another_one_is_asked_for(
    survey, survey_run, tmp_path
) -> None:
    side = Predictor.load(survey_run).stamp_shape[1]
    for changes, expected in (({}, side), ({"size": side + 4}, side + 4)):
        data = tmp_path / f"{expected}.h5"
        result_of(raw_files.import_for(survey_run, [survey.folder], data, changes))
        with Cutouts.open(data) as cutouts:
            assert cutouts.shape[2:] == (expected, expected)

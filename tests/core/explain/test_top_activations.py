from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest
import torch
from small_survey import CLASSES
from tolerances import peak_of, through

from core.data.cutouts import Cutouts
from core.data.target import Classes
from core.errors import NotANumber, NotPossible, Stopped
from core.events import Progress, result_of
from core.explain import activations, top_activations
from core.explain.top_activations import Place, TopActivations
from core.nets.layers import LayerRow


@pytest.fixture
def network(make):
    """A network with random weights, for the survey's stamps and classes."""
    return make((1, 24, 24), Classes("shape", CLASSES), depth=2)


@pytest.fixture
def weights(network, tmp_path):
    """The network as a file."""
    network.save(tmp_path / "network.safetensors")
    return tmp_path / "network.safetensors"


def found(weights, data, layer="activation2", **knobs) -> TopActivations:
    return result_of(top_activations.find(weights, data, layer, threading.Event(), **knobs))


def everything(network, data, layer) -> np.ndarray:
    """Responses (N, F, h, w) to the whole survey at once."""
    with Cutouts.open(data) as cutouts:
        return activations.responses(network, torch.from_numpy(cutouts.images[:]), layer).numpy()


@pytest.mark.parametrize("layer", ["conv1", "pool1", "activation2"])
@pytest.mark.parametrize("batch_bytes", [64e6, 1, pytest.param(1e5, marks=pytest.mark.slow)])
def test_they_are_the_first_nine_of_a_ranking_of_all(
    network, weights, survey_dataset, layer, batch_bytes, monkeypatch
) -> None:
    monkeypatch.setattr(top_activations, "_BATCH_BYTES", batch_bytes)
    responses = everything(network, survey_dataset, layer)
    result = found(weights, survey_dataset, layer)
    assert (result.galaxies, len(result.filters)) == (90, responses.shape[1])
    with Cutouts.open(survey_dataset) as cutouts:
        ids, shapes = cutouts.ids, cutouts.columns["shape"].tolist()
    exact = through(network.network, peak_of(responses))
    for number, places in enumerate(result.filters):
        largest = responses[:, number].max(axis=(1, 2))
        order = [row for row in np.argsort(-largest, kind="stable")[:9] if largest[row] > 0]
        assert [place.row for place in places] == order
        for place in places:
            assert (place.galaxy_id, place.class_name) == (ids[place.row], shapes[place.row])
            assert place.response == pytest.approx(largest[place.row], abs=exact)
            assert responses[place.row, number][place.position] == pytest.approx(largest[place.row], abs=exact)


def test_only_the_galaxies_that_were_asked_for_compete(network, weights, survey_dataset) -> None:
    rows = np.array([80, 3, 41, 7])
    filters = found(weights, survey_dataset, rows=rows).filters
    assert any(filters)
    for places in filters:
        assert {place.row for place in places} <= set(rows.tolist())
        assert len(places) <= 4


def test_what_a_filter_sees_lies_in_its_window(network, weights, survey_dataset) -> None:
    result = found(weights, survey_dataset, "activation1")
    place = result.filters[result.most_class_selective(1)[0]][0]
    number = result.most_class_selective(1)[0]
    with Cutouts.open(survey_dataset) as cutouts:
        image = torch.from_numpy(cutouts.images[place.row])[None]
    top, left, height, width = result.window(place)
    assert (height, width) == (result.layer.receptive_field,) * 2 == (4, 4)
    assert (top + (height - 1) / 2, left + (width - 1) / 2) == (place.y, place.x)
    inside = torch.zeros(24, 24, dtype=torch.bool)
    inside[max(0, top) : top + height, max(0, left) : left + width] = True
    without = torch.where(inside, image, torch.tensor(1e4))
    response = activations.responses(network, without, "activation1")[0, number][place.position]
    assert float(response) == pytest.approx(place.response, abs=through(network.network, place.response))


def test_a_window_as_wide_as_the_stamp_is_the_stamp() -> None:
    layer = LayerRow("features.conv3", "", (1, 2, 9), 0, 22, 4, 1.5, 3)
    place = Place(0, "a", "", 1.0, (1, 8), 5.5, 33.5)
    assert TopActivations(layer, ((place,),), 1, (1, 10, 36), 0.4).window(place) == (0, 23, 10, 22)


def test_a_filter_that_never_responds_is_told_as_such(make, survey_dataset, tmp_path) -> None:
    network = make((1, 24, 24), depth=2, normalise="none")
    network.network.features.conv2.bias[[1, 5]] = -1e6
    network.save(tmp_path / "network.safetensors")
    result = found(tmp_path / "network.safetensors", survey_dataset)
    assert {1, 5} <= set(result.silent)
    assert not {1, 5} & set(result.most_class_selective(99))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_galaxies(weights, survey_dataset, monkeypatch) -> None:
    monkeypatch.setattr(top_activations, "_MOST_PER_BATCH", 8)

    def peak(times: int) -> int:
        rows = np.tile(np.arange(90), times)
        tracemalloc.start()
        found(weights, survey_dataset, rows=rows)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)  # what is loaded once
    assert peak(20) < peak(1) + 8 * 24 * 24 * 4  # less than one more batch
    best = top_activations._TopResponses.empty(3, torch.device("cpu"))
    for first in range(0, 200, 10):
        best = best.merge(torch.rand(10, 3, 2, 2), np.arange(first, first + 10))
    assert {tuple(kept.shape) for kept in (best.responses, best.rows, best.positions)} == {(3, 9)}


def test_it_reports_and_stops(weights, survey_dataset, monkeypatch) -> None:
    monkeypatch.setattr(top_activations, "_MOST_PER_BATCH", 20)
    stop = threading.Event()
    work = top_activations.find(weights, survey_dataset, "activation2", stop)
    done = [event.done for event, _ in zip(work, range(3), strict=False) if isinstance(event, Progress)]
    assert done == sorted(done) and done[-1] > 0
    stop.set()
    with pytest.raises(Stopped):
        list(work)


def test_what_cannot_be_found_is_told(network, survey_dataset, tmp_path) -> None:
    network.network.features.norm2.bias[0] = float("nan")
    network.save(tmp_path / "network.safetensors")
    with pytest.raises(NotANumber):
        found(tmp_path / "network.safetensors", survey_dataset)
    with pytest.raises(NotPossible, match="activation2"):
        found(tmp_path / "network.safetensors", survey_dataset, "head.output")


def ranked(*kinds: str, strength: float = 1.0) -> tuple[Place, ...]:
    return tuple(Place(row, str(row), kind, strength, (0, 0), 0.0, 0.0) for row, kind in enumerate(kinds))


def test_the_telling_filters_are_shared_out_among_the_classes() -> None:
    layer = LayerRow("features.conv1", "", (6, 1, 1), 0, 3, 1, 0.0, 1)
    filters = (
        ranked("disk", "disk", "ring"),
        (),
        ranked("ring", "ring", ""),
        ranked("disk", "disk", "disk"),
        ranked("disk", "disk", "disk", strength=2),
        ranked("ring", "disk", ""),
    )
    result = TopActivations(layer, filters, 6, (1, 5, 5), 0.4)
    assert result.most_class_selective(2) == [4, 2]
    assert result.most_class_selective(3) == [4, 3, 2]
    assert result.most_class_selective(4) == [4, 3, 2, 5], (
        "filter 5 is as much of disks as of rings, and the ring comes first"
    )
    assert sorted(result.most_class_selective(99)) == [0, 2, 3, 4, 5]
    assert result.silent == (1,)
    unknown = TopActivations(layer, (ranked("", ""), (), ranked("", "", strength=3)), 6, (1, 5, 5), 0.4)
    assert unknown.most_class_selective(5) == [2, 0]
    result.check([0, 5])
    for number in (-1, 6):
        with pytest.raises(NotPossible, match="1 to 6"):
            result.check([number])

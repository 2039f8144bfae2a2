"""Shares of maps whose places are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from core.data.segmentation import Segmentation
from core.errors import NotPossible
from core.explain.faithfulness.localisation import localise

LABELS = np.zeros((16, 16), np.int64)
LABELS[6:10, 6:10] = 1
LABELS[1:3, 1:3] = 2
LABELS[12:15, 12:15] = 3
PARTS = Segmentation(LABELS, 0.0, 1.0)


def on(**values: float) -> np.ndarray:
    """A map with the same value everywhere on the galaxy, the neighbours and the sky."""
    made = np.zeros(LABELS.shape, np.float32)
    for name, value in values.items():
        made[getattr(PARTS, name)] = value
    return made


@pytest.mark.parametrize(("part", "region"), [("galaxy", "galaxy"), ("neighbours", "neighbour"), ("sky", "sky")])
def test_a_decision_rests_on_what_has_all_the_evidence(part, region) -> None:
    found = localise(on(**{part: 3.0}), PARTS)
    assert getattr(found, part) == 1 and found.rests_on == region
    assert getattr(found, f"area_{part}") == pytest.approx(getattr(PARTS, part).mean())


def test_of_an_empty_map_nothing_is_known() -> None:
    found = localise(on(), PARTS)
    assert math.isnan(found.galaxy) and math.isnan(found.neighbours) and math.isnan(found.sky)
    assert found.rests_on == "nothing" and "empty" in found.sentences()[0]


def test_noise_in_a_wide_sky_does_not_outvote_a_small_galaxy() -> None:
    noise = on(sky=1.0) * np.where(np.indices(LABELS.shape).sum(axis=0) % 2, 1, -1)
    found = localise(noise + on(galaxy=3.0), PARTS)
    assert found.sky > found.galaxy and found.rests_on == "galaxy"


def test_evidence_that_alternates_is_not_set_off() -> None:
    signs = np.where(np.indices(LABELS.shape).sum(axis=0) % 2, 1, -1)
    found = localise(signs * on(galaxy=30.0) + on(sky=0.1), PARTS)
    assert found.galaxy > 0.9 and found.rests_on == "galaxy"


def test_evidence_against_is_none_to_rest_on() -> None:
    assert localise(on(galaxy=1.0, neighbours=-5.0), PARTS).rests_on == "galaxy"
    assert localise(on(galaxy=-1.0), PARTS).rests_on == "nothing"


def test_an_even_map_rests_on_nothing_and_a_wide_one_on_its_peak() -> None:
    assert localise(on(galaxy=2, neighbours=2, sky=2), PARTS).rests_on == "nothing"
    found = localise(on(galaxy=1, neighbours=9, sky=1), PARTS)
    assert found.sky > found.neighbours and found.rests_on == "neighbour"


def test_the_sentences_tell_shares_and_areas() -> None:
    said = localise(on(galaxy=3, neighbours=1), PARTS).sentences()
    assert said[0] == (
        "79 % of the evidence lies on the galaxy (6 % of the image), 21 % on neighbours (5 % of the image), "
        "0 % on the sky (89 % of the image)."
    )
    assert said[-1] == "The decision rests on the galaxy."


def test_a_map_of_another_size_is_refused() -> None:
    with pytest.raises(NotPossible, match="image is"):
        localise(np.zeros((4, 4), np.float32), PARTS)


@settings(max_examples=100)
@given(
    arrays.arrays(np.float32, LABELS.shape, elements=st.floats(-(2.0**90), 2.0**90, width=32)),
    arrays.arrays(np.int64, LABELS.shape, elements=st.integers(0, 3)),
)
def test_shares_and_areas_add_up_to_one_and_do_not_depend_on_the_unit(values, labels) -> None:
    parts = Segmentation(labels, 0.0, 1.0)
    found = localise(values, parts)
    assert found.area_galaxy + found.area_neighbours + found.area_sky == pytest.approx(1)
    if values.any():
        each = (found.galaxy, found.neighbours, found.sky)
        assert sum(each) == pytest.approx(1) and min(each) >= 0
        assert localise(values.astype(np.float64) * 4, parts) == found

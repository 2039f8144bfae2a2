"""Probabilities are those of the survey, however often the classes are shown in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.data.settings import DataSettings
from core.data.split import Split
from core.data.target import Classes, Quantities
from core.train import class_frequencies, optimiser
from core.train.settings import OptimiserSettings, RunSettings

TARGET = Classes("kind", ("common", "rare"))
LABELS = np.array([0] * 90 + [1] * 10 + [0] * 45 + [1] * 5)
NONE = np.zeros(0, np.int64)
WHOLE = Split(np.arange(100), np.arange(100, 150), NONE, 1, "")
EVEN = Split(np.arange(80, 100), np.arange(100, 150), NONE, 1, "")


def settings(limit: int | None = None, **optimiser_values) -> RunSettings:
    return RunSettings(data=DataSettings(train_limit=limit), optimiser=OptimiserSettings(**optimiser_values))


def assumed(wish: RunSettings, split: Split) -> list[float]:
    found = class_frequencies.assumed_frequencies(wish, TARGET, LABELS, split)
    assert found is not None
    return list(found.values())


@pytest.mark.parametrize(
    ("wish", "split", "rare"),
    [
        (settings(), WHOLE, 0.1),
        (settings(class_weights=True), WHOLE, 0.5),
        (settings(balanced_batches=True), WHOLE, 0.1),
        (settings(balanced_batches=True, survey_probabilities=False), WHOLE, 0.5),
        (settings(20), EVEN, 0.1),
        (settings(20, survey_probabilities=False), EVEN, 0.5),
    ],
)
def test_it_is_known_which_frequencies_the_probabilities_assume(wish, split, rare):
    assert assumed(wish, split) == pytest.approx([1 - rare, rare])


def test_galaxies_that_tell_nothing_get_the_frequencies_of_the_survey():
    """The best constant outputs for evenly shown classes, under the corrected loss, are the survey's frequencies."""
    wish = settings(20)
    shift = class_frequencies.survey_shift(wish, TARGET, LABELS, EVEN)
    training, validation = optimiser.build_losses(wish, TARGET, LABELS[EVEN.train], shift)
    outputs = torch.zeros(2, requires_grad=True)
    steps = torch.optim.LBFGS([outputs], max_iter=50)

    def loss() -> torch.Tensor:
        steps.zero_grad()
        value = training(outputs.expand(20, 2), torch.from_numpy(LABELS[EVEN.train]))
        value.backward()
        return value

    steps.step(loss)
    assert outputs.softmax(0)[1].item() == pytest.approx(0.1, abs=1e-3)
    true = torch.from_numpy(LABELS[EVEN.validation])
    with torch.no_grad():
        assert validation(outputs.expand(50, 2), true).item() == pytest.approx(
            torch.nn.functional.cross_entropy(outputs.expand(50, 2), true).item()
        )


@pytest.mark.parametrize("wish", [settings(), settings(class_weights=True, balanced_batches=True)])
def test_no_correction_where_classes_are_shown_as_they_are_or_wanted_balanced(wish):
    assert class_frequencies.survey_shift(wish, TARGET, LABELS, WHOLE) is None


def test_quantities_have_no_class_frequencies():
    target = Quantities(("width",), ("",))
    labels = np.ones((150, 1), np.float32)
    assert class_frequencies.assumed_frequencies(settings(), target, labels, WHOLE) is None

"""Verdicts on histories whose truth is known, over many levels of noise."""

import itertools
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import EpochEnded, Scores
from core.train import verdict
from core.train.settings import OptimiserSettings, RunSettings, StoppingSettings

EPOCHS = np.arange(1, 41.0)
FALL = np.exp(-EPOCHS / 5)
SEEDS = st.integers(0, 10_000)


def history(training, validation, noise=0.0, seed=0, scores=(0.9, 0.8)):
    """Epochs with these losses, the validation's with Gaussian noise and the training's with a third of it."""
    random = np.random.default_rng(seed)
    training = training + noise / 3 * random.normal(size=len(training))
    validation = validation + noise * random.normal(size=len(validation))
    pairs = zip(training, validation, strict=True)
    train, kept = ({"balanced_accuracy": score} for score in scores)
    return [EpochEnded(n, 40, Scores(t, train), Scores(v, kept), 1e-3, 1.0, 1, 0) for n, (t, v) in enumerate(pairs, 1)]


def kind(*curves, **more):
    return verdict.judge(history(*curves, **more), RunSettings(), 3).kind


@given(st.floats(0, 0.01), SEEDS)
def test_a_curve_that_falls_to_the_end_still_improves(noise, seed):
    assert kind(np.exp(-EPOCHS / 60), 0.2 + np.exp(-EPOCHS / 80), noise=noise, seed=seed) == "improving"


@pytest.mark.parametrize(
    "noise", [0, pytest.param(0.002, marks=pytest.mark.slow), 0.01, pytest.param(0.03, marks=pytest.mark.slow), 0.06]
)
def test_a_curve_that_has_become_flat_has_converged_there(noise):
    verdicts = [verdict.judge(history(FALL, 0.2 + FALL, noise, seed), RunSettings(), 3) for seed in range(60)]
    assert np.mean([found.kind == "converged" for found in verdicts]) >= 0.95
    # three hundredths of the gain are left after 5 ln(1/0.03) = 17.5 epochs
    assert 11 <= np.median([found.epoch for found in verdicts]) <= 22


@given(st.floats(0, 0.02), SEEDS)
def test_a_curve_that_rises_again_while_the_training_falls_is_over_fitting_since_its_turn(noise, seed):
    turned = FALL + 0.012 * np.maximum(0, EPOCHS - 15)
    found = verdict.judge(history(np.exp(-EPOCHS / 12), 0.2 + turned, noise, seed), RunSettings(), 3)
    assert found.kind == "over-fitting"
    assert abs(found.epoch - 16) <= 5
    assert "augmentation" in found.advice


@given(st.floats(0, 0.05), SEEDS)
def test_a_training_that_gets_worse_has_too_high_a_rate(noise, seed):
    diverging = FALL + 0.02 * np.maximum(0, EPOCHS - 10)
    assert kind(diverging, 0.2 + diverging, noise=noise, seed=seed) == "rate too high"


def test_values_that_swing_as_far_as_they_have_come_have_too_high_a_rate():
    found = [kind(0.1 + FALL, 1 + FALL, noise=0.5, seed=seed) for seed in range(60)]
    assert np.mean([one == "rate too high" for one in found]) >= 0.8


def test_a_fine_tuning_that_was_good_from_the_start_is_no_swing():
    assert kind(np.full(40, 0.3), np.full(40, 0.5), noise=0.01) == "converged"


def test_a_lead_in_sigma_is_given_only_where_the_scatter_means_something():
    exact = verdict.judge(history(FALL, 0.2 + FALL), RunSettings(), 3)
    assert "best" in exact.sentence
    assert "σ ahead" not in exact.sentence
    flat = np.where(EPOCHS > 20, 0.2, 0.2 + FALL)  # an epoch that is best and whose neighbours are all alike
    flat[30] = 0.1
    told = verdict.judge(history(FALL, flat), RunSettings(), 3).sentence
    assert "is the best" in told
    assert "σ ahead" not in told
    calm = 0.5 + 1e-4 * np.random.default_rng(0).normal(size=40)
    calm[:3], calm[20] = 0.502, 0.49
    assert "more than 20 σ" in verdict.judge(history(np.full(40, 0.3), calm), RunSettings(), 3).sentence


@pytest.mark.parametrize(("training", "expected"), [(0.35, "stuck"), (0.8, "over-fitting")])
def test_a_network_that_guesses_is_stuck_or_has_learned_by_heart(training, expected):
    assert kind(np.full(20, 1.1), np.full(20, 1.1), noise=0.01, scores=(training, 1 / 3)) == expected


def test_guessing_at_numbers_is_an_r2_of_nothing():
    epochs = [
        replace(ended, train=Scores(1, {"r2": 0.01}), validation=Scores(1, {"r2": -0.1}))
        for ended in history(np.ones(12), np.ones(12))
    ]
    assert verdict.judge(epochs, RunSettings()).kind == "stuck"


@given(st.integers(0, 39), st.booleans())
def test_a_value_that_is_no_number_goes_before_all_else(place, in_training):
    curves = [FALL.copy(), FALL.copy()]
    curves[0 if in_training else 1][place] = math.nan
    found = verdict.judge(history(*curves), RunSettings(), 3)
    assert (found.kind, found.epoch) == ("not a number", place + 1)


def test_a_few_epochs_are_too_few():
    assert kind(FALL[:7], FALL[:7]) == "too early"
    assert kind(FALL[:8], FALL[:8]) == "improving"


def test_a_run_that_has_ended_is_not_told_to_wait_for_its_verdict():
    found = {"verdict": asdict(verdict.judge(history(FALL[:3], FALL[:3]), RunSettings())), "epochs": 3}
    assert verdict.describe(found | {"reason": "running"}) == "Too early to say: a verdict needs 8 epochs."
    told = "No verdict on the convergence: the run ended after 3 epochs, and a verdict needs 8."
    assert {verdict.describe(found | {"reason": reason}) for reason in ("finished", "early", "stopped")} == {told}
    assert verdict.describe({}) == ""


@pytest.mark.slow
@given(st.floats(0.001, 1000), SEEDS)
def test_the_unit_of_the_loss_does_not_matter(scale, seed):
    curves = history(FALL, 0.2 + FALL, 0.03, seed)
    scaled = [
        replace(e, train=Scores(scale * e.train.loss, e.train.values), validation=Scores(scale * e.validation.loss))
        for e in curves
    ]
    curves = [replace(e, validation=Scores(e.validation.loss)) for e in curves]
    one, other = (verdict.judge(epochs, RunSettings()) for epochs in (curves, scaled))
    assert (one.kind, one.epoch) == (other.kind, other.epoch)


def test_an_accuracy_that_rises_is_judged_as_a_loss_that_falls():
    risen = [
        replace(
            e, train=Scores(1, {"accuracy": 1 - e.train.loss}), validation=Scores(1, {"accuracy": 1 - e.train.loss})
        )
        for e in history(FALL, FALL)
    ]
    wish = RunSettings(stopping=StoppingSettings(monitor="accuracy"))
    found = verdict.judge(risen, wish)
    assert (found.kind, found.epoch) == ("converged", verdict.judge(history(FALL, FALL), RunSettings()).epoch)
    assert "accuracy" in found.sentence


def test_more_epochs_are_advised_as_the_decay_has_it():
    falls = history(np.exp(-EPOCHS / 60), 0.2 + np.exp(-EPOCHS / 80))
    constant = RunSettings(optimiser=OptimiserSettings(decay="constant"))
    assert verdict.judge(falls, constant, 3).advice == "Train for more epochs."
    assert "slowly" in verdict.judge(falls, RunSettings(), 3).advice


def test_before_the_learning_rate_has_fallen_as_planned_convergence_is_provisional():
    def judge(epochs, decay):
        settings = RunSettings(optimiser=OptimiserSettings(decay=decay, epochs=epochs))
        return verdict.judge(history(FALL, 0.2 + FALL, 0.01), settings, 3)

    early = judge(80, "one-cycle")
    assert early.sentence.startswith("Converged so far at epoch ") and "until epoch 80" in early.advice
    for found in (judge(40, "one-cycle"), judge(80, "constant")):
        assert found.kind == "converged" and found.sentence.startswith("Converged at epoch ")
        assert "until epoch" not in found.advice


@pytest.mark.parametrize("sigma", [0.01, 1.0])
def test_the_noise_is_that_of_the_values_whatever_they_follow(sigma):
    found = [
        verdict.scatter(sigma * (EPOCHS / 10 + np.random.default_rng(seed).normal(size=40))).mean()
        for seed in range(200)
    ]
    assert np.mean(found) == pytest.approx(sigma, rel=0.1)


def test_one_wild_epoch_does_not_move_noise_or_curve():
    values = 1 + 0.01 * np.random.default_rng(0).normal(size=40)
    wild = values.copy()
    wild[20] = 50
    assert verdict.scatter(wild).max() < 2 * verdict.scatter(values).max()
    assert np.abs(verdict.running_median(wild) - verdict.running_median(values)).max() < 0.05


@pytest.mark.parametrize(
    "values",
    [(1, 2, 3, 4, 5, 6), pytest.param((1, 2, 2, 3, 4, 4), marks=pytest.mark.slow), (0, 0, 0, 0, 1, 2)],
    ids=str,
)
def test_over_all_orders_of_the_values_the_trend_is_a_standard_deviation(values):
    trends = np.array([verdict.trend(np.array(order, float)) for order in itertools.permutations(values)])
    assert trends.mean() == pytest.approx(0, abs=1e-12)
    assert trends.std() == pytest.approx(1), "ties included"
    rising = verdict.trend(np.array(values, float))
    assert rising == trends.max() > 0
    assert verdict.trend(np.array(values[::-1], float)) == pytest.approx(-rising)


def test_what_does_not_change_has_no_trend():
    assert verdict.trend(np.ones(20)) == 0
    assert verdict.trend(np.array([1.0, 2.0])) == 0
    # of six values all 15 pairs rise; their sum scatters by the root of 6 · 5 · 17 / 18
    assert verdict.trend(np.arange(6.0)) == pytest.approx(15 / math.sqrt(6 * 5 * 17 / 18))


def test_the_slope_is_the_median_of_those_between_all_pairs():
    assert verdict.slope(np.array([0.0, 1.0, 4.0])) == 2  # of 1, 2 and 3
    line = 5 - 0.25 * np.arange(30)
    line[[7, 20]] = 1000, -1000
    assert verdict.slope(line) == pytest.approx(-0.25), "two wild epochs do not tilt it"


def test_the_best_of_equals_is_rarely_called_more_than_luck():
    leads = []
    for seed in range(300):
        values = np.random.default_rng(seed).normal(size=40)
        leads.append(verdict.lead(values, verdict.scatter(values)))
    assert np.mean(np.array(leads) > 4) < 0.08
    values[30] = -12
    assert verdict.lead(values, verdict.scatter(values)) > 6

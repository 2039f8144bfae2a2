"""Learning rates against their formulas, and against torch's own schedulers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.train import schedule
from core.train.settings import OptimiserSettings

EPOCHS = 40
PLACES = st.floats(0, EPOCHS)
DECAYS = ["constant", "step", "exponential", "inverse", "cosine", "one-cycle", "plateau"]


def made_by_torch(make, count):
    """The rates of torch's scheduler over so many steps, from a largest rate of one."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    scheduler = make(optimiser)
    rates = []
    for _ in range(count):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step()
    return rates


@given(PLACES, st.floats(0.01, 2), st.floats(0.1, 0.9), st.integers(1, 20))
def test_each_decay_is_its_formula(t, k, factor, every):
    def at(**values):
        return schedule.relative_rate(OptimiserSettings(epochs=EPOCHS, **values), t)

    assert at(decay="constant") == 1
    assert at(decay="exponential", decay_rate=k) == pytest.approx(math.exp(-k * t))
    assert at(decay="inverse", decay_rate=k) == pytest.approx(1 / (1 + k * t))
    assert at(decay="step", decay_factor=factor, decay_every=every) == pytest.approx(factor ** (t // every))
    assert at(decay="cosine", lowest_share=0.2) == pytest.approx(0.2 + 0.4 * (1 + math.cos(math.pi * t / EPOCHS)))


@pytest.mark.truth("Learning-rate schedules", "torch")
def test_at_whole_epochs_they_are_torchs():
    library = torch.optim.lr_scheduler
    cases = {
        "step": lambda o: library.StepLR(o, 7, 0.3),
        "exponential": lambda o: library.ExponentialLR(o, math.exp(-0.15)),
        "cosine": lambda o: library.CosineAnnealingLR(o, 40, eta_min=0.05),
    }
    for decay, make in cases.items():
        wish = OptimiserSettings(
            decay=decay, decay_factor=0.3, decay_every=7, decay_rate=0.15, lowest_share=0.05, epochs=40
        )
        assert [schedule.relative_rate(wish, t) for t in range(40)] == pytest.approx(made_by_torch(make, 40)), decay


@pytest.mark.truth("One cycle", "torch")
def test_one_cycle_is_torchs():
    steps = 10_001
    wish = OptimiserSettings(decay="one-cycle", rise=0.25, lowest_share=0.002, epochs=10)
    ours = [schedule.relative_rate(wish, 10 * step / (steps - 1)) for step in range(steps)]
    theirs = made_by_torch(
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, 1.0, total_steps=steps + 1, pct_start=0.25, div_factor=25, final_div_factor=20, cycle_momentum=False
        ),
        steps,
    )
    assert ours == pytest.approx(theirs, abs=1e-3)


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5, math.nan]), max_size=40), st.integers(1, 6))
def test_plateaus_are_torchs(costs, patience):
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser,
        factor=0.5,
        patience=patience - 1,
        threshold=0,
        eps=0,  # by default torch leaves out reductions below 1e-8, which 40 plateaus come to
    )
    for cost in costs:
        scheduler.step(cost)
    wish = OptimiserSettings(decay="plateau", plateau_patience=patience, lowest_share=0.0)
    assert schedule.relative_rate(wish, len(costs), costs) == optimiser.param_groups[0]["lr"]


def test_a_plateau_never_goes_below_the_lowest_share_and_forgets_the_warm_up():
    wish = OptimiserSettings(decay="plateau", plateau_patience=1, lowest_share=0.1)
    assert schedule.relative_rate(wish, 9, [1.0] * 9) == 0.1
    warm = OptimiserSettings(decay="plateau", plateau_patience=1, lowest_share=0.0, warm_up=1.5)
    assert schedule.relative_rate(warm, 5, [0.1, 0.1, 0.5, 0.4, 0.45]) == 0.5


@given(st.sampled_from(DECAYS), st.floats(0.5, 10), st.floats(0, 1))
def test_the_warm_up_is_a_straight_line_and_then_the_decay_begins(decay, warm_up, done):
    wish = OptimiserSettings(decay=decay, warm_up=warm_up, epochs=EPOCHS)
    if done < 1:
        assert schedule.relative_rate(wish, done * warm_up * 0.999) == pytest.approx(0.01 + 0.99 * done * 0.999)
    cold = OptimiserSettings(decay=decay, epochs=EPOCHS)
    if decay in {"cosine", "one-cycle"}:  # what is left of the epochs is the whole of the decay
        assert schedule.relative_rate(wish, warm_up + done * (EPOCHS - warm_up)) == pytest.approx(
            schedule.relative_rate(cold, EPOCHS * done), abs=1e-9
        )
    elif decay != "step":
        assert schedule.relative_rate(wish, warm_up + done) == pytest.approx(schedule.relative_rate(cold, done))


@given(st.sampled_from(DECAYS), st.floats(0, 1), st.floats(0, 60), st.lists(st.floats(0, 1), max_size=20))
def test_a_share_is_a_share(decay, done, warm_up, costs):
    wish = OptimiserSettings(decay=decay, warm_up=warm_up, epochs=EPOCHS)
    assert 0 <= schedule.relative_rate(wish, EPOCHS * done, costs) <= 1 + 1e-12

"""Simulated beside real: the same field, the same stretch, and histograms of the same bins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from galaxies import ellipse
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.simulate.sentences import describe_histograms
from app.simulate.widgets.comparison import Comparison
from app.simulate.widgets.histogram_plot import HistogramPlot, round_ticks
from app.simulate.widgets.same_field import fit_to_field, pixels_across
from app.simulate.work import Sample


def test_the_same_field_on_the_sky_takes_more_pixels_of_a_finer_camera() -> None:
    assert pixels_across(64, 0.08, 0.06) == 85
    assert pixels_across(64, 0.08, math.nan) == 64


def test_a_picture_is_cut_or_put_into_black_about_its_centre() -> None:
    picture = np.zeros((9, 9, 3), np.uint8)
    picture[4, 4] = 255
    for side in (5, 9, 21):
        fitted = fit_to_field(picture, side)
        assert fitted.shape == (side, side, 3)
        assert np.argwhere(fitted[..., 0]).tolist() == [[side // 2, side // 2]]


@pytest.fixture
def comparison(qtbot: QtBot) -> Comparison:
    made = Comparison()
    qtbot.addWidget(made)
    made.resize(860, 560)
    made.show()
    stamps = np.stack([[ellipse(32, 1 + 0.3 * place, 2)] for place in range(16)]).astype(np.float32)
    made.set_simulated(stamps, ["F160W"], 0.08, [f"galaxy {place}" for place in range(16)])
    return made


def test_a_click_on_one_of_the_sixteen_shows_it_large(qtbot: QtBot, comparison: Comparison) -> None:
    assert comparison.simulated_text.text() == "galaxy 0"
    place = comparison.mosaic.place_rect(6).center()
    qtbot.mouseClick(comparison.mosaic, Qt.MouseButton.LeftButton, pos=place)
    assert comparison.place == 6
    assert comparison.simulated_text.text() == "galaxy 6"
    assert comparison.mosaic.marked == {6}


def test_without_a_real_galaxy_there_is_a_sentence_and_with_one_the_band_that_was_simulated(
    qtbot: QtBot, comparison: Comparison
) -> None:
    assert comparison.invitation.isVisible() and not comparison.real.isVisible()
    comparison.set_real_bands(["ACS F814W", "WFC3 F160W", "K"], "F160W")
    stamp = np.stack([ellipse(64, 3, 3) * factor for factor in (1, 2, 3)]).astype(np.float32)
    comparison.set_real(stamp, 0.04, "NGC 1")
    assert comparison.real.isVisible() and comparison.real_name.text() == "NGC 1"
    assert comparison.band.currentText() == "WFC3 F160W" and comparison.compared_band == 1
    assert "same 2.56″" in comparison.real_text.text()
    with qtbot.waitSignal(comparison.stepped) as stepped:
        qtbot.mouseClick(comparison.forward, Qt.MouseButton.LeftButton)
    assert stepped.args == [1]


def test_other_galaxies_come_with_the_next_seed(qtbot: QtBot, comparison: Comparison) -> None:
    comparison.seed.setValue(7)
    with qtbot.waitSignal(comparison.seed_chosen) as chosen:
        qtbot.mouseClick(comparison.others, Qt.MouseButton.LeftButton)
    assert chosen.args == [8]


def test_both_histograms_have_the_same_bins_and_are_shares_of_their_own_galaxies(qtbot: QtBot) -> None:
    plot = HistogramPlot("Sky noise")
    qtbot.addWidget(plot)
    plot.set_samples(np.linspace(1, 2, 400), np.linspace(1.5, 2, 20), "e-/s")
    assert plot.is_drawn
    assert plot.shares["simulated"].sum() == pytest.approx(100, abs=3)  # but for what lies outside the percentiles
    assert plot.shares["real"].sum() == pytest.approx(100, abs=6)
    assert plot.shares["real"][:6].max() == 0 and plot.shares["simulated"][:6].min() > 0
    plot.set_samples(np.full(50, 0.3), np.empty(0), "e-/s")  # the same noise in all
    plot.say("Nothing to compare.")
    assert not plot.is_drawn and plot.shares == {}


def test_ticks_are_round_and_few() -> None:
    assert [text for _, text in round_ticks(0.009, 0.0213)] == ["0.01", "0.015", "0.02"]
    assert [text for _, text in round_ticks(-0.2, 11)] == ["0", "5", "10"]


def sample(noise: float, unit: str, zero_point: float | None) -> Sample:
    return Sample(np.full(10, noise), np.linspace(0.2, 0.5, 10), True, unit, zero_point, 10)


def test_noise_in_other_units_is_converted_by_the_zero_points_or_not_compared() -> None:
    simulated = sample(1.0, "nanomaggy", 22.5)
    noise, _, said = describe_histograms(simulated, sample(100.0, "e-/s", 27.5), is_open=True)
    assert not isinstance(noise, str)
    np.testing.assert_allclose(noise[1], 1.0)  # five magnitudes
    assert "cannot be compared" not in said
    noise, _, said = describe_histograms(simulated, sample(100.0, "counts", None), is_open=True)
    assert not isinstance(noise, str) and len(noise[1]) == 0
    assert "cannot be compared" in said
    assert "With a dataset open" in describe_histograms(simulated, None, is_open=False)[2]

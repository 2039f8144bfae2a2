from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from astropy.table import Table

from core.data.cutouts import Cutouts
from core.data.store import Band, DatasetWriter, Origin
from core.errors import SettingsProblem
from core.nets import zero_points
from core.nets.band_mapping import BandMapping
from core.nets.mapped_cutouts import MappedCutouts
from core.nets.predictor import Predictor


@pytest.fixture
def cutouts(tmp_path: Path):
    """Four galaxies in three bands, all pixels 1, of zero points 25, 25 and 27."""
    path, ids = tmp_path / "bands.h5", ["a", "b", "c", "d"]
    bands = [Band("g", "", 25.0), Band("r", "", 25.0), Band("i", "", 27.0)]
    with DatasetWriter(path, (3, 8, 8), bands, "float32") as writer:
        writer.append(np.ones((4, 3, 8, 8), np.float32), ids, np.full(4, 0.2), [""] * 4, np.zeros(4))
        writer.finish(Table({"id": ids}), [], Origin("test", "2026-01-01T00:00:00", "made by code", ""), [])
    with Cutouts.open(path) as opened:
        yield opened


def network(*known: float | None) -> Predictor:
    names = tuple("band " + str(number) for number in range(len(known)))
    return cast("Predictor", SimpleNamespace(bands=names, zero_points=known))


def test_each_band_gets_the_flux_that_it_has_in_the_unit_of_the_training(cutouts):
    scaled, said = zero_points.bring_to_training(cutouts, network(25.0, 22.5, None))
    flux = 10 ** (-0.4 * 25)  # of one unit of the second band
    assert scaled.images[0][:, 0, 0] == pytest.approx([1, flux / 10 ** (-0.4 * 22.5), 1])
    assert [band.zero_point for band in scaled.bands] == [25, 22.5, 27]
    assert len(said) == 1 and "r from 25 to 22.5 mag (× 0.1)" in said[0].sentence
    np.testing.assert_array_equal(scaled.images[1:3], scaled.images[np.array([1, 2])])
    assert scaled.checksum == cutouts.checksum
    with scaled.reopen() as again:
        assert again.images[3][1, 0, 0] == pytest.approx(0.1)
    assert zero_points.bring_to_training(cutouts, network(25.0, None, 27.0)) == (cutouts, [])


def test_the_mean_of_bands_has_a_zero_point_only_if_they_share_it(cutouts):
    seen = MappedCutouts(cutouts, BandMapping((("g", "r"), ("r", "i"), ("i",))), ("one", "two", "three"))
    assert [band.zero_point for band in seen.bands] == [25, None, 27]
    scaled, _ = zero_points.bring_to_training(seen, network(27.5, 27.5, 27.0))
    assert scaled.images[0][:, 0, 0] == pytest.approx([10, 1, 1])


def test_given_zero_points_replace_those_of_the_file(cutouts):
    zero_points.set_zero_points(cutouts, [22.5])
    assert {band.zero_point for band in cutouts.bands} == {22.5}
    zero_points.set_zero_points(cutouts, [20, 21, 22])
    assert [band.zero_point for band in cutouts.bands] == [20, 21, 22]
    with pytest.raises(SettingsProblem, match="2 zero points for 3 bands: g, r, i"):
        zero_points.set_zero_points(cutouts, [20, 21])
    assert zero_points.describe_unknown(cutouts, network(1.0, 2.0, 3.0)) == []

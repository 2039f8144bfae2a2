from __future__ import annotations

import threading

import numpy as np
import pytest
from astropy.wcs import WCS
from galaxies import ellipse, write_dataset
from scipy import ndimage

from core.data import stamp_matching
from core.data.duplicates import Sample, find, standardise
from core.errors import Stopped
from core.events import result_of

SIDE = 40


def galaxy(random: np.random.Generator) -> np.ndarray:
    """A galaxy of its own: an ellipse with knots in a noisy sky, float64 (SIDE, SIDE)."""
    image = 40 * ellipse(SIDE, random.uniform(3, 6), random.uniform(2, 4), random.uniform(0, np.pi))
    for _ in range(4):
        knot = ellipse(SIDE, random.uniform(1, 1.5), random.uniform(1, 1.5))
        image = image + random.uniform(5, 20) * np.roll(knot, random.integers(-9, 10, 2), (0, 1))
    return image + random.normal(100, 1, (SIDE, SIDE))


def copy(image: np.ndarray, *, view: int, scale: float, shift: tuple[float, float]) -> np.ndarray:
    """The same galaxy turned and mirrored, larger by a factor, and shifted."""
    seen = np.rot90(image[:, ::-1] if view >= 4 else image, view % 4)
    offset = (SIDE - 1) / 2 * (1 - 1 / scale) - np.array(shift)
    return ndimage.affine_transform(seen, np.eye(2) / scale, offset=offset, order=1, mode="reflect")


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    first, second = (
        stamp_matching.find_structure(stamp_matching.prepare(each[None, None])[0]) for each in (one, other)
    )
    return stamp_matching.Registration(first).correlate(second)


@pytest.mark.parametrize("view", [0, 3, 5])
def test_a_turned_and_mirrored_copy_correlates_wholly(view) -> None:
    image = galaxy(np.random.default_rng(1))
    assert correlation(image, copy(image, view=view, scale=1, shift=(0, 0))) > 0.999


@pytest.mark.truth("Correlation of stamps", "numpy's correlation coefficient")
def test_a_correlation_without_transformation_is_the_one_of_pearson() -> None:
    random = np.random.default_rng(2)
    structure = random.normal(0, 1, (64, 64)).astype(np.float32)
    noisy = (structure + random.normal(0, 0.6, (64, 64))).astype(np.float32)
    found = stamp_matching.Registration(structure).correlate(noisy)
    assert found == pytest.approx(np.corrcoef(structure.ravel(), noisy.ravel())[0, 1], abs=1e-4)


def test_what_is_round_makes_no_two_galaxies_the_same() -> None:
    random = np.random.default_rng(3)
    round_ones = [60 * ellipse(SIDE, 4, 4) + random.normal(100, 1, (SIDE, SIDE)) for _ in range(2)]
    assert np.corrcoef(*(each.ravel() for each in round_ones))[0, 1] > 0.95
    assert correlation(*round_ones) < 0.4


def test_the_description_of_a_galaxy_stays_when_it_is_turned_shifted_and_scaled() -> None:
    random = np.random.default_rng(4)
    images = [galaxy(random) for _ in range(12)]
    moved = [copy(each, view=n % 8, scale=1 + 0.01 * (n - 6), shift=(n % 3, -2)) for n, each in enumerate(images)]
    stamps = np.stack([*images, *moved])[:, None]
    described = standardise(stamp_matching.describe(stamp_matching.prepare(stamps)))
    away = np.linalg.norm(described[:12, None] - described[None, 12:], axis=2)
    np.testing.assert_array_equal(away.argmin(axis=1), np.arange(12))


def planted(folder, name="data.h5", count=24):
    """Galaxies of which the last three are copies of the first three under other ids."""
    random = np.random.default_rng(6)
    images = [galaxy(random) for _ in range(count)]
    moved = [(1, 1.0, (0, 0)), (4, 1.0, (2, -3)), (6, 0.94, (1, 1))]
    for number, (view, scale, shift) in enumerate(moved):
        images[count - 3 + number] = copy(images[number], view=view, scale=scale, shift=shift)
    stamps = np.stack(images)[:, None].astype(np.float32)
    return write_dataset(folder / name, stamps, {"kind": ["disk"] * count}, ["kind"], ("r",))


def test_planted_copies_are_found_leaks_first_and_nothing_else(tmp_path) -> None:
    data = planted(tmp_path)
    parts = ["train"] * 20 + ["validation", "train", "test", "test"]
    found = result_of(find([Sample(data, parts)]))
    assert [(pair.one.row, pair.other.row) for pair in found.leaks] in ([(1, 22), (2, 23)], [(2, 23), (1, 22)])
    assert {(pair.one.row, pair.other.row) for pair in found.pairs} == {(0, 21), (1, 22), (2, 23)}
    assert not found.pairs[-1].is_leak and found.pairs[-1].one.galaxy_id == "galaxy 0000"
    assert {pair.other.part for pair in found.leaks} == {"test"}
    assert found.galaxies == 24 and found.compared >= 36


def test_copies_are_found_between_two_datasets_of_other_stamp_sizes(tmp_path) -> None:
    random = np.random.default_rng(7)
    mine = [galaxy(random) for _ in range(6)]
    theirs = [galaxy(random) for _ in range(8)]
    theirs[5] = copy(mine[2], view=2, scale=1, shift=(0, 0))
    cut = np.stack(theirs)[:, None, 2:-2, 2:-2].astype(np.float32)  # galaxies span more of the stamp
    own = write_dataset(tmp_path / "mine.h5", np.stack(mine)[:, None].astype("f4"), {}, [], ("r",))
    other = write_dataset(tmp_path / "theirs.h5", cut, {}, [], ("g",), ids=[f"new {n}" for n in range(8)])
    found = result_of(find([Sample(own, ["train"] * 6), Sample(other)]))
    (pair,) = found.pairs
    assert (pair.one.galaxy_id, pair.other.galaxy_id) == ("galaxy 0002", "new 5")
    assert (pair.one.part, pair.other.part, pair.other.data) == ("train", "", other)


def test_two_images_of_one_id_are_known_already(tmp_path) -> None:
    random = np.random.default_rng(8)
    images = [galaxy(random) for _ in range(8)]
    images[7] = images[0]
    ids = [f"g{n}" for n in range(7)] + ["g0"]
    data = write_dataset(tmp_path / "d.h5", np.stack(images)[:, None].astype("f4"), {}, [], ("r",), ids=ids)
    assert result_of(find([Sample(data)])).pairs == ()


def test_what_looks_the_same_elsewhere_in_the_sky_is_another_galaxy(tmp_path) -> None:
    """Of three pairs of one image, one lies at one place, one at two places, one has no coordinates."""
    random = np.random.default_rng(9)
    images = [galaxy(random) for _ in range(9)]
    images[6:] = images[:3]
    places = [10 + 0.5 * row for row in range(9)]
    places[6] = places[0] + 5 / 3600  # the stamps are 16 arcsec wide
    texts = [header_at(right_ascension) for right_ascension in places]
    texts[7], texts[8] = "CTYPE1  = broken", ""
    stamps = np.stack(images)[:, None].astype("f4")
    found = result_of(find([Sample(write_dataset(tmp_path / "d.h5", stamps, {}, [], ("r",), coordinates=texts))]))
    assert {(pair.one.row, pair.other.row) for pair in found.pairs} == {(0, 6), (1, 7), (2, 8)}
    assert found.elsewhere == 0 and not found.remark
    texts[7] = header_at(places[7])
    found = result_of(find([Sample(write_dataset(tmp_path / "e.h5", stamps, {}, [], ("r",), coordinates=texts))]))
    assert {(pair.one.row, pair.other.row) for pair in found.pairs} == {(0, 6), (2, 8)}
    assert found.elsewhere == 1 and found.remark.startswith("1 more pair looks the same")


def header_at(right_ascension: float) -> str:
    sky = WCS(naxis=2)
    sky.wcs.ctype, sky.wcs.crpix, sky.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [20.5, 20.5], [-0.4 / 3600, 0.4 / 3600]
    sky.wcs.crval = [right_ascension, 2.0]
    return sky.to_header().tostring(sep="\n")


def test_stamps_without_any_light_and_a_single_galaxy_are_no_problem(tmp_path) -> None:
    empty = write_dataset(tmp_path / "empty.h5", np.zeros((3, 1, 16, 20), np.float32), {}, [], ("r",))
    assert result_of(find([Sample(empty)])).pairs == ()
    one = write_dataset(tmp_path / "one.h5", np.ones((1, 2, 16, 16), np.float32), {}, [])
    assert result_of(find([Sample(one)])).compared == 0


def test_the_search_can_be_stopped(tmp_path) -> None:
    stop = threading.Event()
    work = find([Sample(planted(tmp_path))], stop)
    next(work)
    stop.set()
    with pytest.raises(Stopped):
        list(work)

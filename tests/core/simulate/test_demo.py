import threading
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from core.data import importing
from core.data.cutouts import Cutouts
from core.data.settings import ImportSettings
from core.errors import Stopped
from core.events import Progress, result_of
from core.settings import toml
from core.simulate import demo, demo_files
from core.simulate.settings import SurveySettings

SMALL = SurveySettings(count=9, size=32)


def made(folder: Path, settings: SurveySettings, name: str = "survey.h5") -> Path:
    return result_of(demo.simulate_survey(folder / name, settings, threading.Event()))


def test_the_survey_is_a_dataset_of_three_kinds_with_the_truth_in_its_catalogue(tmp_path: Path) -> None:
    with Cutouts.open(made(tmp_path, SMALL)) as cutouts:
        assert cutouts.shape == (9, 3, 32, 32)
        assert [band.name for band in cutouts.bands] == ["i", "r", "g"]
        assert cutouts.labels == ("morphology",)
        assert sorted(cutouts.columns["morphology"].tolist()) == sorted(["disk", "edge-on", "spheroid"] * 3)
        assert cutouts.units == {"ra": "deg", "dec": "deg", "magnitude": "mag", "half_light_radius": "arcsec"}
        assert len(set(cutouts.ids)) == 9
        assert np.isfinite(cutouts.images[:]).all()
        assert (cutouts.pixel_scale == SMALL.pixel_scale).all()
        assert toml.loads(SurveySettings, cutouts.origin.settings) == SMALL


def test_brighter_galaxies_have_more_light_in_their_stamps(tmp_path: Path) -> None:
    settings = SurveySettings(count=60, noise=0.001)
    with Cutouts.open(made(tmp_path, settings)) as cutouts:
        light = cutouts.images[:][:, 1].sum((1, 2))
        expected = 10 ** (-0.4 * (cutouts.columns["magnitude"] - cutouts.bands[1].zero_point))
    assert np.median(light / expected) == pytest.approx(1, abs=0.05)


def test_the_coordinates_put_the_galaxy_at_the_centre_with_north_up_and_east_left(tmp_path: Path) -> None:
    with Cutouts.open(made(tmp_path, SMALL)) as cutouts:
        for row in range(3):
            sky = cutouts.wcs(row)
            assert sky is not None
            ra, dec = cutouts.columns["ra"][row], cutouts.columns["dec"][row]
            assert sky.all_pix2world(15.5, 15.5, 0) == pytest.approx([ra, dec])
            assert sky.all_pix2world(15.5, 16.5, 0)[1] - dec == pytest.approx(SMALL.pixel_scale / 3600, rel=1e-6)
            assert sky.all_pix2world(14.5, 15.5, 0)[0] > ra


def test_the_same_settings_give_the_same_survey(tmp_path: Path) -> None:
    with Cutouts.open(made(tmp_path, SMALL, "a.h5")) as one, Cutouts.open(made(tmp_path, SMALL, "b.h5")) as other:
        assert one.checksum == other.checksum
        assert np.array_equal(one.images[:], other.images[:])


def test_the_survey_as_files_is_the_same_survey_when_it_is_imported(tmp_path: Path) -> None:
    folder = tmp_path / "cutouts"
    survey = made(tmp_path, SMALL)
    assert result_of(demo_files.write_cutouts(survey, folder, 6)) == folder / "catalogue.csv"
    chosen = ImportSettings(labels=("morphology",))
    result_of(importing.run(folder, tmp_path / "imported.h5", chosen, folder / "catalogue.csv"))
    with Cutouts.open(survey) as before, Cutouts.open(tmp_path / "imported.h5") as after:
        assert after.ids == before.ids[:6]
        assert np.array_equal(after.images[:], before.images[:6])
        assert [band.name for band in after.bands] == ["i", "r", "g"]
        assert {band.unit for band in after.bands} == {"nanomaggy"}
        assert after.columns["morphology"].tolist() == before.columns["morphology"][:6].tolist()
        assert np.allclose(after.pixel_scale[:], before.pixel_scale[:6])


def test_another_seed_gives_other_galaxies(tmp_path: Path) -> None:
    another = SMALL.model_copy(update={"seed": 1})
    with Cutouts.open(made(tmp_path, SMALL, "a.h5")) as one, Cutouts.open(made(tmp_path, another, "b.h5")) as other:
        assert not np.array_equal(one.images[:], other.images[:])


def test_a_larger_survey_begins_with_the_same_galaxies(tmp_path: Path) -> None:
    larger = SMALL.model_copy(update={"count": 61})  # more than are written at a time
    with Cutouts.open(made(tmp_path, SMALL, "a.h5")) as one, Cutouts.open(made(tmp_path, larger, "b.h5")) as other:
        assert np.array_equal(one.images[:], other.images[:9])
        assert one.ids == other.ids[:9]
        assert {name: values.tolist() for name, values in one.columns.items()} == {
            name: values[:9].tolist() for name, values in other.columns.items()
        }


def test_a_stopped_simulation_leaves_nothing_behind(tmp_path: Path) -> None:
    stop = threading.Event()
    work = demo.simulate_survey(tmp_path / "survey.h5", SMALL, stop)
    for _ in range(4):
        next(work)
    stop.set()
    with pytest.raises(Stopped):
        result_of(work)
    assert list(tmp_path.iterdir()) == []


def test_an_abandoned_simulation_leaves_nothing_behind(tmp_path: Path) -> None:
    work = demo.simulate_survey(tmp_path / "survey.h5", SMALL, threading.Event())
    next(work)
    work.close()
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_galaxies_up_to_the_last(tmp_path: Path) -> None:
    events = list(demo.simulate_survey(tmp_path / "survey.h5", SMALL, threading.Event()))
    assert events == [Progress(done, 9, "galaxies") for done in range(10)]


def test_the_demonstration_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNINGFORK_CACHE", str(tmp_path / "cache"))
    first = result_of(demo.cached_survey(threading.Event(), SMALL))
    assert first.parent == tmp_path / "cache"
    assert list(demo.cached_survey(threading.Event(), SMALL)) == [], "nothing is left to do"
    assert result_of(demo.cached_survey(threading.Event(), SMALL)) == first
    assert result_of(demo.cached_survey(threading.Event(), SMALL.model_copy(update={"count": 3}))) != first


def test_a_damaged_demonstration_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNINGFORK_CACHE", str(tmp_path))
    made = result_of(demo.cached_survey(threading.Event(), SMALL))
    made.write_bytes(made.read_bytes()[:3000])
    assert result_of(demo.cached_survey(threading.Event(), SMALL)) == made
    Cutouts.open(made).close()


def test_magnitudes_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="brightest magnitude must be smaller"):
        SurveySettings(brightest=20, faintest=18)


def test_two_surveys_share_no_id(tmp_path: Path) -> None:
    """A network that knows the first survey's galaxies has not seen those of the second."""
    second = SMALL.model_copy(update={"seed": 2612})
    with Cutouts.open(made(tmp_path, SMALL, "a.h5")) as one, Cutouts.open(made(tmp_path, second, "b.h5")) as other:
        assert one.ids[0] == "demo-000000"
        assert not set(one.ids) & set(other.ids)

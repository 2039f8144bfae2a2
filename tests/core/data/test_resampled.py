"""A dataset with enlarged or shrunk galaxies: sizes, light, coordinates, labels and parts."""

import numpy as np
import pytest
from galaxies import ellipse, write_dataset

from core.cli.main import main
from core.data import parts, resampled
from core.data.cutouts import Cutouts
from core.data.kept_parts import file_for
from core.data.recipe import StampRecipe
from core.data.sample_statistics import measure_sample
from core.data.settings import ImportSettings
from core.errors import SettingsProblem
from core.events import result_of
from core.project.project import Project


def write(path, width=3.0, side=32, count=12, **options):
    draw = np.random.default_rng(0)
    images = np.array([20 * ellipse(side, width, width) + draw.normal(0, 0.2, (side, side)) for _ in range(count)])
    kind = {"kind": ["a", "b"] * (count // 2), "length": np.full(count, 6.0)}
    return write_dataset(path, images[:, None].astype(np.float32), kind, ["kind"], ("r",), {"length": "pix"}, **options)


def measured(path):
    with Cutouts.open(path) as cutouts:
        return np.median(measure_sample(cutouts.images[:][:, 0]).radius)


@pytest.mark.parametrize("factor", [1.5, 0.7])
def test_galaxies_span_as_many_pixels_more_and_keep_their_surface_brightness(tmp_path, factor):
    old = write(tmp_path / "old.h5")
    made = result_of(resampled.run(old, tmp_path / "new.h5", factor))
    assert made.galaxies == 12
    assert measured(made.path) == pytest.approx(factor * measured(old), rel=0.08)
    with Cutouts.open(old) as before, Cutouts.open(made.path) as after:
        assert after.shape == before.shape and after.ids == before.ids
        assert after.median_pixel_scale == pytest.approx(0.4 / factor)
        assert after.images[:].max() == pytest.approx(before.images[:].max(), rel=0.1)
        assert after.columns["length"][0] == pytest.approx(6 * factor)
        assert list(after.columns["kind"]) == list(before.columns["kind"])
    assert ("no sky" in " ".join(made.notes)) == (factor < 1)


def test_light_within_the_field_and_the_place_on_the_sky_are_conserved(survey_dataset, tmp_path):
    made = result_of(resampled.run(survey_dataset, tmp_path / "new.h5", 1.5, 36))
    with Cutouts.open(survey_dataset) as before, Cutouts.open(made.path) as after:
        assert after.shape[2:] == (36, 36)
        old, new = before.images[0].astype(np.float64), after.images[0].astype(np.float64)
        assert new.sum() * (1 / 1.5) ** 2 == pytest.approx(old.sum(), rel=1e-5)  # 36 / 1.5 = 24: the whole stamp
        there, here = before.wcs(0), after.wcs(0)
        assert there is not None and here is not None
        corner = here.wcs_world2pix(there.wcs_pix2world([[3.0, 5.0]], 0), 0)[0]
        assert corner == pytest.approx([3.5 * 1.5 - 0.5, 5.5 * 1.5 - 0.5], abs=1e-6)
        recipe = after.recipe
        assert recipe is not None and recipe.settings.size == 36
        assert recipe.settings.field == pytest.approx(24) and recipe.settings.field_unit == "pixels"


def test_files_made_into_stamps_by_the_new_recipe_are_those_of_the_new_dataset(survey, survey_dataset, tmp_path):
    from core.data import importing

    made = result_of(resampled.run(survey_dataset, tmp_path / "new.h5", 1.6))
    with Cutouts.open(made.path) as cutouts:
        settings, expected = cutouts.recipe.settings, cutouts.images[:5]
    result_of(importing.run([survey.folder], tmp_path / "again.h5", settings))
    with Cutouts.open(tmp_path / "again.h5") as again:
        assert again.images[:5] == pytest.approx(expected, rel=1e-5)


def test_zero_points_follow_the_size_of_the_pixels():
    recipe = StampRecipe(ImportSettings(size=64, field=2.0, field_unit="arcsec"), ("r",), "", is_picture=False)
    assert recipe.enlarged(1.25, 64).settings.field == pytest.approx(1.6)
    whole = StampRecipe(ImportSettings(size=64, fit="resample"), ("r",), "", is_picture=False, native_size=120)
    changed = whole.enlarged(1.2, 64).settings
    assert (changed.field, changed.field_unit) == (pytest.approx(100), "pixels")


def test_hand_labels_and_kept_parts_go_with_the_galaxies(tmp_path):
    project = Project.create(tmp_path / "project", "project")
    try:
        old = write(project.dataset_path("old"))
        journal = project.labels(old)
        journal.record("galaxy 0000", "kind", "a", "c")
        kept = parts.KeptParts(5, {"galaxy 0001": 2, "galaxy 0002": 0})
        place = file_for(old, journal)
        assert place is not None
        kept.save(place, "a rule")
        made = result_of(resampled.run(old, project.dataset_path("new"), 1.3, hand_labels=journal))
        with Cutouts.open(made.path) as cutouts:
            assert list(cutouts.columns["kind"][:3]) == ["c", "b", "a"]
        copied = file_for(made.path, None)
        assert copied is not None and parts.KeptParts.load(copied) == kept
    finally:
        project.close()


def test_what_is_no_factor_is_refused_and_nothing_is_left(tmp_path):
    old = write(tmp_path / "old.h5")
    for factor in (0, -1, 20, 9):
        with pytest.raises(SettingsProblem):
            result_of(resampled.run(old, tmp_path / "new.h5", factor))
    assert not (tmp_path / "new.h5").exists()


def test_the_command_says_what_it_made(tmp_path, capsys):
    old = write(tmp_path / "old.h5")
    assert main(["resample", str(old), "-o", str(tmp_path / "new.h5"), "--factor", "1.5", "-q"]) == 0
    assert "12 galaxies" in capsys.readouterr().out
    assert main(["resample", str(old), "-o", str(old), "--factor", "1.5", "-q"]) == 1

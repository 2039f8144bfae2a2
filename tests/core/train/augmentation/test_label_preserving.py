import pytest

from core.data.target import Classes, Quantities, VoteFractions
from core.train.augmentation.label_preserving import without_label_changes
from core.train.settings import AugmentationSettings

ZOOM = {"zoom_min", "zoom_max", "distance"}
FLIPS = {"horizontal_flip", "vertical_flip"}
BRIGHTNESS = {"brightness_min", "brightness_max"}
EVERYTHING = AugmentationSettings(
    zoom_min=0.8,
    zoom_max=1.3,
    distance=2,
    shear=10,
    psf_blur=3,
    brightness_min=0.5,
    brightness_max=2,
    sky_noise=2,
    neighbours=0.3,
    gradient=2,
    cosmic_rays=1,
    dead_pixels=1,
    band_drop=0.1,
)


def test_flips_are_taken_out_and_told_of_where_handedness_is_learned():
    fit, notices = without_label_changes(AugmentationSettings(), Classes("c", ("spiral_cw", "spiral_acw")))
    assert not fit.horizontal_flip
    assert not fit.vertical_flip
    assert fit.rotation == AugmentationSettings().rotation
    assert "clockwise" in notices[0].sentence
    assert without_label_changes(fit, Classes("c", ("spiral_cw", "spiral_acw"))) == (fit, [])
    assert without_label_changes(EVERYTHING, VoteFractions(("smooth", "disk"))) == (EVERYTHING, [])


@pytest.mark.parametrize(
    ("column", "unit", "gone"),
    [
        ("half_light_radius", "arcsec", ZOOM | {"psf_blur", "shear"}),
        ("R_e", "", ZOOM | {"psf_blur", "shear"}),
        ("petroR50", "", ZOOM | {"psf_blur", "shear"}),
        ("r_half_px", "", ZOOM | {"psf_blur", "shear"}),
        ("log_re", "", ZOOM | {"psf_blur", "shear"}),
        ("a_image_arcsec", "", ZOOM | {"psf_blur", "shear"}),
        ("magnitude", "mag", ZOOM | BRIGHTNESS),
        ("log_stellar_mass", "", ZOOM | BRIGHTNESS),
        ("total", "nmgy", ZOOM | BRIGHTNESS),
        ("anything", "pix", ZOOM | {"psf_blur", "shear"}),
        ("position_angle", "deg", {"rotation", "shear"} | FLIPS),
        ("PA", "", {"rotation", "shear"} | FLIPS),
        ("e1", "", {"rotation", "shear"} | FLIPS),
        ("axis_ratio", "", {"shear"}),
        ("ellipticity", "", {"shear"}),
        ("q", "", {"shear"}),
        ("inclination", "deg", {"shear"}),
        ("x0", "", ZOOM | FLIPS | {"rotation", "shear", "width_shift", "height_shift"}),
        ("redshift", "", set()),
        ("n_sersic", "", set()),
    ],
)
def test_what_would_change_a_quantity_is_left_out_and_each_knob_is_named(column, unit, gone):
    fit, notices = without_label_changes(EVERYTHING, Quantities((column,), (unit,)))
    changed = {name for name in type(fit).model_fields if getattr(EVERYTHING, name) != getattr(fit, name)}
    assert changed == gone
    told = " ".join(notice.sentence for notice in notices)
    assert all(name.replace("_", " ") in told for name in gone)
    assert bool(notices) == bool(gone)


def test_what_is_off_is_not_spoken_of():
    fit, notices = without_label_changes(
        AugmentationSettings(zoom_min=1, zoom_max=1), Quantities(("r_e",), ("arcsec",))
    )
    assert notices == []
    assert fit == AugmentationSettings(zoom_min=1, zoom_max=1)

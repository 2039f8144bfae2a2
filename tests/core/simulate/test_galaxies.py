import math
from dataclasses import replace

import galsim
import numpy as np
import pytest
from astropy.stats import mad_std

from core.simulate import galaxies
from core.simulate.galaxies import Galaxy
from core.simulate.settings import SurveySettings

DISK = Galaxy("disk", 18.0, 1.0, 1.5, 0.0, 0.0, 0.0, 1.0, 0.0, 20.0)
SPHEROID = Galaxy("spheroid", 18.0, 0.8, 0.8, 1.0, 0.0, 0.0, 1.0, 0.0, 20.0)
SHARP = SurveySettings(size=128, pixel_scale=0.1, seeing=0.25)
WIDE = SurveySettings(size=256, pixel_scale=0.4)


def drawn(galaxy: Galaxy, settings: SurveySettings, seed: int = 1) -> np.ndarray:
    return galaxies.draw_noise_free(galaxy, settings, galaxies.survey_psf(settings), np.random.default_rng(seed))


def radii(image: np.ndarray, scale: float) -> np.ndarray:
    """Distance of every pixel from the light's centre of mass."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    total = image.sum()
    return scale * np.hypot(x - (x * image).sum() / total, y - (y * image).sum() / total)


def isophote(image: np.ndarray) -> tuple[float, float]:
    """Axis ratio and angle in degrees of the ellipse inside which lies half of the light of the stamp."""
    order = np.argsort(image, axis=None)[::-1]
    inside = order[: np.searchsorted(np.cumsum(image.ravel()[order]), image.sum() / 2)]
    y, x = np.unravel_index(inside, image.shape)
    lengths, axes = np.linalg.eigh(np.cov(x, y))
    return math.sqrt(lengths[0] / lengths[1]), math.degrees(math.atan2(axes[1, 1], axes[0, 1])) % 180


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow) if kind == "edge-on" else kind for kind in galaxies.CLASSES]
)
def test_the_light_in_r_is_the_flux_of_the_magnitude(kind: str) -> None:
    random = np.random.default_rng(4)
    for _ in range(6):
        galaxy = replace(galaxies.draw_galaxy(kind, WIDE, random), dust=0.0)
        halo = 0.03 * galaxy.bulge_fraction  # a de Vaucouleurs profile has no edge
        assert drawn(galaxy, WIDE)[1].sum() == pytest.approx(galaxy.flux, rel=0.01 + halo)


def test_dust_leaves_r_as_it_is_and_reddens_by_its_excess() -> None:
    clear, dusty = drawn(DISK, WIDE).sum((1, 2)), drawn(replace(DISK, dust=0.3), WIDE).sum((1, 2))
    change = -2.5 * np.log10(dusty / clear)
    assert change[1] == pytest.approx(0, abs=1e-9)
    assert change[2] - change[1] == pytest.approx(0.3)


def test_spheroids_are_redder_than_disks_and_arms_are_blue() -> None:
    arms = replace(DISK, knots_fraction=1.0)
    images = [drawn(galaxy, WIDE) for galaxy in (SPHEROID, DISK, arms)]
    g_minus_r = [-2.5 * math.log10(image[2].sum() / image[1].sum()) for image in images]
    assert g_minus_r == pytest.approx([0.85, 0.42, -0.25], abs=0.01)


def test_half_of_a_disks_light_is_within_1_678_scale_lengths() -> None:
    assert replace(DISK, scale_length=2.0).half_light_radius == pytest.approx(2 * 1.67834699, rel=1e-6)


def test_half_of_a_spheroids_light_is_within_its_effective_radius() -> None:
    assert replace(SPHEROID, bulge_radius=1.7).half_light_radius == pytest.approx(1.7, rel=1e-6)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_half_of_the_photons_of_bulge_and_disk_are_within_the_half_light_radius(fraction: float) -> None:
    galaxy = Galaxy("disk", 18.0, 0.8, 2.0, fraction, 0.0, 0.0, 1.0, 0.0, 20.0)
    bulge = galsim.DeVaucouleurs(half_light_radius=0.8, flux=fraction)
    both = bulge + galsim.Exponential(scale_radius=2.0, flux=1 - fraction)
    photons = both.shoot(100_000, galsim.BaseDeviate(5))
    assert np.median(np.hypot(photons.x, photons.y)) == pytest.approx(galaxy.half_light_radius, rel=0.015)


@pytest.mark.parametrize("galaxy", [DISK, SPHEROID])
def test_half_of_the_drawn_light_is_within_the_half_light_radius(galaxy: Galaxy) -> None:
    image = drawn(galaxy, SHARP)[1]
    inside = radii(image, SHARP.pixel_scale) <= galaxy.half_light_radius
    assert image[inside].sum() / galaxy.flux == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(("ratio", "angle"), [(0.5, 0.0), (0.7, 40.0), (0.6, 130.0)])
def test_a_spheroid_has_its_axis_ratio_along_its_angle(ratio: float, angle: float) -> None:
    image = drawn(replace(SPHEROID, axis_ratio=ratio, angle=angle, bulge_radius=3.0), SHARP)[1]
    measured, turned = isophote(image)
    assert measured == pytest.approx(ratio, abs=0.03)
    assert abs((turned - angle + 90) % 180 - 90) < 1.5


@pytest.mark.parametrize("inclination", [0, 35, 60])
def test_an_inclined_disk_has_the_axis_ratio_of_its_inclination(inclination: float) -> None:
    galaxy = replace(DISK, inclination=inclination, scale_length=1.2, angle=30.0)
    measured, turned = isophote(drawn(galaxy, SHARP)[1])
    thin = math.cos(math.radians(inclination))
    assert measured == pytest.approx(math.sqrt(thin**2 * (1 - 0.12**2) + 0.12**2), abs=0.03)
    assert inclination == 0 or abs(turned - 30) < 1.5


@pytest.mark.parametrize("seeing", [0.8, 1.2, 2.0])
def test_a_point_is_as_wide_as_the_seeing(seeing: float) -> None:
    settings = SurveySettings(size=128, pixel_scale=0.1, seeing=seeing)
    image = drawn(replace(DISK, scale_length=0.005), settings)[1]
    distance = radii(image, settings.pixel_scale).ravel()
    order = np.argsort(distance)
    profile = image.ravel()[order] / image.max()
    assert 2 * np.interp(-0.5, -profile, distance[order]) == pytest.approx(seeing, rel=0.02)


def test_the_noise_is_that_of_the_sky_and_of_the_galaxys_photons() -> None:
    settings = SurveySettings(noise=0.05)
    psf, galaxy = galaxies.survey_psf(settings), replace(DISK, magnitude=16.0, scale_length=1.0)
    residuals, models = [], []
    for seed in range(25):
        models.append(galaxies.draw_noise_free(galaxy, settings, psf, np.random.default_rng(seed)))
        residuals.append(galaxies.draw_stamp(galaxy, settings, psf, np.random.default_rng(seed)) - models[-1])
    residual, model = np.array(residuals), np.array(models)
    for pixels in (model < 0.003, (model > 0.5) & (model < 1), model > 2):
        spread = mad_std(residual[pixels])  # a few pixels are a neighbour's
        assert spread == pytest.approx(np.sqrt(0.05**2 + np.median(model[pixels]) / 60), rel=0.08)


def test_the_fast_profiles_are_galsims_fine_ones() -> None:
    settings = SurveySettings()
    psf = galsim.Moffat(beta=3.5, fwhm=settings.seeing, gsparams=galsim.GSParams(folding_threshold=1e-3))
    for galaxy in (replace(SPHEROID, bulge_radius=3.0), replace(DISK, scale_length=3.0, inclination=80.0)):
        ours = drawn(galaxy, settings)
        fine = galaxies.draw_noise_free(
            galaxy, settings, psf, np.random.default_rng(1)
        )  # GalSim takes the finer of the two
        assert np.abs(ours - fine).max() < 2e-4 * fine.max()
        assert np.abs(ours - fine).max() < 0.05 * settings.noise


@pytest.mark.parametrize("inclination", [0, 50, 70])
def test_all_light_of_the_arms_is_there_however_inclined(inclination: float) -> None:
    arms = replace(DISK, knots_fraction=1.0, inclination=inclination, angle=25.0, scale_length=2.5)
    image = drawn(arms, SurveySettings(), seed=9)[1]
    assert image.sum() == pytest.approx(arms.flux, rel=0.01)
    assert image.min() > -1e-4 * image.max(), "nothing comes in again at the other edge"


def test_the_arms_of_opposite_pitch_wind_the_other_way() -> None:
    settings = SurveySettings(size=64, seeing=0.5)
    winding = []
    for pitch in (18.0, -18.0):
        image = drawn(replace(DISK, knots_fraction=1.0, scale_length=3.0, pitch=pitch), settings)[1]
        y, x = np.mgrid[:64, :64] - 31.5
        radius, angle = np.hypot(x, y), np.arctan2(y, x)
        phases = []
        for low in np.arange(5, 20, 1.5):  # the phase of the two arms, ring by ring
            ring = (radius >= low) & (radius < low + 3)
            phases.append(np.angle((image[ring] * np.exp(2j * angle[ring])).sum()) / 2)
        winding.append(np.diff(np.unwrap(phases, period=np.pi)).mean())
    assert winding[0] > 0.05
    assert winding[1] < -0.05


def test_every_drawn_galaxy_is_within_its_class() -> None:
    random = np.random.default_rng(0)
    settings = SurveySettings(brightest=17, faintest=19)
    for kind in galaxies.CLASSES:
        for _ in range(40):
            galaxy = galaxies.draw_galaxy(kind, settings, random)
            assert 17 <= galaxy.magnitude <= 19
            assert 0 < galaxy.axis_ratio <= 1
            assert 0 < galaxy.half_light_radius < 15
            assert (galaxy.bulge_fraction == 1) == (kind == "spheroid")
            assert (galaxy.inclination >= 78) == (kind == "edge-on")

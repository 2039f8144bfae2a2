import math
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from scipy import ndimage

from core.errors import NotPossible, UnreadableFile
from core.simulate import presets
from core.simulate.noise import Background, readout_variance, sky_electrons, sky_noise
from core.simulate.noise_settings import NoiseSettings
from core.simulate.realism_settings import RealismSettings
from core.simulate.settings import SimulationSettings

SDSS = presets.load_preset("SDSS r")
NUMBERS = np.arange(60)
EMPTY = np.zeros((60, 1, 64, 64), np.float32)
SIGMA, SMOOTHING = 0.03, 0.8
SHARED = Path(__file__).parents[4] / "shared" / "data" / "sdss_r_fits" / "sky"


def with_noise(settings: SimulationSettings, **noise: object) -> SimulationSettings:
    return settings.model_copy(update={"noise": NoiseSettings.model_validate(noise)})


def correlation(images: np.ndarray, y: int, x: int) -> float:
    """Of pixels at this distance."""
    height, width = images.shape[-2:]
    one, other = images[..., : height - y, : width - x], images[..., y:, x:]
    return float((one * other).mean() / images.var())


def of_smoothed(distance: int) -> float:
    """Correlation of white noise that was smoothed with a Gaussian, along an axis."""
    kernel = ndimage.gaussian_filter1d(np.eye(101)[50], SMOOTHING)
    return float(np.correlate(kernel, kernel, "full")[100 + distance] / (kernel @ kernel))


def frame(folder: Path, name: str = "frame.fits", side: int = 300, level: float = 5.0, **cards: object) -> Path:
    """A frame of correlated sky with stars, in units of 20 mag."""
    random = np.random.default_rng(7)
    sky = ndimage.gaussian_filter(random.normal(size=(side, side)), SMOOTHING, mode="wrap")
    sky *= SIGMA / sky.std()
    y, x = np.mgrid[:side, :side]
    for _ in range(12):
        at_y, at_x = random.uniform(0, side, 2)
        sky += 3 * np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * 2.5**2))
    header = {"MAGZERO": 20.0, "CDELT1": -0.396 / 3600, "CDELT2": 0.396 / 3600, "CTYPE1": "RA---TAN"}
    header |= {"CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg"} | cards
    path = folder / name
    fits.PrimaryHDU((sky + level).astype(np.float32), fits.Header(header)).writeto(path)
    return path


@pytest.mark.truth("Noise of blank sky", "the instrument's numbers")
def test_blank_sky_has_the_noise_of_the_instrument():
    for kind in ("ccd", "gaussian"):
        noise = Background.of(with_noise(SDSS, kind=kind)).add(EMPTY, NUMBERS)
        assert noise.std() == pytest.approx(sky_noise(SDSS), rel=0.01)
        assert noise.mean() == pytest.approx(0, abs=float(4 * noise.std() / math.sqrt(noise.size)))
        assert abs(correlation(noise, 0, 1)) < 0.01
    exact = Background.of(with_noise(SDSS, kind="gaussian", sigma=0.2)).add(EMPTY, NUMBERS)
    assert exact.std() == pytest.approx(0.2, rel=0.01)
    assert not Background.of(with_noise(SDSS, kind="none")).add(EMPTY, NUMBERS).any()


@pytest.mark.truth("Variance of a bright source", "photons and readout")
@pytest.mark.parametrize("exposure", [0.5, 53.9], ids=["few photons", "many photons"])
def test_the_variance_is_that_of_photons_and_the_readout(exposure: float):
    instrument = SDSS.instrument.model_copy(update={"exposure": exposure, "exposures": 3})
    settings = SDSS.model_copy(update={"instrument": instrument})
    stamps = EMPTY + 5  # nanomaggies
    noisy = Background.of(settings).add(stamps, NUMBERS)
    electrons = exposure * 3 * 10 ** (0.4 * (25.62 - 22.5))  # for one nanomaggy
    photons = 5 * electrons + 3 * exposure * 10 ** (0.4 * (25.62 - 20.84)) * 0.396**2
    expected = (photons + 3 * (25 + 36 / 12)) / electrons**2
    assert noisy.var() == pytest.approx(expected, rel=0.02)
    assert noisy.mean() == pytest.approx(5, abs=float(5 * math.sqrt(expected / noisy.size)))
    assert sky_electrons(instrument) + 5 * electrons == pytest.approx(photons)
    assert readout_variance(instrument) == pytest.approx(84)


@pytest.mark.truth("Noise of few photons", "the Poisson distribution")
def test_with_few_photons_the_noise_is_that_of_poisson():
    instrument = SDSS.instrument.model_copy(update={"exposure": 0.5, "read_noise": 0.0})
    settings = SDSS.model_copy(update={"instrument": instrument})
    noise = Background.of(settings).add(EMPTY, NUMBERS)
    skewness = ((noise - noise.mean()) ** 3).mean() / noise.std() ** 3
    variance = sky_electrons(instrument) + 3
    assert skewness == pytest.approx(sky_electrons(instrument) / variance**1.5, rel=0.2)


@pytest.mark.parametrize("kind", ["correlated", "real sky"])
def test_the_users_sky_gives_its_noise_correlation_and_unit(tmp_path: Path, kind: str):
    settings = with_noise(SDSS, kind=kind, sky=str(frame(tmp_path)), source_noise=False)
    background = Background.of(settings)
    noise = background.add(EMPTY, NUMBERS)
    in_nanomaggies = SIGMA * 10 ** (0.4 * (22.5 - 20))
    assert background.sky is not None
    assert background.sky.sigma == pytest.approx(in_nanomaggies, rel=0.04)
    assert noise.std() == pytest.approx(in_nanomaggies, rel=0.05), "stars are masked, the level is subtracted"
    for distance in (1, 2, 4):
        assert correlation(noise, 0, distance) == pytest.approx(of_smoothed(distance), abs=0.04)
        assert correlation(noise, distance, 0) == pytest.approx(of_smoothed(distance), abs=0.04)
    opposite = (noise[..., 0] * noise[..., -1]).mean() / noise.var()
    assert abs(opposite) < 0.06, "opposite edges are not alike"


def test_photons_of_the_galaxy_are_added_to_the_users_sky(tmp_path: Path):
    path = str(frame(tmp_path))
    stamps = EMPTY + 1000
    without = Background.of(with_noise(SDSS, kind="correlated", sky=path, source_noise=False)).add(stamps, NUMBERS)
    noisy = Background.of(with_noise(SDSS, kind="correlated", sky=path)).add(stamps, NUMBERS)
    electrons = 53.9 * 10 ** (0.4 * (25.62 - 22.5))
    assert noisy.var() - without.var() == pytest.approx(1000 / electrons, rel=0.05)


@pytest.mark.parametrize("kind", ["gaussian", "ccd", "correlated", "real sky"])
def test_the_background_of_a_galaxy_is_the_same_in_any_block(tmp_path: Path, kind: str):
    settings = with_noise(SDSS, kind=kind, sky=str(frame(tmp_path)))
    settings = settings.model_copy(update={"realism": RealismSettings(cosmic_rays=0.5)})
    stamps = np.random.default_rng(1).random((9, 2, 64, 64)).astype(np.float32)
    whole = Background.of(settings).add(stamps, np.arange(9))
    few = Background.of(settings).add(stamps[[7, 2]], np.array([7, 2]))
    assert np.array_equal(few, whole[[7, 2]])
    assert not np.array_equal(whole[0] - stamps[0], whole[1] - stamps[1])


def test_cosmic_rays_hit_as_many_stamps_as_asked():
    settings = with_noise(SDSS, kind="none").model_copy(update={"realism": RealismSettings(cosmic_rays=0.4)})
    numbers = np.arange(400)
    stamps = Background.of(settings).add(np.zeros((400, 1, 32, 32), np.float32), numbers)
    assert (stamps.reshape(400, -1).max(axis=1) > 0).mean() == pytest.approx(0.4, abs=0.08)
    assert (stamps > 0).sum(axis=(1, 2, 3)).max() < 45


def test_a_sky_that_does_not_fit_is_refused_with_the_reason(tmp_path: Path):
    def refused(path: Path | str, kind: str = "real sky") -> str:
        with pytest.raises((NotPossible, UnreadableFile)) as told:
            Background.of(with_noise(SDSS, kind=kind, sky=str(path)))
        assert told.value.remedy
        return told.value.sentence

    assert "named" in refused("")
    assert "does not exist" in refused(tmp_path / "nothing")
    assert "holds no FITS image" in refused(tmp_path)
    coarse = frame(tmp_path, "coarse.fits", CDELT1=-0.2 / 3600, CDELT2=0.2 / 3600)
    assert "0.2″ per pixel, and the instrument 0.396″" in refused(coarse)
    assert "smaller than 64 × 64" in refused(frame(tmp_path, "small.fits", 40))
    flat = tmp_path / "flat.fits"
    fits.PrimaryHDU(np.full((100, 100), 3, np.float32)).writeto(flat)
    assert "without enough blank pixels" in refused(flat, "correlated")
    picture = tmp_path / "picture.fits"
    fits.PrimaryHDU(np.ones((100, 100), np.uint8)).writeto(picture)
    assert "256 levels" in refused(picture)
    damaged = tmp_path / "damaged.fits"
    damaged.write_bytes(coarse.read_bytes()[:4000])
    refused(damaged)


@pytest.mark.parametrize("damage", ["no FITS", "cut off", "an axis that is a word"])
def test_a_damaged_image_of_sky_is_a_problem_of_that_file(tmp_path: Path, damage: str):
    path = frame(tmp_path)
    content = path.read_bytes()
    axis = b"NAXIS1  =                  300"
    assert axis in content
    damaged = {
        "no FITS": b"x" + content,
        "cut off": content[:3000],
        "an axis that is a word": content.replace(axis, b"NAXIS1  = 'many              '"),
    }
    path.write_bytes(damaged[damage])
    with pytest.raises(UnreadableFile) as caught:
        Background.of(with_noise(SDSS, kind="real sky", sky=str(path)))
    assert caught.value.where == str(path)


def test_what_is_assumed_of_the_sky_is_told(tmp_path: Path):
    path = tmp_path / "plain.fits"
    sky = np.random.default_rng(1).normal(0, 1, (80, 80)).astype(np.float32)
    fits.PrimaryHDU(sky).writeto(path)
    remarks = Background.of(with_noise(SDSS, kind="real sky", sky=str(path))).remarks
    assert any("zero point" in remark and "22.5" in remark for remark in remarks)
    assert any("pixel scale" in remark for remark in remarks)
    stated = with_noise(SDSS, kind="real sky", sky=str(path), sky_zero_point=20.0)
    assert Background.of(stated).sky.sigma == pytest.approx(10, rel=0.05)


def test_an_image_full_of_the_light_of_a_bright_star_is_left_out_and_told(tmp_path: Path):
    random = np.random.default_rng(1)
    for number in range(6):
        glow = 50 * (number == 5)
        sky = random.normal(0, 1 + glow, (80, 80)).astype(np.float32)
        fits.PrimaryHDU(sky).writeto(tmp_path / f"sky-{number}.fits")
    background = Background.of(with_noise(SDSS, kind="correlated", sky=str(tmp_path)))
    assert background.sky is not None
    assert background.sky.sigma == pytest.approx(1, rel=0.03)
    assert any("1 image of sky more than 3 times as noisy as most" in remark for remark in background.remarks)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the real blank sky of SDSS, which is not part of the project")
def test_the_preset_of_sdss_predicts_the_noise_of_its_real_sky():
    background = Background.of(with_noise(SDSS, kind="real sky", sky=str(SHARED)))
    assert background.sky is not None
    assert background.sky.sigma == pytest.approx(sky_noise(SDSS), rel=0.08)
    assert sky_noise(SDSS) == pytest.approx(0.0296, rel=0.08), "with faint sources"
    assert background.remarks == ()

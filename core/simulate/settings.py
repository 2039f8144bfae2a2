"""Settings of simulated galaxies: of the demonstration survey, and of training sets without limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import model_validator

from core.reading import is_there
from core.settings.declare import Settings, knobs, setting
from core.simulate.galaxy_settings import GalaxySettings
from core.simulate.instrument_settings import InstrumentSettings
from core.simulate.noise_settings import NoiseSettings
from core.simulate.psf_settings import PsfSettings
from core.simulate.realism_settings import RealismSettings

S = TypeVar("S", bound=Settings)


class SurveySettings(Settings):
    """A simulated survey of spheroids, disks and edge-on galaxies in three bands."""

    count: int = setting(1500, title="Galaxies", help="Number of galaxies, equally many of each class.", ge=3, le=10**6)
    size: int = setting(64, title="Stamp size", help="Side of every stamp.", unit="pixels", ge=16, le=512)
    pixel_scale: float = setting(
        0.396, title="Pixel scale", help="Of the camera; as for SDSS.", unit="arcsec/pixel", gt=0, le=5
    )
    seeing: float = setting(
        1.2,
        title="Seeing",
        help="Full width at half maximum of the point-spread function, a Moffat profile with β = 3.5.",
        unit="arcsec",
        gt=0,
        le=10,
        source="Moffat 1969",
    )
    noise: float = setting(
        0.024,
        title="Sky noise",
        help="Standard deviation of a pixel of blank sky, in each band.",
        unit="nanomaggy",
        gt=0,
        le=100,
        scale="log",
    )
    brightest: float = setting(16.5, title="Brightest", help="Smallest r magnitude.", unit="mag", ge=8, le=26)
    faintest: float = setting(
        19.8,
        title="Faintest",
        help="Largest r magnitude; in between, the counts rise as 10^(0.2 m).",
        unit="mag",
        ge=8,
        le=28,
    )
    seed: int = setting(391, title="Seed", help="Origin of all randomness.", ge=0, le=2**31 - 1)

    @model_validator(mode="after")
    def _magnitudes_in_order(self) -> SurveySettings:
        if self.brightest >= self.faintest:
            raise ValueError("the brightest magnitude must be smaller than the faintest")
        return self


class SimulationSettings(Settings):
    """All settings of a training set of simulated galaxies: the same settings give the same galaxies."""

    count: int = setting(20_000, title="Galaxies", help="How many are made.", unit="galaxies", ge=1, le=10**8)
    size: int = setting(64, title="Stamp size", help="Side of every stamp.", unit="pixels", ge=16, le=1024)
    seed: int = setting(1, title="Seed", help="Origin of all randomness.", ge=0, le=2**31 - 1)
    engine: Literal["batched", "GalSim"] = setting(
        "batched",
        title="Engine",
        help="Batched: many galaxies at once in Fourier space. GalSim: one at a time, hundreds of times slower; it is "
        "there for comparison.",
        level="expert",
        source="Rowe et al. 2015 (GalSim)",
    )
    instrument: InstrumentSettings = setting(
        InstrumentSettings(), title="Instrument", help="Camera, band and exposure."
    )
    unit_zero_point: float | None = setting(
        None,
        title="Zero point of the unit",
        help="Magnitude of one unit of the stored pixels, such as 22.5 for nanomaggies. Empty: that of the instrument; "
        "the stamps are then in electrons per second.",
        unit="mag",
        ge=-50,
        le=50,
    )
    psf: PsfSettings = setting(PsfSettings(), title="PSF", help="The point-spread function.")
    noise: NoiseSettings = setting(NoiseSettings(), title="Noise", help="Noise and background.")
    galaxies: GalaxySettings = setting(GalaxySettings(), title="Galaxies", help="The prior of each parameter.")
    realism: RealismSettings = setting(
        RealismSettings(), title="Realism", help="What real galaxies have and analytic profiles have not."
    )

    @property
    def stored_zero_point(self) -> float:
        """Magnitude of one unit of the stored pixels."""
        return self.instrument.zero_point if self.unit_zero_point is None else self.unit_zero_point

    @property
    def band_names(self) -> tuple[str, ...]:
        """Of the stored stamps, the one first that the magnitudes are in."""
        return self.realism.band_names or (self.instrument.band,)

    def with_paths_from(self, folder: Path) -> Self:
        """With the PSF, sky and catalogues that a file in ``folder`` names relative to itself."""
        return _with_paths_from(self, folder)


SOURCE = "simulated galaxies"  # the origin of a dataset that was made with such settings
PATHS = ("path", "sky", "table")  # names of the settings that name a file or folder


def _with_paths_from(settings: S, folder: Path) -> S:
    changed: dict[str, Any] = {}
    for name in knobs(type(settings)):
        value = getattr(settings, name)
        if isinstance(value, Settings):
            inner = _with_paths_from(value, folder)
            if inner is not value:
                changed[name] = inner
        elif isinstance(value, str) and value and name in PATHS:
            beside = folder / Path(value).expanduser()
            if is_there(beside) and str(beside) != value:
                changed[name] = str(beside)
    return settings.model_copy(update=changed) if changed else settings

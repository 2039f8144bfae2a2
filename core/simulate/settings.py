"""Settings of a simulated survey: camera, sky, and magnitudes."""

from __future__ import annotations

from pydantic import model_validator

from core.settings.declare import Settings, setting


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

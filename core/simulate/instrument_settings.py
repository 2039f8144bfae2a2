"""Settings of the telescope and camera, and of the exposure."""

from __future__ import annotations

from core.settings.declare import Settings, setting


class InstrumentSettings(Settings):
    """Camera, band and exposure. The zero point is the magnitude of one electron per second."""

    name: str = setting("HST/WFC3", title="Instrument", help="Telescope and camera, or the survey.")
    band: str = setting("F160W", title="Band", help="Name of the filter.")
    pixel_scale: float = setting(
        0.08, title="Pixel scale", help="Of the stored stamps.", unit="arcsec/pixel", gt=0, le=10, scale="linear"
    )
    zero_point: float = setting(
        25.946, title="Zero point", help="Magnitude that gives one electron per second.", unit="mag", ge=0, le=40
    )
    exposure: float = setting(
        5400.0, title="Exposure time", help="Of one exposure.", unit="s", gt=0, le=1e7, scale="log"
    )
    exposures: int = setting(
        1, title="Exposures", help="How many are added up; each is read out once.", ge=1, le=10**5, scale="log"
    )
    sky: float = setting(22.3, title="Sky brightness", help="Of the blank sky.", unit="mag/arcsec²", ge=0, le=40)
    gain: float = setting(
        2.5,
        title="Gain",
        help="Electrons per digital unit. Rounding to whole units adds gain²/12 to the variance of an exposure.",
        unit="e⁻/ADU",
        gt=0,
        le=1e4,
        scale="log",
        level="expert",
    )
    read_noise: float = setting(
        4.0, title="Read noise", help="Standard deviation of a pixel in one exposure.", unit="e⁻", ge=0, le=200
    )

    @property
    def total_exposure(self) -> float:
        """Of all exposures, in seconds."""
        return self.exposure * self.exposures

"""Settings of measurements on stamps: the neighbours of galaxies, and profiles fitted to them."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from core.data.settings import SegmentationSettings
from core.settings.declare import Settings, setting

_SHARP = SegmentationSettings(smoothing=1.0, contrast=0.005, saddle=0.9)

DistanceUnit = Literal["radii", "arcsec", "pixels"]
ProfileKind = Literal["Sérsic", "bulge + disk"]
SkyLevel = Literal["fitted", "subtracted"]


class EnvironmentSettings(Settings):
    """When a galaxy is isolated, has a faint neighbour or a bright one.

    A source on the stamp counts as a neighbour if its centre of light is near enough and it is bright enough.
    """

    distance: float = setting(
        1.5,
        title="Largest distance",
        help="Sources whose centre is further from that of the galaxy do not count.",
        gt=0,
        le=10_000,
        scale="log",
    )
    distance_unit: DistanceUnit = setting(
        "radii",
        title="Unit of the distance",
        help="Of the largest distance. radii: the sum of the isophotal radii of the two, those of circles as large as "
        "their segments, so that two that touch are about 1 apart; it needs no pixel scale, but grows with the depth "
        "of the image.",
    )
    faint: float = setting(
        0.01,
        title="Fewest light, faint",
        help="A source with a smaller share of the galaxy's flux does not count. 0.01 is 5 mag fainter.",
        gt=0,
        le=1000,
        scale="log",
    )
    bright: float = setting(
        0.25,
        title="Fewest light, bright",
        help="A neighbour with at least this share of the galaxy's flux is a bright one. 0.25 is 1.5 mag fainter, the "
        "usual limit of a major merger.",
        gt=0,
        le=1000,
        scale="log",
        source="Lotz et al. 2011",
    )
    segmentation: SegmentationSettings = setting(
        _SHARP,
        title="Galaxy, neighbours and sky",
        help="How the image is segmented. Close pairs are told apart more readily than for explanations, so that the "
        "knots of a spiral may count as faint neighbours; a lower “highest saddle” keeps them with their galaxy.",
        level="expert",
    )

    @model_validator(mode="after")
    def _faint_below_bright(self) -> EnvironmentSettings:
        if self.faint >= self.bright:
            raise ValueError("the share of light of a faint neighbour must be smaller than that of a bright one")
        return self

    @property
    def rule(self) -> str:
        """The thresholds as a sentence."""
        unit = "times the sum of both radii" if self.distance_unit == "radii" else self.distance_unit
        return (
            f"A neighbour is a source within {self.distance:g} {unit} with at least {self.faint:g} of the galaxy's "
            f"flux; it is bright from {self.bright:g} of it on."
        )


class FitSettings(Settings):
    """How profiles are fitted to galaxies by least squares."""

    model: ProfileKind = setting(
        "Sérsic",
        title="Model",
        help="One Sérsic profile; or a bulge, a Sérsic profile, with an exponential disk around the same centre.",
        source="Sérsic 1963; Freeman 1970",
    )
    bulge_index: float | None = setting(
        None,
        title="Sérsic index of the bulge",
        help="Empty: it is fitted. 4 is a de Vaucouleurs profile.",
        ge=0.3,
        le=6,
        applies=("model", ("bulge + disk",)),
    )
    band: int = setting(1, title="Band", help="Band to fit, counted from 1.", ge=1, le=4096)
    zero_point: float | None = setting(
        None,
        title="Zero point",
        help="Magnitude of one unit of flux of the images. Empty: fluxes are given instead of magnitudes.",
        unit="mag",
        ge=-10,
        le=60,
    )
    sky: SkyLevel = setting(
        "fitted",
        title="Sky",
        help="Fitted: a constant level of each stamp is fitted, too. Subtracted: it is 0 in the images.",
    )
    noise: float | None = setting(
        None,
        title="Noise of the sky",
        help="Standard deviation of a pixel of blank sky, in units of the images. Empty: measured on each stamp, from "
        "the pixels without sources.",
        gt=0,
        le=1e12,
        scale="log",
    )
    gain: float | None = setting(
        None,
        title="Gain",
        help="Electrons in one unit of the images, for the photon noise of the galaxy itself. Empty: noise of the sky "
        "only, so that error bars of bright galaxies come out too small.",
        gt=0,
        le=1e15,
        scale="log",
    )
    mask_growth: int = setting(
        2,
        title="Growth of the mask",
        help="By how many pixels the segments of neighbours are grown before they are left out.",
        unit="pixels",
        ge=0,
        le=32,
        level="expert",
    )
    most_steps: int = setting(
        100, title="Most steps", help="A fit that needs more has not converged.", ge=5, le=1000, level="expert"
    )
    segmentation: SegmentationSettings = setting(
        _SHARP, title="Galaxy, neighbours and sky", help="How the image is segmented.", level="expert"
    )

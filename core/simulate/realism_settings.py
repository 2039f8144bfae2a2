"""Settings of what real galaxies have and analytic profiles have not."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import model_validator

from core.settings.declare import Settings, setting
from core.simulate.priors import MagnitudePrior, Prior

BRIGHT_DIFFERENCE = 1.505  # mag; a companion with a quarter of the galaxy's flux is a bright neighbour,
FAINT_DIFFERENCE = 5.0  # one with a hundredth of it a faint one, and fainter ones do not count
_MOST_BANDS = 8


class DistancePrior(Prior):
    """The distribution of the distances of companions and stars."""

    logarithmic: ClassVar[bool] = True

    unit: Literal["pixels", "arcsec"] = setting(
        "pixels", title="Unit", help="Of the distances; those in pixels change with the instrument."
    )
    low: float = setting(4.0, title="Nearest", help="Nearer ones are not drawn.", gt=0, le=1e4)
    high: float = setting(28.0, title="Furthest", help="Further ones are not drawn.", gt=0, le=1e4)


class DifferencePrior(Prior):
    """The distribution of the magnitudes of companions, less that of the galaxy."""

    exponential: ClassVar[bool] = True

    low: float = setting(
        -0.5, title="Brightest", help="Magnitude of the companion minus the galaxy's.", unit="mag", ge=-10, le=15
    )
    high: float = setting(
        4.0, title="Faintest", help="Magnitude of the companion minus the galaxy's.", unit="mag", ge=-10, le=15
    )


def _share(title: str, help: str, **more: Any) -> Any:  # noqa: A002 - as in setting
    return setting(0.0, title=title, help=help, ge=0, le=1, **more)


def _light(default: float, title: str, of: str, share: str) -> Any:
    return setting(
        default, title=title, help=f"Typical fraction of {of}.", gt=0, le=0.9, level="expert", applies=(share, ())
    )


class RealismSettings(Settings):
    """How many of the galaxies have each feature; all shares are 0 for fully analytic galaxies."""

    arms: float = _share("Spiral arms", "Share of the galaxies whose disk has two logarithmic spiral arms.")
    arm_light: float = _light(0.3, "Light in arms", "the disk's light", "arms")
    bars: float = _share("Bars", "Share of the galaxies whose disk has a bar.")
    bar_light: float = _light(0.15, "Light in bars", "the disk's light", "bars")
    clumps: float = _share("Clumps", "Share of the galaxies with star-forming clumps and HII knots.")
    clump_light: float = _light(0.15, "Light in clumps", "the disk's light", "clumps")
    tidal: float = _share("Tidal features", "Share of the galaxies with a tidal tail or a shell of debris.")
    tidal_light: float = _light(0.08, "Light in tidal features", "the galaxy's light", "tidal")
    companions: float = _share("Companions", "Share of the galaxies with another galaxy on the stamp.")
    companion_distance: DistancePrior = setting(
        DistancePrior(), title="Distance", help="From centre to centre.", applies=("companions", ())
    )
    companion_magnitude: DifferencePrior = setting(
        DifferencePrior(),
        title="Fainter by",
        help="Magnitude of the companion minus that of the galaxy: up to 1.5 it is a bright neighbour, up to 5 a faint "
        "one.",
        unit="mag",
        applies=("companions", ()),
    )
    blended: float = setting(
        0.2,
        title="Blended",
        help="Share of the companions that are drawn nearer than the sum of both half-light radii, whatever the "
        "distances above.",
        ge=0,
        le=1,
        applies=("companions", ()),
    )
    stars: float = _share("Stars", "Share of the stamps with a star of our Galaxy.")
    star_magnitude: MagnitudePrior = setting(
        MagnitudePrior(low=18, high=24), title="Magnitude of stars", help="Total.", unit="mag", applies=("stars", ())
    )
    bands: str = setting(
        "",
        title="Bands",
        help="Several bands from red to blue, such as i, r, g; the magnitudes are those of the first. Empty: the "
        "instrument's only.",
    )
    colour: float = setting(
        0.5,
        title="Colour",
        help="Typical colour of a galaxy from each band to the next bluer one.",
        unit="mag",
        ge=-3,
        le=3,
        applies=("bands", ()),
    )
    gradients: float = _share(
        "Colour gradients",
        "Share of the galaxies that are redder inside: an old bulge in a younger disk; a single profile is larger in "
        "bluer bands.",
        applies=("bands", ()),
    )
    gradient: float = setting(
        0.4,
        title="Size of the gradient",
        help="Colour of the bulge minus that of the disk, from each band to the next.",
        unit="mag",
        ge=0,
        le=3,
        level="expert",
        applies=("gradients", ()),
    )
    cosmic_rays: float = _share("Cosmic rays", "Share of the stamps that a cosmic ray has hit and left a track on.")

    @property
    def band_names(self) -> tuple[str, ...]:
        """The bands that are named; none where it is left to the instrument."""
        return tuple(name for name in (part.strip() for part in self.bands.split(",")) if name)

    @model_validator(mode="after")
    def _few_different_bands(self) -> RealismSettings:
        names = self.band_names
        if len(set(names)) < len(names) or len(names) > _MOST_BANDS:
            raise ValueError(f"there may be up to {_MOST_BANDS} bands, each with its own name")
        return self

    @model_validator(mode="after")
    def _nothing_to_be_tied_to(self) -> RealismSettings:
        if "tied" in {self.companion_distance.kind, self.companion_magnitude.kind, self.star_magnitude.kind}:
            raise ValueError("priors of companions and stars cannot be tied to a parameter of the galaxies")
        return self


IDEAL = RealismSettings()
REALISTIC = RealismSettings(
    arms=0.4, bars=0.25, clumps=0.3, tidal=0.1, companions=0.4, stars=0.2, gradients=0.7, cosmic_rays=0.05
)

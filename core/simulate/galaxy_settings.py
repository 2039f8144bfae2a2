"""Settings of the simulated galaxies: which kind, and the prior of each parameter."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from core.settings.declare import Settings, setting
from core.simulate.priors import (
    AnglePrior,
    AxisRatioPrior,
    FractionPrior,
    IndexPrior,
    MagnitudePrior,
    Prior,
    RadiusPrior,
)

_BULGE_AND_DISK = (
    "magnitude",
    "bulge_to_total",
    "bulge_radius",
    "bulge_index",
    "bulge_axis_ratio",
    "disk_radius",
    "disk_axis_ratio",
    "position_angle",
)
_SINGLE = ("magnitude", "half_light_radius", "sersic_index", "axis_ratio", "position_angle")
_TWO, _ONE = ("kind", ("bulge + disk",)), ("kind", ("single Sérsic",))


class GalaxySettings(Settings):
    """One prior for each parameter of the galaxies."""

    kind: Literal["bulge + disk", "single Sérsic"] = setting(
        "bulge + disk",
        title="Galaxies",
        help="A Sérsic bulge in an exponential disk with the same centre and position angle, or a single Sérsic "
        "profile.",
        source="Sérsic 1963; Freeman 1970",
    )
    magnitude: MagnitudePrior = setting(MagnitudePrior(), title="Magnitude", help="Total magnitude.", unit="mag")
    bulge_to_total: FractionPrior = setting(
        FractionPrior(), title="B/T", help="Fraction of the light that is in the bulge.", applies=_TWO
    )
    bulge_radius: RadiusPrior = setting(
        RadiusPrior(low=10**0.2, high=10**1.3),
        title="Bulge radius",
        help="Half-light radius of the bulge along its major axis.",
        applies=_TWO,
    )
    bulge_index: IndexPrior = setting(
        IndexPrior(), title="Bulge index", help="Sérsic index of the bulge; that of the disk is 1.", applies=_TWO
    )
    bulge_axis_ratio: AxisRatioPrior = setting(
        AxisRatioPrior(), title="Bulge axis ratio", help="Minor over major axis, 1 − e.", applies=_TWO
    )
    disk_radius: RadiusPrior = setting(
        RadiusPrior(low=10**0.2, high=10**1.5),
        title="Disk radius",
        help="Half-light radius of the disk along its major axis, 1.678 scale lengths.",
        applies=_TWO,
    )
    disk_axis_ratio: AxisRatioPrior = setting(
        AxisRatioPrior(), title="Disk axis ratio", help="Minor over major axis, 1 − e.", applies=_TWO
    )
    half_light_radius: RadiusPrior = setting(
        RadiusPrior(low=10**0.2, high=10**1.3),
        title="Half-light radius",
        help="Along the major axis.",
        applies=_ONE,
    )
    sersic_index: IndexPrior = setting(
        IndexPrior(),
        title="Sérsic index",
        help="1 is an exponential disk, 4 a de Vaucouleurs profile.",
        applies=_ONE,
    )
    axis_ratio: AxisRatioPrior = setting(
        AxisRatioPrior(), title="Axis ratio", help="Minor over major axis, 1 − e.", applies=_ONE
    )
    position_angle: AnglePrior = setting(
        AnglePrior(),
        title="Position angle",
        help="Of the major axis, from north (+y, up) through east (−x, left).",
        unit="deg",
    )
    shift: float = setting(
        0.5,
        title="Shift",
        help="Centres lie uniformly within this distance of the stamp's centre, along each axis.",
        unit="pixels",
        ge=0,
        le=100,
        level="expert",
    )

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the priors that have an effect, in the order in which they are shown."""
        return _BULGE_AND_DISK if self.kind == "bulge + disk" else _SINGLE

    def prior(self, name: str) -> Prior:
        """The prior of a parameter."""
        prior: Prior = getattr(self, name)
        return prior

    @property
    def drawing_order(self) -> tuple[str, ...]:
        """The parameters, each after the one that it is tied to.

        Raises
        ------
        ValueError
            One is tied to no other parameter, or several are tied in a circle.
        """
        ordered: list[str] = []
        waiting = list(self.parameters)
        while waiting:
            ready = [name for name in waiting if not self._waits(name, ordered)]
            if not ready:
                circle = " and ".join(f"“{name}”" for name in waiting)
                raise ValueError(f"the priors of {circle} are tied to one another in a circle")
            ordered += ready
            waiting = [name for name in waiting if name not in ready]
        return tuple(ordered)

    def _waits(self, name: str, drawn: list[str]) -> bool:
        prior = self.prior(name)
        return prior.kind == "tied" and prior.tied_to not in drawn

    @model_validator(mode="after")
    def _ties_lead_somewhere(self) -> GalaxySettings:
        for name in self.parameters:
            prior = self.prior(name)
            if prior.kind == "tied" and prior.tied_to not in self.parameters:
                known = ", ".join(other for other in self.parameters if other != name)
                raise ValueError(f"“{name}” is tied to “{prior.tied_to}”, which is no parameter; there are {known}")
        _ = self.drawing_order
        return self

"""Whether simulated and real pixels can be compared: bands, magnitudes of a unit, pixel scales."""

from __future__ import annotations

from collections.abc import Sequence

from core.adapt.refiner.settings import RefinerSettings
from core.data import zero_points
from core.data.cutouts import Cutouts
from core.data.store import Band
from core.errors import NotPossible, Problem
from core.nets import band_mapping
from core.nets.band_mapping import BandMapping

_SCALE_TOLERANCE = 1.05  # ratio of pixel scales
_SAME = 1e-4  # mag


def match_bands(own: Sequence[Band], target: Sequence[Band]) -> tuple[BandMapping, list[Problem]]:
    """Match each band of the simulation with one of the target: by name, or in their order.

    Raises
    ------
    NotPossible
        There are too few, or which ones they are cannot be told.
    """
    mine, theirs = [band.name for band in own], [band.name for band in target]
    mapping = band_mapping.propose(mine, theirs) if len(theirs) >= len(mine) else None
    if mapping is None and len(mine) == len(theirs):
        mapping = BandMapping(tuple((name,) for name in theirs))
    if mapping is None:
        raise NotPossible(
            f"The simulated stamps have the bands {', '.join(mine)}, the real ones {', '.join(theirs)}.",
            "Simulate galaxies in bands of the real ones.",
        )
    if mapping.text == ",".join(mine):
        return mapping, []
    return mapping, [Problem(f"The simulated bands {', '.join(mine)} are compared with the real ones {mapping.text}.")]


def flux_factors(
    settings: RefinerSettings, sim: Cutouts, target: Cutouts, mapping: BandMapping
) -> tuple[list[float], list[Problem]]:
    """What simulated pixels are multiplied by to be in the unit of the real ones, for each band.

    Raises
    ------
    SettingsProblem
        The zero points of the settings are not as many as the bands.
    NotPossible
        The magnitude of one unit is not known, and the units are not the same.
    """
    order = [each[0] for each in mapping.sources]
    theirs = {band.name: band for band in target.bands}
    points = [theirs[name].zero_point for name in order]
    if given := zero_points.parse(settings.zero_point):
        points = list(zero_points.spread(given, order))
    factors: list[float] = []
    remarks: list[Problem] = []
    for own, name, point in zip(sim.bands, order, points, strict=True):
        if own.zero_point is not None and point is not None:
            factors.append(10 ** (0.4 * (point - own.zero_point)))
            if abs(point - own.zero_point) > _SAME:
                remarks.append(
                    Problem(
                        f"A unit of the simulated pixels in {own.name} has the magnitude {own.zero_point:g}, of the "
                        f"real ones {point:g}: they are compared at equal flux."
                    )
                )
        elif own.unit and own.unit == theirs[name].unit:
            factors.append(1.0)
            remarks.append(
                Problem(
                    f"The zero point of {own.name} is not known for both datasets: pixels are compared as they are, "
                    f"since both are in {own.unit}."
                )
            )
        else:
            raise NotPossible(
                f"The magnitude of one unit of the pixels is not known in {own.name}.",
                "Give that of the real ones as the zero point of the refiner, or import them with it; simulated "
                "galaxies have one.",
                sim.path.name if own.zero_point is None else target.path.name,
            )
    return factors, remarks


def compare_scales(sim: Cutouts, target: Cutouts) -> list[Problem]:
    """What is to be said of pixel scales that differ."""
    own, theirs = sim.median_pixel_scale, target.median_pixel_scale
    ratio = max(own, theirs) / min(own, theirs) if own > 0 and theirs > 0 else 1.0
    if ratio <= _SCALE_TOLERANCE:
        return []
    return [
        Problem(
            f"Simulated stamps have {own:.3g} arcsec/pixel, real ones {theirs:.3g}.",
            "Galaxies have other sizes in pixels, which a refiner must not change: simulate with the real pixel scale.",
        )
    ]

"""Sizes that a network measures on images of another pixel scale than that of its training.

A network sees pixels. A galaxy of 5 pixels is for it one of 0.4″ if it was trained at 0.08″ per pixel; on images of
0.2″ per pixel it is one of 1.0″. Whatever is in arcsec, to a power p, is therefore multiplied by the ratio of the
scales to that power; logarithms and surface brightnesses are shifted accordingly. What has no arcsec in its unit, such
as magnitudes, Sérsic indices, axis ratios and sizes in pixels, stays. The PSF remains another than in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units
from numpy.typing import NDArray

from core.data.target import Quantities, Target
from core.errors import NotPossible, Problem
from core.nets.combination import Doubt
from core.nets.predictor import Predictor

_TOLERANCE = 1e-3
_ON_THE_SKY = (units.arcsec, units.arcmin, units.mas, units.uas)


@dataclass(frozen=True)
class _Scaling:
    """How a number changes with the pixel scale: it is multiplied, or shifted by so much for each decade of it."""

    power: float
    shift: float


def convert_sizes(
    values: NDArray[np.float32],
    errors: NDArray[Any] | None,
    predictor: Predictor,
    scales: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[Any] | None, list[Problem]]:
    """Convert answers (n, K) and their errors for galaxies of these pixel scales (n,), and say what was done.

    Galaxies whose scale is not known, or that of the training, keep their answers; so do all where the training had
    stamps of several scales, or an earlier version trained the network, and did not keep whether it had.

    Raises
    ------
    NotPossible
        The scales differ, and a unit with arcsec in it is not understood.
    """
    target = predictor.target
    if not isinstance(target, Quantities) or not (sized := sized_quantities(target)):
        return values, errors, []
    names = ", ".join(sized)
    ratios = scale_ratios(predictor, scales)
    unknown = int(np.isnan(ratios).sum())
    found: list[Problem] = []
    if unknown:
        found.append(_describe_unknown(names, unknown, predictor))
    differs = np.abs(ratios - 1) > _TOLERANCE  # false where it is not known
    if not differs.any():
        return values, errors, found
    if predictor.training_range is None or not predictor.training_range.has_one_scale:
        return values, errors, [*found, _describe_mixed(names, predictor)]
    values, errors = values.copy(), None if errors is None else errors.copy()
    by = np.where(differs, ratios, 1.0)
    for place, (name, unit) in enumerate(zip(target.columns, target.units, strict=True)):
        scaling = _scaling_of(name, unit)
        values[:, place] = values[:, place] * by**scaling.power + scaling.shift * np.log10(by)
        if errors is not None:
            errors[:, place] *= by**scaling.power
    return values, errors, [*found, _describe_conversion(names, by[differs], predictor, scales[differs])]


def convert_doubt(
    doubt: Doubt, values: NDArray[np.float32], predictor: Predictor, scales: NDArray[np.float64]
) -> Doubt:
    """What the doubt of an ensemble comes from, converted as :func:`convert_sizes` does the answers' errors."""
    if not isinstance(predictor.target, Quantities):
        return doubt

    def convert(errors: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(convert_sizes(values, errors, predictor, scales)[1], np.float64)

    return Doubt(None if doubt.data is None else convert(doubt.data), convert(doubt.ignorance))


def scale_ratios(predictor: Predictor, scales: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixel scales (n,) over that of the training: 1 within its range, NaN where either is unknown."""
    ratios = scales / predictor.pixel_scale
    known = predictor.training_range
    if known is not None and known.pixel_scale is not None:
        low, high = known.pixel_scale
        ratios[(scales >= low * (1 - _TOLERANCE)) & (scales <= high * (1 + _TOLERANCE))] = 1.0
    return ratios


def has_sizes(target: Target) -> bool:
    """Whether a quantity has arcsec in its unit."""
    return isinstance(target, Quantities) and bool(sized_quantities(target))


def sized_quantities(target: Quantities) -> list[str]:
    """The quantities with arcsec in their units, or with a unit that may mean it."""
    found: list[str] = []
    for name, unit in zip(target.columns, target.units, strict=True):
        try:
            scaling = _scaling_of(name, unit)
        except NotPossible:
            found.append(name)
            continue
        if scaling.power or scaling.shift:
            found.append(name)
    return found


def _scaling_of(name: str, text: str) -> _Scaling:
    """How a number in this unit changes with the pixel scale."""
    try:
        unit = units.Unit(text) if text else units.dimensionless_unscaled
    except (ValueError, TypeError):
        if not any(word in text.lower() for word in ("arcsec", "arcmin", "″", '"')):
            return _Scaling(0, 0)
        raise NotPossible(
            f"The unit of “{name}”, {text}, is not understood, so that it cannot be converted to another pixel scale.",
            "Train on a catalogue with a standard unit, such as arcsec or dex(arcsec), or resample the images to the "
            "pixel scale of the training.",
        ) from None
    if isinstance(unit, units.function.FunctionUnitBase):
        power = _power_of_arcsec(unit.physical_unit)
        per_decade = {units.dex: 1.0, units.mag: -2.5, units.dB: 10.0}.get(unit.function_unit, 1.0)
        return _Scaling(0, per_decade * power)
    power = _power_of_arcsec(unit)
    return _Scaling(0, -2.5 * power) if units.mag in unit.bases else _Scaling(power, 0)


def _power_of_arcsec(unit: units.UnitBase) -> float:
    return float(sum(power for base, power in zip(unit.bases, unit.powers, strict=True) if base in _ON_THE_SKY))


def _describe_conversion(
    names: str, ratios: NDArray[np.float64], predictor: Predictor, scales: NDArray[np.float64]
) -> Problem:
    low, high = float(ratios.min()), float(ratios.max())
    by = f"{np.median(ratios):.4g}" if high - low < 0.01 * low else f"{low:.3g} to {high:.3g}, each galaxy by its own"
    return Problem(
        f"{names}: converted to the pixel scale of these images, {np.median(scales):.3g} arcsec/pixel, from that of "
        f"the training, {predictor.pixel_scale:.3g} (ratio {by}).",
        "The PSF is another in pixels, too: check it on galaxies of known size, or train at this scale.",
    )


def _describe_mixed(names: str, predictor: Predictor) -> Problem:
    why = (
        "an earlier version trained this network, and did not keep whether its stamps had one pixel scale"
        if predictor.training_range is None
        else "the stamps of the training had several pixel scales"
    )
    return Problem(
        f"{names}: not converted to the pixel scale of these images, since {why}.",
        "Take these numbers for relative ones, or train on images of this pixel scale.",
    )


def _describe_unknown(names: str, count: int, predictor: Predictor) -> Problem:
    if np.isfinite(predictor.pixel_scale):
        return Problem(
            f"{names}: the pixel scale of {count:,} of these galaxies is not known; taken for that of the training, "
            f"{predictor.pixel_scale:.3g} arcsec/pixel.",
            "Of image files give it with --stamps pixel_scale=…; import a dataset again with its pixel scale.",
        )
    return Problem(
        f"{names}: right only at the pixel scale of the training images, which is not known.",
        "Train on a dataset with a pixel scale.",
    )

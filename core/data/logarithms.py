"""Logarithms among the quantities: columns of positive numbers whose logarithm is learned, such as sizes and fluxes.

Learned as a plain number, a small radius may come out negative, and the few large and bright galaxies decide the loss.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsProblem

AUTO, NONE = "auto", "none"
_SIZES = re.compile(
    r"radi(?:us|i)|(?:^|_|\d|kron|petro|dev|exp|eff|half)_?rad(?:_|$)|(?:^|_)r_?e(?:ff)?(?:_|$)|half_?(?:light|mass)"
    r"|r_?half|(?:^|_)hlr|petro_?r_?\d+|(?:^|_)r_?[2-9]0(?:_|$)|fwhm|scale_?(?:length|height)",
    re.IGNORECASE,
)
_SIZES_WITH_UNIT = re.compile(r"(?:^|_)(?:size|diam(?:eter)?|length|width|a_image|b_image)(?:_|$)", re.IGNORECASE)
_SERSIC_INDICES = re.compile(
    r"sersic_?(?:n|index|indices)?(?:_[a-z])?$|(?:^|_)n_?sersic|(?:bulge|dis[ck]|bar)_(?:n|index)$", re.IGNORECASE
)
_FLUXES = re.compile(r"flux|luminosity", re.IGNORECASE)
_MASSES = re.compile(r"(?:^|_)(?:stellar_?)?mass(?:_|$)|(?:^|_)m_?star", re.IGNORECASE)
_OF_SOMETHING_ELSE = re.compile(
    r"err|sigma|(?:^|_)unc|ivar|flag|quality|snr|signal|(?:^|_)(?:log|lg|ln)(?!ue)|(?:^|_)dex(?:_|$)|(?:^|_)mag(?:s?$|_|n)|ratio|frac"
    r"|share|prob|vote|redshift|_over_|diff|delta|resid|colou?r|offset|_to_|angle|chi",
    re.IGNORECASE,
)
_OF_LOGARITHMS = re.compile(r"(?<![a-z])(?:ab_?)?mag(?![a-z])|dex|log", re.IGNORECASE)
_LENGTHS = {
    *("arcsec", "arcseconds", "arcsecond", "arcmin", "mas", "uas", "deg", "″", '"'),
    *("pix", "pixel", "pixels", "px", "pc", "kpc", "mpc", "cm", "m", "km", "au"),
}
_LEAST_MASS = 1e3  # solar masses of the heaviest galaxy of a column: smaller numbers are logarithms, or other units


def is_positive_by_nature(name: str, unit: str, values: NDArray[np.float64]) -> bool:
    """Whether name and unit are those of a size, a flux, a mass or a Sérsic index, and no logarithm already."""
    unit = unit.strip().lower()
    if _OF_SOMETHING_ELSE.search(name) or _OF_LOGARITHMS.search(unit):
        return False
    if _MASSES.search(name):
        return bool(np.max(values, initial=0, where=np.isfinite(values)) > _LEAST_MASS)
    if _SERSIC_INDICES.search(name):
        return not unit
    if _SIZES.search(name):
        return unit in {*_LENGTHS, ""}
    return bool((_SIZES_WITH_UNIT.search(name) and unit in _LENGTHS) or _FLUXES.search(name))


def find_logarithms(
    wish: str,
    names: Sequence[str],
    units: Sequence[str],
    periods: Sequence[float | None],
    values: Sequence[NDArray[np.float64]],
) -> tuple[str, ...]:
    """Which quantities are learned as logarithms.

    Parameters
    ----------
    wish
        ``"auto"``: sizes, fluxes, masses and Sérsic indices, see :func:`is_positive_by_nature`, if all their values are
        positive; ``"none"``; or names, separated by commas. Names that are not learned are allowed, so that one text
        fits several runs.
    names, units, periods
        Of the quantities; an angle has a period.
    values
        Of each quantity, (N,), NaN where there is none.

    Raises
    ------
    SettingsProblem
        A named one has values that are not positive, or is an angle.
    """
    if wish == AUTO:
        each = zip(names, units, periods, values, strict=True)
        return tuple(
            name
            for name, unit, period, column in each
            if period is None and is_positive_by_nature(name, unit, column) and not count_not_positive(column)
        )
    wanted = parse(wish)
    for name, period, column in zip(names, periods, values, strict=True):
        if name in wanted:
            _require_logarithm(name, period, column)
    return tuple(name for name in names if name in wanted)


def parse(wish: str) -> tuple[str, ...]:
    """Read ``"half_light_radius, flux"``; empty for ``"none"``."""
    return tuple(filter(None, (each.strip() for each in ("" if wish == NONE else wish).split(","))))


def count_not_positive(values: NDArray[np.floating]) -> int:
    """How many values have no logarithm; those that are missing do not count."""
    return int((values <= 0).sum())


def _require_logarithm(name: str, period: float | None, values: NDArray[np.float64]) -> None:
    if period is not None:
        raise SettingsProblem(
            f"“{name}” is an angle, and cannot be learned as a logarithm, too.",
            "Take it out of Logarithms or out of Angles.",
            "data.logarithms",
        )
    bad = count_not_positive(values)
    if bad:
        raise SettingsProblem(
            f"“{name}” cannot be learned as a logarithm: {bad:,} of its {int(np.isfinite(values).sum()):,} values are "
            "zero or negative.",
            "Leave these values empty in the catalogue, so that the galaxies are not used, or take the column out of "
            "Logarithms.",
            "data.logarithms",
        )

"""Angles among the quantities: columns whose values repeat after a period, such as position angles after 180°.

They are angles on the image: where the galaxy is turned or mirrored, they turn with it. They count anticlockwise, from
up (+y, north) to the left (−x, east) in a stamp as it is shown, whose row 0 is at the bottom. For an axis, which
repeats after half a turn, only that sense matters, not whether it counts from up or from the right, as ``THETA_IMAGE``
does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsProblem

AUTO, NONE = "auto", "none"
_NAMES = re.compile(r"(?:^|_)(?:pa|pos_?ang|position_?angle|theta_?image|orientation)(?:_|$)", re.IGNORECASE)
_OF_SOMETHING_ELSE = re.compile(r"err|sigma|unc|flag|quality", re.IGNORECASE)
_DEGREES = {"deg", "degree", "degrees", "°"}
_RADIANS = {"rad", "radian", "radians"}
_LEAST_SPAN = 10.0  # of values without a unit: all within it could be radians
_ROUNDING = 0.5  # degrees by which the values of an axis may span more than half a turn
_MOST_REPEATS = 12


def full_turn(unit: str) -> float:
    """A full turn in this unit: 2π for radians, else 360."""
    return 2 * math.pi if unit.lower() in _RADIANS else 360.0


def repeats(period: float, unit: str) -> int:
    """How often an angle with this period repeats in a full turn: 2 for an axis, 1 for a direction."""
    return round(full_turn(unit) / period)


def find_periods(
    wish: str, names: Sequence[str], units: Sequence[str], values: Sequence[NDArray[np.float64]]
) -> tuple[float | None, ...]:
    """The period of each quantity in its unit; None for a plain number.

    Parameters
    ----------
    wish
        ``"auto"``: recognised by name and unit, see :func:`recognise_period`; ``"none"``; or names with their periods,
        ``position_angle=180, theta=360``. Names that are not learned are allowed, so that one text fits several runs.
    names, units
        Of the quantities.
    values
        Of each quantity, (N,), NaN where there is none.

    Raises
    ------
    SettingsProblem
        It cannot be read, or a period does not divide a full turn.
    """
    if wish == AUTO:
        return tuple(recognise_period(*quantity) for quantity in zip(names, units, values, strict=True))
    given = parse(wish)
    return tuple(
        _exact_period(given[name], name, unit) if name in given else None
        for name, unit in zip(names, units, strict=True)
    )


def parse(wish: str) -> dict[str, float]:
    """Read ``"position_angle=180, theta=360"``; empty for ``"none"``.

    Raises
    ------
    SettingsProblem
        It is not of this form.
    """
    found: dict[str, float] = {}
    for part in filter(None, (each.strip() for each in ("" if wish == NONE else wish).split(","))):
        name, _, number = (side.strip() for side in part.rpartition("="))
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = math.nan
        if not name or not (math.isfinite(found[name]) and found[name] > 0):
            raise SettingsProblem(
                f"“{part}” does not name an angle and its period.",
                "Write the column and its period in the column's unit, such as position_angle=180; or auto; or none.",
                "data.angles",
            )
    return found


def _exact_period(period: float, name: str, unit: str) -> float:
    turn = full_turn(unit)
    number = round(turn / period)
    if not (1 <= number <= _MOST_REPEATS and abs(turn / period - number) < 1e-3 * number):
        raise SettingsProblem(
            f"“{name}” cannot repeat after {period:g}: that is no whole part of a full turn, {turn:.6g}.",
            f"For the angle of an axis write {name}={turn / 2:.6g}, for that of a direction {name}={turn:.6g}.",
            "data.angles",
        )
    return turn / number


def recognise_period(name: str, unit: str, values: NDArray[np.float64]) -> float | None:
    """The period of a position angle; None where the name or the unit says nothing of one.

    Half a turn; a whole one where the values span more than half, since then they tell the two ends of an axis apart.
    Without a unit, values that span more than 10 are degrees.
    """
    if not _NAMES.search(name) or _OF_SOMETHING_ELSE.search(name):
        return None
    if unit.lower() not in _DEGREES | _RADIANS | {""}:
        return None
    known = values[np.isfinite(values)]
    span = float(np.ptp(known)) if len(known) else 0.0
    turn = full_turn(unit)
    if (not unit and span < _LEAST_SPAN) or span > turn:
        return None
    return turn if span > turn / 2 * (1 + _ROUNDING / 180) else turn / 2


def difference(
    first: NDArray[np.floating[Any]], second: NDArray[np.floating[Any]], period: float | None
) -> NDArray[np.floating[Any]]:
    """``first − second``; for angles the shorter way round, from −period/2 to period/2."""
    off = first - second
    return off if period is None else off - period * np.round(off / period)


def mean(values: NDArray[np.floating[Any]], period: float, axis: int = 0) -> NDArray[np.float64]:
    """The mean direction of angles along an axis, from 0 to the period."""
    phase = 2 * np.pi / period * np.asarray(values, np.float64)
    found = np.arctan2(np.sin(phase).mean(axis=axis), np.cos(phase).mean(axis=axis))
    return np.asarray(np.mod(found * period / (2 * np.pi), period))


def standard_deviation(values: NDArray[np.floating[Any]], period: float, axis: int = 0) -> NDArray[np.float64]:
    r"""Circular standard deviation of angles along an axis.

    With the mean resultant length :math:`R` of the angles times :math:`2\pi / P`, it is
    :math:`P / 2\pi \cdot \sqrt{-2 \ln R}`, at most that of angles all around the circle, :math:`P / \sqrt{12}`.

    References
    ----------
    Mardia & Jupp 2000, Directional Statistics, section 2.3.
    """
    phase = 2 * np.pi / period * np.asarray(values, np.float64)
    length = np.hypot(np.cos(phase).mean(axis=axis), np.sin(phase).mean(axis=axis))
    spread = np.sqrt(-2 * np.log(np.clip(length, np.finfo(float).tiny, 1))) * period / (2 * np.pi)
    return np.asarray(np.minimum(spread, period / math.sqrt(12)))

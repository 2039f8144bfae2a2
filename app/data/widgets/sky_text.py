"""Sky coordinates as text, and the directions of north and east on a picture."""

from __future__ import annotations

import math
from collections.abc import Callable

Position = Callable[[float, float], tuple[float, float]]
"""From pixel (x, y) to right ascension and declination [deg]."""


def sexagesimal(ra: float, dec: float) -> str:
    """Coordinates in degrees as hours and degrees with minutes and seconds: ``12h34m56.78s +12°34′56.8″``."""
    centiseconds = round((ra % 360) / 15 * 360_000) % (24 * 360_000)
    minutes, cs = divmod(centiseconds, 6000)
    tenths = round(abs(dec) * 36_000)
    arcmin, ts = divmod(tenths, 600)
    sign = "−" if dec < 0 and tenths else "+"
    first = f"{minutes // 60:02d}h{minutes % 60:02d}m{cs / 100:05.2f}s"
    return f"{first} {sign}{arcmin // 60:02d}°{arcmin % 60:02d}′{ts / 10:04.1f}″"


def degrees(ra: float, dec: float) -> str:
    """Coordinates in degrees, to a few hundredths of an arcsecond."""
    return f"RA {ra:.5f}° Dec {dec:+.5f}°".replace("-", "−")


def directions(position: Position, x: float, y: float) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Unit vectors on the picture towards north and east at a pixel; None where they cannot be told."""
    (ra, dec), (ra_x, dec_x), (ra_y, dec_y) = position(x, y), position(x + 1, y), position(x, y + 1)
    shrink = math.cos(math.radians(dec))
    a, b = (_turn(ra_x - ra) * shrink, _turn(ra_y - ra) * shrink)  # towards east by one pixel along x and along y
    c, d = dec_x - dec, dec_y - dec
    determinant = a * d - b * c
    if not math.isfinite(determinant) or determinant == 0:
        return None
    return _unit(-b / determinant, a / determinant), _unit(d / determinant, -c / determinant)


def _turn(angle: float) -> float:
    """A difference of right ascensions in −180° … 180°."""
    return (angle + 180) % 360 - 180


def _unit(x: float, y: float) -> tuple[float, float]:
    length = math.hypot(x, y)
    return x / length, y / length

r"""What to know of angles before a training: which were recognised, and whether they count anticlockwise in stamps.

Catalogues of position angles on the sky count from north to east, which is anticlockwise where north is up and east to
the left; in stamps that are mirrored, or whose catalogue counts the other way, rotations would turn galaxies and labels
against each other, and nothing could be learned. So the galaxies' axes are measured: with the second moments
:math:`\epsilon = (Q_{xx} - Q_{yy} + 2iQ_{xy}) / (Q_{xx} + Q_{yy})` of the light and an angle :math:`\varphi` of the
catalogue, :math:`\sum \epsilon\, e^{-2i\varphi}` is large where both count in one sense, wherever they begin, and
:math:`\sum \epsilon\, e^{2i\varphi}` where they do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.data import angles
from core.data import target as targets
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.data.target import Target
from core.errors import Problem
from core.nets.normalisation import border_pixels

_GALAXIES = 200
_FEWEST = 20
_CLEAR = 0.4  # of the ellipticities that must agree with the other sense; of random angles 0.1 do
_RATIO = 2.0  # to those that agree with the right sense
_NOISE_CUT = 2.0  # standard deviations of the border; fainter pixels do not count


def find(
    target: Target, labels: NDArray[np.float32], cutouts: Cutouts, rows: NDArray[np.int64], settings: DataSettings
) -> list[Problem]:
    """Which angles were recognised without being told, and a warning for each that counts clockwise in the stamps.

    Parameters
    ----------
    target, labels
        As :func:`core.data.target.encode` gives them, of all galaxies of the dataset.
    cutouts
        The dataset.
    rows
        Of the training part.
    settings
        Say whether angles are to be recognised.
    """
    told = targets.describe_angles(target) if settings.angles == angles.AUTO else ""
    found = [
        Problem(
            f"Learned as angles, which repeat: {told}. They count anticlockwise from up, and turn with the galaxy "
            "where the augmentation rotates or mirrors it.",
            "If they are plain numbers, or repeat otherwise, say so under Angles.",
            "data.angles",
        )
    ]
    return (found if told else []) + _warn_of_sense(target, labels, cutouts, rows)


def _warn_of_sense(
    target: Target, labels: NDArray[np.float32], cutouts: Cutouts, rows: NDArray[np.int64]
) -> list[Problem]:
    known = [(place, period) for place, period in enumerate(targets.periods_of(target)) if period is not None]
    if not known or len(rows) < _FEWEST:
        return []
    rows = np.sort(rows[np.linspace(0, len(rows) - 1, min(_GALAXIES, len(rows))).astype(int)])
    shapes = measure_ellipticities(cutouts.images[rows])
    names, units = getattr(target, "columns", ()), getattr(target, "units", ())
    found: list[Problem] = []
    for place, period in known:
        turn = period * angles.repeats(period, units[place])
        phase = 4 * np.pi / turn * labels[rows, place].astype(np.float64)
        together, against = (np.abs(np.sum(shapes * np.exp(sign * 1j * phase))) for sign in (-1, 1))
        if against > _CLEAR * np.abs(shapes).sum() and against > _RATIO * together:
            found.append(
                Problem(
                    f"“{names[place]}” counts clockwise in these stamps: the axes of {len(rows)} galaxies say so. "
                    "Rotations and mirror images would turn galaxies and labels against each other.",
                    f"Bring in the column with the other sign ({turn / 2:.6g} minus the angle), or choose none under "
                    "Angles.",
                    "data.angles",
                )
            )
    return found


def measure_ellipticities(images: NDArray[np.float32]) -> NDArray[np.complex128]:
    """The complex ellipticities (n,) of images (n, C, H, W) with angles from +x to +y; zero without a galaxy."""
    sky = np.median(border_pixels(images), axis=2)[:, :, None, None]
    noise = border_pixels(images).std(axis=2)[:, :, None, None]
    light = np.where(images - sky > _NOISE_CUT * noise, images - sky, 0).astype(np.float64).sum(axis=1)  # (n, H, W)
    height, width = light.shape[1:]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    light = light * (np.hypot(x, y) < min(height, width) / 2)  # a square's corners would prefer its diagonals
    real, imaginary, size = ((light * part).sum(axis=(1, 2)) for part in (x**2 - y**2, 2 * x * y, x**2 + y**2))
    return np.where(size > 0, real + 1j * imaginary, 0) / np.maximum(size, np.finfo(float).tiny)

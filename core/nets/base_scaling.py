r"""The input scaling of a network that is carried to other galaxies: as it is, in another unit, or fitted anew.

Where the zero points of the training images and of the new ones are known, the scaling of the new network takes the new
pixel values as the old one took them after multiplication by :math:`f = 10^{0.4 (Z_0 - Z)}`: sky, knee, centre and
scale are divided by :math:`f`, whichever of them act on physical values. So fine-tuning starts with what the unadapted
network answers, see :mod:`core.nets.zero_points`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from core.nets import normalisation
from core.nets.normalisation import Normalisation
from core.nets.predictor import Predictor

SAMPLE = 2000  # galaxies


def fit_anew(base: Predictor, images: NDArray[np.float32]) -> Normalisation:
    """The kind of input scaling that a network has, fitted to other images (n, C, H, W) with its bands.

    Raises
    ------
    NotANumber
        A pixel is NaN or infinite.
    TooFewGalaxies
        There is no image.
    """
    scaling = base.normalisation
    floor = None if scaling.white is None else base.network.settings.whitening_floor
    return normalisation.fit(images, scaling.kind, scaling.samplewise, floor)


def in_unit_of(base: Predictor, zero_points: Sequence[float | None]) -> Normalisation:
    """The input scaling of a network for images with other zero points, one for each of its bands.

    Bands of which either zero point is not known are taken as they are; and so are all where each stamp is scaled by
    itself, which leaves a factor that all bands share without effect, and others without meaning.
    """
    scaling = copy.deepcopy(base.normalisation)
    own = base.zero_points or (None,) * len(base.bands)
    factors = [1.0 if a is None or b is None else 10 ** (0.4 * (a - b)) for a, b in zip(own, zero_points, strict=True)]
    if scaling.samplewise != "none" or all(factor == 1 for factor in factors):
        return scaling
    divisor = torch.tensor(factors, dtype=torch.float32, device=scaling.centre.device)
    physical = (scaling.sky, scaling.knee) if scaling.kind == "asinh" else (scaling.centre, scaling.scale)
    for value in physical:
        value /= divisor
    return scaling

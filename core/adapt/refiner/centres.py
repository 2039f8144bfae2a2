"""Whether the galaxies of both datasets lie at the same place of their stamps, which a refiner must not change.

Half a pixel is enough: cut out about a pixel, a galaxy lies on it; simulated about the middle of a stamp with an even
side, it lies between four. The centre then tells every simulated stamp from a real one, and all that the refiner
learns is drowned in that.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.adapt.refiner.photometry import fit_ellipses
from core.errors import Problem

_COMPARED = 200  # stamps of each
_FEWEST = 10
_LEAST = 0.1  # pixels that are worth a word
_ERRORS = 3.0
_OF_A_MEDIAN = math.sqrt(math.pi / 2)  # its standard error, over that of the mean
_MAD = 1.4826


def compare_centres(simulated: Tensor, real: Tensor) -> list[Problem]:
    """What is to be said of stamps (n, C, H, W) and (m, C, H, W), in units of the noise, with other centres."""
    own, theirs = (_measure(stamps) for stamps in (simulated, real))
    if min(len(own), len(theirs)) < _FEWEST:
        return []
    shift = theirs.median(0).values - own.median(0).values
    error = torch.hypot(_error(own), _error(theirs))
    if not ((shift.abs() > _LEAST) & (shift.abs() > _ERRORS * error)).any():
        return []
    x, y = shift.tolist()
    return [
        Problem(
            f"Real galaxies lie {x:+.2f} pixels in x and {y:+.2f} in y from where simulated ones lie (medians of "
            f"{len(theirs)} and {len(own)}): they are told apart by that, and a refiner must not move them.",
            "Cut both out about the same pixel: simulated with a side that is one pixel larger or smaller, galaxies "
            "lie on a pixel instead of between four, or the other way round.",
        )
    ]


def _measure(stamps: Tensor) -> Tensor:
    """Centres (n, 2) in x and y of the galaxies that have one [pixels]."""
    ellipses, found = fit_ellipses(stamps[:_COMPARED].mean(1).to(torch.float64))
    return torch.stack([ellipses.x, ellipses.y], dim=1)[found]


def _error(centres: Tensor) -> Tensor:
    """Standard errors (2,) of the medians of centres (n, 2)."""
    scatter = _MAD * (centres - centres.median(0).values).abs().median(0).values
    return _OF_A_MEDIAN * scatter / math.sqrt(len(centres))

"""A list of light profiles: whatever is drawn on stamps is one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Profiles:
    """Sérsic profiles and point sources, each added to one stamp; arrays (m,).

    Attributes
    ----------
    stamp
        int64, the stamp to which it is added.
    flux
        Total flux, in units of the stamp.
    radius
        Half-light radius along the major axis in pixels; 0 is a point source.
    index
        Sérsic index.
    axis_ratio
        Minor over major axis.
    angle
        Of the major axis in radians, from +x to +y.
    x, y
        Of the centre in pixels, from the centre of the stamp.
    """

    stamp: NDArray[np.int64]
    flux: NDArray[np.float64]
    radius: NDArray[np.float64]
    index: NDArray[np.float64]
    axis_ratio: NDArray[np.float64]
    angle: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.stamp)

"""A list of light profiles: whatever is drawn on stamps is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from core.errors import NotPossible

LIMITS = {"radius": (0.0, 1e4), "index": (0.3, 8.0), "axis_ratio": (1e-3, 1.0)}


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

    def take(self, rows: NDArray[np.int64]) -> Profiles:
        """Those of these rows."""
        return Profiles(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})

    def require_drawable(self) -> None:
        """Raise NotPossible for values that describe no profile, and say which."""
        for one in fields(self):
            values = getattr(self, one.name)
            if len(values) != len(self):
                raise ValueError(f"{one.name} has {len(values)} values for {len(self)} profiles")
            if not np.isfinite(values).all():
                raise NotPossible(f"Profile {int(np.argmin(np.isfinite(values))) + 1:,}: its {one.name} is not finite.")
        for name, (low, high) in LIMITS.items():
            values = getattr(self, name)
            outside = ~((values >= low) & (values <= high))
            if outside.any():
                row = int(np.argmax(outside))
                raise NotPossible(
                    f"Profile {row + 1:,}: {name.replace('_', ' ')} {values[row]:.6g} is not between "
                    f"{low:g} and {high:g}.",
                    "Change the range from which it is drawn.",
                )

    @classmethod
    def joined(cls, parts: Sequence[Profiles]) -> Profiles:
        """All profiles of several lists, in their order."""
        return cls(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)})

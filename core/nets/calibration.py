"""The factors by which a network's error bars were multiplied after its training, so that they cover what they should.

They are fitted on the validation part by :func:`core.metrics.error_bars.calibrate`, and kept with the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ErrorBarCalibration:
    """Factors of the error bars of K quantities.

    Attributes
    ----------
    factors
        (K,): what the network's own error bars are multiplied by.
    uncertainties
        (K,): standard errors of the factors, from the finite number of galaxies.
    galaxies
        The number of validation galaxies on which they were fitted.
    """

    factors: tuple[float, ...]
    uncertainties: tuple[float, ...]
    galaxies: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "factors": list(self.factors),
            "uncertainties": list(self.uncertainties),
            "galaxies": self.galaxies,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ErrorBarCalibration:
        """Read what :meth:`to_dict` wrote."""
        return cls(tuple(values["factors"]), tuple(values["uncertainties"]), values["galaxies"])

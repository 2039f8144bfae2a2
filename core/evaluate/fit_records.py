"""What is collected of fitted profiles: values, errors, and what is to be known of them in words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.evaluate.least_squares import Array, Solution
from core.evaluate.profile_model import KINDS, ProfileModel
from core.evaluate.settings import FitSettings

FITTED = ""  # in the column of reasons
_ROUND_ERROR = 30.0  # degrees: a position angle with a larger error is none; one at random has 52
_POOR_CHI2 = 2.0  # reduced: with hundreds of pixels, far from 1


@dataclass(eq=False)
class Collected:
    """What is collected of n galaxies."""

    count: int
    values: dict[str, Array] = field(default_factory=dict[str, Array])
    errors: dict[str, Array] = field(default_factory=dict[str, Array])

    def __post_init__(self) -> None:
        self.chi2, self.correlation = np.full(self.count, np.nan), np.full(self.count, np.nan)
        self.reasons = [FITTED] * self.count
        self.is_fitted = np.zeros(self.count, bool)

    def put(self, into: dict[str, Array], places: NDArray[np.int64], found: dict[str, Array]) -> None:
        """Put values by name at the places of their galaxies."""
        for name, values in found.items():
            into.setdefault(name, np.full(self.count, np.nan))[places] = values


def record(
    model: ProfileModel,
    solution: Solution,
    used: NDArray[np.int64],
    places: NDArray[np.int64],
    scale: float,
    settings: FitSettings,
    collected: Collected,
) -> None:
    """Write values, errors and reasons of the galaxies of a block to their places in the table."""
    good = solution.has_converged & np.isfinite(solution.chi2)
    for place in places[~good].tolist():
        collected.reasons[place] = "the fit has not converged"
    collected.is_fitted[places] = good
    collected.chi2[places[good]] = (solution.chi2 / np.maximum(used - solution.parameters.shape[1], 1))[good]
    parameters, covariance = solution.parameters[good], solution.covariance[good]
    values = model.describe(parameters, scale, settings.zero_point)
    errors = model.describe_errors(parameters, covariance, scale, settings.zero_point)
    remarks = [_remarks(model, at_limit) for at_limit in solution.at_limit[good]]
    for remark, chi2 in zip(remarks, collected.chi2[places[good]], strict=True):
        if chi2 > _POOR_CHI2:
            remark.append("poor fit: the errors are too small")
    for name in [name for name in values if name.endswith("position_angle")]:
        is_none = ~(errors[name] <= _ROUND_ERROR)
        values[name], errors[name] = np.where(is_none, np.nan, values[name]), np.where(is_none, np.nan, errors[name])
    for remark, angle in zip(remarks, values["position_angle"], strict=True):
        if np.isnan(angle):
            remark.append("too round for a position angle")
    collected.put(collected.values, places[good], values)
    collected.put(collected.errors, places[good], errors)
    for place, remark in zip(places[good].tolist(), remarks, strict=True):
        collected.reasons[place] = "; ".join(remark)


def _remarks(model: ProfileModel, at_limit: NDArray[np.bool_]) -> list[str]:
    """Which parameters of a galaxy are at a limit, in words."""
    found: list[str] = []
    for parameter, is_there in zip(model.parameters, at_limit, strict=True):
        part = "" if parameter.component is None else model.components[parameter.component].name
        if is_there and parameter.kind == "flux":
            found.append(f"no {part or 'flux'}")
        elif is_there:
            what = f"{part} {KINDS[parameter.kind]}".strip()
            found.append(f"{what} at its limit")
    return list(dict.fromkeys(found))

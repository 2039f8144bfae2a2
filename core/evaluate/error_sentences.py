"""What the error bars of measured quantities are, as sentences for tables and messages."""

from __future__ import annotations

from collections.abc import Sequence

from core.data.target import Quantities
from core.metrics.error_bars import describe_factors
from core.nets.calibration import ErrorBarCalibration
from core.nets.predictor import Predictor

SPREAD_ALONE = "Not every network gives error bars: the errors are the spread of the networks alone."
_NONE = (
    "This network gives no error bars: train with the Gaussian loss of quantities (loss.quantities = gaussian), or "
    "measure with several runs together."
)


def describe_errors(predictor: Predictor) -> str:
    """What the errors of a network of quantities are, or of an ensemble."""
    target = predictor.target
    assert isinstance(target, Quantities)
    if not predictor.has_error_bars:
        return _NONE
    count, names, found = len(predictor.members), predictor.output_names, predictor.calibration
    if count == 1:
        said = describe_factors(found, names)
    else:
        said = "" if "data" in predictor.causes_of_doubt else f"{SPREAD_ALONE} "
        said += uncalibrated("no factor is kept with them") if found is None else describe_common(count, found, names)
    return " ".join(filter(None, [said, describe_logarithms(target)]))


def describe_common(networks: int, found: ErrorBarCalibration, names: Sequence[str]) -> str:
    """The factors of the common error bars of several networks."""
    known = zip(names, found.factors, found.uncertainties, strict=True)
    factors = ", ".join(f"{name} {factor:.2f} ± {error:.2f}" for name, factor, error in known)
    return (
        f"The errors of the {networks} networks together were multiplied by a factor ({factors}), so that 68 % of the "
        f"{found.galaxies:,} galaxies are within one that are in the validation part of each run."
    )


def uncalibrated(why: str) -> str:
    """Why the common error bars of several networks have no factor."""
    return f"The errors of the networks together are not calibrated: {why}."


def describe_logarithms(target: Quantities) -> str:
    """How the errors of quantities that are learned as logarithms are meant; empty where there are none."""
    if not target.logarithms:
        return ""
    return (
        f"Learned as logarithms: {', '.join(target.logarithms)}; there error / value is the standard deviation of ln "
        "value, and the error bar reaches from value × exp(−error / value) to value × exp(error / value)."
    )

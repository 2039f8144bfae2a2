r"""A fraction of a small number, with its confidence interval.

References
----------
Wilson 1927, Journal of the American Statistical Association 22, 209; Cameron 2011, PASA 28, 128.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from astropy.stats import binom_conf_interval

from core.wording import with_distances

_ONE_SIGMA = math.erf(math.sqrt(0.5))  # 68.3 %: of a normal distribution, within one standard deviation of the mean


@dataclass(frozen=True)
class Fraction:
    """``hits`` of ``total``, with Wilson's 68 % interval; all None if the total is 0."""

    hits: int
    total: int

    @property
    def value(self) -> float | None:
        """The fraction."""
        return self.hits / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper bound."""
        if not self.total:
            return None
        share = self.hits / self.total
        low, high = binom_conf_interval(self.hits, self.total, _ONE_SIGMA, interval="wilson")
        return min(float(low), share), max(float(high), share)  # rounding must not leave the share outside

    @property
    def in_percent(self) -> str:
        """With its interval, such as ``71 +8 −9 %``."""
        if self.value is None or self.interval is None:
            return "–"
        low, high = self.interval
        digits = 0  # more where what is not all would read 100, or what is not none 0
        while 0 < self.hits < self.total and float(f"{100 * self.value:.{digits}f}") in {0.0, 100.0}:
            digits += 1
        numbers = (f"{100 * each:.{digits}f}" for each in (self.value, high - self.value, self.value - low))
        return "{} +{} −{} %".format(*numbers)

    def __str__(self) -> str:
        return with_distances(self.value, self.interval)

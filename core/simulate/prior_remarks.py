"""What priors leave out or pile up, which nobody sees in the galaxies themselves, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.settings.declare import knobs
from core.simulate.parameters import draw_from_priors
from core.simulate.prior_column import count_rows, read_values
from core.simulate.priors import Prior
from core.simulate.settings import SimulationSettings
from core.wording import count_of, percent

_SAMPLE = 2000  # galaxies, by which the share of those outside the limits is estimated
_NEGLIGIBLE = 0.005  # of the galaxies


def describe_priors(settings: SimulationSettings) -> tuple[str, ...]:
    """How many values of a catalogue's column are not drawn, and how many galaxies a tied prior takes to its limits.

    Raises
    ------
    CatalogueProblem
        A prior from a column cannot be read.
    """
    galaxies = settings.galaxies
    priors = {name: galaxies.prior(name) for name in galaxies.drawing_order}
    found: list[str] = []
    is_tied = any(prior.kind == "tied" for prior in priors.values())
    drawn = draw_from_priors(settings, np.arange(_SAMPLE)) if is_tied else {}
    for name, prior in priors.items():
        title = knobs(type(galaxies))[name].title
        if prior.kind == "column":
            found += _describe_column(title, prior)
        elif prior.kind == "tied":
            found += _describe_tied(title, prior, drawn)
    return tuple(found)


def _describe_column(title: str, prior: Prior) -> list[str]:
    values, rows = read_values(prior.table, prior.column), count_rows(prior.table, prior.column)
    missing, outside = rows - len(values), int(((values < prior.low) | (values > prior.high)).sum())
    parts = [f"{count_of(missing, 'row')} without a value"] * bool(missing)
    parts += [f"{count_of(outside, 'value')} outside the limits"] * bool(outside)
    if not parts:
        return []
    return [f"{title}: of {count_of(rows, 'row')} of the column “{prior.column}”, {' and '.join(parts)} are not drawn."]


def _describe_tied(title: str, prior: Prior, drawn: Mapping[str, NDArray[np.float64]]) -> list[str]:
    share = float(prior.leaves_limits(drawn).mean())
    if share < _NEGLIGIBLE:
        return []
    limits = f"{prior.low:g} to {prior.high:g}"
    return [
        f"{title}: for about {percent(share)} of the galaxies the relation leads outside {limits}: they pile up there."
    ]

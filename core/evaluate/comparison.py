"""A network's measurements against the true values, in bins of any column, with the classical fit beside it.

Where a table of fitted profiles is given (:mod:`core.evaluate.profile_fit`), both are compared on the same galaxies:
those that have a fitted value. How many that leaves is said, since the galaxies that cannot be fitted are rarely like
the others.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import catalogue
from core.data.cutouts import Cutouts
from core.data.encodings import Encoding, reach
from core.data.target import Quantities
from core.errors import CatalogueProblem
from core.evaluate import tables
from core.evaluate.evaluation import Evaluation
from core.evaluate.profile_fit import ProfileFits
from core.events import NEVER, Progress, Work
from core.metrics.binned import Bin, BinnedMetrics, bin_metrics
from core.wording import count_of, with_error, with_minus

MOST_CLASSES = 6  # of a column that splits the galaxies
MOST_BINS, IN_A_BIN = 6, 20  # galaxies on average, at least
NETWORK, FIT = "network", "classical fit"
_ERROR = "_error"


@dataclass(frozen=True, eq=False)
class FitTable:
    """Fitted profiles of the galaxies of a dataset, in its order.

    Attributes
    ----------
    name
        Of the file.
    values, errors
        (N,) by the name of the quantity; NaN where a galaxy has none.
    environment
        (N,) class of each galaxy, if the table has it.
    matched
        How many galaxies of the dataset are in the table.
    """

    name: str
    values: Mapping[str, NDArray[np.float64]]
    errors: Mapping[str, NDArray[np.float64]]
    environment: NDArray[np.str_] | None
    matched: int


@dataclass(frozen=True, eq=False)
class MeasuredQuantity:
    """One quantity of n galaxies: true and predicted values, and those of the fit.

    Attributes
    ----------
    name, unit, encoding
        Of the quantity, and how it was learned.
    true, predicted, errors
        (n,); ``errors`` None where the network has none.
    fit, fit_errors
        (n,), NaN where a galaxy has none; None without a table that has the quantity.
    """

    name: str
    unit: str
    encoding: Encoding
    true: NDArray[np.float64]
    predicted: NDArray[np.float64]
    errors: NDArray[np.float64] | None = None
    fit: NDArray[np.float64] | None = None
    fit_errors: NDArray[np.float64] | None = None

    @property
    def bars(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """How far the network's error bars reach below and above the predicted values; None where it has none."""
        return None if self.errors is None else reach(self.predicted, self.errors, self.encoding)

    @property
    def title(self) -> str:
        """Name and unit."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


@dataclass(frozen=True, eq=False)
class Comparison:
    """Figures of merit in bins, of the network and of the fit where there is one.

    Attributes
    ----------
    quantity
        Which quantity.
    against
        Title of the column of the bins.
    split
        Name of the column of the classes; empty: none.
    network, fit
        In the same bins and over the same galaxies.
    note
        Over which galaxies.
    """

    quantity: MeasuredQuantity
    against: str
    split: str
    network: BinnedMetrics
    fit: BinnedMetrics | None
    note: str

    @property
    def methods(self) -> list[tuple[str, BinnedMetrics]]:
        """The network, and the fit where there is one, by name."""
        return [(NETWORK, self.network)] + ([(FIT, self.fit)] if self.fit is not None else [])


def quantities_of(evaluation: Evaluation, fits: FitTable | None = None) -> list[MeasuredQuantity]:
    """The quantities of an evaluation; none where classes were predicted."""
    target, predictions = evaluation.target, evaluation.predictions
    if not isinstance(target, Quantities):
        return []
    found = []
    for place, (name, unit, encoding) in enumerate(zip(target.columns, target.units, target.encodings, strict=True)):
        errors = None if predictions.errors is None else np.asarray(predictions.errors[:, place], np.float64)
        quantity = MeasuredQuantity(
            name,
            unit,
            encoding,
            np.asarray(evaluation.labels[:, place], np.float64),
            np.asarray(predictions.scores[:, place], np.float64),
            errors,
        )
        if fits is not None and name in fits.values:
            rows = evaluation.rows
            quantity = replace(quantity, fit=fits.values[name][rows], fit_errors=fits.errors[name][rows])
        found.append(quantity)
    return found


def compare(
    quantity: MeasuredQuantity,
    against: tuple[str, NDArray[Any]],
    split: tuple[str, NDArray[Any]] | None = None,
    stop: threading.Event = NEVER,
    *,
    bins: int = MOST_BINS,
) -> Work[Comparison]:
    """Compute bias, scatter, outliers and coverage in bins of a column.

    Parameters
    ----------
    quantity
        Of n galaxies.
    against
        Title of the column, and its values (n,).
    split
        Name of the column of classes, and its values (n,).
    stop
        Not looked at: it takes a fraction of a second.
    bins
        How many at most; fewer where a bin would have fewer than :data:`IN_A_BIN` galaxies on average.
    """
    del stop
    yield Progress(0, None)
    title, values = against
    values = np.asarray(values, np.float64)
    note, compared = "", np.ones(len(values), bool)
    if quantity.fit is not None:
        compared = np.isfinite(quantity.fit)
        missing = int((~compared).sum())
        note = "Network and fit are compared on the same galaxies"
        note += f"; {count_of(missing, 'galaxy')} without a fitted value left out. " if missing else ". "
    values = values[compared]
    common: dict[str, Any] = {
        "split": None if split is None else np.asarray(split[1])[compared],
        "unit": quantity.unit,
        "period": quantity.encoding.period,
    }
    network = bin_metrics(
        quantity.true[compared],
        quantity.predicted[compared],
        values,
        bins=max(1, min(bins, int(np.isfinite(values).sum()) // IN_A_BIN)),
        errors=_of(quantity.errors, compared),
        is_logarithm=quantity.encoding.is_logarithm,
        **common,
    )
    fit = None
    if quantity.fit is not None and network.edges:
        fit = bin_metrics(
            quantity.true[compared],
            quantity.fit[compared],
            values,
            edges=network.edges,
            errors=_of(quantity.fit_errors, compared),
            **common,
        )
    return Comparison(quantity, title, "" if split is None else split[0], network, fit, note + network.sentence)


def _of(errors: NDArray[np.float64] | None, which: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    return None if errors is None else errors[which]


def read_fits(path: Path, ids: Sequence[str], stop: threading.Event = NEVER) -> Work[FitTable]:
    """Read a table that ``tuningfork fit`` has written, and bring it into the order of a dataset.

    Raises
    ------
    CatalogueProblem
        It has no column ``id`` or no numbers with errors, or none of the galaxies.
    UnreadableFile
        It cannot be read.
    """
    yield Progress(0, None)
    table = catalogue.read_tables(path, stop)[0]
    names = [name for name in table.colnames if f"{name}{_ERROR}" in table.colnames]
    if "id" not in table.colnames or not names:
        raise CatalogueProblem(
            "This is no table of fitted profiles: it needs the column id, and columns with their errors.",
            "Make one with “tuningfork fit”.",
            path.name,
        )
    places = {name: place for place, name in enumerate(catalogue.id_texts(table, "id"))}
    order = np.array([places.get(name, -1) for name in ids], np.int64)
    if not (order >= 0).any():
        raise CatalogueProblem(
            "None of the galaxies of the dataset is in this table.", "Choose another one.", path.name
        )
    values = {name: _in_order(table[name], order) for name in names}
    errors = {name: _in_order(table[f"{name}{_ERROR}"], order) for name in names}
    environment = None
    if "environment" in table.colnames:
        texts = np.array([str(each) for each in table["environment"]])
        environment = np.where(order >= 0, texts[order], "")
    return FitTable(path.name, values, errors, environment, int((order >= 0).sum()))


def table_of(fits: ProfileFits, data: Path) -> FitTable:
    """Fits that were just made of galaxies of a dataset, in its order.

    Raises
    ------
    UnreadableFile
        The dataset cannot be read.
    """
    with Cutouts.open(data) as cutouts:
        count = len(cutouts)

    def spread(found: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        whole = {name: np.full(count, np.nan) for name in found}
        for name, values in found.items():
            whole[name][fits.rows] = values
        return whole

    return FitTable("the fit", spread(fits.values), spread(fits.errors), None, len(fits))


def _in_order(column: Any, order: NDArray[np.int64]) -> NDArray[np.float64]:
    numbers = np.ma.filled(np.ma.asarray(column, np.float64), np.nan)
    return np.where(order >= 0, numbers[order], np.nan)


HEADERS = ("Galaxies", "Bias", "Scatter", "Outliers", "In error bars", "R²")


def rows_of(comparison: Comparison) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headers and rows of texts: bin, class and method where there are several, galaxies, figures with errors."""
    is_split, has_fit = bool(comparison.split), comparison.fit is not None
    headers = [comparison.against] + [comparison.split] * is_split + ["Method"] * has_fit
    rows: list[tuple[str, ...]] = []
    for method, metrics in comparison.methods:
        for group in metrics.groups:
            bins = [(each, with_minus(f"{each.low:.4g} – {each.high:.4g}")) for each in group.bins]
            for each, limits in [*bins, (group.whole, "all")]:
                names = [limits] + [group.name] * is_split + [method] * has_fit
                rows.append((*names, f"{each.galaxies:,}", *_texts(each)))
    return (*headers, *HEADERS), rows


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The figures of all bins as plain values."""
    methods = {
        name: [
            {
                "name": group.name,
                "bins": [_bin_to_json(each) for each in group.bins],
                "whole": _bin_to_json(group.whole),
            }
            for group in metrics.groups
        ]
        for name, metrics in comparison.methods
    }
    return {
        "quantity": comparison.quantity.name,
        "unit": comparison.quantity.unit,
        "against": comparison.against,
        "split": comparison.split,
        "note": comparison.note,
        "methods": methods,
    }


def _bin_to_json(each: Bin) -> dict[str, Any]:
    shares = {"outliers": each.outliers, "within": each.within}
    return asdict(each) | {
        name: None if share is None else {"value": share.value, "interval": share.interval}
        for name, share in shares.items()
    }


def _texts(each: Bin) -> tuple[str, ...]:
    bias, scatter, r2 = (
        "–" if one is None else with_error(one.value, one.error) for one in (each.bias, each.scatter, each.r2)
    )
    within = "–" if each.within is None else each.within.in_percent
    return bias, scatter, each.outliers.in_percent, within, r2


def write_table(comparison: Comparison, path: Path) -> None:
    """Write the figures of all bins as a table, with their errors.

    Raises
    ------
    SettingsProblem
        The name has another ending than those of tables.
    """
    found: dict[str, list[Any]] = {}

    def add(**values: Any) -> None:
        for name, value in values.items():
            found.setdefault(name, []).append(value)

    for method, metrics in comparison.methods:
        for group in metrics.groups:
            for each in (*group.bins, group.whole):
                add(method=method, group=group.name, low=each.low, high=each.high, median=each.middle)
                add(galaxies=each.galaxies)
                for name in ("bias", "scatter", "r2"):
                    figure = getattr(each, name)
                    add(**{name: np.nan if figure is None else figure.value})
                    add(**{f"{name}_error": np.nan if figure is None else figure.error})
                for name in ("outliers", "within"):
                    share = getattr(each, name)
                    is_known = share is not None and share.value is not None
                    low, high = share.interval if is_known else (np.nan, np.nan)
                    add(**{name: share.value if is_known else np.nan, f"{name}_low": low, f"{name}_high": high})
    units = dict.fromkeys(("bias", "bias_error", "scatter", "scatter_error"), comparison.quantity.unit)
    columns = [(name, np.array(values), units.get(name, "")) for name, values in found.items()]
    tables.write_columns(columns, path, {"QUANTITY": comparison.quantity.name, "AGAINST": comparison.against})

"""What the network learns: classes, vote fractions or quantities, always identified by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core import pieces
from core.data import angles, logarithms, vote_columns
from core.data.encodings import Encoding
from core.data.vote_columns import scale_of
from core.errors import CatalogueProblem, TooFewGalaxies

TargetKind = Literal["auto", "classes", "vote fractions", "quantities"]
NO_LABEL = -1
_NO_CODE = 1e5  # floating-point numbers this large measure something and name no class
_MISSING = {"", "nan", "null", "--", "n/a"}  # the import removes others, see core.data.label_values


@dataclass(frozen=True)
class Classes:
    """Exactly one of several names, read from one column."""

    column: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class VoteFractions:
    """Shares of votes for the answers of one question, one column each; a row adds up to one."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class Quantities:
    """Numbers, one column each, with their units (empty: pure numbers).

    A column with a period is an angle, see :mod:`core.data.angles`: one number in the catalogue and in answers, and
    cosine and sine inside the network. Of the columns named in ``logarithms``, see :mod:`core.data.logarithms`, the
    network learns the natural logarithm. All others are plain numbers.
    """

    columns: tuple[str, ...]
    units: tuple[str, ...]
    periods: tuple[float | None, ...] = ()
    logarithms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.periods:
            object.__setattr__(self, "periods", (None,) * len(self.columns))

    @property
    def angles(self) -> tuple[str, ...]:
        """The columns that have a period."""
        return tuple(name for name, period in zip(self.columns, self.periods, strict=True) if period is not None)

    @property
    def encodings(self) -> tuple[Encoding, ...]:
        """How each column is learned."""
        each = zip(self.columns, self.periods, strict=True)
        return tuple(Encoding(period, name in self.logarithms) for name, period in each)


@dataclass(frozen=True)
class NoAnswers:
    """Nothing: the network learned from galaxies without labels, and is there to be fine-tuned.

    Its outputs are directions in which it compares galaxies, see :mod:`core.train.self_supervised`; they answer
    nothing.
    """

    directions: int = 64

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it answers: none."""
        return ()


Target: TypeAlias = Classes | VoteFractions | Quantities | NoAnswers
Columns: TypeAlias = Mapping[str, Sequence[Any] | NDArray[Any]]


def outputs(target: Target) -> tuple[str, ...]:
    """Names of what the network answers, in their order."""
    return target.names if isinstance(target, Classes) else target.columns


def columns_of(target: Target) -> tuple[str, ...]:
    """Catalogue columns that the target is read from."""
    return (target.column,) if isinstance(target, Classes) else target.columns


def periods_of(target: Target) -> tuple[float | None, ...]:
    """The period of each column or class; None for all that is no angle."""
    return target.periods if isinstance(target, Quantities) else (None,) * len(outputs(target))


def encodings_of(target: Target) -> tuple[Encoding, ...]:
    """How each column or class is learned; classes and vote fractions have no encoding of this kind."""
    return target.encodings if isinstance(target, Quantities) else (Encoding(),) * len(outputs(target))


def logarithms_of(target: Target) -> tuple[str, ...]:
    """The quantities that are learned as logarithms."""
    return target.logarithms if isinstance(target, Quantities) else ()


def describe_angles(target: Target) -> str:
    """The angles and their periods, such as ``position_angle after 180 deg``; empty where there are none."""
    if not isinstance(target, Quantities):
        return ""
    known = zip(target.columns, target.units, target.periods, strict=True)
    return ", ".join(f"{name} after {period:.6g} {unit}".strip() for name, unit, period in known if period is not None)


def recognise(
    columns: Columns,
    names: Sequence[str],
    kind: TargetKind = "auto",
    units: Mapping[str, str] | None = None,
    angles_wish: str = angles.AUTO,
    logarithms_wish: str = logarithms.AUTO,
) -> Target:
    """Recognise what kind of target the columns ``names`` hold.

    One column of text, truth values or a few whole numbers: classes, sorted by name. Several columns of numbers whose
    rows add up to one or to 100, or are whole and add up to a column of totals: vote fractions. Other numbers:
    quantities.

    Parameters
    ----------
    columns
        Catalogue columns by name, each of length N.
    names
        The label columns.
    kind
        ``"auto"`` or the kind that the user has chosen.
    units
        Units by column name, for quantities.
    angles_wish
        Which quantities are angles, in words, see :func:`core.data.angles.find_periods`.
    logarithms_wish
        Which are learned as logarithms, see :func:`core.data.logarithms.find_logarithms`.

    Raises
    ------
    CatalogueProblem
        A column does not exist, or does not fit the chosen kind.
    TooFewGalaxies
        There are labels of fewer than two classes.
    SettingsProblem
        The words on angles cannot be read.
    """
    if not names:
        raise CatalogueProblem("No label column was named.", "Choose the column that holds the labels.")
    for name in names:
        if name not in columns:
            known = ", ".join(columns)
            raise CatalogueProblem(f"There is no column “{name}”.", f"The columns are: {known}.")
    if kind == "auto":
        kind = _kind_of([columns[name] for name in names], _others(columns, names))
    if kind == "classes":
        if len(names) > 1:
            raise CatalogueProblem(
                "Classes are read from one column, and several were named.", "Choose one.", ", ".join(names)
            )
        texts = sorted(filter(None, texts_of(columns[names[0]])[1]), key=_natural_key)
        if len(texts) < 2:
            only = f" (“{texts[0]}”)" if texts else ""
            raise TooFewGalaxies(
                f"The labels hold {len(texts)} class{only}; a classification needs at least two.",
                "Choose another column or label more galaxies.",
                names[0],
            )
        return Classes(names[0], tuple(texts))
    values = [numbers(columns[name]) for name in names]
    for name, found in zip(names, values, strict=True):
        if np.isfinite(found).sum() == 0:
            raise CatalogueProblem("This column holds no numbers.", "Choose a column of numbers.", name)
    if kind == "vote fractions":
        if len(names) < 2:
            raise CatalogueProblem("Vote fractions need a column for each answer.", "Choose two or more.", names[0])
        return VoteFractions(tuple(names))
    known = [(units or {}).get(name, "") for name in names]
    periods = angles.find_periods(angles_wish, names, known, values)
    is_whole = np.isfinite(values).all(axis=0)  # only these galaxies are used
    learned = [column[is_whole] for column in values]
    found = logarithms.find_logarithms(logarithms_wish, names, known, periods, learned)
    return Quantities(tuple(names), tuple(known), periods, found)


def encode(target: Target, columns: Columns) -> NDArray[Any]:
    """Encode labels as numbers.

    Returns
    -------
    ndarray
        For classes int64 (N,), :data:`NO_LABEL` where there is none or an unknown one; otherwise float32
        (N, K), a row of NaN where any of its numbers is missing. Vote fractions are divided by their sum.
    """
    if isinstance(target, Classes):
        places, texts = texts_of(columns[target.column])
        return classes_of(target, texts)[places]
    values = np.stack([numbers(columns[name]) for name in target.columns], axis=1)  # (N, K)
    values[~np.isfinite(values).all(axis=1)] = np.nan
    if isinstance(target, VoteFractions):
        total = values.sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(total > 0, values / total, np.nan)
    return values.astype(np.float32)


def classes_of(target: Classes, texts: Sequence[str]) -> NDArray[np.int64]:
    """Class index of each label text; :data:`NO_LABEL` for a text that is no class."""
    place = {name: index for index, name in enumerate(target.names)}
    return np.array([place.get(text, NO_LABEL) for text in texts], dtype=np.int64)


def texts_of(column: Sequence[Any] | NDArray[Any]) -> tuple[NDArray[np.int64], list[str]]:
    """The labels of a column as text, each distinct one once.

    Returns
    -------
    places
        (N,) index into ``texts`` for each row.
    texts
        The texts, in no particular order.
    """
    if type(column) is np.ndarray and column.dtype.kind in "iuf":
        distinct, inverse = np.unique(column, return_inverse=True)
    elif type(column) is np.ndarray and column.dtype.kind == "U":
        listed = pieces.listed(column)
        distinct = pieces.distinct(listed)
        raw = {value: place for place, value in enumerate(distinct)}
        inverse = pieces.mapped(raw.__getitem__, listed, np.int64)
    else:
        distinct, inverse = column, np.arange(len(column))
    known: dict[str, int] = {}
    places = pieces.mapped(lambda value: known.setdefault(label_text(value), len(known)), distinct, np.int64)
    return places[inverse], list(known)


def votes(target: VoteFractions, columns: Columns) -> NDArray[np.float32]:
    """The sums (N,) of the target's columns: the number of votes where they hold counts, one for fractions."""
    rows = np.stack([numbers(columns[name]) for name in target.columns], axis=1)
    divisor = 100 if scale_of(rows) == "percent" else 1
    return (rows.sum(axis=1) / divisor).astype(np.float32)


def describe_votes(target: Target, columns: Columns) -> str:
    """A sentence on vote fractions that the catalogue holds as percent or numbers of votes; empty for all else."""
    if not isinstance(target, VoteFractions):
        return ""
    rows = np.stack([numbers(columns[name]) for name in target.columns], axis=1)
    return vote_columns.describe(scale_of(rows, _others(columns, target.columns)), target.columns)


def _others(columns: Columns, names: Sequence[str]) -> Columns:
    return {name: column for name, column in columns.items() if name not in names}


def has_label(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows of :func:`encode`'s result carry a label, as (N,) truth values."""
    return np.asarray(labels != NO_LABEL if labels.ndim == 1 else np.isfinite(labels).all(axis=1))


def to_dict(target: Target) -> dict[str, Any]:
    """The target as plain values for JSON."""
    match target:
        case Classes(column, names):
            return {"kind": "classes", "column": column, "names": list(names)}
        case VoteFractions(columns):
            return {"kind": "vote fractions", "columns": list(columns)}
        case Quantities(columns, units, periods, logarithms):
            known = {"kind": "quantities", "columns": list(columns), "units": list(units)}
            known |= {"periods": list(periods)} if any(periods) else {}
            return known | ({"logarithms": list(logarithms)} if logarithms else {})
        case NoAnswers(directions):
            return {"kind": "none", "directions": directions}


def from_dict(values: Mapping[str, Any]) -> Target:
    """Read what :func:`to_dict` wrote."""
    match values["kind"]:
        case "classes":
            return Classes(values["column"], tuple(values["names"]))
        case "vote fractions":
            return VoteFractions(tuple(values["columns"]))
        case "none":
            return NoAnswers(int(values["directions"]))
        case _:
            periods, learned = values.get("periods", ()), values.get("logarithms", ())
            return Quantities(tuple(values["columns"]), tuple(values["units"]), tuple(periods), tuple(learned))


def label_text(value: Any) -> str:
    """One class label as text; empty where there is none. 3.0 and 3 are the same label."""
    if isinstance(value, str):
        return _strip_missing(value)
    if value is None or np.ma.is_masked(value):
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float | np.floating):
        if not math.isfinite(value):
            return ""
        return str(int(value)) if float(value).is_integer() else str(value)
    return _strip_missing(str(value))


@lru_cache(maxsize=4096)  # a survey has a million labels and ten classes
def _strip_missing(text: str) -> str:
    text = text.strip()
    return "" if text.lower() in _MISSING else text


def numbers(values: Sequence[Any] | NDArray[Any]) -> NDArray[np.float64]:
    """A column as float64 (N,), NaN where there is no number."""
    array = np.ma.asarray(values)
    if array.dtype.kind in "iufb":
        return np.ma.filled(array.astype(np.float64), np.nan)
    return np.array([_to_number(value) for value in values], dtype=np.float64)


def _to_number(value: Any) -> float:
    return _parse_number(label_text(value))


@lru_cache(maxsize=4096)
def _parse_number(text: str) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _kind_of(
    columns: Sequence[Sequence[Any] | NDArray[Any]], others: Columns
) -> Literal["classes", "vote fractions", "quantities"]:
    values = [numbers(column) for column in columns]
    if len(columns) == 1:
        return "classes" if _are_names(columns[0], values[0]) else "quantities"
    return "vote fractions" if scale_of(np.stack(values, axis=1), others) else "quantities"


def _are_names(column: Sequence[Any] | NDArray[Any], values: NDArray[np.float64]) -> bool:
    numeric = values[np.isfinite(values)]
    if not (type(column) is np.ndarray and column.dtype.kind in "iuf"):
        texts = [text for value in column if (text := label_text(value))]
        if len(numeric) < len(texts):  # some labels are words
            return True
    elif column.dtype.kind == "f" and np.abs(numeric).max(initial=0) >= _NO_CODE:
        return False
    whole = bool((numeric == np.round(numeric)).all())
    return whole and len(np.unique(numeric)) <= 30


def _natural_key(text: str) -> tuple[int, float, str]:
    """Sort numbers as numbers ("10" after "9"), before words."""
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text

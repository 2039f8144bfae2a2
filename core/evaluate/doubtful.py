"""The galaxies of an evaluation to look at first: confident mistakes, probable label errors, largest deviations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from core.data import angles
from core.data.encodings import residual
from core.data.target import Classes, Quantities, VoteFractions, periods_of
from core.errors import SettingsProblem
from core.evaluate import tables
from core.evaluate.evaluation import Evaluation
from core.metrics import label_errors
from core.wording import count_of, with_error, with_minus

Kind: TypeAlias = Literal["mistakes", "label errors", "deviations"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, eq=False)
class Doubtful:
    """Galaxies to look at, the most doubtful first.

    Attributes
    ----------
    kind
        What is doubtful.
    ids, rows
        Of the m galaxies; ``rows`` int64 (m,) in the dataset.
    headers, cells
        Titles of the columns after the id, and their texts for each galaxy.
    columns
        The numbers behind the texts.
    suggested
        The class that each galaxy is proposed to be labelled; empty where there is none.
    sentence
        How they were found, among how many galaxies.
    """

    kind: Kind
    ids: tuple[str, ...]
    rows: NDArray[np.int64]
    headers: tuple[str, ...]
    cells: list[tuple[str, ...]]
    columns: list[tables.TableColumn]
    suggested: tuple[str, ...]
    sentence: str

    def __len__(self) -> int:
        return len(self.rows)


def find(evaluation: Evaluation, kind: Kind) -> Doubtful:
    """Find the galaxies to look at.

    Raises
    ------
    SettingsProblem
        Mistakes and label errors are of classes, deviations of quantities and vote fractions.
    """
    is_classes = isinstance(evaluation.target, Classes)
    if is_classes == (kind == "deviations"):
        raise SettingsProblem(
            f"There are no {kind} of {'classes' if is_classes else 'quantities'}.",
            f"Choose {' or '.join(KINDS[:2] if is_classes else KINDS[2:])}.",
        )
    if kind == "deviations":
        return _find_deviations(evaluation)
    return _find_mistakes(evaluation) if kind == "mistakes" else _find_label_errors(evaluation)


def write_table(found: Doubtful, path: Path) -> None:
    """Write them as a table, in the format given by the file name's suffix."""
    tables.write_columns([("id", np.array(found.ids, str), ""), *found.columns], path, {"GALAXIES": found.sentence})


def _find_mistakes(evaluation: Evaluation) -> Doubtful:
    scores = np.asarray(evaluation.predictions.scores, np.float64)
    called, labels = evaluation.predictions.decision.choose(scores), evaluation.labels
    places = np.flatnonzero(called != labels)
    places = places[np.argsort(-scores[places, called[places]], kind="stable")]
    count = len(evaluation.rows)
    sentence = f"{count_of(len(places), 'mistake')} among {count_of(count, 'galaxy')}, the surest first."
    return _of_classes(evaluation, "mistakes", places, called[places], "called", sentence)


def _find_label_errors(evaluation: Evaluation) -> Doubtful:
    found = label_errors.find(evaluation.labels, evaluation.predictions.scores)
    count = count_of(len(evaluation.rows), "galaxy")
    sentence = f"{count_of(len(found.places), 'label')} of {count} are probably wrong by confident learning"
    if found.share is not None and found.error is not None:
        wrong = with_error(100 * found.share, 100 * found.error)
        sentence += f", which estimates {wrong} % wrong ones"
    sentence += ". The network disagrees with them; that proves nothing: look at each galaxy."
    if evaluation.part == "test":
        sentence += " Whoever corrects labels of the test part by the network makes its numbers too good."
    return _of_classes(evaluation, "label errors", found.places, found.suggested, "probably", sentence)


def _of_classes(
    evaluation: Evaluation,
    kind: Kind,
    places: NDArray[np.int64],
    suggested: NDArray[np.int64],
    title: str,
    sentence: str,
) -> Doubtful:
    names, labels = np.array(evaluation.predictions.names), evaluation.labels[places]
    scores = np.asarray(evaluation.predictions.scores, np.float64)
    of_label, of_other = scores[places, labels], scores[places, suggested]
    cells: list[tuple[str, ...]] = [
        (str(names[label]), str(names[other]), f"{q:.3f}", f"{p:.3f}")
        for label, other, p, q in zip(labels, suggested, of_label, of_other, strict=True)
    ]
    return Doubtful(
        kind,
        tuple(evaluation.predictions.ids[place] for place in places),
        evaluation.rows[places],
        ("Label", title.capitalize(), f"p ({title})", "p (label)"),
        cells,
        [
            ("label", names[labels].astype(str), ""),
            (title, names[suggested].astype(str), ""),
            (f"p_{title}", of_other, ""),
            ("p_label", of_label, ""),
        ],
        tuple(names[suggested].tolist()),
        sentence,
    )


def _find_deviations(evaluation: Evaluation) -> Doubtful:
    """Order galaxies by their largest deviation over all quantities, in error bars or else in the scatter."""
    target, predictions = evaluation.target, evaluation.predictions
    assert isinstance(target, Quantities | VoteFractions)
    true, values = np.asarray(evaluation.labels, np.float64), np.asarray(predictions.scores, np.float64)
    off, unit_text = _deviations(target, true, values, predictions.errors)
    size = np.abs(off)
    order = np.argsort(-size.max(axis=1), kind="stable")
    worst = size[order].argmax(axis=1)
    names, units = np.array(predictions.names), predictions.units
    cells: list[tuple[str, ...]] = []
    for place, which in zip(order, worst, strict=True):
        unit = f" {units[which]}" if units[which] else ""
        cells.append(
            (
                str(names[which]),
                with_minus(f"{true[place, which]:.4g}{unit}"),
                with_minus(f"{values[place, which]:.4g}{unit}"),
                with_minus(f"{off[place, which]:+.1f}"),
            )
        )
    sentence = (
        f"{count_of(len(order), 'galaxy')}, those first that are furthest off in any quantity; deviations are in "
        f"{unit_text}."
    )
    return Doubtful(
        "deviations",
        tuple(predictions.ids[place] for place in order),
        evaluation.rows[order],
        ("Quantity", "True", "Predicted", "Deviation"),
        cells,
        [
            ("quantity", names[worst].astype(str), ""),
            ("true", true[order, worst], ""),
            ("predicted", values[order, worst], ""),
            ("deviation", off[order, worst], ""),
        ],
        ("",) * len(order),
        sentence,
    )


def _deviations(
    target: Quantities | VoteFractions, true: NDArray[np.float64], values: NDArray[np.float64], errors: Any
) -> tuple[NDArray[np.float64], str]:
    """Deviations (n, K) without a unit, and what they are counted in."""
    if errors is not None and isinstance(target, Quantities):
        columns = [
            np.asarray(residual(values[:, place], true[:, place], encoding)) / np.asarray(errors[:, place], np.float64)
            for place, encoding in enumerate(target.encodings)
        ]
        return np.nan_to_num(np.stack(columns, axis=1), posinf=np.inf, neginf=-np.inf), "their error bars"
    columns = [
        np.asarray(angles.difference(values[:, place], true[:, place], period), np.float64)
        for place, period in enumerate(periods_of(target))
    ]
    off = np.stack(columns, axis=1)
    low, high = np.percentile(off, [16, 84], axis=0)
    scatter = np.where(high > low, (high - low) / 2, 1)
    return off / scatter, "the scatter of all galaxies"

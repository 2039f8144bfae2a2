"""Two runs on the same galaxies: which of them is better, and whether that is more than chance.

Both are judged on galaxies that neither was trained on: on the dataset of both, those that are in the same part of
each; on another dataset, its labelled galaxies. The numbers of single evaluations are not touched.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.seen import seen_ids
from core.data.settings import EvaluatedPart
from core.data.target import Classes, Target, outputs
from core.errors import NotPossible, TooFewGalaxies
from core.evaluate import evaluation, judged_part, predict, tables
from core.evaluate.predict import Predictions
from core.events import NEVER, Work
from core.metrics import paired
from core.metrics.answering import Answering
from core.metrics.decision import MOST_PROBABLE, Decision
from core.metrics.merits import display_name, higher_is_better
from core.metrics.paired import Difference, McNemar
from core.nets.opening import open_network_on_data
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.wording import count_of, with_error, with_minus

FEWEST = 20


@dataclass(frozen=True, eq=False)
class TwoRuns:
    """The comparison of a second run with a first one.

    Attributes
    ----------
    first, second
        Titles of the runs.
    note
        Over which galaxies.
    galaxies
        How many.
    differences
        Of every figure of merit, the second less the first.
    mcnemar
        For classes.
    gained, lost
        Rows of the galaxies that only the second gets right, and only the first; empty for quantities.
    answering
        How the two decide, and at which temperatures, in words; empty for quantities, and where both answer with their
        own probabilities and the most probable class.
    """

    first: str
    second: str
    note: str
    galaxies: int
    differences: list[Difference]
    mcnemar: McNemar | None
    gained: NDArray[np.int64]
    lost: NDArray[np.int64]
    answering: str = ""

    @property
    def sentence(self) -> str:
        """The verdict, with the galaxies that it holds for."""
        if self.mcnemar is None:
            better, worse = (self._count(is_better=each) for each in (True, False))
            verdict = (
                f"beyond 95 % of paired bootstrap samples, “{self.second}” is better in {better} and worse in {worse} "
                f"of {len(self.differences)} figures"
            )
        else:
            found = self.mcnemar
            more = found.only_second - found.only_first
            which = self.second if more > 0 else self.first
            is_chance = found.probability > 0.05
            verdict = (
                f"no difference in accuracy beyond chance (McNemar's exact p = {found.probability:.2g})"
                if is_chance
                else f"“{which}” is right more often (McNemar's exact p = {found.probability:.2g})"
            )
            verdict += (
                f": {found.only_second:,} galaxies only “{self.second}” gets right, {found.only_first:,} only "
                f"“{self.first}”"
            )
        return " ".join(filter(None, (f"{self.note}: {verdict}.", self.answering)))

    def _count(self, *, is_better: bool) -> int:
        return sum(
            each.is_significant and (higher_is_better(each.metric) == (each.difference > 0)) == is_better
            for each in self.differences
            if not each.metric.startswith("bias")  # of which neither sign is better
        )


def run(
    first: RunFolder | Path | str,
    second: RunFolder | Path | str,
    data: Path | str,
    part: EvaluatedPart = "validation",
    stop: threading.Event = NEVER,
    *,
    hand_labels: LabelJournal | None = None,
    class_map: Mapping[str, str] | None = None,
) -> Work[TwoRuns]:
    """Compare two runs on the galaxies of a dataset that neither was trained on.

    Parameters
    ----------
    first, second
        The runs.
    data
        The dataset.
    part
        Of the runs' own dataset.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs.
    class_map
        As in :func:`core.evaluate.evaluation.run`.

    Raises
    ------
    NotPossible
        They do not predict the same.
    TooFewGalaxies
        There are fewer than 20 common galaxies.
    Problem
        As :func:`core.evaluate.evaluation.run`.
    """
    folders = RunFolder.at(first), RunFolder.at(second)
    common = _find_common(folders, data, part, hand_labels, class_map or {})
    target, rows, labels = common.target, common.rows, common.labels
    names = outputs(target)
    answers: list[Predictions] = []
    answering: list[str] = []
    for folder in folders:
        with open_network_on_data(folder.best, data) as opened:
            predictor = opened.predictor
            predictions = yield from predict.predict_rows(opened, rows, stop)
            answers.append(predict.decide(predictions, predictor, folder.best, None))
            is_fitted_here = part == "validation" and opened.cutouts.is_known_as(predictor.card.get("checksum"))
            answering.append(_describe(folder.title, answers[-1], predictor.member_temperatures, is_fitted_here))
    orders = [[each.names.index(name) for name in names] for each in answers]
    scores = [each.scores[:, order] for each, order in zip(answers, orders, strict=True)]
    decisions = [_reorder(each, names) for each in answers]
    differences = yield from paired.compare(target, labels, scores, decisions, stop=stop)
    mcnemar, gained, lost = None, rows[:0], rows[:0]
    if isinstance(target, Classes):
        right = [each.choose(score) == labels for each, score in zip(decisions, scores, strict=True)]
        mcnemar = paired.mcnemar(*right)
        gained, lost = rows[right[1] & ~right[0]], rows[right[0] & ~right[1]]
    titles = [folder.title for folder in folders]
    note = f"{count_of(len(rows), 'galaxy')} of {Path(data).name}, {common.where}"
    how = " ".join(answering) if any(answering) and isinstance(target, Classes) else ""
    return TwoRuns(titles[0], titles[1], note, len(rows), differences, mcnemar, gained, lost, how)


def _describe(title: str, answers: Predictions, members: tuple[float | None, ...], is_fitted_here: bool) -> str:
    """How a run decides and at which temperatures; empty: with its own probabilities and the most probable class."""
    decision, found = answers.decision or MOST_PROBABLE, answers.temperature
    if decision == MOST_PROBABLE and found is None and not any(members):
        return ""
    how = Answering(decision.text, None if found is None else found.value, members).sentence
    fitted = " That temperature was fitted to galaxies of this part." if found is not None and is_fitted_here else ""
    return f"“{title}” – {how}{fitted}"


@dataclass(frozen=True, eq=False)
class _Common:
    """Galaxies that neither run was trained on: rows (n,) and labels of them, and where they are, in words."""

    target: Target
    rows: NDArray[np.int64]
    labels: NDArray[Any]
    where: str


def _find_common(
    folders: Sequence[RunFolder],
    data: Path | str,
    part: EvaluatedPart,
    hand_labels: LabelJournal | None,
    class_map: Mapping[str, str],
) -> _Common:
    chosen: list[NDArray[np.int64]] = []
    targets: list[Target] = []
    labels: list[NDArray[Any]] = []
    notes: list[str] = []
    for folder in folders:
        with open_network_on_data(folder.best, data) as opened:
            target, cutouts = opened.predictor.target, opened.cutouts
            is_own = cutouts.is_known_as(opened.predictor.card.get("checksum"))
            found, _, _ = evaluation.read_labels(cutouts, target, hand_labels, class_map, exactly=is_own)
            rows = judged_part.select_rows(folder, cutouts, part if is_own else "all", found)
            if not is_own:
                seen = seen_ids(folder.path)
                rows = rows[[cutouts.ids[row] not in seen for row in rows.tolist()]]
        where = "labelled, the training's own too, for" if part == "all" else f"in the {part} part of"
        notes.append(f"{where} “{folder.title}”" if is_own else f"new to “{folder.title}”")
        chosen.append(rows)
        targets.append(target)
        labels.append(found)
    _require_same(targets)
    common = np.intersect1d(chosen[0], chosen[1])
    if len(common) < FEWEST:
        raise TooFewGalaxies(
            f"{count_of(len(common), 'labelled galaxy')} of this dataset are {' and '.join(notes)}, and {FEWEST} are "
            "needed.",
            "Compare runs that share their parts, or both on another dataset.",
            Path(data).name,
        )
    return _Common(targets[0], common, labels[0][common], " and ".join(notes))


HEADERS = ("Figure of merit", "First", "Second", "Second − first", "95 %")


def rows_of(found: TwoRuns) -> list[tuple[str, ...]]:
    """The rows of a table below :data:`HEADERS`: values, difference with its paired error, and interval."""
    rows: list[tuple[str, ...]] = []
    for each in found.differences:
        low, high = each.interval
        is_known = np.isfinite(each.error)
        rows.append(
            (
                display_name(each.metric),
                *(_three(value) for value in (each.first, each.second)),
                with_error(each.difference, each.error) if is_known else _three(each.difference),
                _interval(low, high, each.error) if is_known else "–",
            )
        )
    return rows


def write_table(found: TwoRuns, path: Path) -> None:
    """Write the differences as a table, in the format given by the file name's suffix."""
    each = found.differences
    columns: list[tables.TableColumn] = [("metric", np.array([one.metric for one in each], str), "")]
    columns += [
        (name, np.array([getattr(one, name) for one in each], np.float64), "")
        for name in ("first", "second", "difference", "error")
    ]
    columns += [
        (name, np.array([one.interval[place] for one in each], np.float64), "")
        for place, name in enumerate(("low", "high"))
    ]
    about = {"FIRST": found.first, "SECOND": found.second, "GALAXIES": found.note}
    if found.mcnemar is not None:
        about["MCNEMAR"] = found.mcnemar.sentence
    tables.write_columns(columns, path, about)


def _require_same(targets: list[Target]) -> None:
    first, second = targets
    if type(first) is not type(second) or set(outputs(first)) != set(outputs(second)):
        raise NotPossible(
            f"The runs do not predict the same: {', '.join(outputs(first))}; and {', '.join(outputs(second))}.",
            "Compare runs with the same classes or quantities.",
        )


def _reorder(each: Predictions, names: tuple[str, ...]) -> Decision:
    """The decision of a run for classes in another order."""
    decision = each.decision
    if not decision.weights:
        return decision
    weights = tuple(decision.weights[decision.names.index(name)] for name in names)
    return replace(decision, names=names, weights=weights)


def _interval(low: float, high: float, error: float) -> str:
    """Both ends, to the second digit of the error."""
    digits = max(0, 1 - math.floor(math.log10(error))) if error > 0 else 3
    return with_minus(f"{low:+.{digits}f} to {high:+.{digits}f}")


def _three(value: float) -> str:
    return "–" if not np.isfinite(value) else with_minus(f"{value:.3f}")

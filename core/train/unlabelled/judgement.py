"""Whether learning from galaxies without labels has made things worse: said where their survey has labels after all.

The network is judged on the validation part of that survey, none of whose galaxies it was shown, before and after. No
weights, epoch or setting is chosen by this. Without a network that the training started from there is no “before”; then
a training without these galaxies is the comparison.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.class_names import complete_mapping
from core.data.cutouts import Cutouts
from core.data.target import Classes
from core.errors import SettingsProblem
from core.events import Work
from core.metrics.uncertainty import error_of_share, plus_minus
from core.nets import answers as network_answers
from core.nets import transfer
from core.nets.predictor import Predictor
from core.train.plan import TrainingPlan
from core.train.unlabelled.beginning import open_galaxies
from core.train.unlabelled.galaxies import LabelledPart

_FEWEST = 10  # galaxies: the error of an accuracy is ± 0.15 then
_CLEAR = 2.0  # errors, beyond which a difference is told as one


@dataclass(frozen=True)
class Judgement:
    """The accuracy on labelled galaxies of the survey whose galaxies were shown without labels.

    Attributes
    ----------
    galaxies
        Their number.
    accuracy, error
        Of the finished network, with its standard error.
    before
        That of the network before, on the same galaxies; None: there was none, or it knows other classes.
    difference, difference_error
        After minus before, with the error of the same galaxies answered twice.
    is_worse
        Whether it has become worse, by more than twice that error.
    sentence
        All of that.
    """

    galaxies: int
    accuracy: float
    error: float
    before: float | None
    difference: float | None
    difference_error: float | None
    is_worse: bool
    sentence: str


def judge(plan: TrainingPlan, best: Predictor) -> Work[Judgement | None]:
    """Judge the finished network of a training; None where that survey has too few labels that it knows."""
    term = plan.unlabelled
    if term is None or term.part is None or not isinstance(plan.target, Classes):
        return None
    before = None
    if plan.base is not None and isinstance(plan.base.target, Classes):
        places = transfer.matched_rows(plan.base.target, plan.target, plan.settings.transfer.class_map)
        before = plan.base, places
    with open_galaxies(plan) as (cutouts, _):
        wish = plan.settings.unlabelled.classes
        return (yield from compare(cutouts, term.part, best, before, wish))


def compare(
    cutouts: Cutouts,
    part: LabelledPart,
    after: Predictor,
    before: tuple[Predictor, dict[int, int]] | None,
    wish: str = "",
) -> Work[Judgement | None]:
    """Compare two networks on the labelled validation part of a survey.

    Parameters
    ----------
    cutouts
        The survey, as both networks take it.
    part
        Its labels, and the rows of its validation part.
    after
        The network that has looked at the survey's other galaxies.
    before
        The one that it was before, and which of its classes each class of the other is; None: there is none.
    wish
        Which class of the network each class of the survey is, in words, see :func:`parse_classes`.

    Returns
    -------
    Judgement or None
        None where fewer than two classes or ten galaxies can be compared.

    Raises
    ------
    SettingsProblem
        The wish cannot be read.
    """
    labels = _as_classes_of(after, part, wish)
    rows = part.rows[labels[part.rows] >= 0]
    if before is not None:
        known = np.isin(labels[rows], list(before[1]))
        before, rows = (before, rows[known]) if known.sum() >= _FEWEST else (None, rows)
    if len(rows) < _FEWEST or len(np.unique(labels[rows])) < 2:
        return None
    right = yield from _are_right(after, cutouts, rows, labels[rows])
    earlier = None
    if before is not None:
        network, places = before
        own = np.array([places[label] for label in labels[rows].tolist()])
        earlier = yield from _are_right(network, cutouts, rows, own)
    return _judge(right, earlier, cutouts.path.name)


def parse_classes(wish: str) -> dict[str, str]:
    """Read ``"smooth=elliptical, featured=spiral"``: the network's class by that of the other survey.

    Raises
    ------
    SettingsProblem
        It is not of this form.
    """
    found: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in wish.split(","))):
        name, equals, own = (side.strip() for side in part.partition("="))
        if not equals or not name:
            raise SettingsProblem(
                f"“{part}” maps no class.", "Write it as in smooth=elliptical, featured=spiral.", "unlabelled.classes"
            )
        found[name] = own
    return found


def _as_classes_of(network: Predictor, part: LabelledPart, wish: str) -> NDArray[np.int64]:
    """The labels (N,) of another survey as the network counts its classes; −1: none of them."""
    labels = np.full(len(part.labels), -1, np.int64)
    if not isinstance(part.target, Classes) or not isinstance(network.target, Classes):
        return labels
    names = complete_mapping(network.target.names, part.target.names, parse_classes(wish))
    for place, name in enumerate(part.target.names):
        if name in names:
            labels[part.labels == place] = network.target.names.index(names[name])
    return labels


def _are_right(
    network: Predictor, cutouts: Cutouts, rows: NDArray[np.int64], labels: NDArray[np.int64]
) -> Work[NDArray[np.bool_]]:
    answers = (yield from network_answers.compute(network, cutouts, rows)).scores
    return answers.argmax(axis=1) == labels


def _judge(right: NDArray[np.bool_], earlier: NDArray[np.bool_] | None, name: str) -> Judgement:
    count, share = len(right), float(right.mean())
    error = error_of_share(share, count)
    where = f"On {count} validation galaxies of {name}, none of which was shown"
    if earlier is None:
        sentence = (
            f"{where}: accuracy {share:.3f}{plus_minus(error, '.3f')}. Whether the galaxies without labels have helped "
            "is told by a training without them."
        )
        return Judgement(count, share, error, None, None, None, is_worse=False, sentence=sentence)
    before = float(earlier.mean())
    difference = share - before
    of_difference = float(np.std(right.astype(float) - earlier.astype(float))) / math.sqrt(count)
    size = f"{abs(difference):.3f}{plus_minus(of_difference, '.3f')}"
    if abs(difference) <= _CLEAR * of_difference:
        change = f"a difference of {size}, which may be chance" if difference else "no change"
    else:
        change = f"{size} {'better' if difference > 0 else 'worse'}"
    is_worse = difference < -_CLEAR * of_difference
    sentence = (
        f"{where}: accuracy {before:.3f}{plus_minus(error_of_share(before, count), '.3f')} before, "
        f"{share:.3f}{plus_minus(error, '.3f')} after the galaxies without labels: {change}."
    )
    if is_worse:
        sentence += " Use the network from before, or another method."
    return Judgement(count, share, error, before, difference, of_difference, is_worse, sentence)

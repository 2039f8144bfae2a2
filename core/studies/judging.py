"""Judging networks on the same galaxies: those of the survey to which they move, and of the one from which they came.

Networks of two surveys have classes of other names. A network is judged by its answers translated to the classes of the
galaxies: old classes that several new ones continue share their probability evenly among them, new classes that
continue one old class add up to it. Galaxies of a new class without a counterpart count as missed. A network with a
class that is none of the new ones is not judged on them: its answers with that class would have no place.

The error from the finite number of galaxies is a bootstrap over them, drawn once for all networks, so that differences
of two networks on the same galaxies have the error that they deserve.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import split as splits
from core.data import target as targets
from core.data.class_names import complete_mapping, suggest_kin
from core.data.cutouts import Cutouts
from core.data.hand_labels import labelled_columns
from core.data.settings import HeldOutPart
from core.data.split import Split
from core.data.target import Classes, Target
from core.errors import NotPossible
from core.evaluate import predict
from core.events import NEVER, result_of
from core.metrics import merits
from core.metrics.report import make_report
from core.nets import transfer
from core.nets.opening import open_network_on_data
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal
from core.project.runs import RunFolder

_LEAST = 1e-12  # of a probability
_MOST_OLD = 1000  # galaxies
_SEED = 0  # of the resampled galaxies: the same for all networks

Links = Mapping[tuple[str, str], float]
"""Which answer of a network counts as which of the galaxies' classes, and with which share."""


@dataclass(frozen=True, eq=False)
class JudgedPart:
    """Galaxies on which networks are judged.

    Attributes
    ----------
    data
        Their dataset.
    part
        Validation or test.
    target
        What they are judged by.
    rows
        int64 (n,).
    labels
        Their labels, (n,) or (n, K).
    """

    data: Path
    part: HeldOutPart
    target: Target
    rows: NDArray[np.int64]
    labels: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a network is worth on a part.

    Attributes
    ----------
    galaxies
        Number of galaxies.
    values
        Figures of merit by name.
    samples
        The metric of the study on resampled galaxies, (200,); NaN where a sample leaves it undefined.
    """

    galaxies: int
    values: dict[str, float]
    samples: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The standard deviation of the samples; 0: they are all the same, so that it is unknown."""
        return merits.spread_of(self.samples)


def judge(
    network: Path,
    judged: JudgedPart,
    metric: str,
    links: Links | None = None,
    bands: str = "",
    stop: threading.Event = NEVER,
) -> Judgement:
    """Judge a network on galaxies.

    Parameters
    ----------
    network
        A weights file, or the folder of a run.
    judged
        The galaxies.
    metric
        The figure of merit that is resampled.
    links
        How its answers are translated; None: they are those of the galaxies.
    bands
        Which bands feed it, as text; empty: those of its training, or the same in its order.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    """
    with open_network_on_data(network, judged.data, given_bands=bands) as opened:
        found = result_of(predict.predict_rows(opened, judged.rows, stop))
    scores = found.scores if links is None else translate(found.scores, found.names, judged.target, links)
    values = merits.flatten(make_report(judged.target, judged.labels, scores))
    samples = merits.resample(judged.target, judged.labels, scores, metric, _SEED)
    return Judgement(len(judged.rows), values, samples)


def translate(scores: NDArray[np.float32], names: tuple[str, ...], target: Target, links: Links) -> NDArray[np.float32]:
    """Answers (n, K) of a network called ``names`` as answers (n, J) of a target; of classes they add up to one."""
    there = targets.outputs(target)
    matrix = np.zeros((len(names), len(there)), np.float32)
    for (old, new), share in links.items():
        if old in names and new in there:
            matrix[names.index(old), there.index(new)] += share
    found = scores @ matrix
    return found / np.maximum(found.sum(axis=1, keepdims=True), _LEAST) if isinstance(target, Classes) else found


def links_to_new(base: Predictor, target: Target, class_map: Mapping[str, str]) -> Links:
    """How the answers of a network count on a new survey before it is tuned.

    Raises
    ------
    NotPossible
        It knows none of what is judged there, or not all of the quantities or vote fractions.
    """
    rows = transfer.matched_rows(base.target, target, class_map)
    old, new = targets.outputs(base.target), targets.outputs(target)
    if isinstance(target, Classes) and rows:
        _require_a_place_for_all(old, new, {new[row]: old[place] for row, place in rows.items()})
    if not rows or (not isinstance(target, Classes) and len(rows) < len(new)):
        raise NotPossible(
            f"As it is, the network says nothing of the new survey: it knows {', '.join(old)}, and there "
            f"{', '.join(new)} are learned.",
            "Map the classes, or leave out “as is”.",
        )
    shares = Counter(rows.values())
    is_shared = isinstance(target, Classes)
    return {(old[place], new[row]): 1.0 / shares[place] if is_shared else 1.0 for row, place in rows.items()}


def _require_a_place_for_all(old: Sequence[str], new: Sequence[str], known: Mapping[str, str]) -> None:
    """Require that each of a network's classes is one of the new ones: all compete, and no answer is dropped."""
    homeless = [name for name in old if name not in known.values()]
    if homeless:
        kin = ", ".join(f"{here} = {there}" for here, there in suggest_kin(old, new, known).items())
        raise NotPossible(
            f"As it is, the network is not judged on the new survey: its {', '.join(homeless)} are none of "
            f"{', '.join(new)}, so that answers with them would have no place.",
            f"Map the classes{f', perhaps {kin}' if kin else ''}; or leave out “as is”.",
        )


def links_to_old(base: Target, target: Target, class_map: Mapping[str, str]) -> Links:
    """How the answers of a tuned network count on the survey from which it came.

    Raises
    ------
    NotPossible
        It has a class that is none of the old ones.
    """
    if isinstance(base, Classes) and isinstance(target, Classes):
        continued = complete_mapping(base.names, target.names, class_map)
        if homeless := [name for name in target.names if name not in continued]:
            raise NotPossible(
                f"What is forgotten is not judged: {', '.join(homeless)} of the new survey are none of the old "
                f"{', '.join(base.names)}, so that answers with them would have no place.",
                "Map the classes, where they are the same.",
            )
        return dict.fromkeys(continued.items(), 1.0)
    return {(name, name): 1.0 for name in targets.outputs(base) if name in targets.outputs(target)}


def part_of_new(data: Path, part: HeldOutPart, target: Target, labels: NDArray[Any], split: Split) -> JudgedPart:
    """The galaxies of a part of the new survey."""
    rows: NDArray[np.int64] = np.sort(getattr(split, part))
    return JudgedPart(data, part, target, rows, labels[rows])


def part_of_old(network: Path, base: Predictor, data: Path | None, part: HeldOutPart, known: set[str]) -> JudgedPart:
    """The galaxies of the same part of the survey from which a network came, of the classes that are continued.

    Of a large validation part these are the same thousand for all networks, since each run is judged on them.

    Parameters
    ----------
    network
        Its weights file, in the folder of its run, where its parts are noted.
    base
        The network.
    data
        Its dataset; None: where its run noted it.
    part
        Which part.
    known
        The names of its classes or quantities that the new survey continues.

    Raises
    ------
    NotPossible
        The dataset or its parts are not known, or too little of it is continued.
    """
    run = RunFolder(network.parent)
    data = data or run.data
    if data is None or not run.split_file.exists():
        raise NotPossible(
            "What is forgotten is not known: the dataset of the network and its parts are not there.",
            "Start from the folder of a run whose dataset exists, or name it.",
            str(network),
        )
    kept = [name for name in targets.outputs(base.target) if name in known]
    target: Target = base.target
    if isinstance(target, Classes):
        if len(kept) < 2:
            raise NotPossible("What is forgotten is not judged: fewer than two of the old classes are continued.")
        target = Classes(target.column, tuple(kept))
    elif len(kept) < len(targets.outputs(target)):
        raise NotPossible("What is forgotten is not judged: the new survey has not all of the old quantities.")
    with Cutouts.open(data) as cutouts:
        if not cutouts.is_known_as(base.card.get("checksum")):
            raise NotPossible(
                "What is forgotten is not judged: this is not the dataset with which the network was trained.",
                "Name the one of its training.",
                str(data),
            )
        journal = LabelJournal(run.labels_file) if run.labels_file.exists() else None
        labels = targets.encode(target, labelled_columns(cutouts, journal))
        rows = np.sort(getattr(splits.load(run.split_file, cutouts.ids), part))
    rows = rows[targets.has_label(labels)[rows]]
    if part == "validation" and len(rows) > _MOST_OLD:
        rows = np.sort(np.random.default_rng(_SEED).choice(rows, _MOST_OLD, replace=False))
    if len(rows) < 2:
        raise NotPossible(f"What is forgotten is not judged: the {part} part of the old survey holds no galaxies.")
    return JudgedPart(data, part, target, rows, labels[rows])

"""What has moved between a network and the one that it was fine-tuned from: its weights, and what it answers.

Both networks answer for the same galaxies, which are prepared as for the training. Classes of the earlier network that
are called otherwise are counted as in the fine-tuning. Where both have a name for it, a galaxy has *flipped* if its
class is another one than before.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.adapt import weight_changes
from core.adapt.surveys import read_target_labels
from core.adapt.weight_changes import LayerChange
from core.data.settings import EvaluatedPart
from core.data.target import Classes
from core.errors import NotPossible, TooFewGalaxies
from core.evaluate.evaluation import read_labels
from core.evaluate.judged_part import select_rows
from core.evaluate.own_data import find_own_data
from core.events import NEVER, Work
from core.metrics.fraction import Fraction
from core.metrics.uncertainty import plus_minus
from core.nets import answers, base_scaling, transfer
from core.nets.opening import NetworkOnData, open_network_on_data
from core.nets.predictor import Predictor
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.reading import is_there
from core.settings import toml
from core.train.randomness import torch_generator
from core.train.settings import RunSettings
from core.wording import count_of


@dataclass(frozen=True)
class Flip:
    """A galaxy whose class has become another one: its row and id, the class before and after, and its label."""

    row: int
    galaxy: str
    before: str
    after: str
    truth: str

    @property
    def became_right(self) -> bool:
        """Whether the answer is now that of the label."""
        return self.after == self.truth


@dataclass(frozen=True, eq=False)
class ClassMoves:
    """The answers of both networks for the same galaxies.

    Attributes
    ----------
    part
        ``validation`` or ``test`` of the run's dataset, or ``all`` labelled galaxies.
    data
        Name of the dataset.
    rows, ids
        Of the galaxies.
    labels
        int64 (n,): their classes, as places in ``names``.
    before, after
        int64 (n,): the most probable class of either network, as places in ``old_names`` and ``names``.
    old_names, names
        The classes of the earlier and of the present network.
    counted_as
        Which of the earlier classes a present one continues; one that is missing began anew.
    left_out
        How many test galaxies of another dataset are not among them.
    """

    part: EvaluatedPart
    data: str
    rows: NDArray[np.int64]
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    old_names: tuple[str, ...]
    names: tuple[str, ...]
    counted_as: Mapping[str, str]
    left_out: int = 0

    @cached_property
    def confusion_before(self) -> NDArray[np.int64]:
        """(K, L): rows are the labels, columns the classes of the earlier network."""
        return _count(self.labels, self.before, len(self.names), len(self.old_names))

    @cached_property
    def confusion_after(self) -> NDArray[np.int64]:
        """(K, K): rows are the labels, columns the classes of the present network."""
        return _count(self.labels, self.after, len(self.names), len(self.names))

    @cached_property
    def flips(self) -> tuple[Flip, ...]:
        """The galaxies whose class is another one than before, in the order of the dataset."""
        flipped = np.flatnonzero(self._continued[self.after] != self.before)
        return tuple(
            Flip(
                int(self.rows[place]),
                self.ids[place],
                self.old_names[self.before[place]],
                self.names[self.after[place]],
                self.names[self.labels[place]],
            )
            for place in flipped
        )

    @property
    def accuracy_before(self) -> Fraction:
        """Of the earlier network, on the galaxies whose class it knows."""
        return _fraction(self._right_before[self._is_known])

    @property
    def accuracy_after(self) -> Fraction:
        """Of the present network on the same galaxies, classes that continue one earlier class counted as one."""
        return _fraction(self._right_after[self._is_known])

    @property
    def sentence(self) -> str:
        """How good both are, with the difference and its error, and over which galaxies."""
        count = int(self._is_known.sum())
        where = f"{self.data}" if self.part == "all" else f"the {self.part} part of {self.data}"
        where += f", without its {count_of(self.left_out, 'test galaxy')}," if self.left_out else ""
        if not count:
            return (
                f"{count_of(len(self.rows), 'galaxy')} of {where}: the earlier network knows none of their classes, so "
                "that it has no accuracy here."
            )
        before, after = (answers[self._is_known] for answers in (self._right_before, self._right_after))
        gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
        difference = float(after.mean() - before.mean())
        error = float(np.std(after.astype(float) - before.astype(float)) / math.sqrt(count))
        change = "as good as before"
        if gained != lost:
            change = f"{abs(difference):.3f}{plus_minus(error, '.3f')} {'better' if difference > 0 else 'worse'}"
        left_out = len(self.rows) - count
        without = f" (without {left_out:,} of classes that began anew)" if left_out else ""
        return (
            f"{count_of(count, 'galaxy')} of {where}{without}: accuracy {self.accuracy_before} before and "
            f"{self.accuracy_after} after, {change}. {gained:,} became right, {lost:,} became wrong."
        )

    @cached_property
    def _continued(self) -> NDArray[np.int64]:
        """(K,): the earlier class that each class continues, as its place; -1: none."""
        return np.array(
            [self.old_names.index(self.counted_as[name]) if name in self.counted_as else -1 for name in self.names]
        )

    @property
    def _is_known(self) -> NDArray[np.bool_]:
        return self._continued[self.labels] >= 0

    @property
    def _right_before(self) -> NDArray[np.bool_]:
        return self._continued[self.labels] == self.before

    @property
    def _right_after(self) -> NDArray[np.bool_]:
        return self._continued[self.labels] == self._continued[self.after]


@dataclass(frozen=True, eq=False)
class Moved:
    """What has moved.

    Attributes
    ----------
    start
        The network that is compared with: its name.
    layers
        The change of each layer that has weights.
    classes
        The answers; None: no classes are learned, or they were not asked for.
    """

    start: str
    layers: tuple[LayerChange, ...]
    classes: ClassMoves | None


def run(
    folder: RunFolder | Path | str,
    data: Path | str | None = None,
    part: EvaluatedPart = "validation",
    stop: threading.Event = NEVER,
    *,
    start: Path | None = None,
    hand_labels: LabelJournal | None = None,
) -> Work[Moved]:
    """Compare the network of a run with the one that it started from.

    Parameters
    ----------
    folder
        The run.
    data
        The dataset on whose galaxies both answer; None: the one the run was trained on.
    part
        Of the run's own dataset. Of another one all labelled galaxies are used, the validation part standing for all
        but its test part.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    start
        Another network with the same layers to compare with; None: the one that the run started from.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs.

    Raises
    ------
    NotPossible
        The run started from random weights, or the networks have different layers.
    TooFewGalaxies
        There is no labelled galaxy.
    UnreadableFile
        A network or the dataset is not there.
    """
    folder = RunFolder.at(folder)
    settings = toml.load(RunSettings, folder.settings_file)
    earlier = find_start(folder, settings) if start is None else start
    path = Path(data) if data else find_own_data(folder)
    with open_network_on_data(folder.best, path) as opened:
        base = load_start(earlier, opened.predictor)
        begun = _at_the_first_step(base, opened.predictor, settings)
        changes = tuple(weight_changes.measure(begun, opened.predictor.network))
        moves = None
        if isinstance(opened.predictor.target, Classes) and isinstance(base.target, Classes):
            moves = yield from _compare_answers(folder, opened, base, part, settings, hand_labels, stop)
    name = RunFolder(Path(settings.transfer.start_from)).title if start is None else start.stem
    return Moved(name, changes, moves)


def find_start(folder: RunFolder, settings: RunSettings) -> Path:
    """The network that a run started from: the copy that is kept with it, or for an earlier version the file itself.

    Raises
    ------
    NotPossible
        It started from random weights.
    """
    if is_there(folder.start):
        return folder.start
    if not settings.transfer.start_from:
        raise NotPossible(
            "This run started from random weights, so that there is no earlier network to compare with.",
            "Choose a fine-tuned run.",
            str(folder.path),
        )
    return Path(settings.transfer.start_from).expanduser()


def load_start(path: Path, now: Predictor) -> Predictor:
    """The earlier network, taking images in the unit of those that the present one was trained on."""
    base = Predictor.load(path, now.device)
    zero_points = now.zero_points or (None,) * len(base.bands)
    if len(zero_points) != len(base.bands):
        return base  # they are not compared in the end
    return replace(base, normalisation=base_scaling.in_unit_of(base, zero_points).to(now.device))


def _at_the_first_step(base: Predictor, now: Predictor, settings: RunSettings) -> transfer.CNN:
    """The network with which the training began: what was taken over from the base, and new outputs at random.

    Raises
    ------
    NotPossible
        The layers are different ones.
    """
    if base.network.settings != now.network.settings or base.network.shape[0] != now.network.shape[0]:
        raise NotPossible(
            "The two networks have different layers, so that their weights cannot be compared.",
            "Compare a network with the one that it was fine-tuned from.",
        )
    begun = transfer.prepare(
        base,
        now.stamp_shape,
        now.target,
        None if now.output_scale is None else now.output_scale.to(base.device),
        torch_generator(settings.seed, "weights"),
        error_bars=now.has_error_bars,
        class_map=settings.transfer.class_map,
        side=now.side,
    )
    return begun.to(base.device)


def _compare_answers(
    folder: RunFolder,
    opened: NetworkOnData,
    base: Predictor,
    part: EvaluatedPart,
    settings: RunSettings,
    hand_labels: LabelJournal | None,
    stop: threading.Event,
) -> Work[ClassMoves]:
    now, cutouts = opened.predictor, opened.cutouts
    is_own = cutouts.is_known_as(now.card.get("checksum"))
    labels, _, _ = read_labels(cutouts, now.target, hand_labels, {}, exactly=is_own)
    spares_test = not is_own and part == "validation"
    part = part if is_own else "all"
    rows = labelled = np.sort(select_rows(folder, cutouts, part, labels))
    if spares_test:
        rows = np.intersect1d(labelled, read_target_labels(cutouts, None, settings.seed, hand_labels).rows)
    if not len(rows):
        where = f"in the {part} part" if is_own else "that the network could know"
        raise TooFewGalaxies(f"There is no labelled galaxy {where}.", "Choose another part.", cutouts.path.name)
    found = []
    for predictor in (base, now):
        scores = yield from answers.compute(predictor, cutouts, rows, stop)
        found.append(scores.scores.argmax(axis=1))
    known = transfer.matched_rows(base.target, now.target, settings.transfer.class_map)
    ids = cutouts.ids
    return ClassMoves(
        part=part,
        data=cutouts.path.stem,
        rows=rows,
        ids=tuple(ids[row] for row in rows),
        labels=labels[rows],
        before=found[0],
        after=found[1],
        old_names=base.output_names,
        names=now.output_names,
        counted_as={now.output_names[row]: base.output_names[place] for row, place in known.items()},
        left_out=len(labelled) - len(rows),
    )


def _fraction(right: NDArray[np.bool_]) -> Fraction:
    return Fraction(int(right.sum()), len(right))


def _count(labels: NDArray[np.int64], answered: NDArray[np.int64], rows: int, columns: int) -> NDArray[np.int64]:
    return np.bincount(labels * columns + answered, minlength=rows * columns).reshape(rows, columns)


def to_json(moved: Moved) -> dict[str, Any]:
    """Plain values."""
    layers = [
        {
            "layer": each.name,
            "kind": each.kind,
            "block": each.block,
            "weights": each.weights,
            "change": each.change if math.isfinite(each.change) else None,
            "statistics": each.statistics,
            "identical": each.is_identical,
        }
        for each in moved.layers
    ]
    values: dict[str, Any] = {"start": moved.start, "layers": layers, "classes": None}
    if (classes := moved.classes) is not None:
        values["classes"] = {
            "sentence": classes.sentence,
            "part": classes.part,
            "data": classes.data,
            "galaxies": len(classes.rows),
            "test_galaxies_left_out": classes.left_out,
            "classes": list(classes.names),
            "earlier_classes": list(classes.old_names),
            "counted_as": dict(classes.counted_as),
            "confusion_before": classes.confusion_before.tolist(),
            "confusion_after": classes.confusion_after.tolist(),
            "flipped": [
                {"id": flip.galaxy, "before": flip.before, "after": flip.after, "truth": flip.truth}
                for flip in classes.flips
            ],
        }
    return values

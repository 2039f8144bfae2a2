"""What the numbers of an evaluation hold for, and what to know before one of them is quoted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.seen import seen_ids
from core.errors import Problem
from core.evaluate.judged_part import JudgedRows
from core.metrics import part_notes
from core.nets.ensemble import Ensemble
from core.nets.opening import NetworkOnData
from core.nets.predictor import Predictor
from core.project.runs import RunFolder
from core.wording import count_of

_NAMED = 8  # unknown classes


def count_seen(run: Path, ids: Sequence[str], rows: NDArray[np.int64]) -> int:
    """How many galaxies of another dataset the network was trained or chosen on, by their ids."""
    seen = seen_ids(run)
    return sum(ids[int(row)] in seen for row in rows)


def note_elsewhere(name: str, judged: JudgedRows, seen: int, unknown: Mapping[str, int], labels: NDArray[Any]) -> str:
    """Which galaxies of another dataset the numbers hold for.

    Parameters
    ----------
    name
        Of the dataset.
    judged
        The galaxies.
    seen
        How many of the galaxies the network was trained or chosen on.
    unknown
        Classes that the network does not know, with the number of galaxies that are left out.
    labels
        Of the galaxies that count; class indices, or anything else where the target is not a class.
    """
    text = f"every labelled galaxy of {name}"
    if judged.part != "all":
        text = f"every labelled galaxy in the {judged.part} part of {name}, which {judged.rule} gives"
    if judged.held_back:
        text += f", {judged.held_back:,} of its own test part among them (--split test: those alone)"
    if unknown:
        text += f" but {sum(unknown.values()):,} of classes that the network does not know"
        text += ", without which purity is too high"
    if labels.ndim == 1 and len(np.unique(labels)) == 1:
        text += "; only one class remains, and of that only the completeness means something"
    if seen:
        return f"{text}; by their ids, {seen:,} were used to train it: too optimistic for new ones"
    return f"{text}; on none of them it was trained" if unknown else f"{text}, on which it was not trained"


def on_another_of_this_name(name: str, own: object) -> list[Problem]:
    """The warning that a file is called like the dataset on which the run was trained, ``own``, and is not that."""
    if name != own:
        return []
    return [
        Problem(
            f"“{name}” is not the dataset on which this run was trained: it was replaced or changed since, or is "
            "another of this name. It is evaluated as another dataset, on all its labelled galaxies.",
            "To have the parts of the run's own dataset, restore that file.",
            name,
        )
    ]


def on_seen_galaxies(seen: int, count: int) -> Problem:
    """The warning that a dataset contains galaxies that the network was trained or chosen on."""
    return Problem(
        f"The network, or one that it started from, was trained or chosen on {seen:,} of these {count:,} galaxies (by "
        "their ids).",
        "The scores are too good for new galaxies: evaluate it on the test part of its own dataset, or leave these "
        "galaxies out.",
    )


def on_parts_of_runs(predictor: Predictor) -> list[Problem]:
    """The warning that the runs of an ensemble had different parts, so that galaxies are missing in its test part."""
    if not isinstance(predictor, Ensemble) or not predictor.left_out:
        return []
    left_out, tested = count_of(predictor.left_out, "galaxy"), count_of(predictor.tested, "galaxy")
    rest = f"{tested} that none of them has seen remain" if predictor.tested else "none remains to test it on"
    return [
        Problem(
            f"The runs of this ensemble had different parts: {left_out} of the test part of one were shown to another "
            f"in its training, and are not in the test part of the ensemble; {rest}.",
            "Train all runs with the same parts (--seeds) to test it on all of them.",
        )
    ]


def on_mapped_classes(mapped: Mapping[str, str]) -> Problem:
    """Which classes of another dataset are counted as which of the network's."""
    listed = ", ".join(f"“{text}” as “{name}”" for text, name in mapped.items())
    return Problem(f"Classes that have another name here are counted as the network's: {listed}.")


def on_unknown_classes(unknown: Mapping[str, int]) -> Problem:
    """Which classes of another dataset are not counted; the most frequent ones are named."""
    first = sorted(unknown.items(), key=lambda each: -each[1])
    listed = ", ".join(f"{count} “{name}”" for name, count in first[:_NAMED])
    if others := first[_NAMED:]:
        listed += f", and {sum(count for _, count in others):,} galaxies of {len(others):,} other classes"
    return Problem(
        f"The network does not know these classes, and the galaxies are not counted: {listed}.",
        "Say which of its classes they are (--class-map NEW=OLD), or fine-tune it on this dataset.",
    )


def note_basis(
    judged: JudgedRows,
    folder: RunFolder,
    opened: NetworkOnData,
    name: str,
    seen: int,
    unknown: Mapping[str, int],
    labels: NDArray[Any],
    *,
    is_own: bool,
) -> str:
    """What the numbers hold for: a part of the run's own dataset, or another dataset, and what the network is."""
    note = note_elsewhere(name, judged, seen, unknown, labels)
    if is_own:
        note = part_notes.note_part(judged.part, len(opened.predictor.views), folder.keep)
    return "; ".join(filter(None, (note, part_notes.note_adaptation(opened.predictor.card))))

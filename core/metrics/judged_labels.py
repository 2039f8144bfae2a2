"""On which galaxies, with which labels, the numbers of a run were found, and how many of those labels have changed.

What an evaluation was over stands in its table of predictions; what the end of a training was over follows from the
run's split and its kept hand labels.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.data import hand_labels, split, target
from core.data.cutouts import Cutouts
from core.data.hand_labels import labelled_columns
from core.data.target import Classes, NoAnswers, Target
from core.errors import NotPossible, Problem
from core.metrics.judged_on import JudgedOn
from core.metrics.part_notes import PARTS
from core.nets import weights_file
from core.project import ensembles
from core.project.labels import LabelJournal
from core.project.metrics_file import read_metrics
from core.project.project import labels_near
from core.project.runs import RunFolder
from core.reading import FileState, is_there, read_lines, reading, state_of

_Labelled: TypeAlias = Counter[tuple[str, str]]
"""How many images there are of each id and label."""


def find(run: RunFolder, part: str) -> JudgedOn | None:
    """What the numbers of a part of a run are over; None: it has no such numbers, or that is not known."""
    try:
        if not read_metrics(run.metrics_file).get(part):
            return None
        data = run.find_data()
        journal = None if data is None else labels_near(run.path, data)
        files = (run.metrics_file, run.split_file, run.labels_file, run.best, run.predictions_file(part), data)
        states = tuple(state_of(file) for file in (*files, None if journal is None else journal.path) if file)
        return _find(run.path, part, data, states)
    except (Problem, OSError):  # whoever opens that run is told
        return None


def find_all(run: RunFolder) -> dict[str, JudgedOn]:
    """What the numbers of each part of a run are over, as far as that is known."""
    return {part: found for part in PARTS if (found := find(run, part)) is not None}


@lru_cache(maxsize=4096)
def _find(folder: Path, part: str, data: Path | None, _states: tuple[FileState, ...]) -> JudgedOn | None:
    run = RunFolder(folder)
    wanted = _read_target(run)
    if wanted is None:
        return None
    name = (read_metrics(run.metrics_file).get("data") or {}).get("data") or "an unknown dataset"
    table, now = run.predictions_file(part), None
    then = _read_table(table, wanted) if is_there(table) else None
    if data is not None:
        with contextlib.suppress(Problem), Cutouts.open(data) as cutouts:  # another one may have taken its place
            journal = labels_near(folder, data)
            rows = _rows_of(run, part, cutouts)
            if then is None:
                then = _count(cutouts, rows, wanted, hand_labels.at_beginning(run, journal))
            now = _count(cutouts, rows, wanted, journal)
    if then is None:
        return None
    changed = None if now is None else max((then - now).total(), (now - then).total())
    listed = "\n".join(f"{galaxy}\t{label}\t{count}" for (galaxy, label), count in sorted(then.items()))
    return JudgedOn(name, then.total(), hashlib.blake2b(listed.encode(), digest_size=16).hexdigest(), changed)


def _rows_of(run: RunFolder, part: str, cutouts: Cutouts) -> NDArray[np.int64]:
    return np.arange(len(cutouts)) if part == "all" else getattr(split.load(run.split_file, cutouts.ids), part)


def _read_target(run: RunFolder) -> Target | None:
    """What the run predicts; None: nothing."""
    first = ensembles.read(run.ensemble_file).members[0] if run.is_ensemble else run
    found = target.from_dict(dict(weights_file.read_plan(first.best)["target"]))
    return None if isinstance(found, NoAnswers) else found


def _count(cutouts: Cutouts, rows: NDArray[np.int64], wanted: Target, journal: LabelJournal | None) -> _Labelled:
    columns = labelled_columns(cutouts, journal)
    if missing := [name for name in target.columns_of(wanted) if name not in columns]:
        raise NotPossible(f"There is no column “{missing[0]}”.", "", str(cutouts.path))
    labels = target.encode(wanted, columns)[rows]
    is_known = target.has_label(labels)
    names, known = [cutouts.ids[row] for row in rows[is_known].tolist()], labels[is_known]
    texts = [wanted.names[each] for each in known] if isinstance(wanted, Classes) else map(_as_text, known)
    return Counter(zip(names, texts, strict=True))


def _read_table(path: Path, wanted: Target) -> _Labelled:
    """The galaxies of an evaluation with the labels that they had."""
    with reading("The predictions of this evaluation", path):
        lines = csv.DictReader(read_lines(path))
        if isinstance(wanted, Classes):
            return Counter((line["id"], line["label"]) for line in lines)
        names = [f"true_{name}" for name in target.outputs(wanted)]
        return Counter((line["id"], _as_text([line[name] for name in names])) for line in lines)


def _as_text(values: Sequence[Any] | NDArray[Any]) -> str:
    return " ".join(str(value) for value in np.asarray(values, np.float32).tolist())

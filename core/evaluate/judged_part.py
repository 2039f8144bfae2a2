"""Which galaxies a network is judged on: a part of its own dataset, or of another one as that has its parts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import declared_parts
from core.data import split as splits
from core.data import target as targets
from core.data.cutouts import Cutouts
from core.data.settings import EvaluatedPart
from core.errors import NotPossible, TooFewGalaxies
from core.nets.opening import NetworkOnData
from core.nets.predictor import Predictor
from core.project.runs import RunFolder

_SAME = ("run", "seed", "checksum")  # of the cards of two weights files of one run


@dataclass(frozen=True, eq=False)
class JudgedRows:
    """Galaxies on which a network is judged.

    Attributes
    ----------
    part
        Of the dataset; ``all``: every labelled galaxy whose class the network knows.
    rows
        int64 (n,).
    rule
        Of another dataset: who gives that part; empty: it is the run's own split, or all galaxies.
    held_back
        Of all galaxies of another dataset: how many are in the test part that it declares.
    """

    part: EvaluatedPart
    rows: NDArray[np.int64]
    rule: str = ""
    held_back: int = 0


def locate(network: RunFolder | Path | str) -> tuple[Path, RunFolder]:
    """The weights file of a network that is named by it or by its run, and the run to which it belongs."""
    if isinstance(network, RunFolder):
        return network.best, network
    path = Path(network)
    if path.is_file() or path.suffix == ".safetensors":
        folder = RunFolder.of(path)
        return (folder.best if path.resolve() == folder.best.resolve() else path), folder
    return RunFolder(path).best, RunFolder(path)


def choose_own(weights: Path, folder: RunFolder, opened: NetworkOnData, part: EvaluatedPart, labels: Any) -> JudgedRows:
    """A part of the dataset on which the network was trained, by the split of its run.

    Raises
    ------
    NotPossible
        The split is not known, since the weights file is not in the folder of its run.
    TooFewGalaxies
        There is no labelled galaxy in it.
    """
    if part != "all":
        _require_its_run(weights, folder, opened.predictor)
    rows = select_rows(folder, opened.cutouts, part, labels)
    if not len(rows):
        raise TooFewGalaxies(
            f"There is no labelled galaxy in the {part} part.", "Choose another part or another dataset.", _name(opened)
        )
    return JudgedRows(part, rows)


def choose_elsewhere(opened: NetworkOnData, part: EvaluatedPart, labels: NDArray[Any]) -> JudgedRows:
    """Galaxies of another dataset than that of the training: all, or a part that it declares.

    Raises
    ------
    NotPossible
        A part is asked for, and it declares none.
    TooFewGalaxies
        There is no labelled galaxy in it whose class the network knows.
    """
    declared, known = declared_parts.read(opened.whole), np.flatnonzero(targets.has_label(labels))
    if part == "all":
        held_back = 0 if declared is None else len(np.intersect1d(known, declared.rows("test")))
        rows, rule, where = known, "", "that the network could know"
    else:
        if declared is None:
            raise NotPossible(
                f"“{_name(opened)}” is not the dataset of the training and declares no parts, so that it has no "
                f"{part} part.",
                "Leave out --split to judge all its labelled galaxies.",
                _name(opened),
            )
        held_back, rule = 0, declared.rule
        rows, where = np.intersect1d(known, declared.rows(part)), f"in the {part} part that {rule} gives"
    if not len(rows):
        raise TooFewGalaxies(
            f"There is no labelled galaxy {where}.", "Choose another part or another dataset.", _name(opened)
        )
    return JudgedRows(part, rows, rule, held_back)


def select_rows(folder: RunFolder, cutouts: Cutouts, part: EvaluatedPart, labels: NDArray[Any]) -> NDArray[np.int64]:
    """The labelled galaxies of a part of a run's own dataset, as rows of it."""
    if part == "all":
        return np.flatnonzero(targets.has_label(labels))
    rows: NDArray[np.int64] = getattr(splits.load(folder.split_file, cutouts.ids), part)
    return rows[targets.has_label(labels)[rows]]


def _require_its_run(weights: Path, folder: RunFolder, predictor: Predictor) -> None:
    """Require that the parts in a folder are those with which these weights were trained."""
    if weights == folder.best:
        return
    is_its_run = folder.split_file.exists() and folder.best.exists()
    if is_its_run:
        card = Predictor.load(folder.best, needs_answers=False).card
        is_its_run = all(card.get(name) == predictor.card.get(name) for name in _SAME)
    if not is_its_run:
        raise NotPossible(
            "Which galaxies this network was trained on is known in the folder of its run only, and this weights file "
            "lies elsewhere.",
            "Put it into that folder, or judge it on another dataset.",
            str(weights),
        )


def _name(opened: NetworkOnData) -> str:
    return opened.whole.path.name

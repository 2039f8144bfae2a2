"""Strategies of a move that use no label of the new survey: further training on the old one, or new batch statistics.

Neither looks at the validation and test galaxies of the new survey, on which the study judges.
"""

from __future__ import annotations

import copy
import threading
from pathlib import Path

import numpy as np

from core.adapt import batch_statistics
from core.errors import NotPossible
from core.events import NEVER, Skipped, Work, result_of
from core.nets.opening import open_network_on_data
from core.project.files import make_folder
from core.project.project import journal_of
from core.project.runs import RunFolder
from core.settings import toml
from core.studies import run_list
from core.studies.run_list import PlannedRun
from core.studies.strategies import Strategy, with_transfer
from core.studies.transfer_plan import Move, OldSurvey, PlannedPoint
from core.studies.transfer_settings import TransferStudySettings
from core.train.settings import RunSettings

_FOLDER = "adapted"


def find_old_survey(move: Move, source: Path | None) -> OldSurvey:
    """Find the survey of the network's run, or ``source`` in its place.

    Raises
    ------
    NotPossible
        It is not there, or the network is of no run.
    """
    run = RunFolder(move.network.parent)
    data = source or run.data
    if data is None or not run.settings_file.exists():
        raise NotPossible(
            "Strategies without labels train on the old survey, and it is not known where that is.",
            "Start from the folder of a run whose dataset exists, or name it.",
            str(move.network),
        )
    before = toml.load(RunSettings, run.settings_file)
    journal = journal_of(data)
    known = journal if journal is not None and journal.path.exists() else None
    shares_parts = _parts_seed(before) == _parts_seed(move.settings)
    return OldSurvey(data, before.data, run_list.checksums_of(data), known, shares_parts)


def _parts_seed(settings: RunSettings) -> int:
    return settings.seed if settings.data.split_seed is None else settings.data.split_seed


def plan_points(
    move: Move, study: TransferStudySettings, folder: Path, strategies: list[Strategy]
) -> Work[list[PlannedPoint]]:
    """Plan the points at 0 labels; what the old survey is needed for is left out without it."""
    first = move.settings.seed
    wanted = [PlannedPoint(each, 0, first, None) for each in strategies if each.labels_of == "none"]
    aligned = [each for each in strategies if each.labels_of == "old"]
    try:
        old = find_old_survey(move, Path(study.source).expanduser() if study.source else None) if aligned else None
    except NotPossible as problem:
        yield Skipped(problem)
        return wanted
    for seed in range(first, first + study.seeds):
        for each in aligned:
            assert old is not None
            run = RunFolder(folder / "runs" / f"{each.name}-seed{seed}")
            wanted.append(PlannedPoint(each, 0, seed, plan_run(move, old, each, seed, run), old))
    return wanted


def plan_run(move: Move, old: OldSurvey, strategy: Strategy, seed: int, folder: RunFolder) -> PlannedRun:
    """A training on the labels of the old survey that is shown the galaxies of the new one, all layers tuned.

    The seed of the parts is that of the study, so that the galaxies on which it judges are left out.
    """
    settings, tuned = move.settings, move.settings.transfer
    shares = {"validation": settings.data.validation, "test": settings.data.test}
    shares |= {"split_seed": _parts_seed(settings)}
    stopping = {"keep": "last", "snapshots": 0}
    classes = ", ".join(f"{new}={before}" for new, before in tuned.class_map.items() if before)
    unlabelled = {"dataset": str(move.data.resolve()), "bands": tuned.bands, "classes": classes}
    settings = settings.model_copy(
        update={
            "data": old.settings.model_copy(update=shares),
            "stopping": settings.stopping.model_copy(update=stopping),
            "unlabelled": settings.unlabelled.model_copy(update=unlabelled),
            "seed": seed,
        }
    )
    settings = with_transfer(settings, bands="", class_map={}, freeze_blocks=0)
    return PlannedRun(strategy.change(settings), folder, old.data)


def adapt_statistics(move: Move, folder: Path, stop: threading.Event = NEVER) -> Path:
    """Measure the network's batch statistics anew on the new survey (AdaBN), and save it in the study's folder.

    Raises
    ------
    NotPossible
        The network has no batch normalisation, or its bands do not fit.
    """
    path = folder / _FOLDER / "adabn.safetensors"
    make_folder(path.parent)
    with open_network_on_data(move.network, move.data, given_bands=move.settings.transfer.bands) as opened:
        held_out = np.concatenate([move.split.validation, move.split.test])
        rows = np.setdiff1d(np.arange(len(opened.cutouts)), held_out)
        predictor = copy.copy(opened.predictor)
        result_of(batch_statistics.adapt(predictor, opened.cutouts, rows, stop))
        predictor.save(path)
    return path

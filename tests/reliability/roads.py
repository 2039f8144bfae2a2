"""The way of a file into the program, as a user goes it: each road ends well, refuses with a reason, or has a defect.

A road is given the folder and the damaged file in it. It returns the problem by which the file was refused, or None; a
:class:`~core.errors.Problem` that it raises is a refusal, too. Any other exception is a defect.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reliability.outcomes import NeighbourLost
from reliability.seeds import GOOD

from core.data import catalogue as tables
from core.data import importing, kept_parts
from core.data.cutouts import Cutouts
from core.data.labelled_catalogue import LabelledCatalogue
from core.data.preview import preview
from core.data.settings import DataSettings, ImportSettings
from core.errors import CatalogueProblem, Problem
from core.events import result_of

_IMPORT = ImportSettings(size=16, fit="crop or pad")


def import_folder(folder: Path, file: Path) -> Problem | None:
    """Preview and import a folder of cutouts, of which one is damaged; the others must be imported."""
    result_of(preview([folder], ImportSettings(), None))
    output = folder.parent / "imported.h5"
    report = result_of(importing.run(folder, output, _IMPORT))
    with Cutouts.open(output) as cutouts:
        ids = list(cutouts.ids)
        cutouts.images[:]
    output.unlink()
    _require(ids, GOOD, report.unusable)
    own = [problem for problem in report.unusable if file.name in problem.where]
    return own[0] if own else None


def import_containers(folder: Path, file: Path) -> Problem | None:
    """The same with files of many cutouts."""
    result_of(preview([folder], ImportSettings(), None))
    output = folder.parent / "imported.h5"
    report = result_of(importing.run(folder, output, _IMPORT))
    with Cutouts.open(output) as cutouts:
        ids = list(cutouts.ids)
    output.unlink()
    _require(ids, [f"{10 * number}-{row}" for number in range(3) for row in range(4)], report.unusable)
    own = [problem for problem in report.unusable if file.name in problem.where]
    return own[0] if own else None


def read_table(folder: Path, file: Path) -> Problem | None:
    """Read a table, preview the cutouts beside it, and import them with it and without."""
    refused: Problem | None = None
    seen = result_of(preview([folder], ImportSettings(), None))
    if seen.count != len(GOOD):
        raise NeighbourLost(f"the preview shows {seen.count} galaxies")
    output = folder.parent / "imported.h5"
    sources = [folder / f"{name}.fits" for name in GOOD]
    if len(result_of(importing.run(sources, output, _IMPORT)).unusable):
        raise NeighbourLost("cutouts beside the table were not imported")
    try:
        tables.read_tables(file)
    except Problem as problem:
        refused = problem
    try:
        result_of(importing.run(sources, output, _IMPORT, file))
        with Cutouts.open(output) as cutouts:
            _require(list(cutouts.ids), GOOD, [])
    except CatalogueProblem as problem:
        refused = refused or problem
    output.unlink(missing_ok=True)
    return refused


def open_dataset(folder: Path, file: Path) -> Problem | None:
    """Open a dataset of a project: all of it is read, labels are told from it and parts drawn."""
    with Cutouts.open(folder / "datasets" / "other.h5") as other:
        if len(other) != 4:
            raise NeighbourLost("the other dataset")
    with Cutouts.open(file) as cutouts:
        catalogue = LabelledCatalogue(
            cutouts.ids, cutouts.columns, cutouts.labels, cutouts.units, {}, cutouts.split_column
        )
        catalogue.apply_settings(DataSettings(), 0)
        _ = catalogue.target, catalogue.split, catalogue.problem, catalogue.part_notices
        for name in catalogue.columns:
            catalogue.texts(name)
        for start in range(0, min(len(cutouts), 10_000), 64):
            cutouts.images[start : start + 64]
        _ = cutouts.median_pixel_scale, cutouts.recipe, cutouts.unusable, cutouts.checksum
        for row in range(min(len(cutouts), 3)):
            cutouts.wcs(row)
    return None


def open_project(folder: Path, file: Path) -> Problem | None:
    """Open a project and look at everything that its rooms list: runs with their tables, studies, labels, parts."""
    from core.project.project import Project

    project = Project.open(folder)
    try:
        return look_at_runs(folder, file) or _look_at_studies(folder) or _look_at_labels(project)
    finally:
        project.close()


def look_at_runs(folder: Path, file: Path) -> Problem | None:
    """List the runs and open each; those that were not damaged must be whole."""
    from core.train import run_summary

    runs = run_summary.find_runs(folder)
    damaged = next((run for run in runs if run.path in file.parents), None)
    summaries = [run_summary.summarise(run) for run in runs]
    for summary in summaries:
        _ = (
            summary.matches("x"),
            summary.began.isoformat(),
            f"{summary.score:.4f} {summary.loss:.4f} {summary.test:.4f}",
        )
        if summary.problem is not None and summary.folder is not damaged:
            raise NeighbourLost(f"{summary.folder.name}: {summary.problem}")
    run_summary.differing_settings([each.settings for each in summaries if each.settings is not None])
    for path in {run.path for run in runs if run is damaged}:
        return next((each.problem for each in summaries if each.problem), None) or _open_run(path)
    return None


def _open_run(path: Path) -> Problem | None:
    from core.data.seen import lineage
    from core.evaluate.decision import read_kept
    from core.nets.predictor import Predictor
    from core.project import notes
    from core.project.history import read_history
    from core.project.runs import RunFolder, describe_weights
    from core.settings import toml
    from core.train import checkpoint
    from core.train.settings import RunSettings

    run, problems = RunFolder(path), list[Problem]()
    _ = run.data, run.best_epoch, run.snapshots(), run.title, run.has_whole_epoch, describe_weights(path)
    names: Sequence[str] = ("disk", "edge-on", "spheroid")

    def load_network() -> Any:
        nonlocal names
        names = Predictor.load(path).output_names

    steps = (
        lambda: toml.load(RunSettings, run.settings_file),
        lambda: read_history(run.history_file),
        lambda: notes.read(path),
        load_network,
        lambda: read_kept(path, names),
        lambda: checkpoint.load(run.last),
        lambda: list(lineage(path)),
    )
    for step in steps:
        try:
            step()
        except Problem as problem:
            problems.append(problem)
    return problems[0] if problems else None


def resume_run(folder: Path, file: Path) -> Problem | None:
    """Resume the damaged run for one more epoch, and evaluate it."""
    from core.evaluate import evaluation
    from core.project.history import read_history
    from core.project.project import journal_of
    from core.project.runs import RunFolder
    from core.train import resuming

    run = next(
        RunFolder(path) for path in file.parents if (path / "history.csv").exists() or path.parent.name == "runs"
    )
    data = folder / "datasets" / "survey.h5"
    with contextlib.suppress(Problem):
        result_of(evaluation.run(run, data, "validation"))
    done = len(read_history(run.history_file))
    journal = journal_of(data)
    result_of(resuming.run(run, data=data, epochs=done + 1, patience=0, hand_labels=journal))
    return None


def open_network(folder: Path, file: Path) -> Problem | None:
    """Open a network, or that of the run to which the damaged file belongs, on the dataset and compute one answer."""
    import torch

    from core.nets import opening

    network = file if file.suffix == ".safetensors" else file.parent
    with opening.open_network_on_data(network, folder / "datasets" / "survey.h5", "cpu") as opened:
        opened.predictor.scores(torch.from_numpy(opened.cutouts.images[:2]))
    return None


def _look_at_studies(folder: Path) -> Problem | None:
    from core.studies import search, study_folders, training_size

    problems: list[Problem] = []
    for study in study_folders.list_studies(folder):
        _ = study.title, study.progress, study.begun
        try:
            if study.kind == "search":
                search.open_search(study.folder)
            else:
                found = training_size.open_study(study.folder)
                _ = found.sentences, found.curve, found.sizes, found.missing
        except Problem as problem:
            problems.append(problem)
    return problems[0] if problems else None


def _look_at_labels(project: Any) -> Problem | None:
    problems: list[Problem] = []
    for data in project.datasets():
        with Cutouts.open(data) as cutouts:
            journal = project.labels(data)
            catalogue = LabelledCatalogue(cutouts.ids, cutouts.columns, cutouts.labels, cutouts.units, journal.replay())
            catalogue.apply_settings(DataSettings(), 0)
            try:
                catalogue.keep_parts(kept_parts.read(data, journal))
            except Problem as problem:
                problems.append(problem)
            _ = catalogue.target, catalogue.split
            for name in catalogue.columns:
                catalogue.texts(name)
    return problems[0] if problems else None


def remember_window(folder: Path, file: Path) -> Problem | None:
    """Read how a project was left."""
    from app.shell import memory
    from core.settings import toml
    from core.train.settings import RunSettings

    left = memory.load(folder)
    memory.dataset_of(folder, left)
    toml.loads(RunSettings, left.draft)
    return None


def load_settings(folder: Path, file: Path) -> Problem | None:
    """Settings of a training from a file of the user's."""
    from core.settings import toml
    from core.train.settings import RunSettings

    toml.dumps(toml.load(RunSettings, file))
    return None


def load_search_settings(folder: Path, file: Path) -> Problem | None:
    """Settings of a search from a file of the user's."""
    from core.settings import toml
    from core.studies import search_space
    from core.studies.settings import SearchSettings
    from core.train.settings import RunSettings

    wanted = toml.load(SearchSettings, file)
    search_space.parse_space(wanted.space, RunSettings())
    toml.dumps(wanted)
    return None


def simulate_with_psf(folder: Path, file: Path) -> Problem | None:
    """Simulate galaxies with the user's image of the PSF."""
    return _simulate({"psf": {"kind": "image", "path": str(file)}, "noise": {"kind": "none"}})


def simulate_on_sky(folder: Path, file: Path) -> Problem | None:
    """Simulate galaxies on the user's sky."""
    return _simulate({"noise": {"kind": "real sky", "sky": str(file)}})


def _simulate(values: dict[str, Any]) -> Problem | None:
    import numpy as np

    from core.simulate.preview import live_grid
    from core.simulate.settings import SimulationSettings

    grid = live_grid(SimulationSettings.model_validate({"size": 16} | values), 3)
    if not np.isfinite(grid.stamps).all():
        raise NeighbourLost("the galaxies have pixels that are no numbers")
    return None


def _require(ids: Sequence[str], wanted: Sequence[str], problems: Sequence[Problem]) -> None:
    if lost := [name for name in wanted if name not in ids]:
        reasons = [str(problem) for problem in problems if any(name in problem.where for name in lost)]
        raise NeighbourLost(f"{', '.join(lost)}: {reasons[0] if reasons else 'not imported'}")

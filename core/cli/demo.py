"""The demonstration without a window: simulate a survey, train a network, evaluate, explain and fine-tune it.

It writes a project that the window opens, and the curves, metrics and overlays as files.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.cli.console import Console
from core.cli.evaluate import print_evaluation
from core.cli.figures import save_curves
from core.events import Work
from core.explain.methods import METHODS
from core.project.files import write_atomically
from core.project.history import read_history
from core.project.metrics_file import read_metrics
from core.project.project import Project
from core.project.runs import RunFolder
from core.simulate.settings import SurveySettings
from core.train.settings import RunSettings

if TYPE_CHECKING:
    from core.evaluate.evaluation import Evaluation
    from core.metrics.report import Report

_LABELS = 200  # of the second survey
_CUTOUTS = 900  # galaxies that are written as files
_SECOND_SURVEY = SurveySettings(count=900, seeing=2.4, noise=0.06, seed=2612)
_FIRST_RUN = {"optimiser": {"epochs": 12}}
_SECOND_RUN = {
    "data": {"train_limit": _LABELS, "validation": 0.15, "test": 0.4},
    "optimiser": {"epochs": 10, "batch_size": 32},
}


def demo(options: argparse.Namespace, console: Console) -> int:
    """``tuningfork demo``."""
    if options.cutouts is not None:
        return _write_cutouts(options.cutouts.expanduser(), console)
    started = time.monotonic()
    folder = (options.output or _unused_folder("tuning-fork-demo")).expanduser()
    project = Project.create(folder, "Demonstration")
    try:
        numbers = run_demo(project, console)
    finally:
        project.close()
    console.say()
    console.say(f"Done in {time.monotonic() - started:.0f} s. Everything lies in {folder.resolve()}:")
    for name, what in _CONTENTS.items():
        console.say(f"  {name:<24}{what}")
    write_atomically(folder / "metrics.json", json.dumps(numbers, indent=2, ensure_ascii=False) + "\n")
    return 0


def _write_cutouts(folder: Path, console: Console) -> int:
    from core.simulate.demo import cached_survey
    from core.simulate.demo_files import write_cutouts

    survey = console.drive("Simulate the survey", cached_survey)
    write = partial(write_cutouts, survey, folder, _CUTOUTS)
    catalogue = console.drive("Write the galaxies", write)
    console.say(f"{_CUTOUTS} simulated galaxies lie in {folder.resolve()} as FITS cutouts, with {catalogue.name}.")
    return 0


_CONTENTS = {
    "curves.png": "learning curves of the first training",
    "curves-fine-tuned.png": "learning curves of the fine-tuning",
    "metrics.json": "accuracies on the locked-away test parts",
    "overlays/": "occlusion and integrated-gradients maps, FITS and PNG",
    "datasets/ and runs/": "a project: “tuningfork FOLDER” opens it in the window",
}


def run_demo(project: Project, console: Console) -> dict[str, Any]:
    """Run the whole demonstration in an empty project; returns the metrics."""
    first, second = _simulate_surveys(project, console)
    settings = RunSettings.model_validate(_FIRST_RUN)
    console.say()
    console.say(f"1. A network of {settings.network.depth} blocks learns the first survey.")
    run, evaluation = _train_and_evaluate(project, first, settings, "first", console)
    _draw_curves(run, project.folder / "curves.png", "First survey")
    print_evaluation(evaluation, console)

    console.say()
    console.say("2. Why? One galaxy of each class, and mistaken ones, by occlusion and integrated gradients.")
    chosen = _choose_galaxies(evaluation)
    _save_maps(run, first, chosen, project.folder / "overlays", console)

    console.say()
    console.say(f"3. The second survey has worse seeing and more noise; {_LABELS} of its galaxies tune the network.")
    values = _SECOND_RUN | {"transfer": {"start_from": str(run.best.resolve()), "freeze_blocks": 1}}
    tuned, after = _train_and_evaluate(project, second, RunSettings.model_validate(values), "fine-tuned", console)
    _draw_curves(tuned, project.folder / "curves-fine-tuned.png", f"Second survey, {_LABELS} labels")
    print_evaluation(after, console)
    before = _evaluate_unadapted(run, second, after, console)
    console.say()
    console.say(
        f"The first network as it was, on the same {after.report.galaxies} galaxies: {_format_accuracy(before)}."
    )
    return {
        "first survey, test part": evaluation.report.to_json(),
        "second survey, test part, unadapted": before.to_json(),
        "second survey, test part, fine-tuned": after.report.to_json() | {"labels used": _LABELS},
    }


def _simulate_surveys(project: Project, console: Console) -> tuple[Path, Path]:
    def simulate(settings: SurveySettings, title: str, stop: threading.Event) -> Work[Path]:
        from core.data.project_copy import copy_into_project
        from core.simulate import demo as simulated

        made = yield from simulated.cached_survey(stop, settings)
        return (yield from copy_into_project(made, project.folder / "datasets", stop, title))

    paths = []
    for title, settings in (("first survey", SurveySettings()), ("second survey", _SECOND_SURVEY)):
        paths.append(console.drive(f"Simulating the {title}", partial(simulate, settings, title)))
        console.say(f"{title.capitalize()}: {paths[-1]}")
    return paths[0], paths[1]


def _train_and_evaluate(
    project: Project, data: Path, settings: RunSettings, name: str, console: Console
) -> tuple[RunFolder, Evaluation]:
    from core.evaluate import evaluation
    from core.train import loop

    folder = project.new_run(name)
    console.drive("Training", lambda stop: loop.run(settings, data, folder, stop))
    return folder, console.drive("Judging", lambda stop: evaluation.run(folder, data, "test", stop))


def _draw_curves(run: RunFolder, path: Path, title: str) -> None:
    best = read_metrics(run.metrics_file)["best_epoch"]
    save_curves(read_history(run.history_file), path, title, best)


def _choose_galaxies(evaluation: Evaluation) -> list[str]:
    """Choose for each class the most confident correct galaxy, and the two most confident wrong ones."""
    scores, labels = evaluation.predictions.scores, evaluation.labels
    called, sure = scores.argmax(axis=1), scores.max(axis=1)
    right, wrong = np.flatnonzero(called == labels), np.flatnonzero(called != labels)
    chosen = [
        max(of_class, key=lambda row: sure[row])
        for kind in range(scores.shape[1])
        if len(of_class := right[labels[right] == kind])
    ]
    chosen += sorted(wrong, key=lambda row: -sure[row])[:2]
    return [evaluation.predictions.ids[row] for row in chosen]


def _save_maps(run: RunFolder, data: Path, ids: list[str], folder: Path, console: Console) -> None:
    from core.cli.explain import explain_galaxies

    for name in ("occlusion", "integrated-gradients"):
        settings = METHODS[name].settings()
        made = console.drive(
            "Explaining",
            lambda stop, name=name, settings=settings: explain_galaxies(
                run.best, data, ids, None, name, settings, folder, stop
            ),
        )
        console.say(f"{made} maps by {METHODS[name].title.lower()}: {folder}")


def _evaluate_unadapted(run: RunFolder, data: Path, after: Evaluation, console: Console) -> Report:
    """Evaluate the first network on the galaxies that the second was evaluated on."""
    from core.evaluate import predict
    from core.metrics.report import make_report

    rows = after.rows
    predictions = console.drive("Judging", lambda stop: predict.run(run.best, data, rows, stop))
    return make_report(after.target, after.labels, predictions.scores)


def _format_accuracy(judged: Report) -> str:
    return f"accuracy {judged.accuracy}"


def _unused_folder(name: str) -> Path:
    """A folder of that name in the working folder, numbered if it exists."""
    place, number = Path(name), 2
    while place.exists():
        place, number = Path(f"{name}-{number}"), number + 1
    return place

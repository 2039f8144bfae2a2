"""The window killed at random moments while it labels, imports, trains, searches and predicts, and what is left."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from program import environment
from reliability.kills import (
    GALAXIES,
    Kills,
    compare_runs,
    find_leftovers,
    half_table,
    prepare,
    run_in_process,
)

from core.data.cutouts import Cutouts
from core.errors import Problem
from core.events import result_of
from core.project.project import Project
from core.project.runs import RunFolder
from core.settings import toml
from core.studies import search as searching
from core.studies import study_folders
from core.train import loop, resuming
from core.train.settings import RunSettings

_DRIVER = Path(__file__).parent / "window_driver.py"
_LABELLING = 8.0  # seconds of labelling in which it is killed


def kill_windows(count: int, scratch: Path, seed: int = 1) -> Iterator[Kills]:
    """Kill the window ``count`` / 5 times at each kind of work, and look at its project."""
    base = scratch / "base"
    prepare(base)
    chance = random.Random(seed)
    for place, (work, check) in enumerate(_CHECKS.items()):
        own = Kills(f"window: {work}")
        times = len(range(place, count, len(_CHECKS)))
        usual = _LABELLING if work == "label" or not times else _measure(work, base, scratch / f"{work} undisturbed")
        for number in range(times):
            folder = scratch / f"{work} {number}"
            shutil.copytree(base, folder)
            own.kills += 1
            own.in_the_middle += _kill(work, folder, chance.uniform(0.02, 1.0) * usual)
            own.confirmed += len(_confirmed_labels(folder)[0])
            own.faults += _look(folder, check)
            shutil.rmtree(folder)
        yield own


def _start(work: str, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "TUNINGFORK_HOME": str(folder)}
    return subprocess.Popen(
        [sys.executable, str(_DRIVER), work, str(folder / "project"), str(folder / "log.txt"), *more],
        cwd=folder,
        env=environment(OMP_NUM_THREADS="1", QT_QPA_PLATFORM="offscreen", **home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait_until_begun(folder: Path, process: subprocess.Popen[bytes]) -> None:
    while not (folder / "log.txt").exists() or "begun" not in (folder / "log.txt").read_text(encoding="utf-8"):
        if process.poll() is not None:
            raise RuntimeError("the window did not begin its work")
        time.sleep(0.01)


def _measure(work: str, base: Path, folder: Path) -> float:
    """Seconds that the work takes once it has begun."""
    shutil.copytree(base, folder)
    with _start(work, folder) as process:
        _wait_until_begun(folder, process)
        began = time.monotonic()
        if process.wait() != 0:
            raise RuntimeError(f"the window fails to {work} without being disturbed")
    return time.monotonic() - began


def _kill(work: str, folder: Path, after: float) -> bool:
    with _start(work, folder) as process:
        _wait_until_begun(folder, process)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after)
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return True


def run_window(work: str, folder: Path, *more: str, seconds: float = 120) -> tuple[str, bool]:
    """Let the window do its work: what it has written down, and whether it came to its end and closed."""
    ended = False
    with _start(work, folder, *more) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            ended = process.wait(seconds) == 0
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    log = folder / "log.txt"
    return log.read_text(encoding="utf-8") if log.exists() else "", ended


def _look(folder: Path, check: Callable[[Path, Project], list[str]]) -> list[str]:
    """Open the project as its user does, and see what there is."""
    try:
        project = Project.open(folder / "project")
    except Problem as problem:
        return [f"the project does not open: {problem}"]
    try:
        faults = check(folder, project)
        return faults + find_leftovers(folder / "project")
    except Problem as problem:
        return [str(problem)]
    finally:
        project.close()


def _check_labels(folder: Path, project: Project) -> list[str]:
    """Every confirmed label must be there; one that was being given may be there, too."""
    confirmed, tried = _confirmed_labels(folder)
    (data,) = project.datasets()
    labels = {name: label for (name, _), label in project.labels(data).replay().items()}
    lost = [name for name, kind in confirmed.items() if labels.get(name) not in (kind, tried[name])]
    return [f"{len(lost)} of {len(confirmed)} confirmed labels lost"] if lost else []


def _confirmed_labels(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The last label of each galaxy that the window has confirmed, and the last that was tried."""
    confirmed, tried = dict[str, str](), dict[str, str]()
    for line in (folder / "log.txt").read_text(encoding="utf-8").splitlines():
        word, _, rest = line.partition("\t")
        name, _, kind = rest.partition("\t")
        if word in ("try", "done"):
            (tried if word == "try" else confirmed)[name] = kind
    return confirmed, tried


def _check_datasets(_folder: Path, project: Project) -> list[str]:
    faults: list[str] = []
    for data in project.datasets():
        with Cutouts.open(data) as cutouts:
            faults += [] if len(cutouts) == GALAXIES else [f"half a dataset: {len(cutouts)} galaxies"]
    return faults


def _check_training(_folder: Path, project: Project) -> list[str]:
    """Resume the run, and train another one with the same settings without disturbing it."""
    if not (runs := project.runs()):
        return []
    (run,), (data,) = runs, project.datasets()
    result_of(resuming.run(run, data=data, hand_labels=project.labels(data)))
    undisturbed = RunFolder.create(project.folder / "runs" / "undisturbed")
    settings = toml.load(RunSettings, run.settings_file)
    result_of(loop.run(settings, data, undisturbed, hand_labels=project.labels(data)))
    return compare_runs(run, undisturbed)


def _check_search(_folder: Path, project: Project) -> list[str]:
    """Finish the search: as many trials as were wanted are finished, whichever were broken off."""
    (data,) = project.datasets()
    faults: list[str] = []
    for study in study_folders.list_studies(project.folder):
        if study.problem is not None:
            faults.append(f"the search is unreadable: {study.problem}")
            continue
        settings, wanted = searching.read_settings(study.folder)
        found = result_of(searching.run(settings, data, study.folder, wanted, hand_labels=project.labels(data)))
        done = Counter(trial.stage for trial in found.trials if trial.state == "finished")
        faults += [] if done == _TRIALS else [f"finished trials: {dict(done)}"]
    return faults


def _check_predictions(folder: Path, _project: Project) -> list[str]:
    """A table is there wholly or not at all, and can be made again."""
    faults = half_table(folder)
    arguments = ("predict", "run", "cutouts", "-o", "table.csv")
    status, said = run_in_process(arguments, folder)
    faults += [f"predicting again: {said}"] if status else half_table(folder)
    return faults + [f"left behind: {path.name}" for path in folder.glob(".*table*")]


_TRIALS = {"coarse": 3, "fine": 1}
_CHECKS: dict[str, Callable[[Path, Project], list[str]]] = {
    "label": _check_labels,
    "import": _check_datasets,
    "train": _check_training,
    "search": _check_search,
    "predict": _check_predictions,
}

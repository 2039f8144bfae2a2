"""Power cuts: the program killed at random moments of a command, and what is left then."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from astropy.io import fits
from PIL import Image
from program import PROGRAM, environment
from safetensors.torch import load_file
from small_survey import write_survey

from core.cli.main import main
from core.data.cutouts import Cutouts
from core.errors import Problem
from core.project.history import read_history
from core.project.project import Project
from core.project.runs import RunFolder

GALAXIES = 90
_EPOCHS = 12
_QUICK = ("network.depth=2", "network.channels=8", "stopping.patience=0", "device=cpu", "optimiser.batch_size=16")
OPTIONS = [word for change in (*_QUICK, f"optimiser.epochs={_EPOCHS}") for word in ("--set", change)]


@dataclass
class Kills:
    """What kills of one job left.

    How many kills, how many of them while the work was being done, how many labels had been confirmed before them, and
    what was wrong afterwards.
    """

    job: str
    kills: int = 0
    in_the_middle: int = 0
    confirmed: int = 0
    faults: list[str] = field(default_factory=list[str])

    def to_dict(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)


@dataclass(frozen=True)
class _Command:
    """A command that is killed.

    ``arguments`` work in a copy of the folder that everything starts from; ``half`` names what is there under its final
    name but not whole; ``again`` is the command that finishes the work, and ``compare`` names what then differs from
    the work of the undisturbed command in the other folder.
    """

    name: str
    arguments: Sequence[str]
    half: Callable[[Path], list[str]]
    again: Sequence[str]
    compare: Callable[[Path, Path], list[str]]


def kill_commands(count: int, scratch: Path, seed: int = 1) -> Iterator[Kills]:
    """Kill the commands in turn, ``count`` times in all, at random moments, finish their work, and compare."""
    base = scratch / "base"
    prepare(base)
    chance = random.Random(seed)
    for place, command in enumerate(_COMMANDS):
        own = Kills(command.name)
        times = len(range(place, count, len(_COMMANDS)))
        if not times:
            continue
        whole = scratch / f"{place} undisturbed"
        shutil.copytree(base, whole)
        first, last = _measure(command, whole)
        for number in range(times):
            folder = scratch / f"{place} {number}"
            shutil.copytree(base, folder)
            own.kills += 1
            own.in_the_middle += _kill(command.arguments, folder, chance.uniform(first, last))
            own.faults += command.half(folder)
            own.faults += _finish(command, folder) or command.compare(folder, whole)
            own.faults += find_leftovers(folder)
            shutil.rmtree(folder)
        yield own


def _measure(command: _Command, folder: Path) -> tuple[float, float]:
    """Seconds until a command begins to write, and until it ends."""

    def written() -> set[tuple[Path, int]]:
        with contextlib.suppress(FileNotFoundError):  # a temporary file may go in between
            return {(path, path.stat().st_mtime_ns) for path in folder.rglob("*")}
        return before

    before = set[tuple[Path, int]]()
    before, began = written(), time.monotonic()
    first: float | None = None
    with _start(command.arguments, folder) as process:
        while process.poll() is None:
            if first is None and written() != before:
                first = time.monotonic() - began
            time.sleep(0.005)
        if process.returncode != 0:
            raise RuntimeError(f"{command.name} fails without being disturbed")
    last = time.monotonic() - began
    return last if first is None else first, last


def find_leftovers(folder: Path) -> list[str]:
    """Temporary files that nobody will ever remove."""
    names = sorted(path.name for path in folder.rglob(".*") if not path.name.endswith(".lock"))
    names += sorted(path.name for path in folder.rglob("*.unfinished"))
    return [f"left behind: {name}" for name in names]


def compare_runs(one: RunFolder, other: RunFolder) -> list[str]:
    """How two runs differ, bit by bit: weights of the best epoch, history and parts."""
    mine, theirs = load_file(one.best), load_file(other.best)
    same = mine.keys() == theirs.keys()
    same = same and all(mine[name].numpy().tobytes() == theirs[name].numpy().tobytes() for name in mine)
    histories = [[{**row, "seconds": 0} for row in read_history(run.history_file)] for run in (one, other)]
    faults = [] if same else ["other weights than the undisturbed run"]
    faults += [] if histories[0] == histories[1] else ["another history than the undisturbed run"]
    parts = [run.split_file.read_text(encoding="utf-8").splitlines() for run in (one, other)]
    del parts[0][1], parts[1][1]  # the rule in words, which says how many parts were kept from earlier trainings
    return faults + ([] if parts[0] == parts[1] else ["other parts"])


def run_in_process(arguments: Sequence[str], folder: Path) -> tuple[int, str]:
    """Carry out a command as the program does; its exit status and what it said."""
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            status = main(list(arguments))
        except SystemExit as ended:
            status = int(ended.code or 0)
    return status, said.getvalue().strip()


def prepare(base: Path) -> None:
    """A survey, its dataset also in a project, a run that has ended and one that was killed."""
    write_survey(base, GALAXIES)
    catalogue = ("--catalogue", "galaxies.csv", "--id", "objid", "--label", "shape")
    for arguments in (
        ("import", "cutouts", "-o", "survey.h5", *catalogue),
        ("train", "survey.h5", "-o", "run", *OPTIONS, "--set", "optimiser.epochs=3"),
    ):
        status, said = run_in_process(arguments, base)
        if status:
            raise RuntimeError(said)
    Project.create(base / "project", "project").close()
    shutil.copy(base / "survey.h5", base / "project" / "datasets")
    with _start(("train", "survey.h5", "-o", "begun", *OPTIONS), base) as process:
        history = base / "begun" / "history.csv"
        while process.poll() is None and not (history.exists() and len(read_history(history)) > 1):
            time.sleep(0.005)
        _end(process)


def _start(arguments: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=folder,
        env=environment(OMP_NUM_THREADS="1", TMPDIR=str(folder.parent)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _kill(arguments: Sequence[str], folder: Path, after: float) -> bool:
    """Kill a command after this many seconds; whether it was still at work."""
    with _start(arguments, folder) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after)
            return False
        _end(process)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _finish(command: _Command, folder: Path) -> list[str]:
    """Finish the work; what the command said if it could not."""
    arguments = command.again
    if command.again[0] == "resume" and not (folder / command.again[1] / "settings.toml").exists():
        arguments = command.arguments  # it was killed before there was a run
    status, said = run_in_process(arguments, folder)
    return [f"“{' '.join(arguments[:2])}” afterwards: {said.splitlines()[-1] if said else status}"] if status else []


def half_dataset(folder: Path, name: str = "out.h5", galaxies: int = GALAXIES) -> list[str]:
    """Whether a dataset stands under its name but is not whole."""
    path = folder / name
    if not path.exists():
        return []
    try:
        with Cutouts.open(path) as cutouts:
            return [] if len(cutouts) == galaxies else ["half a dataset"]
    except Problem as problem:
        return [f"half a dataset: {problem.sentence}"]


def half_table(folder: Path) -> list[str]:
    """The same of a table of predictions."""
    path = folder / "table.csv"
    rows = path.read_text(encoding="utf-8").count("\n") if path.exists() else GALAXIES + 1
    return [] if rows >= GALAXIES + 1 else ["half a table"]


def half_maps(folder: Path) -> list[str]:
    """The same of maps."""
    faults: list[str] = []
    for path in sorted((folder / "maps").glob("[!.]*")):
        try:
            if path.suffix == ".png":
                with Image.open(path) as picture:
                    picture.load()
            elif path.suffix == ".fits":
                fits.getdata(path)
        except (OSError, ValueError, TypeError):
            faults.append(f"half a map: {path.suffix}")
    return faults


def _same_dataset(one: Path, other: Path, name: str = "out.h5") -> list[str]:
    with Cutouts.open(one / name) as mine, Cutouts.open(other / name) as theirs:
        return [] if mine.has_all_of(theirs) else ["another dataset"]


def _same_table(one: Path, other: Path) -> list[str]:
    same = (one / "table.csv").read_bytes() == (other / "table.csv").read_bytes()
    return [] if same else ["another table"]


def _same_maps(one: Path, other: Path) -> list[str]:
    names = [sorted(path.name for path in (folder / "maps").iterdir()) for folder in (one, other)]
    return [] if names[0] == names[1] else [f"other maps: {len(names[0])} and not {len(names[1])}"]


def _same_trials(one: Path, other: Path) -> list[str]:
    tables = [(folder / "study" / "trials.csv").read_text(encoding="utf-8") for folder in (one, other)]
    counts = [table.count("finished") + table.count("pruned") for table in tables]
    return [] if counts[0] == counts[1] else [f"{counts[0]} trials and not {counts[1]}"]


def _same_runs(name: str, wanted: str) -> Callable[[Path, Path], list[str]]:
    return lambda one, other: compare_runs(RunFolder(one / name), RunFolder(other / wanted))


def _nothing(_folder: Path) -> list[str]:
    return []


_IMPORT = ("import", "cutouts", "-o", "out.h5", "--catalogue", "galaxies.csv", "--id", "objid", "--label", "shape")
_TRAIN = ("train", "survey.h5", "-o", "new", *OPTIONS)
_TRIALS = ("--knob", "optimiser.learning_rate=0.001:0.01", "--coarse", "3", "--fine", "1")
_SEARCH = ("search", "survey.h5", "-o", "study", *_TRIALS, *OPTIONS)
_PREDICT = ("predict", "run", "survey.h5", "-o", "table.csv")
_EXPLAIN = ("explain", "run", "survey.h5", "--method", "occlusion", "-o", "maps")
_SIMULATED, _SIMULATED_GALAXIES = "simulated.h5", 6000
_SIMULATE = ("simulate", "-n", str(_SIMULATED_GALAXIES), "--set", "size=32", "-o", _SIMULATED)
_COMMANDS: tuple[_Command, ...] = (
    _Command("import", _IMPORT, half_dataset, _IMPORT, _same_dataset),
    _Command("train", _TRAIN, _nothing, ("resume", "new"), _same_runs("new", "new")),
    _Command("resume", ("resume", "begun"), _nothing, ("resume", "begun"), _same_runs("begun", "begun")),
    _Command("search", _SEARCH, _nothing, _SEARCH, _same_trials),
    _Command("predict", _PREDICT, half_table, _PREDICT, _same_table),
    _Command("explain", _EXPLAIN, half_maps, _EXPLAIN, _same_maps),
    _Command(
        "simulate",
        _SIMULATE,
        lambda folder: half_dataset(folder, _SIMULATED, _SIMULATED_GALAXIES),
        _SIMULATE,
        lambda one, other: _same_dataset(one, other, _SIMULATED),
    ),
)

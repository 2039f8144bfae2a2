"""What else befalls a program: a full disk, folders that cannot be written to or vanish, two of it at once.

Each check returns what went wrong, or a sentence why it could not be tried on this machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from program import PROGRAM, environment
from reliability.kills import (
    GALAXIES,
    OPTIONS,
    find_leftovers,
    half_dataset,
    half_maps,
    half_table,
    prepare,
    run_in_process,
)
from reliability.window_kills import run_window

from core.data import importing
from core.data.cutouts import Cutouts
from core.data.settings import ImportSettings
from core.events import Progress, result_of
from core.project.history import read_history
from core.project.runs import RunFolder

_JOBS = (
    ("import", "../cutouts", "-o", "out.h5"),
    ("train", "../survey.h5", "-o", "new", *OPTIONS),
    ("predict", "../run", "../survey.h5", "-o", "table.csv"),
    ("explain", "../run", "../survey.h5", "--method", "occlusion", "-o", "maps"),
    ("simulate", "-n", "40", "--set", "size=16", "--workers", "1", "-o", "simulated.h5"),
)


_PAGE = 4096  # bytes that a disk in memory gives at once


class NotHere(Exception):
    """A check that this machine does not allow."""


def check_all(scratch: Path) -> Iterator[tuple[str, list[str] | str]]:
    """All checks by name: what went wrong, or why it was not tried."""
    base = scratch / "base"
    prepare(base)
    for name, check in _CHECKS.items():
        folder = scratch / name
        shutil.copytree(base, folder)
        try:
            yield name, check(folder)
        except NotHere as reason:
            yield name, str(reason)


def _full_disk(folder: Path) -> list[str]:
    """Commands on a disk that is full, or fills up while they write: each says so, and leaves nothing behind."""
    faults: list[str] = []
    for job in _JOBS:
        for left in (0, 4, 12):
            with _mounted(folder / "disk", "size=3m") as disk:
                with contextlib.suppress(OSError):
                    (disk / "filling").write_bytes(bytes(3 * 2**20 - left * _PAGE))
                faults += _require_refusal(job, disk, "full", "free", "space", may_fit=left > 0)
    return faults


def _disk_fills_up(folder: Path) -> list[str]:
    """Galaxies are simulated while another program fills the disk; with room again, the work goes on from there."""
    job = ("simulate", "-n", "3600", "--workers", "1", "-o", "simulated.h5", "--quiet")
    with _mounted(folder / "disk", "size=110m") as disk:
        journal, filling = disk / "simulated.h5.unfinished" / "journal.jsonl", disk / "filling"
        with subprocess.Popen([*PROGRAM, *job], cwd=disk, env=environment(), stderr=subprocess.PIPE, text=True) as run:
            while run.poll() is None and not (journal.exists() and '"block": 1' in journal.read_text()):
                time.sleep(0.02)
            with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(_PAGE))
            _, said = run.communicate()
        faults = [] if run.returncode == 1 and "full" in said and "are kept" in said else [f"it says “{said[-200:]}”"]
        filling.unlink()
        status, said = run_in_process(job, disk)
        faults += [] if status == 0 and "goes on" in said else [f"afterwards it says “{said[-200:]}”"]
        return faults + half_dataset(disk, "simulated.h5", 3600) + find_leftovers(disk)


def _read_only_folder(folder: Path) -> list[str]:
    """Commands that write into a folder that may not be written to."""
    faults: list[str] = []
    with _mounted(folder / "disk", "size=3m") as disk:
        _mount("-o", "remount,ro", str(disk))
        for job in _JOBS:
            faults += _require_refusal(job, disk, "cannot be written", "cannot be made", "Read-only")
    return faults


def _require_refusal(job: tuple[str, ...], disk: Path, *words: str, may_fit: bool = False) -> list[str]:
    """Require that a command says why it cannot, and that nothing half done is left."""
    status, said = run_in_process(job, disk)
    faults = [] if status or may_fit else [f"{job[0]} ends well"]
    if status and not any(word in said for word in words):
        faults.append(f"{job[0]} says “{said.splitlines()[-1][:120] if said else ''}”")
    return [*faults, *half_dataset(disk), *half_table(disk), *half_maps(disk), *find_leftovers(disk)]


def _changed_sources(folder: Path) -> list[str]:
    """Cutouts that are cut off, replaced or gone while they are imported are problems of their own."""
    files = sorted((folder / "cutouts").iterdir())
    work = importing.run([folder / "cutouts"], folder / "out.h5", ImportSettings())
    for event in work:
        if isinstance(event, Progress) and event.total == GALAXIES:
            break
    files[-1].unlink()
    files[-2].write_bytes(files[-2].read_bytes()[:3000])
    files[-3].write_bytes(b"")
    report = result_of(work)
    with Cutouts.open(folder / "out.h5") as cutouts:
        count = len(cutouts)
    problems = {Path(problem.where).name for problem in report.unusable}
    missing = {path.name for path in files[-3:]} - problems
    faults = [f"nothing is said of {', '.join(sorted(missing))}"] * bool(missing)
    return faults + [f"{count} galaxies and not {GALAXIES - 3}"] * (count != GALAXIES - 3)


def _vanished_project(folder: Path) -> list[str]:
    return _move_project(folder, "vanish")


def _renamed_project(folder: Path) -> list[str]:
    return _move_project(folder, "rename")


def _move_project(folder: Path, work: str) -> list[str]:
    """Labels given after the project's folder is gone are refused or kept, and no folder appears in the old place."""
    said, ended = run_window(work, folder)
    faults = ["a folder appeared where the project was"] * (folder / "project").exists()
    lines = said.splitlines()
    if "given" in lines and "told" not in lines:
        faults.append("a label was shown as given and nothing was said")
    if "asked" not in lines:
        faults.append("the window closed without a word about labels that it could not save")
    return faults + ["the window died or did not close"] * (not ended)


def _two_windows(folder: Path) -> list[str]:
    """A window on a project that another process has open says so, and goes on."""
    with _open_elsewhere(folder / "project"):
        said, ended = run_window("rival", folder)
    faults = [] if "told" in said.splitlines() else ["nothing is said"]
    return faults + ["the window died or did not close"] * (not ended)


@contextlib.contextmanager
def _open_elsewhere(project: Path) -> Iterator[None]:
    """Have a project open in another process, which has not started those that are tried."""
    code = "import sys, pathlib, core.project.project as p; p.Project.open(pathlib.Path(sys.argv[1])); print(); input()"
    command = [sys.executable, "-c", code, str(project)]
    with subprocess.Popen(
        command, env=environment(PYTHONUNBUFFERED="1"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        if not holder.stdout.readline():
            raise RuntimeError("the project does not open")
        try:
            yield
        finally:
            holder.stdin.write(b"\n")
            holder.stdin.close()


def _two_trainings(folder: Path) -> list[str]:
    return _both_at_once(folder, ("train", "survey.h5", "-o", "new", *OPTIONS), RunFolder(folder / "new"), 0)


def _two_resumes(folder: Path) -> list[str]:
    run = RunFolder(folder / "begun")
    return _both_at_once(folder, ("resume", "begun"), run, len(read_history(run.history_file)))


def _both_at_once(folder: Path, arguments: tuple[str, ...], run: RunFolder, before: int) -> list[str]:
    """Of two commands that write to one run, one is refused, and the run is whole."""
    command = [*PROGRAM, *arguments]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, cwd=folder, env=environment(OMP_NUM_THREADS="1"), **quiet) for _ in range(2)]  # type: ignore[call-overload]
    said = [process.communicate()[1] for process in both]
    ended = sorted(process.returncode for process in both)
    epochs = [int(row["epoch"]) for row in read_history(run.history_file)]
    lines = run.history_file.read_text(encoding="utf-8").count("\n") - 1
    faults = [] if ended[0] == 0 and ended[1] != 0 else [f"they end with {ended[0]} and {ended[1]}"]
    if any("defect" in text for text in said):
        faults.append("one ends with a defect")
    if epochs != list(range(1, 13)) or lines != 12:
        faults.append(f"the history has {lines} lines, {before} of them from before")
    return faults + find_leftovers(run.path)


def _training_in_an_open_project(folder: Path) -> list[str]:
    """A command that trains into a project which another process has open is refused, and leaves nothing."""
    command = [*PROGRAM, "train", "datasets/survey.h5", "-o", "runs/new", *OPTIONS]
    with _open_elsewhere(folder / "project"):
        done = subprocess.run(
            command, cwd=folder / "project", env=environment(), capture_output=True, text=True, check=False
        )
    faults = [] if done.returncode else ["it goes ahead"]
    if done.returncode and "open" not in done.stderr:
        faults.append(f"it says “{done.stderr.strip()[-120:]}”")
    return faults + ["a run was begun"] * (folder / "project" / "runs" / "new").exists()


def _pipe_among_cutouts(folder: Path) -> list[str]:
    """A pipe, a link to itself and a device among cutouts are passed over in a moment."""
    os.mkfifo(folder / "cutouts" / "pipe.fits")
    (folder / "cutouts" / "itself.fits").symlink_to("itself.fits")
    (folder / "cutouts" / "device.fits").symlink_to("/dev/zero")
    report: list[int] = []

    def work() -> None:
        done = result_of(importing.run([folder / "cutouts"], folder / "out.h5", ImportSettings()))
        report.append(done.imported)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(30)
    if thread.is_alive():
        with contextlib.suppress(OSError):  # let it go on
            os.close(os.open(folder / "cutouts" / "pipe.fits", os.O_WRONLY | os.O_NONBLOCK))
        return ["the import waits for ever"]
    return [] if report == [GALAXIES] else [f"imported: {report or 'nothing'}"]


@contextlib.contextmanager
def _mounted(place: Path, options: str) -> Iterator[Path]:
    """A small disk in memory."""
    place.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", options, "none", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)


def _mount(*arguments: str) -> None:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    except OSError:
        raise NotHere("not tried: there is no command “mount” here") from None
    if done.returncode:
        raise NotHere("not tried: it takes the right to mount a small disk")


_CHECKS: dict[str, Callable[[Path], list[str]]] = {
    "full disk": _full_disk,
    "a disk that fills up during a simulation": _disk_fills_up,
    "read-only folder": _read_only_folder,
    "vanished project": _vanished_project,
    "renamed project": _renamed_project,
    "source files that change while they are imported": _changed_sources,
    "a pipe, a device and a circular link among cutouts": _pipe_among_cutouts,
    "two windows on one project": _two_windows,
    "two trainings into one run": _two_trainings,
    "two resumptions of one run": _two_resumes,
    "a training into a project that is open": _training_in_an_open_project,
}

"""Jobs of the shell, not yet started."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs.job import Job
from app.jobs.quiet_import import import_quietly, libraries_imported
from app.work import begin_unless_stopped
from core.events import Progress, Work

if TYPE_CHECKING:
    from core.data.opened import OpenedDataset
    from core.project.packages import Contents
    from core.project.project import Project
    from core.project.runs import RunFolder
    from core.train.settings import RunSettings


_NEEDED_TO_OPEN = ("core.project.project", "core.train.settings", "core.train.run_check")


def warm_up() -> Job:
    """Import the libraries that the first click would otherwise wait for.

    The libraries bring a million objects that stay. Traversing them all, as the cyclic garbage collector does now
    and then, takes half a second in which no thread can run and the window freezes; so they are frozen out of its
    collections from then on.
    """

    def run(stop: threading.Event) -> Work[None]:
        import gc

        names = (
            *_NEEDED_TO_OPEN,
            "h5py",
            "astropy.table",
            "pyqtgraph",
            "matplotlib",
            "torch",
            "astropy.wcs",
            "core.train.loop",
            "core.explain.occlusion",
            "astropy.visualization",
            "torch._dynamo",  # which torch's optimisers import in their first step
            "scipy.stats",  # a second, and the next one too: for the first figures of a training
            "sklearn.metrics",
        )
        libraries_imported.clear()
        try:
            for done, name in enumerate(names):
                if stop.is_set():
                    return
                import_quietly(name)
                yield Progress(done + 1, len(names), "libraries")
        finally:
            gc.freeze()
            libraries_imported.set()

    return Job("Getting ready", run, at_once=True)


def make_demonstration() -> Job:
    """Make the demonstration survey, or find it; the result is the dataset's path."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.simulate import demo

        return (yield from demo.cached_survey(stop))

    return Job("Making the demonstration survey", run, at_once=True)


def look_at_project(folder: Path) -> Job:
    """Look whether a project's folder answers, which a disk that is gone does not; the result is the folder."""

    def run(stop: threading.Event) -> Work[Path]:
        yield from begin_unless_stopped(stop)
        for name in _NEEDED_TO_OPEN:  # by the window's thread, which would have to wait for them
            import_quietly(name)
        for part in (folder, folder / "datasets", folder / "runs"):
            if part.is_dir():
                next(part.iterdir(), None)
        (folder / "project.toml").exists()
        return folder

    return Job(f"Opening {folder.name}", run, at_once=True, is_reading=True)


def open_dataset(path: Path, project: Project, settings: RunSettings, name: str = "") -> Job:
    """Open a dataset as the settings ask for, and copy it into the project under a free name before."""

    def run(stop: threading.Event) -> Work[OpenedDataset]:
        from core.data import opened
        from core.data.project_copy import open_in_project

        for library in ("pyqtgraph", "matplotlib"):  # the panels need them, and most of a second for them
            import_quietly(library)
        cutouts = yield from open_in_project(path, project.folder / "datasets", stop, name)
        return (yield from opened.prepare(cutouts, project.labels(cutouts.path), settings.data, settings.seed, stop))

    return Job(f"Opening {name or path.stem}", run, at_once=True, is_reading=True)


def remove_abandoned(project: Path) -> Job:
    """Remove the half-written files that killed programs have left in a project."""

    def run(stop: threading.Event) -> Work[None]:
        from core.project import temporary

        yield from begin_unless_stopped(stop)
        temporary.sweep_tree(project, stop)

    return Job("Removing half-written files", run)


def verify_dataset(path: Path) -> Job:
    """Verify that the file of the open dataset still holds it; fails if it does not."""

    def run(stop: threading.Event) -> Work[None]:
        from core.data.cutouts import Cutouts

        yield from begin_unless_stopped(stop)
        Cutouts.open(path).close()

    return Job("Verifying the dataset", run)


def find_device() -> Job:
    """Describe the device that trainings will use."""

    def run(stop: threading.Event) -> Work[str]:
        from core.nets import device as devices

        yield from begin_unless_stopped(stop)
        return devices.describe(devices.choose("auto"))

    return Job("Looking for a GPU", run)


def pack_project(folder: Path, target: Path, *, with_images: bool) -> Job:
    """Pack a project as one file; the result is what is in it."""

    def run(stop: threading.Event) -> Work[Contents]:
        from core.project import packing

        return (yield from packing.pack_project(folder, target, stop, with_images=with_images))

    return Job(f"Packing {folder.name}", run)


def pack_training(settings: RunSettings, data: Path, target: Path) -> Job:
    """Pack a training to be run on another machine; the result is what is in the package."""

    def run(stop: threading.Event) -> Work[Contents]:
        from core.train import job_package

        return (yield from job_package.pack(settings, data, target, stop, title=target.stem))

    return Job("Packing the training", run)


def look_at_package(path: Path) -> Job:
    """Look what is in a package, without unpacking it."""

    def run(stop: threading.Event) -> Work[Contents]:
        from core.project.packages import read_contents

        yield from begin_unless_stopped(stop)
        return read_contents(path)

    return Job(f"Opening {path.name}", run, at_once=True, is_reading=True)


def unpack_project(path: Path, folder: Path) -> Job:
    """Make a project of a package in a new folder."""

    def run(stop: threading.Event) -> Work[Contents]:
        from core.project import unpacking

        return (yield from unpacking.unpack(path, folder, stop, kinds=("project",)))

    return Job(f"Unpacking {path.name}", run, at_once=True)


def collect_results(path: Path, project: Path) -> Job:
    """Take the results of another machine into a project; the result is the run, or the folder of a study."""

    def run(stop: threading.Event) -> Work[RunFolder | Path]:
        from core.project.packages import read_contents
        from core.studies import study_package
        from core.train import job_package

        if read_contents(path).study:
            return (yield from study_package.collect(path, project, stop))
        return (yield from job_package.collect(path, project, stop))

    return Job(f"Taking in {path.name}", run)


@dataclass(frozen=True)
class MachineReport:
    """What a machine has, as titles and texts, and what to do about what it lacks."""

    facts: list[tuple[str, str]]
    advice: list[str]


def look_at_machine(projects: Path, shape: Sequence[int] = ()) -> Job:
    """Look at this machine; ``shape`` is that of the open dataset's images."""

    def run(stop: threading.Event) -> Work[MachineReport]:
        from core.nets import machine

        yield from begin_unless_stopped(stop)
        found = machine.look(projects)
        images = 4 * math.prod(shape) if shape else 0
        return MachineReport(machine.list_facts(found), machine.advise(found, images))

    return Job("Looking at this machine", run)

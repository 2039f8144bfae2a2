"""What the shell asks of ``core``, as jobs that were not started yet."""

from __future__ import annotations

import threading
from pathlib import Path

from app.jobs.job import Job
from app.jobs.quiet_import import quietly
from app.work import begin
from core.events import Progress, Work


def warm_up() -> Job:
    """Import what the first click would otherwise wait for.

    A million objects come with the libraries and stay. To walk over them all, as the cyclic garbage collector does
    now and then, takes half a second in which no thread can run and the window stands still; so it is told to leave
    them alone from then on.
    """

    def run(stop: threading.Event) -> Work[None]:
        import gc

        names = (
            "h5py",
            "astropy.table",
            "pyqtgraph",
            "matplotlib",
            "torch",
            "astropy.wcs",
            "core.train.loop",
            "core.explain.occlusion",
            "astropy.visualization",
        )
        names += ("torch._dynamo",)  # which torch's optimisers import in their first step
        gc.disable()
        try:
            for done, name in enumerate(names):
                if stop.is_set():
                    return
                quietly(name)
                yield Progress(done + 1, len(names), "libraries")
        finally:
            gc.freeze()
            gc.enable()

    return Job("Getting ready", run)


def demonstration() -> Job:
    """Make the demonstration survey, or find it; its result is the dataset's path."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.simulate import demo

        return (yield from demo.cached_survey(stop))

    return Job("Making the demonstration survey", run)


def open_dataset(path: Path, project: Path, name: str = "") -> Job:
    """Make sure that a dataset can be read and lies in a project, there with a name of its own; its result is where."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.data.project_copy import copy_into_project

        for library in ("pyqtgraph", "matplotlib"):  # the panels need them, and most of a second for them
            quietly(library)
        return (yield from copy_into_project(path, project / "datasets", stop, name))

    return Job(f"Opening {name or path.stem}", run)


def device() -> Job:
    """The device that trainings will use, in words."""

    def run(stop: threading.Event) -> Work[str]:
        from core.nets import device as devices

        yield from begin(stop)
        return devices.describe(devices.choose("auto"))

    return Job("Looking for a GPU", run)

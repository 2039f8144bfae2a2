"""Jobs of the Adapt room, not yet started."""

from __future__ import annotations

import threading
from pathlib import Path

from app.jobs.job import Job
from app.work import begin_unless_stopped
from core.errors import Problem
from core.events import Work


def find_differences(network: Path, data: Path) -> Job:
    """Find how a dataset differs from the training data of a network; fails where the network cannot be used on it."""

    def run(stop: threading.Event) -> Work[tuple[Problem, ...]]:
        from core.nets.opening import open_network_on_data

        yield from begin_unless_stopped(stop)
        with open_network_on_data(network, data, "cpu") as opened:
            return opened.doubts

    return Job("Comparing network and data", run)

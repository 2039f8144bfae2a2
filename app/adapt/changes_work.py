"""Jobs of the panel “What moved?”, not yet started."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs.job import Job
from app.work import begin_unless_stopped
from core.data.settings import EvaluatedPart
from core.events import Work
from core.project.labels import LabelJournal

if TYPE_CHECKING:
    from core.adapt.moved import Moved
    from core.adapt.overlays import Overlays


def find_moves(run: Path, data: Path, part: EvaluatedPart, journal: LabelJournal | None) -> Job:
    """Compare a run with the network that it started from: weights by layer, and the answers for a part of the data."""

    def work(stop: threading.Event) -> Work[Moved]:
        from core.adapt import moved

        yield from begin_unless_stopped(stop)
        return (yield from moved.run(run, data, part, stop, hand_labels=journal))

    return Job("Comparing before and after", work)


def explain_galaxy(run: Path, data: Path, row: int) -> Job:
    """Explain a galaxy by a run and by the network that it started from."""

    def work(stop: threading.Event) -> Work[Overlays]:
        from core.adapt import overlays

        yield from begin_unless_stopped(stop)
        return (yield from overlays.run(run, data, row, stop))

    return Job("Explaining before and after", work)

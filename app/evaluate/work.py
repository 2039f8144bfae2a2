"""Jobs of the Evaluate room, not yet started."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs.job import Job
from core.data.settings import EvaluatedPart
from core.events import Progress, Work
from core.project.labels import LabelJournal
from core.project.runs import RunFolder

if TYPE_CHECKING:
    from core.evaluate.evaluation import Evaluation


def evaluate(run: RunFolder, data: Path, part: EvaluatedPart, hand_labels: LabelJournal | None) -> Job:
    """Evaluate a run's network on one part of a dataset."""

    def work(stop: threading.Event) -> Work[Evaluation]:
        from core.evaluate import evaluation

        return (yield from evaluation.run(run, data, part, stop, hand_labels=hand_labels))

    return Job(f"Evaluating “{run.name}”", work)


def decide(run: RunFolder, shown: Evaluation, wish: str, validation: Evaluation | None) -> Job:
    """Put an evaluation under another decision, and keep that with the run; the network is not needed."""

    def work(stop: threading.Event) -> Work[Evaluation]:
        from core.evaluate import evaluation

        yield Progress(0, None)
        return (yield from evaluation.decide(run, shown, wish, validation, stop))

    return Job(f"Deciding for “{run.name}”", work)

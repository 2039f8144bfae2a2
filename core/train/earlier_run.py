"""How long an epoch took in an earlier run with the same settings, on the same galaxies and this machine."""

from __future__ import annotations

import contextlib
import math
import platform
import statistics
from collections.abc import Iterable
from typing import Any, NamedTuple

from core.data import target as targets
from core.nets import device as devices
from core.project.history import read_history
from core.project.metrics_file import read_metrics
from core.project.runs import RunFolder
from core.reading import read_toml
from core.settings import toml
from core.train.plan import TrainingPlan
from core.train.settings import RunSettings

_MOST = 30  # runs that are looked at, the newest first
_IRRELEVANT: dict[str, Any] = {
    "data": True,  # the number of galaxies counts, and what is learned
    "stopping": True,
    "seed": True,
    "optimiser": {"epochs", "learning_rate"},
    "transfer": {"start_from", "class_map", "bands"},
}


class EarlierRun(NamedTuple):
    """The title of a run, and the median seconds of its epochs, trained and validated."""

    title: str
    seconds: float


def find(plan: TrainingPlan, runs: Iterable[RunFolder]) -> EarlierRun | None:
    """Find the newest finished run that is like the planned one in all that determines the time; None: there is none.

    Parameters
    ----------
    plan
        Of the training.
    runs
        Of the project, oldest first.
    """
    for run in list(runs)[: -_MOST - 1 : -1]:
        with contextlib.suppress(Exception):  # whatever is damaged of it, it is not needed
            if _is_like(plan, run):
                seconds = statistics.median(row["seconds"] for row in read_history(run.history_file))
                if 0 < seconds < math.inf:
                    return EarlierRun(run.title, seconds)
    return None


def _is_like(plan: TrainingPlan, run: RunFolder) -> bool:
    metrics = read_metrics(run.metrics_file)
    if metrics.get("reason") not in ("finished", "early", "stopped") or not metrics.get("epochs"):
        return False
    data = metrics.get("data") or {}
    is_same_data = all(data.get(name) == plan.facts[name] for name in ("checksum", "galaxies"))
    if not is_same_data or metrics.get("target") != targets.to_dict(plan.target):
        return False
    machine = read_toml(run.environment_file, "The record of this run's environment")
    own = devices.describe(plan.device, plan.precision), f"{platform.system()} {platform.machine()}"
    return (machine.get("device"), machine.get("system")) == own and _costs(
        toml.load(RunSettings, run.settings_file)
    ) == _costs(plan.settings)


def _costs(settings: RunSettings) -> dict[str, Any]:
    return settings.model_dump(exclude=_IRRELEVANT) | {"is_fine_tuning": bool(settings.transfer.start_from)}

"""The network that fine-tuning started from, kept beside the run.

What it started from may be trained further, moved or deleted; the run is still resumed with the same pull to the same
weights, and it can still be told what the training has changed.
"""

from __future__ import annotations

from torch import Tensor

from core.nets import transfer
from core.nets.predictor import Predictor
from core.project.runs import RunFolder
from core.train.plan import TrainingPlan


def keep(plan: TrainingPlan, folder: RunFolder) -> None:
    """Save it in the folder of a run that begins."""
    if plan.base is not None:
        plan.base.save(folder.start)


def weights_to_return_to(plan: TrainingPlan, folder: RunFolder | None = None) -> dict[str, Tensor] | None:
    """The weights, by name, that those of the run are pulled towards; None: they are not.

    Parameters
    ----------
    plan
        Of the run.
    folder
        Of a run that is resumed, whose plan has no base.

    Raises
    ------
    UnreadableFile
        The network that the run started from is not in its folder any more.
    """
    settings = plan.settings.transfer
    if not settings.pull_to_start or not settings.start_from:
        return None
    base = plan.base
    if base is None and folder is not None:
        base = Predictor.load(folder.start, plan.device)
    return None if base is None else transfer.copied_weights(base.network)

"""The curves of a run as TensorBoard event files."""

from __future__ import annotations

import contextlib
import importlib
import math
from collections.abc import Callable, Iterator

from core import extras
from core.errors import NotPossible
from core.events import EpochEnded
from core.project.runs import RunFolder

FOLDER = "tensorboard"


@contextlib.contextmanager
def open_log(folder: RunFolder, *, wanted: bool, epochs_done: int) -> Iterator[Callable[[EpochEnded], None]]:
    """Yield a function that logs an epoch, or one that does nothing if logging is off.

    Parameters
    ----------
    folder
        The run's; the files go to its folder ``tensorboard``.
    wanted
        Whether to write.
    epochs_done
        Of a run that is resumed: events of later epochs are discarded.

    Raises
    ------
    NotPossible
        TensorBoard is not installed.
    """
    if not wanted:
        yield lambda _ended: None
        return
    try:
        module = importlib.import_module("torch.utils.tensorboard")
    except ImportError as error:
        raise NotPossible(
            "TensorBoard is not installed.",
            extras.how_to_get("tensorboard", "switch its files off"),
            "tensorboard",
        ) from error
    writer = module.SummaryWriter(str(folder.path / FOLDER), purge_step=epochs_done + 1)

    def log_epoch(ended: EpochEnded) -> None:
        for part, scores in (("training", ended.train), ("validation", ended.validation)):
            for name, value in {"loss": scores.loss, **scores.values}.items():
                if math.isfinite(value):
                    writer.add_scalar(f"{name.replace(':', '/')}/{part}", value, ended.epoch)
        writer.add_scalar("learning rate", ended.learning_rate, ended.epoch)
        writer.flush()

    try:
        yield log_epoch
    finally:
        writer.close()

"""Weights of some epochs, kept so that attribution maps can be followed through the training.

They are spread over the whole run, however long it becomes: of every epoch, then of every second, fourth, eighth one,
whenever there would be too many.
"""

from __future__ import annotations

from core.nets.predictor import Predictor
from core.project.runs import RunFolder


def save_snapshot(folder: RunFolder, predictor: Predictor, epoch: int, most: int) -> None:
    """Save the weights of the epoch that has just ended, and remove those that are no longer needed.

    Parameters
    ----------
    folder
        The run's.
    predictor
        The network with its current weights.
    epoch
        Counted from 1.
    most
        Largest number of epochs to keep; 0: none.
    """
    if most == 0:
        return
    predictor.save(folder.snapshot(epoch))
    keep = kept_epochs(epoch, most)
    for number, path in folder.snapshots():
        if number not in keep:
            path.unlink(missing_ok=True)


def kept_epochs(epochs: int, most: int) -> list[int]:
    """The epochs that are kept after ``epochs``: the last, and from the first on every k-th, k being a power of two.

    With ``most`` = 1 it is the last alone.
    """
    if most == 1:
        return [epochs]
    spacing = 1
    while len(chosen := sorted({*range(1, epochs + 1, spacing), epochs})) > most:
        spacing *= 2
    return chosen

"""Weights of some epochs, kept so that one can see how the network came to what it is.

They are spread over the whole run, however long it becomes: of every epoch, then of every second, fourth, eighth one,
each time that there would be too many.
"""

from __future__ import annotations

from core.nets.predictor import Predictor
from core.project.runs import RunFolder


def save_snapshot(folder: RunFolder, predictor: Predictor, epoch: int, most: int) -> None:
    """Write the weights of the epoch that has just ended, and remove those that are not wanted any more.

    Parameters
    ----------
    folder
        The run's.
    predictor
        As it is now.
    epoch
        Counted from 1.
    most
        At most so many are kept; 0: none.
    """
    if most == 0:
        return
    predictor.save(folder.snapshot(epoch))
    wanted = kept_epochs(epoch, most)
    for number, path in folder.snapshots():
        if number not in wanted:
            path.unlink(missing_ok=True)


def kept_epochs(epochs: int, most: int) -> list[int]:
    """Which of so many epochs are kept: the last, and from the first on every k-th, k being a power of two.

    Of ``most`` = 1 it is the last alone.
    """
    if most == 1:
        return [epochs]
    spacing = 1
    while len(chosen := sorted({*range(1, epochs + 1, spacing), epochs})) > most:
        spacing *= 2
    return chosen

"""The batch size where none is chosen: smaller with few training galaxies, so that an epoch has enough steps."""

from __future__ import annotations

from core.train.settings import RunSettings

USUAL = 64
_SMALLEST = 8
_STEPS = 30  # of an epoch, at least


def choose(wanted: int | None, galaxies: int) -> int:
    """The batch size for a number of training galaxies: the wanted one, or else a power of two from 8 to 64."""
    if wanted is not None:
        return wanted
    size = _SMALLEST
    while 2 * size <= min(USUAL, galaxies / _STEPS):
        size *= 2
    return size


def resolve(settings: RunSettings, galaxies: int) -> RunSettings:
    """The settings with the batch size that they come to for a number of training galaxies."""
    size = choose(settings.optimiser.batch_size, galaxies)
    return settings.model_copy(update={"optimiser": settings.optimiser.model_copy(update={"batch_size": size})})

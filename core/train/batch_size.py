"""Batch size and repeats where none are chosen: with few training galaxies, an epoch still has enough steps."""

from __future__ import annotations

import math

from core.train.settings import RunSettings

USUAL = 64
_SMALLEST = 8
STEPS = 30  # of an epoch, at least
_SHOWN = 300  # galaxies in an epoch, at least, where so few are repeated


def choose(wanted: int | None, galaxies: int) -> int:
    """The batch size for a number of training galaxies: the wanted one, or else a power of two from 8 to 64."""
    if wanted is not None:
        return wanted
    size = _SMALLEST
    while 2 * size <= min(USUAL, galaxies / STEPS):
        size *= 2
    return size


def choose_repeats(settings: RunSettings, galaxies: int) -> int:
    """How often an epoch shows each of a number of training galaxies."""
    options = settings.optimiser
    if options.repeats is not None:
        return options.repeats
    if options.batch_size is not None or settings.transfer.start_from:
        return 1
    return repeats_for(galaxies)


def repeats_for(galaxies: int) -> int:
    """How often an epoch has to show each of a number of galaxies to show enough."""
    return math.ceil(_SHOWN / max(galaxies, 1))


def resolve(settings: RunSettings, galaxies: int) -> RunSettings:
    """The settings with batch size and repeats as they come to for a number of training galaxies."""
    found = {"batch_size": choose(settings.optimiser.batch_size, galaxies)}
    if (repeats := choose_repeats(settings, galaxies)) > 1:  # with a batch size, once is what an empty field means
        found["repeats"] = repeats
    return settings.model_copy(update={"optimiser": settings.optimiser.model_copy(update=found)})

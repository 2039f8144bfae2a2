"""Prepare a training without labels before its first batch: galaxies, network, input scaling."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.data.target import NO_LABEL, NoAnswers
from core.errors import NotPossible, Problem, SettingsProblem
from core.nets import device as devices
from core.nets import transfer
from core.nets.predictor import Predictor
from core.train import distributed, initial_network, preparation
from core.train.augmentation.noise import lost_noise
from core.train.augmentation.pipeline import is_physical
from core.train.averaging import WeightAverage
from core.train.plan import TrainingPlan
from core.train.randomness import numpy_generator
from core.train.self_supervised.galaxies import Galaxies
from core.train.settings import RunSettings, TransferSettings

USUAL_BATCH = 256
_SMALLEST_BATCH = 16
_STEPS = 8  # of an epoch, at least
_OF_FINE_TUNING = ("cached_views", "unfreeze_every", "batch_statistics", "pull_to_start")
_MOST_CHECKED = 5000  # galaxies that vote in the check, and that are asked


def choose_batch(wanted: int | None, galaxies: int) -> int:
    """The batch size: the wanted one, or else a power of two from 16 to 256; the more, the more is told apart."""
    if wanted is not None:
        return wanted
    size = _SMALLEST_BATCH
    while 2 * size <= min(USUAL_BATCH, galaxies / _STEPS):
        size *= 2
    return size


def prepare(settings: RunSettings, galaxies: Galaxies, resumed: Predictor | None = None) -> TrainingPlan:
    """Prepare network and scaling for galaxies that were chosen.

    Parameters
    ----------
    settings
        Of the run.
    galaxies
        Whom to learn from, see :func:`core.train.self_supervised.galaxies.choose`.
    resumed
        The network of a run that is resumed; None for a new one.

    Raises
    ------
    Problem
        The bands do not match an earlier network, or the network is too deep.
    """
    _require_no_labels(settings)
    device = devices.choose(settings.device)
    base = initial_network.load(settings) if resumed is None else None
    cutouts, split = galaxies.cutouts, galaxies.split
    settings, cutouts = initial_network.choose_bands(settings, cutouts, base or resumed, is_resumed=resumed is not None)
    if resumed is not None and not cutouts.is_known_as(resumed.card.get("checksum")):
        raise NotPossible(
            "The galaxies have changed since this run began, so that it cannot be resumed.",
            "Start a new run from its weights instead.",
            str(cutouts.path),
        )
    batch = choose_batch(settings.optimiser.batch_size, len(split.train))
    settings = settings.model_copy(update={"optimiser": settings.optimiser.model_copy(update={"batch_size": batch})})
    notices = [*galaxies.notices, *_without_effect(settings)]
    if settings.unlabelled.method != "none":
        notices.append(Problem("No label is learned, so that this method has no effect.", "", "unlabelled.method"))
    if base is not None:
        settings = settings.model_copy(update={"network": base.network.settings})
        notices += initial_network.compare(base, NoAnswers(), cutouts)
    sample = preparation.draw_sample(cutouts, split.train, settings.seed)
    nothing = np.empty((len(split.train), 0), dtype=np.float32)
    predictor = resumed or preparation.build_predictor(settings, cutouts, NoAnswers(), nothing, sample, base)
    scales_per_batch = is_physical(settings.augmentation) or not predictor.normalisation.is_pixelwise
    stamps = torch.from_numpy(sample) if scales_per_batch else predictor.normalisation(torch.from_numpy(sample))
    transfer.freeze(predictor.network, settings.transfer.freeze_blocks)
    predictor.to(device)
    dropouts = preparation.seedable_dropouts(predictor, device)
    for dropout in dropouts:
        dropout.p = 0.0  # the two variations differ enough; a fine-tuning takes it from the settings again
    labels = _labels_of(galaxies)
    pixels = 2 * batch * math.prod(predictor.stamp_shape)
    return TrainingPlan(
        settings=settings,
        predictor=predictor,
        base=None,
        cutouts=cutouts,
        labels=labels,
        encoded=labels.numpy(),
        split=split,
        device=device,
        precision=devices.precision(settings.precision, device),
        noise=preparation.noise_pool(pixels, settings.seed, device),
        lost_noise=lost_noise(stamps).to(device),
        scales_per_batch=scales_per_batch,
        average=WeightAverage(predictor.network, settings.optimiser.averaging)
        if settings.optimiser.averaging
        else None,
        shift=None,
        mirror=None,
        distributed_network=distributed.wrap(predictor.network, 2 * batch),
        dropouts=dropouts,
        facts=_describe(galaxies, settings),
        notices=[*notices, *_about_check(galaxies)],
    )


def _require_no_labels(settings: RunSettings) -> None:
    """Require that nothing is asked for that only labels can give."""
    if settings.stopping.monitor != "loss":
        raise SettingsProblem(
            f"“{settings.stopping.monitor}” cannot be monitored: without labels there is the loss alone.",
            "Choose the loss.",
            "stopping.monitor",
        )
    if settings.unlabelled.method != "none":
        raise SettingsProblem(
            f"“{settings.unlabelled.method}” needs labels, which first weights are learned without.",
            "Choose one of the two: unlabelled.method = none, or self_supervised.method = none.",
            "unlabelled.method",
        )


def _without_effect(settings: RunSettings) -> list[Problem]:
    """Notices of choices for a fine-tuning that this training does not follow."""
    chosen, usual = settings.transfer, TransferSettings()
    names = [name for name in _OF_FINE_TUNING if getattr(chosen, name) != getattr(usual, name)]
    places = [f"transfer.{name}" for name in names] + ["data.side_columns"] * bool(settings.data.side_columns)
    return [Problem("This setting has no effect without labels.", "", place) for place in places]


def limit(rows: NDArray[np.int64], settings: RunSettings, number: int) -> NDArray[np.int64]:
    """As many of the rows as the check can do with."""
    if len(rows) <= _MOST_CHECKED:
        return rows
    return np.sort(numpy_generator(settings.seed, "sample", number).choice(rows, _MOST_CHECKED, replace=False))


def _labels_of(galaxies: Galaxies) -> torch.Tensor:
    """The class of each row, where it is known."""
    labels = np.full(len(galaxies.cutouts), NO_LABEL, dtype=np.int64)
    if galaxies.labels is not None:
        labels[: len(galaxies.labels)] = galaxies.labels
    return torch.from_numpy(labels)


def _describe(galaxies: Galaxies, settings: RunSettings) -> dict[str, Any]:
    """What is worth keeping of the data, in plain values."""
    names = [galaxies.cutouts.path.name, *(Path(path).name for path in settings.self_supervised.more_data)]
    facts: dict[str, Any] = {
        "data": names[0],
        "datasets": names,
        "checksum": galaxies.cutouts.checksum,
        "galaxies": {"training": len(galaxies.split.train), "validation": len(galaxies.split.validation), "test": 0},
    }
    if galaxies.target is not None and galaxies.labels is not None:
        facts["classes"] = {
            part: {
                name: int((galaxies.labels[rows] == place).sum()) for place, name in enumerate(galaxies.target.names)
            }
            for part, rows in (("training", galaxies.known), ("validation", galaxies.asked))
        }
    return facts


def _about_check(galaxies: Galaxies) -> list[Problem]:
    """Why there is no check by nearest neighbours, where there is none."""
    if len(galaxies.asked) and len(galaxies.known):
        return []
    return [
        Problem(
            "No galaxies of known classes are in both parts: how well neighbours tell the class is not followed, only "
            "the loss.",
            "Label some, and the next run will show it.",
        )
    ]

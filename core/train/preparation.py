"""Prepare a run before its first batch: target, split, network, input scaling."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data import given_parts, non_answers, parts, size
from core.data import split as splits
from core.data import target as targets
from core.data.cutouts import Cutouts
from core.data.split import Split
from core.data.target import Classes, Quantities, Target
from core.errors import NotPossible, Problem, SettingsProblem, TooFewGalaxies
from core.nets import backbone, base_scaling, cnn, encoding, heads, layers, normalisation, transfer
from core.nets import device as devices
from core.nets.cnn import OwnDropout
from core.nets.mapped_cutouts import MappedCutouts
from core.nets.normalisation import Normalisation
from core.nets.predictor import Predictor
from core.nets.side_inputs import SideInputs
from core.nets.training_range import fit_training_range
from core.project.labels import LabelJournal
from core.settings.declare import ineffective_settings
from core.train import (
    angle_notices,
    batch_size,
    beside_image,
    class_frequencies,
    distributed,
    initial_network,
    logarithm_notices,
    receptive_field,
    stopping,
    unfreezing,
)
from core.train.augmentation.handedness import has_handed_names, mirror_indices
from core.train.augmentation.label_preserving import without_label_changes
from core.train.augmentation.noise import NoisePool, lost_noise
from core.train.augmentation.pipeline import is_physical
from core.train.augmentation.views import permitted_views
from core.train.averaging import WeightAverage
from core.train.data_facts import describe_data
from core.train.decided_parts import read_decided
from core.train.feature_cache import trained_part
from core.train.labels import numbers_of_votes, read_labels, to_loss_tensor
from core.train.plan import TrainingPlan
from core.train.randomness import numpy_generator, torch_generator
from core.train.settings import AugmentationSettings, RunSettings

_SAMPLE_STAMPS = 2000
_SAMPLE_BYTES = 256 * 2**20


def prepare(
    settings: RunSettings,
    cutouts: Cutouts,
    resumed: Predictor | None = None,
    hand_labels: LabelJournal | None = None,
    earlier_split: Path | None = None,
) -> TrainingPlan:
    """Prepare target, split, network and scaling.

    Parameters
    ----------
    settings
        Of the run.
    cutouts
        The dataset.
    resumed
        The network of a run that is resumed; None for a new one.
    hand_labels
        Labels given by hand, of the project to which the dataset belongs; None: there are none.
    earlier_split
        The split with which a run that is resumed began; None for a new one.

    Raises
    ------
    Problem
        Of many kinds: too few galaxies, unsuitable columns, bands that do not match, too deep a network.
    """
    device = devices.choose(settings.device)
    base = initial_network.load(settings) if resumed is None else None
    settings, cutouts = initial_network.choose_bands(settings, cutouts, base or resumed, is_resumed=resumed is not None)
    target, labels = read_labels(cutouts, settings.data, hand_labels)
    stopping.require_monitorable(target, settings.stopping)
    votes = numbers_of_votes(cutouts, settings, target)
    if votes is not None:
        labels[~(votes > 0)] = np.nan
    if resumed is not None:
        _require_same_data(resumed, target, cutouts)
    split = _choose_split(earlier_split, cutouts, target, labels, settings, hand_labels)
    settings = batch_size.resolve(settings, len(split.train))
    _require_enough(split, settings)
    of_parts = _note_given_parts(cutouts, labels, split, settings, hand_labels) if earlier_split is None else []
    augmentation, notices = without_label_changes(settings.augmentation, target)
    settings = settings.model_copy(update={"augmentation": augmentation})
    settings, base, side, adapted = _begin_from(settings, cutouts, target, labels, split, base, resumed)
    notices += adapted
    notices += _settings_without_effect(settings, target) + of_parts
    sample = draw_sample(cutouts, split.train, settings.seed)
    predictor = resumed or build_predictor(settings, cutouts, target, labels[split.train], sample, base, side)
    predictor.stamps = predictor.stamps or cutouts.recipe  # a run of an earlier format did not know it
    notices += _describe_labels_and_field(settings, target, cutouts, predictor, sample, labels, split)
    scales_per_batch = is_physical(augmentation) or not predictor.normalisation.is_pixelwise
    stamps = torch.from_numpy(sample) if scales_per_batch else predictor.normalisation(torch.from_numpy(sample))
    unfreezing.freeze(predictor.network, settings.transfer)
    predictor.to(device)
    pixels = batch_size.choose(settings.optimiser.batch_size, len(split.train)) * math.prod(predictor.stamp_shape)
    return TrainingPlan(
        settings=settings,
        predictor=predictor,
        base=base.to(device) if base is not None else None,
        cutouts=cutouts,
        labels=to_loss_tensor(labels, predictor, votes).to(device),
        encoded=labels,
        split=split,
        device=device,
        precision=devices.precision(settings.precision, device),
        noise=noise_pool(pixels, settings.seed, device),
        lost_noise=lost_noise(stamps).to(device),
        scales_per_batch=scales_per_batch,
        average=_average(predictor, settings),
        shift=class_frequencies.survey_shift(settings, target, labels, split),
        mirror=_mirror_indices(augmentation, target, device),
        distributed_network=distributed.wrap(trained_part(predictor, settings), _smallest_batch(split, settings)),
        dropouts=seedable_dropouts(predictor, device),
        facts=describe_data(cutouts, target, labels, split, settings),
        notices=notices,
        side=beside_image.inputs_of(predictor, cutouts),
    )


@lru_cache(maxsize=1)
def noise_pool(pixels: int, seed: int, device: torch.device) -> NoisePool:
    """Numbers that are only read, and kept: a forecast and a run, or the runs of a search, draw the same ones."""
    return NoisePool.draw(pixels, torch_generator(seed, "noise"), device)


def _choose_split(
    earlier: Path | None,
    cutouts: Cutouts,
    target: Target,
    labels: NDArray[Any],
    settings: RunSettings,
    hand_labels: LabelJournal | None,
) -> Split:
    """The split with which a run that is resumed began, every galaxy of which must still have a label; or a new one."""
    if earlier is None:
        return split_dataset(cutouts, target, labels, settings, hand_labels)
    split = splits.load(earlier, cutouts.ids)
    _require_labels(split, labels, earlier)
    return split


def _begin_from(
    settings: RunSettings,
    cutouts: Cutouts,
    target: Target,
    labels: NDArray[Any],
    split: Split,
    base: Predictor | None,
    resumed: Predictor | None,
) -> tuple[RunSettings, Predictor | None, SideInputs | None, list[Problem]]:
    """What a new run begins with: settings, the earlier network, what stands beside the image, and what to know."""
    if resumed is not None:
        return settings, None, None, []
    side, base, notices = beside_image.choose(settings, cutouts, target, labels, split.train, base)
    if base is not None:
        settings, adapted = initial_network.adapt(settings, base, target, cutouts)
        notices += adapted
    return settings, base, side, notices


def _describe_labels_and_field(
    settings: RunSettings,
    target: Target,
    cutouts: Cutouts,
    predictor: Predictor,
    sample: NDArray[np.float32],
    labels: NDArray[Any],
    split: Split,
) -> list[Problem]:
    """How the labels were read, and whether the last block sees too little where the depth can be chosen."""
    told = targets.describe_votes(target, cutouts.columns)
    found = [Problem(told, "", "data.kind")] if told else []
    found += angle_notices.find(target, labels, cutouts, split.train, settings.data)
    found += logarithm_notices.find(target, labels, settings.data)
    found += non_answers.warn(target.names) if isinstance(target, Classes) else []
    if not settings.transfer.start_from:  # else the layers are those of the earlier network
        narrow = _narrow_field_warning(predictor, sample)
        found += [narrow] if narrow is not None else []
    return found


def _narrow_field_warning(predictor: Predictor, sample: NDArray[np.float32]) -> Problem | None:
    def galaxies() -> float:
        return size.median_size(sample[size.choose_sample(np.arange(len(sample)))])

    network, shape = predictor.network, predictor.stamp_shape
    return receptive_field.warning(layers.table(network, shape), max(shape[1:]), galaxies, network.settings)


def _average(predictor: Predictor, settings: RunSettings) -> WeightAverage | None:
    """The average of the weights; made before the network is shared by several processes, which changes its layers."""
    epochs = settings.optimiser.averaging
    return WeightAverage(predictor.network, epochs) if epochs else None


def _mirror_indices(augmentation: AugmentationSettings, target: Target, device: torch.device) -> Tensor | None:
    names = targets.outputs(target)
    mirrored = mirror_indices(names) if augmentation.swap_labels and has_handed_names(names) else None
    if mirrored is not None and isinstance(target, Quantities):
        places = encoding.places(target)
        mirrored = tuple(place for name in mirrored for place in places[name])
    return None if mirrored is None else torch.tensor(mirrored, device=device)


def split_dataset(
    cutouts: Cutouts,
    target: Target,
    labels: NDArray[Any],
    settings: RunSettings,
    hand_labels: LabelJournal | None = None,
) -> Split:
    """Split the dataset into the training, validation and test parts of a run with these settings.

    Parts that a column gives, or that the project has kept, stay as they are.
    """
    data = settings.data
    decided = read_decided(cutouts, data, hand_labels)
    return splits.split(cutouts.ids, labels, target, data, settings.seed, read_groups(cutouts, data.group), decided)


def _note_given_parts(
    cutouts: Cutouts, labels: NDArray[Any], split: Split, settings: RunSettings, hand_labels: LabelJournal | None
) -> list[Problem]:
    decided = read_decided(cutouts, settings.data, hand_labels)
    ranks = parts.group_rows(cutouts.ids, read_groups(cutouts, settings.data.group)).ranks
    return given_parts.notices(decided, ranks, labels, split, settings.data)


def _require_labels(split: Split, labels: NDArray[Any], path: Path) -> None:
    """Require that every galaxy of a resumed run's split still has a label."""
    labelled = targets.has_label(labels)
    missing = sum(int((~labelled[rows]).sum()) for rows in (split.train, split.validation))
    if missing:
        raise NotPossible(
            f"{missing} galaxies of this run have lost their labels since it began, so that it cannot be resumed.",
            "Start a new run from its weights instead.",
            str(path),
        )


def _require_enough(split: Split, settings: RunSettings) -> None:
    for part, rows in (("training", split.train), ("validation", split.validation)):
        if len(rows) < 2:
            raise TooFewGalaxies(
                f"The {part} part holds {len(rows)} galaxies.", "Label more galaxies, or change the parts' shares."
            )
    if settings.network.normalise == "batch" and _smallest_batch(split, settings) < 2:
        raise SettingsProblem(
            "Batch normalisation needs at least two galaxies in every batch.",
            "Choose a larger batch size, or normalise in groups.",
            "optimiser.batch_size",
        )


def _require_same_data(resumed: Predictor, target: Target, cutouts: Cutouts) -> None:
    """Require that a resumed run has the dataset and labels with which it began."""
    if target != resumed.target or not cutouts.is_known_as(resumed.card.get("checksum")):
        raise NotPossible(
            "The dataset or its labels have changed since this run began, so that it cannot be resumed.",
            "Start a new run from its weights instead.",
            str(cutouts.path),
        )


def _settings_without_effect(settings: RunSettings, target: Target) -> list[Problem]:
    """Notices of settings that were changed but have no effect beside the others."""
    names = [f"optimiser.{name}" for name in ineffective_settings(settings.optimiser)]
    names += [f"loss.{name}" for name in ineffective_settings(settings.loss)]
    names += [f"network.{name}" for name in ineffective_settings(settings.network)]
    names += [f"transfer.{name}" for name in ineffective_settings(settings.transfer)]
    names += [f"unlabelled.{name}" for name in ineffective_settings(settings.unlabelled)]
    if settings.optimiser.balanced_batches and not isinstance(target, Classes):
        names.append("optimiser.balanced_batches")
    return [Problem("This setting has no effect beside the others.", "", name) for name in names]


def build_predictor(
    settings: RunSettings,
    cutouts: Cutouts,
    target: Target,
    labels: NDArray[Any],
    sample: NDArray[np.float32],
    base: Predictor | None,
    side: SideInputs | None = None,
) -> Predictor:
    """Build the network before the first step: random weights or the base's, input scaling of the training part."""
    weights = torch_generator(settings.seed, "weights")
    scale = heads.fit_output_scale(target, labels)
    shape = cutouts.shape[1:]
    zero_points = tuple(band.zero_point for band in cutouts.bands)
    error_bars = isinstance(target, Quantities) and settings.loss.quantities == "gaussian"
    if base is None:
        outputs, branch = heads.output_count(target, error_bars=error_bars), None if side is None else side.branch
        network = cnn.build(settings.network, shape, outputs, weights, branch)
        if settings.network.backbone and settings.network.weights:
            backbone.load_weights(network.stages, settings.network.backbone, settings.network.weights)
        scaling = _fit_normalisation(sample, settings, cutouts)
    else:
        network = transfer.prepare(
            base, shape, target, scale, weights, error_bars=error_bars, class_map=settings.transfer.class_map, side=side
        )
        is_refitted = settings.transfer.input_scaling == "refitted"
        scaling = base_scaling.fit_anew(base, sample) if is_refitted else base_scaling.in_unit_of(base, zero_points)
    bands = tuple(band.name for band in cutouts.bands)
    scales = cutouts.median_pixel_scale
    known_range = fit_training_range(sample, bands, target, labels, cutouts.pixel_scale)
    mapping = cutouts.mapping.sources if isinstance(cutouts, MappedCutouts) else ()
    swaps = _mirror_indices(settings.augmentation, target, torch.device("cpu")) is not None
    views = permitted_views(settings.augmentation, shape, mirrors_swap_labels=swaps)
    return Predictor(
        network,
        scaling,
        target,
        bands,
        shape,
        scales,
        scale,
        bands_from=mapping,
        stamps=cutouts.recipe,
        views=views,
        training_range=known_range,
        zero_points=zero_points,
        side=side,
    )


def usable_rows(
    cutouts: Cutouts, settings: RunSettings, hand_labels: LabelJournal | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the training part, and of training and validation together; without labels all rows are both."""
    try:
        split = split_dataset(cutouts, *read_labels(cutouts, settings.data, hand_labels), settings, hand_labels)
    except Problem:
        return np.arange(len(cutouts)), np.arange(len(cutouts))
    return split.train, np.sort(np.concatenate([split.train, split.validation]))


def fit_scaling(cutouts: Cutouts, settings: RunSettings, hand_labels: LabelJournal | None = None) -> Normalisation:
    """Fit the input scaling of a planned training on its training part."""
    rows, _ = usable_rows(cutouts, settings, hand_labels)
    return _fit_normalisation(draw_sample(cutouts, rows, settings.seed), settings, cutouts)


def _fit_normalisation(sample: NDArray[np.float32], settings: RunSettings, cutouts: Cutouts) -> Normalisation:
    network = settings.network
    kind = network.normalisation
    if kind == "auto":
        kind = "standard" if cutouts.is_picture else "asinh"
    floor = network.whitening_floor if network.whitening == "ZCA" else None
    return normalisation.fit(sample, kind, network.samplewise, floor)


def draw_sample(cutouts: Cutouts, rows: NDArray[np.int64], seed: int) -> NDArray[np.float32]:
    """Draw training stamps to fit the input scaling on: all of them, or a sufficient sample."""
    most = min(_SAMPLE_STAMPS, max(16, _SAMPLE_BYTES // (4 * math.prod(cutouts.shape[1:]))))
    if len(rows) > most:
        rows = numpy_generator(seed, "sample").choice(rows, most, replace=False)
    return cutouts.images[np.sort(rows)]


def _smallest_batch(split: Split, settings: RunSettings) -> int:
    galaxies = len(split.train)
    return galaxies // math.ceil(galaxies / batch_size.choose(settings.optimiser.batch_size, galaxies))


def read_groups(cutouts: Cutouts, column: str) -> list[str] | None:
    """The object of each row by this column; None without a column."""
    if not column:
        return None
    if column not in cutouts.columns:
        raise SettingsProblem(
            f"There is no column “{column}”.", f"The columns are: {', '.join(cutouts.columns)}.", "data.group"
        )
    return [targets.label_text(value) for value in cutouts.columns[column]]


def seedable_dropouts(predictor: Predictor, device: torch.device) -> list[OwnDropout]:
    """Give the network's dropout layers a generator of their own on the device, and return the layers."""
    generator = torch.Generator(device)
    found = [module for module in predictor.network.modules() if isinstance(module, OwnDropout)]
    for module in found:
        module.generator = generator
    return found

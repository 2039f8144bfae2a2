"""Everything that a run is asked to do. Frozen once it starts, and saved with it."""

from __future__ import annotations

from typing import Literal

from core.data.settings import DataSettings
from core.nets.settings import NetworkSettings
from core.settings.declare import Settings, setting


class AugmentationSettings(Settings):
    """How a galaxy is varied each time it is shown to the network, in training only."""

    rotation: float = setting(
        180,
        title="Rotation",
        help="Turn by an angle drawn from ± this. Left out where position angles are learned.",
        unit="deg",
        ge=0,
        le=180,
    )
    width_shift: float = setting(
        0.05, title="Width shift", help="Move sideways by up to this share of the width.", ge=0, le=0.5
    )
    height_shift: float = setting(
        0.05, title="Height shift", help="Move up or down by up to this share of the height.", ge=0, le=0.5
    )
    zoom_min: float = setting(
        0.9,
        title="Zoom from",
        help="Smallest magnification; 1: as it is. Left out where sizes or magnitudes are learned.",
        gt=0.2,
        le=1,
    )
    zoom_max: float = setting(1.1, title="Zoom to", help="Largest magnification; 1: as it is.", ge=1, lt=5)
    horizontal_flip: bool = setting(
        True,
        title="Horizontal flip",
        help="Mirror left and right half of the time. It swaps clockwise and anticlockwise spirals, and is left out "
        "where classes tell them apart.",
    )
    vertical_flip: bool = setting(
        True,
        title="Vertical flip",
        help="Mirror top and bottom half of the time. Swaps handedness too, and is left out likewise.",
    )
    noise: float = setting(
        0.02,
        title="Gaussian noise",
        help="Standard deviation of noise added to the network's scaled input, where each band has unit variance.",
        ge=0,
        le=2,
    )


class OptimiserSettings(Settings):
    """How the weights move."""

    method: Literal["adam", "sgd"] = setting(
        "adam",
        title="Optimiser",
        help="Adam adapts the step of each weight; SGD moves all alike, with momentum.",
        source="Kingma & Ba 2015",
    )
    learning_rate: float | None = setting(
        None,
        title="Learning rate",
        help="Length of a step. Empty: 0.001 for Adam and 0.02 for SGD, and a tenth of that when fine-tuning.",
        gt=0,
        le=10,
        scale="log",
    )
    decay: Literal["constant", "cosine"] = setting(
        "cosine",
        title="Decay",
        help="Constant, or falling along a half cosine to a hundredth over the epochs.",
        level="expert",
        source="Loshchilov & Hutter 2017",
    )
    momentum: float = setting(
        0.9, title="Momentum", help="Of SGD: how much of the last step is kept.", ge=0, lt=1, level="expert"
    )
    weight_decay: float = setting(
        1e-4, title="Weight decay", help="Pull of the weights towards zero.", ge=0, le=1, level="expert"
    )
    class_weights: bool = setting(
        True,
        title="Balance classes",
        help="Rare classes count for more in the loss, by the inverse of their number.",
    )
    epochs: int = setting(40, title="Epochs", help="How often all galaxies are seen, at most.", ge=1, le=10000)
    batch_size: int = setting(
        64, title="Batch size", help="Galaxies per step.", unit="galaxies", ge=1, le=8192, scale="log"
    )


class StoppingSettings(Settings):
    """When to stop, and which epochs' weights are kept."""

    monitor: Literal["loss", "score"] = setting(
        "loss",
        title="Monitor",
        help="Validation quantity that decides: the loss, or the score (balanced accuracy or R²).",
    )
    patience: int = setting(
        12,
        title="Patience",
        help="Stop after so many epochs without improvement; 0: never early.",
        unit="epochs",
        ge=0,
        le=10000,
    )
    min_delta: float = setting(
        0.0,
        title="Smallest improvement",
        help="Less than this does not count as better.",
        ge=0,
        level="expert",
    )
    snapshots: int = setting(
        12,
        title="Keep weights of epochs",
        help="Besides the best ones, those of at most so many epochs, spread over the run, so that maps can be "
        "followed from epoch to epoch; 0: none.",
        unit="epochs",
        ge=0,
        le=1000,
        level="expert",
    )


class TransferSettings(Settings):
    """Start from an earlier network instead of from random weights."""

    start_from: str = setting(
        "", title="Start from", help="Folder of an earlier run, or a weights file. Empty: random weights."
    )
    freeze_blocks: int = setting(
        0,
        title="Frozen blocks",
        help="So many blocks, counted from the input, keep their weights and their batch statistics unchanged.",
        unit="blocks",
        ge=0,
        le=10,
    )


class RunSettings(Settings):
    """One run, complete: the same settings, data and machine give the same numbers."""

    data: DataSettings = setting(DataSettings(), title="Data", help="What is learned, and from which galaxies.")
    augmentation: AugmentationSettings = setting(
        AugmentationSettings(), title="Augmentation", help="How a galaxy is varied in training."
    )
    network: NetworkSettings = setting(NetworkSettings(), title="Network", help="How deep and how wide.")
    optimiser: OptimiserSettings = setting(OptimiserSettings(), title="Optimiser", help="How the weights move.")
    stopping: StoppingSettings = setting(StoppingSettings(), title="Stopping", help="When to stop.")
    transfer: TransferSettings = setting(TransferSettings(), title="Fine-tuning", help="Start from an earlier network.")
    seed: int = setting(
        1,
        title="Seed",
        help="Origin of all randomness: split, weights, order, augmentation.",
        ge=0,
        le=2**31 - 1,
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto",
        title="Device",
        help="Auto: the first of CUDA, Apple MPS and CPU that is there.",
        level="expert",
    )
    precision: Literal["auto", "float32", "bfloat16"] = setting(
        "auto",
        title="Precision",
        help="Auto: bfloat16 for training where the device computes it faster, float32 elsewhere. Explanations and "
        "final scores are always float32.",
        level="expert",
    )

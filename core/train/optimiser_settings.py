"""Settings of the optimiser, its learning-rate schedule and batches."""

from __future__ import annotations

from typing import Literal

from core.settings.declare import Settings, setting


class OptimiserSettings(Settings):
    """The optimiser, its learning-rate schedule and batches."""

    method: Literal["adamw", "adam", "sgd"] = setting(
        "adamw",
        title="Optimiser",
        help="Adam adapts the step of each weight; AdamW does so too, and decouples the weight decay from the "
        "gradient. SGD uses the same learning rate for all weights, with momentum.",
        source="Kingma & Ba 2015; Loshchilov & Hutter 2019",
    )
    learning_rate: float | None = setting(
        None,
        title="Learning rate",
        help="Size of a step. Empty: 0.004 for AdamW and Adam in one cycle, where it falls with the square root of "
        "batches below 64 galaxies, and 0.001 with another decay; 0.02 for SGD; a tenth of that when fine-tuning, "
        "except for a head alone on kept views.",
        gt=0,
        le=10,
        scale="log",
    )
    decay: Literal["constant", "step", "exponential", "inverse", "cosine", "one-cycle", "plateau"] = setting(
        "one-cycle",
        title="Decay",
        help="How the learning rate falls. Constant: not at all. Step: by a factor every few epochs. Exponential: as "
        "exp(-kt). Inverse: as 1/(1 + kt). Cosine: along a half cosine over all epochs. One-cycle: up first, then "
        "down. Plateau: by a factor whenever the validation has not improved for a while.",
        level="expert",
        source="Loshchilov & Hutter 2017; Smith 2018",
    )
    decay_factor: float = setting(
        0.5,
        title="Factor",
        help="The learning rate is multiplied by this at each step.",
        gt=0,
        lt=1,
        level="expert",
        applies=("decay", ("step", "plateau")),
    )
    decay_every: int = setting(
        10,
        title="Every",
        help="Number of epochs between two steps.",
        unit="epochs",
        ge=1,
        le=10000,
        level="expert",
        applies=("decay", ("step",)),
    )
    decay_rate: float = setting(
        0.1,
        title="Decay constant k",
        help="How fast the learning rate falls, per epoch.",
        unit="1/epoch",
        ge=0,
        le=10,
        level="expert",
        applies=("decay", ("exponential", "inverse")),
    )
    rise: float = setting(
        0.3,
        title="Rising share",
        help="Share of the epochs in which the learning rate rises, from 1/25 of its largest value.",
        gt=0,
        lt=1,
        level="expert",
        source="Smith 2018",
        applies=("decay", ("one-cycle",)),
    )
    plateau_patience: int = setting(
        5,
        title="Plateau",
        help="Number of epochs without improvement that make a plateau.",
        unit="epochs",
        ge=1,
        le=10000,
        level="expert",
        applies=("decay", ("plateau",)),
    )
    lowest_share: float = setting(
        0.01,
        title="Lowest share",
        help="The learning rate ends at this share of its largest value, or does not fall below it.",
        ge=0,
        le=1,
        level="expert",
        applies=("decay", ("cosine", "one-cycle", "plateau")),
    )
    warm_up: float = setting(
        0.0,
        title="Warm-up",
        help="Number of epochs in which the learning rate rises linearly from a hundredth, before the decay; 0: none.",
        unit="epochs",
        ge=0,
        le=1000,
        level="expert",
        source="Goyal et al. 2017",
    )
    momentum: float = setting(
        0.9,
        title="Momentum",
        help="Fraction of the last step that is carried over to the next one.",
        ge=0,
        lt=1,
        level="expert",
        applies=("method", ("sgd",)),
    )
    nesterov: bool = setting(
        True,
        title="Nesterov",
        help="Evaluate the gradient at the point that the momentum leads to, instead of at the current weights.",
        level="expert",
        source="Sutskever et al. 2013",
        applies=("method", ("sgd",)),
    )
    weight_decay: float = setting(
        0.02,
        title="Weight decay",
        help="Pull of the weights towards zero: with AdamW decoupled from the gradient, otherwise as a part of it.",
        ge=0,
        le=1,
        level="expert",
    )
    averaging: float = setting(
        1.0,
        title="Average of weights",
        help="Validate and keep the average of the weights over the steps of the last epochs instead of the weights "
        "after a single step, so that the best epoch is no luck; 0: off.",
        unit="epochs",
        ge=0,
        le=100,
        level="expert",
        source="Polyak & Juditsky 1992; Izmailov et al. 2018",
    )
    class_weights: bool = setting(
        False,
        title="Balance classes",
        help="Rare classes count for more in the loss, by the inverse of their number. A decision that favours rare "
        "classes can also be chosen after the training, in Evaluate.",
    )
    balanced_batches: bool = setting(
        False,
        title="Balanced batches",
        help="Show all classes equally often: rare galaxies several times in an epoch, only a part of the frequent "
        "ones. The training loss then has no class weights.",
        level="expert",
    )
    survey_probabilities: bool = setting(
        True,
        title="Probabilities of the survey",
        help="Where balanced classes or batches or an evenly drawn limit change how much the classes count in the "
        "training, correct its loss for that, so that the probabilities are those of the survey.",
        level="expert",
        source="Menon et al. 2021",
    )
    epochs: int = setting(
        30, title="Epochs", help="Largest number of passes through all training galaxies.", ge=1, le=10000
    )
    batch_size: int | None = setting(
        None,
        title="Batch size",
        help="Galaxies per step. Empty: 64, or less with few training galaxies, down to 8, so that an epoch has about "
        "30 steps.",
        unit="galaxies",
        ge=1,
        le=8192,
        scale="log",
    )
    repeats: int | None = setting(
        None,
        title="Repeats",
        help="How often an epoch shows each training galaxy, each time varied anew. Empty: once; of fewer than 300 "
        "galaxies, as often as makes an epoch of 300, if the batch size is empty, too, and the training starts from "
        "random weights.",
        ge=1,
        le=1000,
        level="expert",
    )

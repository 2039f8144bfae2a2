"""All settings of a run. Frozen once it starts, and saved with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from core.data.settings import DataSettings
from core.nets.settings import LossSettings, NetworkSettings
from core.project import places, upgrades
from core.settings.declare import Settings, setting
from core.train.augmentation.settings import AugmentationSettings
from core.train.self_supervised.settings import SelfSupervisedSettings


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


class StoppingSettings(Settings):
    """Early stopping, and which epochs' weights are kept."""

    monitor: Literal["loss", "score", "accuracy", "balanced accuracy", "r2"] = setting(
        "loss",
        title="Monitor",
        help="Validation quantity that decides: the loss, which has to fall, or one of the others, which have to rise. "
        "Score: balanced accuracy for classes, R² otherwise.",
    )
    patience: int = setting(
        12,
        title="Patience",
        help="Number of epochs without improvement after which the training stops; 0: never early.",
        unit="epochs",
        ge=0,
        le=10000,
    )
    min_delta: float = setting(
        0.0,
        title="Smallest improvement",
        help="A smaller change does not count as an improvement.",
        ge=0,
        level="expert",
    )
    snapshots: int = setting(
        12,
        title="Keep weights of epochs",
        help="Number of epochs, spread over the run, whose weights are kept besides the best ones, so that maps can "
        "be followed from epoch to epoch; 0: none.",
        unit="epochs",
        ge=0,
        le=1000,
        level="expert",
    )


class TransferSettings(Settings):
    """Start from an earlier network instead of from random weights."""

    start_from: str = setting(
        "",
        title="Start from",
        help="Folder of an earlier run, a weights file, or base:NAME, a network that comes with the program "
        "(“tuningfork settings base-networks” lists them). Empty: random weights.",
    )
    freeze_blocks: int = setting(
        0,
        title="Frozen blocks",
        help="Number of blocks, counted from the input, whose weights and batch statistics stay unchanged.",
        unit="blocks",
        ge=0,
        le=10,
    )
    cached_views: int = setting(
        0,
        title="Kept views",
        help="When all blocks are frozen, compute what they answer only once, for this many variations of each "
        "galaxy, so that the head alone is trained within seconds. Each epoch then shows one of these variations "
        "instead of a new one; 0: a new one in every epoch, through the whole network.",
        ge=0,
        le=1000,
        applies=("start_from", ()),
    )
    block_rate: float = setting(
        1.0,
        title="Rate per block",
        help="Each block learns at this times the rate of the block behind it, and the last block at this times the "
        "rate of the head, so that what is general changes least; 1: all alike, 0.75 and 1/2.6 = 0.385 are usual.",
        gt=0,
        le=1,
        source="Howard & Ruder 2018",
        applies=("start_from", ()),
    )
    unfreeze_every: int = setting(
        0,
        title="Unfreeze every",
        help="Train the head alone at first, then one block more, from the last one on, every so many epochs, down to "
        "the frozen blocks; 0: all of them from the first epoch.",
        unit="epochs",
        ge=0,
        le=1000,
        level="expert",
        source="Howard & Ruder 2018",
        applies=("start_from", ()),
    )
    batch_statistics: Literal["adapted", "kept"] = setting(
        "adapted",
        title="Batch statistics",
        help="Of blocks that are not frozen: adapted to the new galaxies, batch by batch, or kept as the earlier "
        "network has them, which is steadier in small batches. Frozen blocks always keep theirs.",
        level="expert",
        source="Li et al. 2017",
        applies=("start_from", ()),
    )
    pull_to_start: float = setting(
        0.0,
        title="Pull to the start",
        help="Pull of the weights towards those of the earlier network, instead of the weight decay towards zero; with "
        "AdamW, each step takes back this times the learning rate of the way. New outputs have no start. 0: none.",
        ge=0,
        le=1000,
        level="expert",
        source="Li, Grandvalet & Davoine 2018",
        applies=("start_from", ()),
    )
    bands: str = setting(
        "",
        title="Bands",
        help="Which bands of the dataset feed those of the earlier network, in its order, such as i,r,g; r,r,r repeats "
        "one, mean(g,r) is the mean of several. Empty: all, as they are.",
        applies=("start_from", ()),
    )
    class_map: dict[str, str] = setting(
        {},
        title="Classes",
        help="Which class of the earlier network a new class continues, such as spiral_cw = spiral; an empty name: "
        "none, it starts at random. Classes that are not listed continue the one of the same or a similar name.",
        applies=("start_from", ()),
    )


class RunSettings(Settings):
    """All settings of one run: the same settings, data and machine give the same results."""

    file_format: ClassVar[int] = upgrades.SETTINGS

    @classmethod
    def format_of(cls, values: dict[str, Any]) -> int:
        """The format of a file that does not state it, inferred from its values."""
        return upgrades.settings_format(values)

    @classmethod
    def upgrade(cls, values: dict[str, Any], version: int) -> dict[str, Any]:
        """Upgrade the values of a file of this format to the current one."""
        return upgrades.upgrade_settings(values, version)

    def with_paths_from(self, folder: Path) -> Self:
        """With initial weights and further datasets where they are now: a file names them relative to its folder."""

        def find(stored: str) -> str:
            return str(places.find(stored, folder) or stored)

        return self._with_paths(find)

    def with_paths_for(self, folder: Path) -> Self:
        """As they are written to a file in ``folder``: what lies in the same project is named relative to it."""

        def store(path: str) -> str:
            place = Path(path).expanduser()
            return places.to_stored(place, folder) if place.exists() else path

        return self._with_paths(store)

    def _with_paths(self, change: Callable[[str], str]) -> Self:
        """With each path changed, where there is any."""
        start, more = self.transfer.start_from, self.self_supervised.more_data
        changed: dict[str, Settings] = {}
        if start:
            changed["transfer"] = self.transfer.model_copy(update={"start_from": change(start)})
        if more:
            changed["self_supervised"] = self.self_supervised.model_copy(update={"more_data": tuple(map(change, more))})
        return self.model_copy(update=changed) if changed else self

    data: DataSettings = setting(DataSettings(), title="Data", help="What is learned, and from which galaxies.")
    augmentation: AugmentationSettings = setting(
        AugmentationSettings(), title="Augmentation", help="How galaxies are varied at random in training."
    )
    network: NetworkSettings = setting(NetworkSettings(), title="Network", help="Depth, width and layers.")
    optimiser: OptimiserSettings = setting(
        OptimiserSettings(), title="Optimiser", help="Optimiser, learning-rate schedule and batches."
    )
    loss: LossSettings = setting(LossSettings(), title="Loss", help="The function that training minimises.")
    stopping: StoppingSettings = setting(StoppingSettings(), title="Stopping", help="Early stopping.")
    transfer: TransferSettings = setting(TransferSettings(), title="Fine-tuning", help="Start from an earlier network.")
    self_supervised: SelfSupervisedSettings = setting(
        SelfSupervisedSettings(), title="Without labels", help="First weights from galaxies without labels."
    )
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
        help="Auto: the first of CUDA, Apple MPS and CPU that is available.",
        level="expert",
    )
    tensorboard: bool = setting(
        False,
        title="TensorBoard files",
        help="Also write the curves as TensorBoard event files into the run's folder.",
        level="expert",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = setting(
        "auto",
        title="Precision",
        help="Auto: for training bfloat16 where the device computes it faster, else float16 on a GPU that does, "
        "float32 elsewhere. Explanations and final scores are always float32.",
        level="expert",
    )

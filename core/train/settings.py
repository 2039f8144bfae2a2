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
from core.train.optimiser_settings import OptimiserSettings
from core.train.self_supervised.settings import SelfSupervisedSettings
from core.train.unlabelled.settings import UnlabelledSettings

InputScaling = Literal["kept", "refitted"]


class StoppingSettings(Settings):
    """Early stopping, and which epochs' weights are kept."""

    monitor: Literal["loss", "score", "accuracy", "balanced accuracy", "r2"] = setting(
        "loss",
        title="Monitor",
        help="Validation quantity that decides: the loss, which has to fall, or one of the others, which have to rise. "
        "Score: balanced accuracy for classes, R² otherwise.",
        applies=("keep", ("best",)),
    )
    patience: int = setting(
        12,
        title="Patience",
        help="Number of epochs without improvement after which the training stops; 0: never early.",
        unit="epochs",
        ge=0,
        le=10000,
        applies=("keep", ("best",)),
    )
    min_delta: float = setting(
        0.0,
        title="Smallest improvement",
        help="A smaller change does not count as an improvement.",
        ge=0,
        level="expert",
        applies=("keep", ("best",)),
    )
    keep: Literal["best", "last"] = setting(
        "best",
        title="Keep",
        help="Best: the weights of the epoch that the validation part chose. Last: those of the last epoch, so that "
        "the validation part chooses nothing and stops nothing, and its scores are not optimistic.",
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
    input_scaling: InputScaling = setting(
        "kept",
        title="Input scaling",
        help="How pixel values are scaled before they enter the network. Kept: as in the earlier training, at its zero "
        "points where both are known. Refitted: the same kind of scaling, fitted to the new training galaxies, where "
        "their values lie elsewhere.",
        applies=("start_from", ()),
    )


class RunSettings(Settings):
    """All settings of one run: the same settings, data, machine and threads give the same results."""

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

        return self.with_changed_paths(find)

    def with_paths_for(self, folder: Path) -> Self:
        """As they are written to a file in ``folder``: what lies in the same project is named relative to it."""

        def store(path: str) -> str:
            place = Path(path).expanduser()
            return places.to_stored(place, folder) if place.exists() else path

        return self.with_changed_paths(store)

    def with_whole_paths(self) -> Self:
        """With the absolute paths of what exists, links followed, so that equal ones are spelled alike."""

        def complete(path: str) -> str:
            place = Path(path).expanduser()
            return str(place.resolve()) if place.exists() else path

        return self.with_changed_paths(complete)

    def with_names_only(self) -> Self:
        """With the names alone of what is elsewhere, for readers on other machines."""
        named = self.with_changed_paths(lambda path: Path(path).name)
        weights = self.network.weights
        if not weights or weights == "hub" or weights.startswith("hf_hub:"):
            return named
        return named.model_copy(update={"network": self.network.model_copy(update={"weights": Path(weights).name})})

    def with_changed_paths(self, change: Callable[[str], str]) -> Self:
        """With each path changed, where there is any."""
        start, more, others = self.transfer.start_from, self.self_supervised.more_data, self.unlabelled.dataset
        changed: dict[str, Settings] = {}
        if start:
            changed["transfer"] = self.transfer.model_copy(update={"start_from": change(start)})
        if more:
            changed["self_supervised"] = self.self_supervised.model_copy(update={"more_data": tuple(map(change, more))})
        if others:
            changed["unlabelled"] = self.unlabelled.model_copy(update={"dataset": change(others)})
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
    unlabelled: UnlabelledSettings = setting(
        UnlabelledSettings(), title="Galaxies without labels", help="What is learned from galaxies without labels."
    )
    self_supervised: SelfSupervisedSettings = setting(
        SelfSupervisedSettings(), title="First weights", help="Weights to start from, learned without labels."
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

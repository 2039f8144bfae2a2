"""The plan of a study of the move to another survey: what is known before any training, and which runs there are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.data.split import Split
from core.data.target import Classes, Target
from core.errors import Problem
from core.events import Skipped, Work
from core.nets import base_networks, weights_file
from core.nets.predictor import Predictor
from core.project.files import file_name
from core.project.labels import LabelJournal
from core.project.runs import RunFolder
from core.studies.run_list import PlannedRun
from core.studies.settings import parse_size
from core.studies.strategies import SCRATCH, Strategy, for_longer
from core.studies.transfer_settings import NONE, TransferStudySettings
from core.train import batch_size, preparation
from core.train.labels import read_labels
from core.train.settings import RunSettings

_FEWEST = 2  # galaxies of each class
_RARE = 50  # labels for each class: with more, no class is expected to have too few


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of a survey before any training.

    Attributes
    ----------
    settings
        Of a training.
    data
        The dataset.
    checksums
        Its fingerprint, and that of earlier versions.
    target, labels
        What is learned there, and the encoded labels of all rows.
    split
        Its parts, without a limit.
    """

    settings: RunSettings
    data: Path
    checksums: tuple[str, str]
    target: Target
    labels: NDArray[Any]
    split: Split


@dataclass(frozen=True, eq=False)
class Move(Survey):
    """What is known of a network and a new survey; the settings start from the network, and have its architecture."""

    base: Predictor

    @property
    def network(self) -> Path:
        """The weights file of the network."""
        return weights_file.locate(self.settings.transfer.start_from)

    @property
    def start(self) -> str:
        """The name of the network, for the table."""
        return name_of(self.settings.transfer.start_from)

    @property
    def blocks(self) -> int:
        """Number of blocks of the network."""
        return len(self.base.network.blocks)


@dataclass(frozen=True)
class OldSurvey:
    """The survey on which a network was trained before.

    Attributes
    ----------
    data
        Its dataset.
    settings
        What was learned of it, and how its parts were drawn.
    checksums
        Its fingerprint, and that of earlier versions.
    hand_labels
        Labels given by hand, of the project to which it belongs.
    shares_parts
        Whether the seed of its parts is that of the study's; otherwise a training in the study may be shown galaxies on
        which it would be judged.
    """

    data: Path
    settings: DataSettings
    checksums: tuple[str, str]
    hand_labels: LabelJournal | None
    shares_parts: bool


@dataclass(frozen=True)
class PlannedPoint:
    """One planned point; without a run it is the network as it is, or with other batch statistics."""

    strategy: Strategy
    labels: int
    seed: int
    run: PlannedRun | None
    old: OldSurvey | None = None

    @property
    def epochs(self) -> int:
        """The largest number of epochs; 0 without a run."""
        return 0 if self.run is None else self.run.epochs


def name_of(start: str) -> str:
    """The name of a network for tables and figures: of its run, its file, or as the program calls it."""
    return start if base_networks.is_named(start) else RunFolder(Path(start)).title


def inspect(settings: RunSettings, data: Path, hand_labels: LabelJournal | None) -> Survey:
    """Find out what is known of a survey."""
    unlimited = settings.data.model_copy(update={"train_limit": None})
    with Cutouts.open(data) as cutouts:
        target, labels = read_labels(cutouts, unlimited, hand_labels)
        whole = settings.model_copy(update={"data": unlimited})
        split = preparation.split_dataset(cutouts, target, labels, whole, hand_labels)
        return Survey(settings, data, (cutouts.checksum, cutouts.sample_checksum), target, labels, split)


def inspect_move(settings: RunSettings, data: Path, hand_labels: LabelJournal | None) -> Move:
    """Find out what is known of a new survey and of the network that the settings start from."""
    base = Predictor.load(settings.transfer.start_from, needs_answers=False)
    found = inspect(settings.model_copy(update={"network": base.network.settings}), data, hand_labels)
    return Move(found.settings, data, found.checksums, found.target, found.labels, found.split, base)


def possible_numbers(study: TransferStudySettings, move: Move) -> Work[list[int]]:
    """The numbers of labels, ascending; impossible ones are reported and left out."""
    largest, found = len(move.split.train), set[int]()
    fewest = _FEWEST * (len(move.target.names) if isinstance(move.target, Classes) else 2)
    whole = largest
    if study.percent_of == "old survey":
        whole = int(((move.base.card.get("galaxies") or {}).get("training")) or 0)
    for text in study.labels:
        if text.strip() == NONE:
            found.add(0)
            continue
        is_share = text.strip().endswith("%")
        if is_share and not whole:
            yield Skipped(Problem(f"“{text}” is left out: the number of old galaxies is not known.", "", "labels"))
            continue
        number = parse_size(text, whole if is_share else largest)
        if fewest <= number <= largest:
            found.add(number)
            continue
        why = f"there are {largest:,}" if number > largest else f"at least {fewest} are needed"
        yield Skipped(Problem(f"{text} is left out: {number:,} labelled galaxies, and {why}.", "", "labels"))
    return sorted(found)


def plan_points(
    move: Move,
    study: TransferStudySettings,
    folder: Path,
    strategies: list[Strategy],
    numbers: list[int],
    hand_labels: LabelJournal | None,
) -> Work[list[PlannedPoint]]:
    """Plan the points with labels, one seed after the other.

    A number with which a class has too few galaxies is left out.
    """
    wanted: list[PlannedPoint] = []
    with Cutouts.open(move.data) as cutouts:
        for seed in range(move.settings.seed, move.settings.seed + study.seeds):
            for number in filter(None, numbers):
                common = plan_run(move, study.draw, study.epoch, number, seed)
                if lack := find_lack(cutouts, move, common, number, hand_labels):
                    yield Skipped(Problem(f"{number} labels are left out for seed {seed}: {lack}.", "", "labels"))
                    continue
                for strategy in strategies:
                    if strategy.labels_of == "new":
                        name = f"{file_name(strategy.name)[-50:]}-n{number:06d}-seed{seed}"
                        changed = strategy.change(common)
                        if strategy is SCRATCH:
                            changed = for_longer(changed, study.scratch_epochs)
                        planned = PlannedRun(changed, RunFolder(folder / "runs" / name), move.data)
                        wanted.append(PlannedPoint(strategy, number, seed, planned))
    return wanted


def plan_run(survey: Survey, draw: str, epoch: str, number: int, seed: int) -> RunSettings:
    """The settings of a run with so many labels: its own galaxies, the same parts, equally many steps."""
    settings = survey.settings
    parts = settings.seed if settings.data.split_seed is None else settings.data.split_seed
    data = {"train_limit": number, "train_draw": draw, "split_seed": parts}
    repeats = settings.optimiser.repeats or batch_size.repeats_for(number)
    stopping = {"keep": "last" if epoch == "last" else "best", "snapshots": 0}
    update: dict[str, Any] = {
        "data": settings.data.model_copy(update=data),
        "optimiser": settings.optimiser.model_copy(update={"repeats": repeats}),
        "stopping": settings.stopping.model_copy(update=stopping),
        "seed": seed,
    }
    return settings.model_copy(update=update)


def find_lack(
    cutouts: Cutouts, survey: Survey, settings: RunSettings, number: int, hand_labels: LabelJournal | None
) -> str:
    """The class of which a small set has too few galaxies, as text; empty: none."""
    if not isinstance(survey.target, Classes) or number > _RARE * len(survey.target.names):
        return ""
    train = preparation.split_dataset(cutouts, survey.target, survey.labels, settings, hand_labels).train
    counts = np.bincount(survey.labels[train], minlength=len(survey.target.names))
    rarest = int(counts.argmin())
    if counts[rarest] >= _FEWEST:
        return ""
    galaxies = "galaxy" if counts[rarest] == 1 else "galaxies"
    return f"“{survey.target.names[rarest]}” has {counts[rarest]} {galaxies} among them, and needs {_FEWEST}"

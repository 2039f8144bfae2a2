"""Settings of the studies of a move to another survey. The runs' own settings are those of a training."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import field_validator

from core.settings.declare import Settings, setting
from core.studies.settings import parse_size

Question = Literal["labels", "layers", "simulations"]
NONE = "0"  # as a number of labels: the network as it is

_SEEDS = (
    "Number of runs of each point, with different galaxies, initial weights and order. The error bars come from their "
)
_METRIC = "Column of the table that is drawn. Auto: balanced accuracy for classes, accuracy for vote fractions, R² for "
_EPOCH = (
    "Last: every run trains for the same number of epochs and keeps the last weights, so that no galaxy beyond the "
    "labels counted has a say. Best on validation: the validation part chooses the epoch and stops the training, and "
    "costs as many labelled galaxies again as it holds; the table counts both."
)
_SCRATCH_EPOCHS = (
    "How many times as many epochs a training from scratch makes as one that starts from the network. From random "
    "weights a network takes longer, and where it is stopped too early more labels seem to be saved than are."
)
_TEST = (
    "When all runs are done, evaluate them on the test part as well, with a separate table and figure. Only at the "
    "very end of a project: nothing may be chosen afterwards."
)


def _from_earlier(values: dict[str, Any], version: int) -> dict[str, Any]:
    """Format 1 trained from scratch for as many epochs as from the network."""
    return {"scratch_epochs": 1, **values} if version == 1 else values


def _check_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    for text in labels:
        if text.strip() != NONE:
            parse_size(text, 1)
    return labels


class TransferStudySettings(Settings):
    """A study of the move to another survey: how the score depends on labels, strategy and tuned blocks."""

    file_format: ClassVar[int] = 2

    question: Question = setting(
        "labels",
        title="Question",
        help="What is drawn. Labels: the score against the number of labels of the new survey. Layers: against the "
        "number of tuned blocks, and labels × layers as a grid. Simulations: against the real galaxies that a network "
        "trained on simulations is given.",
    )
    labels: tuple[str, ...] = setting(
        (NONE, "10", "25", "50", "100", "200", "500", "all"),
        title="Labels",
        help="Numbers of labelled training galaxies of the new survey (50), percentages (10%), or all; 0: the network "
        "as it is. A smaller set is a subset of a larger one.",
    )
    percent_of: Literal["new survey", "old survey"] = setting(
        "new survey",
        title="Percent of",
        help="What percentages are of: the training part of the new survey, or the galaxies with which the network was "
        "trained before.",
        level="expert",
    )
    strategies: tuple[str, ...] = setting(
        ("as is", "scratch", "head", "last-1", "all"),
        title="Strategies",
        help="What is compared: as is, scratch, head (features recycled), last-1, last-2 … (blocks), last-* (each "
        "number of blocks), all (layers), and further methods that the help lists.",
    )
    seeds: int = setting(3, title="Seeds", help=f"{_SEEDS}scatter.", ge=1, le=100, scale="log")
    metric: str = setting("auto", title="Score", help=f"{_METRIC}quantities.")
    draw: Literal["in proportion", "evenly"] = setting(
        "in proportion",
        title="Labels drawn",
        help="In proportion to the classes, as a smaller survey would have them, or evenly from the classes. A number "
        "with which a class would have fewer than two galaxies is left out.",
    )
    epoch: Literal["last", "best on validation"] = setting("last", title="Epoch", help=_EPOCH)
    scratch_epochs: int = setting(3, title="Epochs from scratch", help=_SCRATCH_EPOCHS, ge=1, le=100, level="expert")
    judge_source: bool = setting(
        True,
        title="What was forgotten",
        help="Also evaluate each network on the validation galaxies of the survey from which it came.",
    )
    source: str = setting(
        "",
        title="Old survey",
        help="Dataset with which the starting network was trained. Empty: where its run noted it.",
        level="expert",
    )
    judge_test: bool = setting(False, title="Judge on the test part", help=_TEST, level="expert")
    workers: int = setting(
        1,
        title="Workers",
        help="Number of processes that train in parallel on this machine; they share its processors.",
        ge=1,
        le=1024,
        scale="log",
        level="expert",
    )

    @classmethod
    def upgrade(cls, values: dict[str, Any], version: int) -> dict[str, Any]:
        """Upgrade the values of a file of this format to the current one."""
        return _from_earlier(values, version)

    @field_validator("labels")
    @classmethod
    def _are_labels(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        return _check_labels(labels)


class MatrixSettings(Settings):
    """A transfer matrix: networks trained on each of several surveys, judged on each."""

    file_format: ClassVar[int] = 2

    surveys: tuple[str, ...] = setting((), title="Surveys", help="Datasets, at least two.")
    labels: tuple[str, ...] = setting(
        (NONE, "50"),
        title="Labels",
        help="Numbers of labels of the survey that is judged on, with which the networks of the others are tuned: one "
        "matrix for each; 0: the networks as they are.",
    )
    strategy: str = setting("all", title="Strategy", help="How the networks are tuned, as in the transfer study.")
    seeds: int = setting(3, title="Seeds", help=f"{_SEEDS}scatter.", ge=1, le=100, scale="log")
    metric: str = setting("auto", title="Score", help=f"{_METRIC}quantities.")
    draw: Literal["in proportion", "evenly"] = setting(
        "in proportion",
        title="Labels drawn",
        help="In proportion to the classes, or evenly from them.",
    )
    epoch: Literal["last", "best on validation"] = setting("last", title="Epoch", help=_EPOCH)
    scratch_epochs: int = setting(3, title="Epochs from scratch", help=_SCRATCH_EPOCHS, ge=1, le=100, level="expert")
    judge_test: bool = setting(False, title="Judge on the test part", help=_TEST, level="expert")

    @classmethod
    def upgrade(cls, values: dict[str, Any], version: int) -> dict[str, Any]:
        """Upgrade the values of a file of this format to the current one."""
        return _from_earlier(values, version)

    @field_validator("labels")
    @classmethod
    def _are_labels(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        return _check_labels(labels)


_DEFAULTS: dict[Question, dict[str, Any]] = {
    "labels": {},
    "layers": {
        "labels": (NONE, "50", "200", "all"),
        "strategies": ("as is", "scratch", "head", "last-*", "all"),
    },
    "simulations": {
        "labels": (NONE, "0.1%", "1%", "10%", "all"),
        "percent_of": "old survey",
        "strategies": ("as is", "scratch", "head", "all"),
    },
}


def default_settings(question: Question) -> TransferStudySettings:
    """The settings with which one click answers a question."""
    return TransferStudySettings.model_validate({"question": question, **_DEFAULTS[question]})

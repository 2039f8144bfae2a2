"""Settings of the studies. The runs' own settings are those of a training."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from core.settings.declare import Settings, setting


class TrainingSizeSettings(Settings):
    """A training-size study: how the score depends on the number of labelled galaxies."""

    sizes: tuple[str, ...] = setting(
        ("1%", "2%", "5%", "10%", "20%", "50%", "100%"),
        title="Sizes",
        help="Numbers of training galaxies (200), or percentages of the training part (5%); “all” is 100%. A smaller "
        "set is a subset of a larger one.",
    )
    seeds: int = setting(
        3,
        title="Seeds",
        help="Number of runs of each size, with different galaxies, initial weights and order. The error bars come "
        "from their scatter.",
        ge=1,
        le=100,
        scale="log",
    )
    metric: str = setting(
        "auto",
        title="Score",
        help="Column of the table that is drawn and fitted. Auto: balanced accuracy for classes, accuracy for vote "
        "fractions, R² for quantities.",
    )
    least_steps: int = setting(
        300,
        title="Fewest steps",
        help="Small sets are trained for more epochs, to reach this number of optimiser steps; the patience grows in "
        "proportion. 0: equally many epochs for all, which leaves networks of few galaxies under-trained.",
        ge=0,
        le=10**6,
        level="expert",
    )
    judge_test: bool = setting(
        False,
        title="Judge on the test part",
        help="When all runs are done, evaluate them on the test part as well, with a separate table and figure. "
        "Only at the very end of a project: nothing may be chosen afterwards.",
        level="expert",
    )

    @field_validator("sizes")
    @classmethod
    def _are_sizes(cls, sizes: tuple[str, ...]) -> tuple[str, ...]:
        for text in sizes:
            parse_size(text, 1)
        return sizes


def parse_size(text: str, largest: int) -> int:
    """Parse a size as the settings have it: ``200``, ``5%`` or ``all``, of which the last is ``largest``.

    Raises
    ------
    ValueError
        It is none of these.
    """
    plain = text.strip().lower().replace(",", "")
    try:
        if plain.endswith("%"):
            share = float(plain[:-1]) / 100
            if 0 < share <= 1:
                return round(share * largest)
        elif plain == "all":
            return largest
        elif int(plain) > 0:
            return int(plain)
    except ValueError:
        pass
    raise ValueError(f"“{text}” is not a size: write a number (200), a share (5%), or all")


class SearchSettings(Settings):
    """A hyperparameter search: ranges, numbers of trials and epochs, method."""

    space: tuple[str, ...] = setting(
        (
            "optimiser.learning_rate=1e-4:1e-1",
            "optimiser.weight_decay=1e-6:1e-1:log",
            "network.depth=3:6",
            "network.channels=8:64",
            "network.dropout=0:0.6",
        ),
        title="Knobs",
        help="A setting's name with its range (network.depth=3:6; :log at the end for a logarithmic scale) or its "
        "choices (network.activation=relu,gelu). The name alone: all that the setting allows.",
    )
    coarse: int = setting(24, title="Coarse trials", help="Short runs over the wide ranges.", unit="", ge=0)
    coarse_epochs: int = setting(
        8,
        title="Coarse epochs",
        help="Largest number of epochs of a coarse trial.",
        unit="epochs",
        ge=1,
        le=10_000,
        scale="log",
    )
    fine: int = setting(12, title="Fine trials", help="Long runs in narrow ranges around the best coarse ones.", ge=0)
    fine_epochs: int = setting(
        25,
        title="Fine epochs",
        help="Largest number of epochs of a fine trial.",
        unit="epochs",
        ge=1,
        le=10_000,
        scale="log",
    )
    method: Literal["tpe", "random", "grid"] = setting(
        "tpe",
        title="Coarse method",
        help="TPE (tree-structured Parzen estimator) learns from the trials so far where good values lie; random does "
        "not; grid takes a few values of each setting in all combinations, as many as there are coarse trials. The "
        "fine search is always TPE.",
        source="Bergstra et al. 2011",
    )
    grid_points: int = setting(
        3, title="Points of the grid", help="Values of each range in a grid.", ge=2, le=100, level="expert"
    )
    pruner: Literal["median", "hyperband", "none"] = setting(
        "median",
        title="Give up early",
        help="Median: a trial is pruned when it is worse than half of the earlier ones at the same epoch. Hyperband: "
        "successive halving with several budgets. None: all trials run to their end.",
        source="Li et al. 2018",
    )
    objective: Literal["score", "loss"] = setting(
        "score",
        title="Objective",
        help="Validation quantity that is optimised: the score (balanced accuracy or R²), or the loss, which is "
        "comparable only if none of the searched settings changes its definition.",
    )
    workers: int = setting(
        1,
        title="Workers",
        help="Number of processes that work in parallel on this machine; they share its processors.",
        ge=1,
        le=1024,
        scale="log",
    )

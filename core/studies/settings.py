"""What a study tries. The runs' own settings are those of a training."""

from __future__ import annotations

from typing import Literal

from core.settings.declare import Settings, setting


class TrainingSizeSettings(Settings):
    """How the score grows with the number of labelled galaxies."""

    sizes: tuple[str, ...] = setting(
        ("1%", "2%", "5%", "10%", "20%", "50%", "100%"),
        title="Sizes",
        help="Numbers of training galaxies (200), or shares of the training part (5%); “all” is 100%. A smaller set "
        "is a part of a larger one.",
    )
    seeds: int = setting(
        3,
        title="Seeds",
        help="So often each size is repeated with other galaxies, weights and order. The error bars come from this.",
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
        help="Small sets are shown more often, until the network has moved so many times; patience grows alike. "
        "0: equally many epochs for all, which lets networks of few galaxies stop half-trained.",
        ge=0,
        le=10**6,
        level="expert",
    )
    judge_test: bool = setting(
        False,
        title="Judge on the test part",
        help="When every run is done, judge all of them on the test part as well, in a table and figure of their own. "
        "Only at the very end of a project: nothing may be chosen afterwards.",
        level="expert",
    )


class SearchSettings(Settings):
    """Which settings are tried, how often and how long."""

    space: tuple[str, ...] = setting(
        (
            "optimiser.learning_rate=1e-4:1e-1",
            "optimiser.weight_decay=1e-6:1e-1:log",
            "network.depth=3:6",
            "network.channels=8:64",
            "network.dropout=0:0.6",
        ),
        title="Knobs",
        help="A setting's name with its range (network.depth=3:6; :log at the end for even steps of its logarithm) or "
        "its choices (network.activation=relu,gelu). The name alone: all that the setting allows.",
    )
    coarse: int = setting(24, title="Coarse trials", help="Short runs over the wide ranges.", unit="", ge=0)
    coarse_epochs: int = setting(
        8, title="Coarse epochs", help="How long a coarse trial may last.", unit="epochs", ge=1, le=10_000, scale="log"
    )
    fine: int = setting(12, title="Fine trials", help="Long runs in narrow ranges around the best coarse ones.", ge=0)
    fine_epochs: int = setting(
        25, title="Fine epochs", help="How long a fine trial may last.", unit="epochs", ge=1, le=10_000, scale="log"
    )
    method: Literal["tpe", "random", "grid"] = setting(
        "tpe",
        title="Coarse method",
        help="TPE learns from the trials so far where good values lie; random does not; grid takes a few values of "
        "each knob in all combinations, as many as there are coarse trials. The fine search is always TPE.",
        source="Bergstra et al. 2011",
    )
    grid_points: int = setting(
        3, title="Points of the grid", help="Values of each range in a grid.", ge=2, le=100, level="expert"
    )
    pruner: Literal["median", "hyperband", "none"] = setting(
        "median",
        title="Give up early",
        help="Median: a trial ends when it is worse than half of the earlier ones at the same epoch. Hyperband: "
        "several such contests with different patience. None: all go to their end.",
        source="Li et al. 2018",
    )
    objective: Literal["score", "loss"] = setting(
        "score",
        title="Objective",
        help="Validation quantity that is to become best: the score (balanced accuracy or R²), or the loss, which is "
        "comparable only if no knob changes its meaning.",
    )
    workers: int = setting(
        1,
        title="Workers",
        help="Processes at work at the same time on this machine; they share its processors.",
        ge=1,
        le=1024,
        scale="log",
    )

"""Settings of the suggestion of galaxies to label, and of the study of what it gains."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import field_validator

from core.settings.declare import Settings, setting

Method: TypeAlias = Literal["typical", "uncertain", "diverse", "core-set", "random"]
Choice: TypeAlias = Literal["auto", "typical", "uncertain", "diverse", "core-set", "random"]
_SWITCH_HELP = (
    "Auto: with fewer labelled training galaxies per class typical ones are proposed, with more diverse and uncertain "
    "ones. Where the turn lies depends on galaxies and network, in published tests between a few and some hundred per "
    "class; the study of suggestions measures what it is worth for yours."
)


class SuggestSettings(Settings):
    """Which galaxies should be labelled next."""

    method: Choice = setting(
        "auto",
        title="Method",
        help="Auto: typical galaxies while there are few labels, diverse and uncertain ones later. Typical: one of "
        "each group of similar galaxies. Uncertain: those between whose classes the network hardly decides, or on "
        "which several networks disagree. Diverse: uncertain ones, each in another way. Core-set: each the farthest "
        "from all that are labelled. Random: for comparison.",
        source="Hacohen et al. 2022 (TypiClust); Houlsby et al. 2011 (BALD); Ash et al. 2020 (BADGE); Sener & Savarese "
        "2018 (core-set)",
    )
    count: int = setting(
        50,
        title="Number",
        help="How many are proposed at a time. The next ones are chosen with the labels of these.",
        unit="galaxies",
        ge=1,
        le=100_000,
        scale="log",
    )
    switch_at: int = setting(
        20,
        title="Typical per class below",
        help=_SWITCH_HELP,
        unit="galaxies",
        ge=0,
        le=100_000,
        applies=("method", ("auto",)),
        level="expert",
        source="Hacohen et al. 2022",
    )
    part: Literal["training", "validation"] = setting(
        "training",
        title="Labels for",
        help="Training: chosen by the method, among galaxies that belong to the training part. Validation: drawn at "
        "random whatever the method is, since only a random sample judges networks fairly. Galaxies of the test part "
        "are never proposed.",
    )
    candidates: int = setting(
        100_000,
        title="Most candidates",
        help="Of more unlabelled galaxies a random sample of this size is looked at, which takes less time and memory.",
        unit="galaxies",
        ge=100,
        le=10**7,
        scale="log",
        level="expert",
    )
    seed: int = setting(
        0, title="Seed", help="Origin of all randomness of the choice.", ge=0, le=2**31 - 1, level="expert"
    )


class SuggestionStudySettings(Settings):
    """A study of label suggestion: the score against the number of labels, in the proposed and in random order."""

    methods: tuple[Choice, ...] = setting(
        ("auto",),
        title="Methods",
        help="Ways to choose that are compared with the random order, which is always there.",
    )
    labels: tuple[int, ...] = setting(
        (20, 50, 100, 200, 400),
        title="Labels",
        help="Numbers of labelled training galaxies. At each a network is trained, which then chooses the next ones.",
    )
    seeds: int = setting(
        3,
        title="Seeds",
        help="Number of repetitions of every order, with other draws, weights and batches. The errors come from their "
        "scatter.",
        ge=1,
        le=100,
        scale="log",
    )
    switch_at: int = setting(
        20,
        title="Typical per class below",
        help=_SWITCH_HELP,
        unit="galaxies",
        ge=0,
        le=100_000,
        source="Hacohen et al. 2022",
    )
    metric: str = setting(
        "auto", title="Score", help="Column of the table that is drawn. Auto: balanced accuracy for classes."
    )
    least_steps: int = setting(
        300,
        title="Fewest steps",
        help="Few labels are trained on for more epochs, to reach this number of optimiser steps.",
        ge=0,
        le=10**6,
        level="expert",
    )

    @field_validator("methods")
    @classmethod
    def _are_compared(cls, methods: tuple[Choice, ...]) -> tuple[Choice, ...]:
        return tuple(name for name in dict.fromkeys(methods) if name != "random")

    @field_validator("labels")
    @classmethod
    def _are_counts(cls, labels: tuple[int, ...]) -> tuple[int, ...]:
        if not labels or min(labels) < 2:
            raise ValueError("a training needs at least two labels")
        return tuple(sorted(set(labels)))

"""Settings of learning from galaxies without labels."""

from __future__ import annotations

from typing import Literal, get_args

from core.settings.declare import Settings, setting

UnlabelledMethod = Literal["none", "fixmatch", "coral", "mmd", "dann", "mcc"]
ALIGNING = ("coral", "mmd", "dann")
"""The methods that make the features of both surveys alike; the others work on probabilities."""

_ANY = tuple(name for name in get_args(UnlabelledMethod) if name != "none")


class UnlabelledSettings(Settings):
    """Galaxies without labels that are shown beside the labelled ones, and what is learned from them."""

    method: UnlabelledMethod = setting(
        "none",
        title="Method",
        help="FixMatch, for galaxies of the labelled survey: what the network is sure of becomes their label. The "
        "others, for galaxies of another survey: CORAL, MMD and DANN make the features of both surveys alike, MCC "
        "avoids answers that confuse classes. FixMatch and MCC are for classes only.",
        source="Sohn et al. 2020; Sun & Saenko 2016; Long et al. 2015; Ganin et al. 2016; Jin et al. 2020",
    )
    dataset: str = setting(
        "",
        title="Galaxies of",
        help="The dataset whose galaxies are shown without labels. Empty: those of this dataset that have no label, or "
        "that the limit of training galaxies leaves out. Validation and test galaxies are never shown.",
        applies=("method", _ANY),
    )
    bands: str = setting(
        "",
        title="Its bands",
        help="Which bands of that dataset feed those of the network, in its order, such as i,r,g; r,r,r repeats one, "
        "mean(g,r) is the mean of several. Empty: by their names, and a single one for all.",
        level="expert",
        applies=("dataset", ()),
    )
    classes: str = setting(
        "",
        title="Its classes",
        help="If that dataset has labels of its own: which class of the network each of its classes is, such as "
        "smooth=elliptical, featured=spiral. They are never learned: at the end the network is judged on them. "
        "Classes that are not listed are the one of the same or a similar name.",
        level="expert",
        applies=("dataset", ()),
    )
    weight: float | None = setting(
        None,
        title="Weight",
        help="How much the galaxies without labels count in the loss, beside the labelled ones. Empty: 1, as in the "
        "papers, except for CORAL: 300, since that term is small.",
        ge=0,
        le=10000,
        level="expert",
        applies=("method", _ANY),
    )
    per_labelled: int | None = setting(
        None,
        title="Per labelled galaxy",
        help="How many galaxies without labels a step shows for each labelled one. Empty: 5 for FixMatch, 1 for the "
        "others. The time of a step grows with it.",
        ge=1,
        le=20,
        level="expert",
        applies=("method", _ANY),
    )
    confidence: float = setting(
        0.95,
        title="Confidence",
        help="A galaxy without a label is learned from only where the network gives a class this probability.",
        ge=0,
        lt=1,
        level="expert",
        applies=("method", ("fixmatch",)),
    )

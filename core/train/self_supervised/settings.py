"""Settings of a training without labels."""

from __future__ import annotations

from typing import Literal

from core.settings.declare import Settings, setting

_ON = ("method", ("simclr",))


class SelfSupervisedSettings(Settings):
    """First weights for a network from galaxies without labels."""

    method: Literal["none", "simclr"] = setting(
        "none",
        title="Method",
        help="SimCLR: the network learns, from galaxies without labels, to recognise two variations of the same galaxy "
        "among all others. The result answers nothing; it is there to be fine-tuned. None: a training with labels.",
        level="expert",
        source="Chen et al. 2020, arXiv:2002.05709",
    )
    more_data: tuple[str, ...] = setting(
        (),
        title="Further datasets",
        help="Datasets whose galaxies are shown besides, with stamps of the same size and bands.",
        level="expert",
        applies=_ON,
    )
    average_bands: bool = setting(
        False,
        title="One grey band",
        help="Show the mean of all bands, so that surveys with different bands can be learned together; the network "
        "then takes one band.",
        applies=_ON,
    )
    temperature: float = setting(
        0.2,
        title="Temperature",
        help="Similarities are divided by this: the lower, the more the most similar other galaxies count.",
        ge=0.02,
        le=2,
        scale="log",
        level="expert",
        source="Chen et al. 2020; Wang & Liu 2021",
        applies=_ON,
    )
    neighbours: int = setting(
        20,
        title="Neighbours",
        help="After each epoch, the class of each labelled validation galaxy is told by so many nearest training "
        "galaxies in the network's features: a check while it learns, from which it learns nothing.",
        ge=1,
        le=1000,
        level="expert",
        applies=_ON,
    )

"""Settings of a refiner of simulated stamps."""

from __future__ import annotations

from typing import Literal

from core.settings.declare import Settings, setting

_PAPER = "Shrivastava et al. 2017"


class RefinerSettings(Settings):
    """How a refiner is trained, how large it is, and by how much it may change what is measured on a galaxy."""

    epochs: int = setting(30, title="Epochs", help="After each, held-out galaxies are tested.", ge=1, le=1000)
    steps: int = setting(
        40, title="Steps per epoch", help="Batches that the refiner learns from in an epoch.", ge=1, le=100_000
    )
    batch_size: int = setting(
        16, title="Batch size", help="Simulated and real galaxies of a batch, as many of each.", ge=2, le=4096
    )
    refiner_rate: float = setting(
        1e-3, title="Learning rate", help="Of the refiner (Adam).", gt=0, le=1, scale="log", level="expert"
    )
    discriminator_rate: float = setting(
        2e-3,
        title="Rate of the discriminator",
        help="Its learning rate (Adam).",
        gt=0,
        le=1,
        scale="log",
        level="expert",
    )
    refiner_alone: int = setting(
        60,
        title="Refiner alone",
        help="Steps at first in which the refiner learns to leave stamps as they are; 1,000 in the paper.",
        ge=0,
        le=100_000,
        level="expert",
        source=_PAPER,
    )
    discriminator_alone: int = setting(
        100,
        title="Discriminator alone",
        help="Steps after that in which the discriminator learns to tell them from real ones; 200 in the paper.",
        ge=0,
        le=100_000,
        level="expert",
        source=_PAPER,
    )
    discriminator_updates: int = setting(
        1, title="Discriminator updates", help="For each step of the refiner.", ge=1, le=100, level="expert"
    )
    regularisation: float = setting(
        0.1,
        title="Self-regularisation",
        help="Strength λ of the pull of the refined stamp towards the simulated one: mean difference of the pixels in "
        "units of the target's noise. Larger: more like the simulation.",
        ge=0,
        le=10,
        source=_PAPER,
    )
    photometry: float = setting(
        1.0,
        title="Photometric penalty",
        help="Strength of the penalty on changes of flux and second moments, in units of the limits below. 0: none.",
        ge=0,
        le=10,
    )
    history: int = setting(
        512,
        title="History of refined stamps",
        help="How many earlier refined stamps the discriminator keeps seeing: half of each of its batches. 0: none.",
        ge=0,
        le=100_000,
        level="expert",
        source=_PAPER,
    )
    blocks: int = setting(
        3, title="Residual blocks", help="Of the refiner; 4 in the paper.", ge=1, le=32, level="expert", source=_PAPER
    )
    filters: int = setting(
        24, title="Filters", help="Of each of its layers; 64 in the paper.", ge=1, le=512, level="expert", source=_PAPER
    )
    noise_planes: int = setting(
        1,
        title="Planes of noise",
        help="Random numbers that the refiner is given with each stamp, so that noise which it adds is random and no "
        "fixed pattern. They are drawn from the seed and the galaxy's row.",
        ge=0,
        le=8,
        level="expert",
    )
    most_flux: float = setting(
        3.0, title="Limit of flux", help="Largest change of the flux of a galaxy.", unit="%", gt=0, le=30
    )
    most_radius: float = setting(
        5.0, title="Limit of radius", help="Largest change of its half-light radius.", unit="%", gt=0, le=30
    )
    most_axis_ratio: float = setting(
        0.05, title="Limit of axis ratio", help="Largest change of its minor over major axis.", gt=0, le=0.5
    )
    most_angle: float = setting(
        5.0,
        title="Limit of angle",
        help="Largest change of its position angle; not looked at where the axis ratio is above 0.85.",
        unit="deg",
        gt=0,
        le=45,
    )
    beyond: Literal["blend", "leave out"] = setting(
        "blend",
        title="Beyond a limit",
        help="Such a stamp is blended with the simulated one until it is within all limits, or left out of the set.",
    )
    held_out: float = setting(
        0.4,
        title="Held out",
        help="Share of the galaxies from which the networks do not learn: half of them choose the epoch, the other "
        "half give the final numbers.",
        gt=0,
        le=0.8,
        level="expert",
    )
    most_galaxies: int = setting(
        4000,
        title="Galaxies used",
        help="How many of each dataset are read at most, chosen at random.",
        unit="galaxies",
        ge=16,
        le=10**6,
        level="expert",
    )
    zero_point: str = setting(
        "",
        title="Zero point",
        help="Magnitude of one unit of the target's pixels, or one for each band as in 26.5,25.9. Empty: as its "
        "dataset says.",
        unit="mag",
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto", title="Device", help="On which the networks are computed.", level="expert"
    )
    seed: int = setting(0, title="Seed", help="Origin of all randomness.", ge=0, le=2**31 - 1)

"""The check with random weights: whether a map tells of what the network has learned.

A method that draws much the same map for a network that has learned nothing draws the image, not the reasons of the
network. So the network's weights are drawn anew, as before a training, and the same method with the same settings is
asked for the same galaxy and output again. The more the new maps resemble the old one, the less it says.

With the *cascade*, the layers lose what they learned one after another, from the head down to the first convolution,
and each stage gets a map of its own; the last stage is the network that has forgotten everything.

As in the paper, maps are compared by the rank correlation of their strengths, and of their signed values. The verdict
rests on the signed values where there are any: strengths of two maps of one galaxy are alike in any case, since both
are larger where there is light, and it is which pixels speak for and which against that must be learned. A random
network may well say the opposite of another one, so a correlation of -1 resembles as much as one of 1. Of maps
without signs there are only the strengths.

Maps as smooth as those of occlusion have few independent places, so that unrelated ones have correlations of 0.3 in
size by chance; above 0.5 there is more than chance, and this is where "much the same" begins by default.

References
----------
Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim 2018, "Sanity checks for saliency maps", NeurIPS.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.errors import Problem, Stopped
from core.events import NEVER, Progress, Work, result_of
from core.explain import methods
from core.explain.activations import short
from core.explain.explanation import Explanation
from core.explain.faithfulness.map_similarity import rank_correlation
from core.explain.faithfulness.settings import RandomisedSettings
from core.explain.question import ask
from core.nets import cnn
from core.nets.predictor import Predictor
from core.settings.declare import Settings

Explain = Callable[[Predictor], Work[Explanation]]
"""One way to ask, of one galaxy and output: the map by the network that is given."""


@dataclass(frozen=True, eq=False)
class RandomisedStage:
    """How much the maps are alike once some layers have forgotten.

    Attributes
    ----------
    layer
        The last one whose weights were drawn anew; so were those of all layers behind it.
    strength, signed
        float64 (n,), rank correlation with the trained network's map for each of n networks: of the maps' strengths,
        and of the maps themselves. NaN where there is none: the network has no map, or an empty one.
    is_signed
        Whether the map tells evidence for from evidence against.
    """

    layer: str
    strength: NDArray[np.float64]
    signed: NDArray[np.float64]
    is_signed: bool

    @property
    def similarity(self) -> float:
        """Mean over the networks that have a map: size of the signed correlation, or else that of the strengths.

        NaN where none has one.
        """
        found = np.abs(self.signed) if self.is_signed else self.strength
        found = found[np.isfinite(found)]
        return float(found.mean()) if len(found) else float("nan")


@dataclass(frozen=True, eq=False)
class RandomisedCheck:
    """How much the maps of networks with random weights resemble the trained one's.

    Attributes
    ----------
    method
        Its name, with spaces.
    stages
        From the head down, the last one being that of all layers; that one alone without the cascade.
    threshold
        Maps that are more alike than this resemble each other.
    """

    method: str
    stages: tuple[RandomisedStage, ...]
    threshold: float

    @property
    def similarity(self) -> float:
        """Of maps by networks that have forgotten everything; NaN where these have none."""
        return self.stages[-1].similarity

    @property
    def passed(self) -> bool:
        """Whether random networks give other maps than the trained one; False where they give none."""
        return self.similarity <= self.threshold

    def sentence(self) -> str:
        """The verdict in words."""
        if np.isnan(self.similarity):
            return f"Networks with random weights have no map by {self.method}, so that it cannot be checked."
        if self.passed:
            return (
                f"The map tells of what was learned: networks with random weights give other ones by {self.method} "
                f"(rank correlation {self.similarity:.2f})."
            )
        return (
            f"The map tells little of what was learned: networks with random weights give much the same by "
            f"{self.method} (rank correlation {self.similarity:.2f})."
        )


def check(
    predictor: Predictor,
    image: NDArray[np.float32],
    output: int | str | None,
    method: str,
    knobs: Settings,
    settings: RandomisedSettings,
    stop: threading.Event = NEVER,
) -> Work[RandomisedCheck]:
    """Ask random networks by a method for the same map as the trained one.

    Parameters
    ----------
    predictor
        The trained network; it stays as it is.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output to explain; None: the one to which the trained network gives the highest score.
    method, knobs
        One of :data:`core.explain.methods.METHODS`, and its settings.
    settings
        How many networks, and how they forget.
    stop
        Ends the work with :class:`~core.errors.Stopped`.

    Raises
    ------
    NotPossible, NotANumber
        The trained network cannot be asked in this way.
    """
    index = ask(predictor, image, output).index

    def explained(network: Predictor) -> Work[Explanation]:
        return methods.explain(method, network, image, index, knobs, stop)

    return (yield from compared(predictor, explained, settings, stop))


def compared(
    predictor: Predictor, explained: Explain, settings: RandomisedSettings, stop: threading.Event = NEVER
) -> Work[RandomisedCheck]:
    """Do as :func:`check` does for any way to ask; the other parameters are the same."""
    original = yield from explained(predictor)
    groups = layers(predictor.network)
    shown = list(range(len(groups))) if settings.cascade else [len(groups) - 1]
    alike = np.full((len(shown), settings.networks, 2), np.nan)
    for number in range(settings.networks):
        generator = torch.Generator().manual_seed(settings.seed + number)
        forgetful = copy.deepcopy(predictor.network).cpu()  # where a generator's numbers are the same for all devices
        for place, names in enumerate(groups):
            for name in names:
                cnn.initialise(forgetful.get_submodule(name), generator)
            if place not in shown:
                continue
            if stop.is_set():
                raise Stopped
            network = copy.deepcopy(forgetful).to(predictor.device).eval()
            alike[shown.index(place), number] = _alike(original, explained, replace(predictor, network=network))
            yield Progress(number * len(shown) + shown.index(place) + 1, settings.networks * len(shown), "maps")
    return RandomisedCheck(
        method=original.method,
        stages=tuple(
            RandomisedStage(short(groups[place][0]), strength, signed, original.is_signed)
            for place, (strength, signed) in zip(shown, alike.transpose(0, 2, 1), strict=True)
        ),
        threshold=settings.threshold,
    )


def layers(network: nn.Module) -> list[list[str]]:
    """Names of the modules with weights, from the head down.

    Each convolution or dense layer comes first in a list, and what follows up to the next one, such as a batch
    normalisation, forgets together with it.
    """
    groups: list[list[str]] = []
    for name, module in network.named_modules():
        if next(module.parameters(recurse=False), None) is None:
            continue
        if isinstance(module, nn.Conv2d | nn.Linear) or not groups:
            groups.append([name])
        else:
            groups[-1].append(name)
    return groups[::-1]


def _alike(original: Explanation, explained: Explain, predictor: Predictor) -> tuple[float, float]:
    """Rank correlations of strengths and of signed maps; NaN where this network cannot be asked."""
    try:
        found = result_of(explained(predictor)).map
    except Problem:
        return float("nan"), float("nan")
    return rank_correlation(np.abs(original.map), np.abs(found)), rank_correlation(original.map, found)

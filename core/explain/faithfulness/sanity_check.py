"""The sanity check with random weights: whether a map depends on what the network has learned.

A method that gives much the same map for a network that has learned nothing shows the image, not the network's
reasons. So the weights are reinitialised at random, as before training, and the same method with the same settings is
applied to the same galaxy and output again. The more the new maps resemble the original, the less it means.

With the *cascade*, the layers are randomised one after another, from the head down to the first convolution, with a map
at each stage; in the last stage the whole network is random.

As in the paper, maps are compared by the rank correlation of their absolute values (strengths), and of their signed
values. The verdict uses the signed values where there are any: strengths of two maps of one galaxy are similar in any
case, since both are larger where there is light; what has to be learned is which pixels are evidence for and which
against. A random network may give the opposite of another one, so a correlation of -1 counts as much as one of 1. For
maps without signs there are only the strengths.

Maps as smooth as those of occlusion have few independent pixels, so that unrelated ones have absolute correlations of
0.3 by chance; above 0.5 there is more than chance, and this is the default threshold for "much the same".

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
from core.explain.activations import short_name
from core.explain.explained_output import select_output
from core.explain.explanation import Explanation
from core.explain.faithfulness.map_similarity import rank_correlation
from core.explain.faithfulness.settings import SanityCheckSettings
from core.nets import cnn
from core.nets.predictor import Predictor
from core.settings.declare import Settings

Explain = Callable[[Predictor], Work[Explanation]]
"""Makes the map of one galaxy and output with a given network."""


@dataclass(frozen=True, eq=False)
class SanityCheckStage:
    """Similarity of the maps once some layers are randomised.

    Attributes
    ----------
    layer
        The last layer that was randomised, together with all layers after it in the network.
    strength, signed
        float64 (n,), rank correlation with the trained network's map for each of n networks: of the maps' strengths,
        and of the maps themselves. NaN where there is none: the network has no map, or an empty one.
    is_signed
        Whether the map distinguishes evidence for from evidence against.
    """

    layer: str
    strength: NDArray[np.float64]
    signed: NDArray[np.float64]
    is_signed: bool

    @property
    def similarity(self) -> float:
        """Mean over the networks that have a map: absolute signed correlation, or else that of the strengths.

        NaN where no network has one.
        """
        found = np.abs(self.signed) if self.is_signed else self.strength
        found = found[np.isfinite(found)]
        return float(found.mean()) if len(found) else float("nan")


@dataclass(frozen=True, eq=False)
class SanityCheck:
    """Similarity of the maps of networks with random weights to the trained network's.

    Attributes
    ----------
    method
        Name of the method, with spaces.
    stages
        From the head down, the last one with all layers randomised; only that one without the cascade.
    threshold
        Maps with a higher similarity than this count as much the same.
    """

    method: str
    stages: tuple[SanityCheckStage, ...]
    threshold: float

    @property
    def similarity(self) -> float:
        """Similarity of the maps of completely random networks; NaN where these have none."""
        return self.stages[-1].similarity

    @property
    def passed(self) -> bool:
        """Whether random networks give other maps than the trained one; False where they give none."""
        return self.similarity <= self.threshold

    def sentence(self) -> str:
        """The verdict as text."""
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
    settings: SanityCheckSettings,
    stop: threading.Event = NEVER,
) -> Work[SanityCheck]:
    """Make the same map with random networks, and compare.

    Parameters
    ----------
    predictor
        The trained network; it is not changed.
    image
        (C, H, W) in physical units.
    output
        Name or number of the output to explain; None: the one to which the trained network gives the highest score.
    method, knobs
        One of :data:`core.explain.methods.METHODS`, and its settings.
    settings
        Number of networks, and how they are randomised.
    stop
        Ends the work with :class:`~core.errors.Stopped`.

    Raises
    ------
    NotPossible, NotANumber
        The method does not work for the trained network.
    """
    index = select_output(predictor, image, output).index

    def explain_with(network: Predictor) -> Work[Explanation]:
        return methods.explain(method, network, image, index, knobs, stop)

    return (yield from compare_with_random_networks(predictor, explain_with, settings, stop))


def compare_with_random_networks(
    predictor: Predictor, explain_with: Explain, settings: SanityCheckSettings, stop: threading.Event = NEVER
) -> Work[SanityCheck]:
    """Do as :func:`check` does with any function that makes a map; the other parameters are the same."""
    original = yield from explain_with(predictor)
    groups = weight_groups(predictor.network)
    shown = list(range(len(groups))) if settings.cascade else [len(groups) - 1]
    correlations = np.full((len(shown), settings.networks, 2), np.nan)
    for number in range(settings.networks):
        generator = torch.Generator().manual_seed(settings.seed + number)
        randomised = copy.deepcopy(predictor.network).cpu()  # so that the weights do not depend on the device
        for place, names in enumerate(groups):
            for name in names:
                cnn.initialise(randomised.get_submodule(name), generator)
            if place not in shown:
                continue
            if stop.is_set():
                raise Stopped
            network = copy.deepcopy(randomised).to(predictor.device).eval()
            correlations[shown.index(place), number] = _compare_maps(
                original, explain_with, replace(predictor, network=network)
            )
            yield Progress(number * len(shown) + shown.index(place) + 1, settings.networks * len(shown), "maps")
    return SanityCheck(
        method=original.method,
        stages=tuple(
            SanityCheckStage(short_name(groups[place][0]), strength, signed, original.is_signed)
            for place, (strength, signed) in zip(shown, correlations.transpose(0, 2, 1), strict=True)
        ),
        threshold=settings.threshold,
    )


def weight_groups(network: nn.Module) -> list[list[str]]:
    """Names of the modules with weights, from the head down.

    Each convolution or dense layer comes first in a list, and what follows up to the next one, such as a batch
    normalisation, is randomised together with it.
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


def _compare_maps(original: Explanation, explain_with: Explain, predictor: Predictor) -> tuple[float, float]:
    """Rank correlations of strengths and of signed maps; NaN where the method fails for this network."""
    try:
        found = result_of(explain_with(predictor)).map
    except Problem:
        return float("nan"), float("nan")
    return rank_correlation(np.abs(original.map), np.abs(found)), rank_correlation(original.map, found)
